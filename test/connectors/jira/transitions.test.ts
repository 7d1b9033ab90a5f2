import { expect } from "chai";
import { type CallDispatcher, installDispatcher } from "../../../connectors/jira/http.ts";
import type { Move } from "../../../connectors/jira/transitions.ts";
import { type JiraSim, startJiraSim } from "../../sim/jira.ts";
import { CALL_TIMEOUT_MS, faultOf } from "../open.ts";
import { type OpenedParts, openParts } from "./parts.ts";

const ABEL = { by: "5b10-abel" };
const TICKET_TEXT = "Printer of Ms. Winter on fire";

describe("Jira: moving an issue to a status", () => {
  let dispatcher: CallDispatcher;
  let sim: JiraSim;
  let opened: OpenedParts;
  let ref: Move["ref"];

  beforeEach(async () => {
    dispatcher = installDispatcher(CALL_TIMEOUT_MS);
    sim = await startJiraSim();
    opened = openParts(sim);
    ref = sim.create("OPS", { summary: TICKET_TEXT, issuetype: "Incident" }, ABEL);
  });
  afterEach(async () => {
    await opened.close();
    await sim.close();
    await dispatcher.close();
  });

  const status = (): unknown => {
    const shown = sim.get(ref.id)?.fields["status"];
    return typeof shown === "object" && shown !== null && "name" in shown ? shown.name : undefined;
  };
  const move = (to: string, more: Partial<Move> = {}) => opened.parts.moveIssue({ ref, seen: "Open", to, ...more });
  const posts = () => sim.requests.filter(({ method }) => method === "POST");

  it("finds the transition that leads there", async () => {
    expect(await move("Pending")).to.equal("moved");
    expect(status()).to.equal("Pending");
    expect(opened.calls).to.deep.equal(["read_status", "read_transitions", "move"]);
  });

  it("writes nothing where it stands there already, whoever moved it: so it may be asked again", async () => {
    await move("Pending");
    expect(await move("Pending")).to.equal("already");
    expect(posts()).to.have.lengthOf(1);
  });

  it("conflict: it was moved after the decision had read it", async () => {
    sim.transition(ref.id, "In Progress", ABEL);
    expect(await faultOf(move("Resolved"))).to.include({ kind: "conflict", outcome: "not_applied" });
    expect(status()).to.equal("In Progress");
  });

  it("rejected: no transition leads there; what is available is named, never the ticket", async () => {
    const fault = await faultOf(move("Closed"));
    expect(fault).to.include({ kind: "rejected", outcome: "not_applied" });
    expect(fault.message).to.contain(ref.key).and.contain('from "Open" to "Closed"');
    expect(fault.message).to.contain('"In Progress", "Pending", "Resolved", "Canceled"').and.not.contain("Winter");
    expect(posts()).to.be.empty;
  });

  it("rejected: nothing is available at all, which is a missing right or an end", async () => {
    sim.faults.add({ path: /transitions/, kind: "status", status: 200, body: { transitions: [] } });
    expect((await faultOf(move("Pending"))).message).to.contain("needs Transition issues");
  });

  it("rejected: out of an approval status only people's own answer leads", async () => {
    ref = sim.create("CHG", { summary: "Change", issuetype: "Change" }, ABEL);
    for (const to of ["Review", "Awaiting approval"]) sim.transition(ref.id, to, ABEL);
    for (const to of ["Scheduled", "Declined", "Canceled"]) {
      const fault = await faultOf(move(to, { seen: "Awaiting approval" }));
      expect(fault).to.include({ kind: "rejected" });
      expect(fault.message).to.contain("only their own answer");
    }
    expect(posts()).to.be.empty;
    expect(status()).to.equal("Awaiting approval");
  });

  describe("where the screen refuses", () => {
    const fields = {
      resolution: {
        required: true,
        name: "Resolution",
        schema: { type: "resolution" },
        key: "resolution",
        operations: [],
      },
      customfield_9: {
        required: true,
        name: "Root cause",
        schema: { type: "string" },
        key: "customfield_9",
        operations: [],
      },
      comment: { required: false, name: "Comment", schema: { type: "comments-page" }, key: "comment", operations: [] },
    };
    const to = { name: "Resolved", id: "5" };
    const offer = (transitions: unknown[]) =>
      sim.faults.add({ method: "GET", path: /transitions/, kind: "status", status: 200, body: { transitions } });
    const refuse = (code: number) =>
      sim.faults.add({
        method: "POST",
        path: /transitions/,
        kind: "status",
        status: code,
        body: { errorMessages: [TICKET_TEXT], errors: { resolution: TICKET_TEXT } },
      });

    it("rejected: the required fields that were not given are named", async () => {
      offer([{ id: "31", name: "Resolve", to, hasScreen: true, fields }]);
      refuse(400);
      const fault = await faultOf(move("Resolved", { fields: { resolution: { name: "Done" } } }));
      expect(fault).to.include({ kind: "rejected", outcome: "not_applied", status: 400 });
      expect(fault.message)
        .to.contain('"Root cause (customfield_9)"')
        .and.not.match(/Resolution|Comment|Winter/);
    });

    it("rejected: and without required fields, what Jira complained about", async () => {
      offer([{ id: "31", name: "Resolve", to }]);
      refuse(400);
      expect((await faultOf(move("Resolved"))).message)
        .to.contain("resolution")
        .and.not.contain("Winter");
    });

    it("rejected: the account may not move it", async () => {
      refuse(403);
      expect((await faultOf(move("Resolved"))).message).to.contain("needs Transition issues");
    });

    it("of several ways there, takes one whose required fields are given", async () => {
      offer([
        { id: "21", name: "With reasons", to, fields },
        { id: "31", name: "Resolve", to },
      ]);
      expect(await move("Resolved")).to.equal("moved");
      expect(status(), "21 leads to Pending").to.equal("Resolved");
    });

    it("leaves out those that Jira lists as unavailable", async () => {
      offer([{ id: "31", name: "Resolve", to, isAvailable: false }]);
      expect((await faultOf(move("Resolved"))).message).to.contain("none is available");
    });
  });

  it("conflict: 409, another is moving it", async () => {
    sim.faults.add({ method: "POST", path: /transitions/, kind: "status", status: 409 });
    const fault = await faultOf(move("Pending"));
    expect(fault).to.include({ kind: "conflict", outcome: "not_applied", status: 409 });
    expect(fault.message).to.contain("being moved by another");
  });

  it("conflict: refused because somebody was faster", async () => {
    sim.faults.add({ method: "POST", path: /transitions/, kind: "status", status: 400 });
    sim.faults.add({
      method: "GET",
      path: /fields=status/,
      skip: 1,
      kind: "status",
      status: 200,
      body: at("Resolved"),
    });
    expect(await faultOf(move("Pending"))).to.include({ kind: "conflict" });
  });

  it("nothing to do: refused because somebody had moved it to the same place", async () => {
    sim.faults.add({ method: "POST", path: /transitions/, kind: "status", status: 400 });
    sim.faults.add({ method: "GET", path: /fields=status/, skip: 1, kind: "status", status: 200, body: at("Pending") });
    expect(await move("Pending")).to.equal("already");
  });

  it("unavailable: moved, and the answer lost, is unknown; asked again it is there", async () => {
    sim.faults.add({ method: "POST", path: /transitions/, kind: "apply-then-reset" });
    expect(await faultOf(move("Pending"))).to.include({ kind: "unavailable", outcome: "unknown" });
    expect(await move("Pending")).to.equal("already");
  });

  it("unavailable: an answer without transitions is no answer", async () => {
    sim.faults.add({ method: "GET", path: /transitions/, kind: "status", status: 200, body: {} });
    expect(await faultOf(move("Pending"))).to.include({ kind: "unavailable" });
  });

  it("not_found: the issue is gone or hidden", async () => {
    sim.remove(ref.id);
    expect(await faultOf(move("Pending"))).to.include({ kind: "not_found" });
  });

  it("rejected: what is no issue id never gets into a path", async () => {
    const before = sim.requests.length;
    for (const id of ["1/../2", "", "10001?x", "OPS-1/transitions"])
      expect(await faultOf(move("Pending", { ref: { id, key: "OPS-1" } })), id).to.include({ kind: "rejected" });
    expect(sim.requests).to.have.lengthOf(before);
  });
});

function at(name: string): unknown {
  return { id: "10001", key: "OPS-1", fields: { status: { name, id: "1" } } };
}
