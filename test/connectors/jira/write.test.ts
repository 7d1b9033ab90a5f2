import { createServer } from "node:http";
import { expect } from "chai";
import { installDispatcher } from "../../../connectors/jira/http.ts";
import type { VendorPatch } from "../../../core/ports.ts";
import { type JiraSim, startJiraSim } from "../../sim/jira.ts";
import {
  CALL_TIMEOUT_MS,
  faultOf,
  learnProjects,
  listening,
  type OpenedJira,
  openJira,
  type PlannedWrite,
  writeOf,
} from "../open.ts";

const ABEL = { by: "5b10-abel" };

describe("Jira connector: writing", () => {
  let dispatcher: ReturnType<typeof installDispatcher>;
  let sim: JiraSim;
  let opened: OpenedJira;
  let id: string;

  beforeEach(async () => {
    dispatcher = installDispatcher(CALL_TIMEOUT_MS);
    sim = await startJiraSim();
    opened = openJira(sim);
    await learnProjects(sim, opened, ["KEY", "CHG", "P400", "P403"]);
    id = sim.create("OPS", { summary: "Printer on fire", issuetype: "Incident" }, ABEL).id;
  });
  afterEach(async () => {
    await opened.connector.close();
    await sim.close();
    await dispatcher.close();
  });

  const planned = (rest: Partial<PlannedWrite>): PlannedWrite => ({ type: "issue", recordType: "OPS", id, ...rest });
  const write = (rest: Partial<PlannedWrite>) => opened.connector.write(writeOf(opened.clock, "jira", planned(rest)));
  const set = (patch: VendorPatch) => write({ fields: { set: patch } });
  const sent = (): string[] => sim.requests.map(({ method, path }) => `${method} ${path.split("?")[0]}`);
  const field = (name: string): unknown => sim.get(id)?.fields[name];

  const routed = {
    fields: {
      group: { customfield_10101: { group: "Network" } },
      impact: { "customfield_10102.value": "Moderate / Limited" },
    },
    note: "Routed.\nBecause of a rule. [il:note]",
  };
  const edits = (): string[] => sent().filter((call) => call.startsWith("PUT"));

  it("edits all fields and comments in one call, marked in the text and by a property of the issue", async () => {
    const result = await write(routed);
    expect(result).to.deep.include({ applied: ["group", "impact", "note"], unconfirmed: [], dropped: [] });
    expect(sent()).to.deep.equal([`PUT /rest/api/3/issue/${id}`]);
    expect(field("customfield_10101")).to.include({ name: "Network" });
    expect(field("customfield_10102")).to.include({ value: "Moderate / Limited" });
    expect(sim.comments(id).map(({ text }) => text)).to.deep.equal(["Routed.\nBecause of a rule. [il:note]"]);
    expect(sim.get(id)?.properties).to.deep.equal({ "interlock.note": { marker: "[il:note]" } });
  });

  describe("where the edit screen has no comment", () => {
    beforeEach(() => {
      sim.faults.editWithoutComment = true;
    });

    it("edits without it and comments in a call of its own, marked in its text and by a property", async () => {
      expect(await write(routed)).to.deep.include({ applied: ["group", "impact", "note"], raced: true });
      expect(sent().slice(1)).to.deep.equal([`PUT /rest/api/3/issue/${id}`, `POST /rest/api/3/issue/${id}/comment`]);
      const [comment, ...more] = sim.comments(id);
      expect(more).to.be.empty;
      expect(comment?.properties).to.deep.equal({
        "interlock.note": { marker: "[il:note]" },
        "sd.public.comment": { internal: true },
      });
      expect(sim.get(id)?.properties, "no mark of a note that did not come with the edit").to.deep.equal({});
    });

    it("remembers it for the project, and for that project only", async () => {
      await write(routed);
      await write({ ...routed, key: "KEY-2" });
      expect(edits(), "refused once, not twice").to.have.length(3);
      await write({ ...routed, key: "CHG-1" });
      expect(edits()).to.have.length(5);
    });
  });

  it("takes a refusal without a field's name as one that may be about the comment", async () => {
    for (const status of [400, 403]) {
      const before = edits().length;
      sim.faults.add({ method: "PUT", path: /issue/, kind: "status", status });
      expect((await write({ ...routed, key: `P${status}-1` })).applied).to.deep.equal(["group", "impact", "note"]);
      expect(edits().length - before, String(status)).to.equal(2);
    }
    expect(sim.comments(id)).to.have.length(2);
  });

  it("never repeats an edit whose end is not known, nor one that another status refused", async () => {
    for (const status of [404, 409, 422, 429, 500, 503]) {
      sim.faults.add({ method: "PUT", path: /issue/, kind: "status", status, headers: { "retry-after": "1" } });
      await faultOf(write(routed));
      opened.clock.pass(60_000);
    }
    sim.faults.add({ method: "PUT", path: /issue/, kind: "apply-then-reset" });
    expect(await faultOf(write(routed))).to.include({ kind: "unavailable", outcome: "unknown" });
    expect(edits()).to.have.length(7);
    expect(sim.comments(id), "what was applied before the answer was lost").to.have.length(1);
  });

  it("comments alone", async () => {
    expect((await write({ note: "A suggestion. [il:note]" })).applied).to.deep.equal(["note"]);
    expect(sent()).to.deep.equal([`POST /rest/api/3/issue/${id}/comment`]);
  });

  it("finds the person of an e-mail address once, and takes an account id as it is", async () => {
    await set({ assignee: { user: "Beth.Anglin@example.com" } });
    expect(field("assignee")).to.include({ accountId: "5b10-beth" });
    await set({ assignee: { user: "5b10-abel" } });
    expect(field("assignee")).to.include({ accountId: "5b10-abel" });
    await set({ assignee: { user: "Beth.Anglin@example.com" } });
    expect(sent().filter((call) => call.includes("user/search"))).to.have.length(1);
  });

  it("refuses an address that nobody shows, or several do", async () => {
    const nobody = await faultOf(set({ assignee: { user: "nobody@example.com" } }));
    expect(nobody).to.include({ kind: "rejected", outcome: "not_applied" });
    expect(nobody.message).to.contain("name the account id in the rule instead").and.to.not.contain("nobody@");
    const twin = { accountId: "1", displayName: "B", emailAddress: "beth.anglin@example.com", active: true };
    sim.faults.add({ path: /user\/search/, kind: "status", status: 200, body: [twin, { ...twin, accountId: "2" }] });
    const several = await faultOf(set({ assignee: { user: "beth.anglin@example.com" } }));
    expect(several.message).to.contain("more than one active user");
    expect(sent().filter((call) => call.startsWith("PUT"))).to.be.empty;
  });

  it("puts every kind of value into Jira's own form", async () => {
    await set({
      description: { adf: "First line\nsecond line" },
      customfield_10107: { instant: "2026-03-01T08:30:00.000Z" },
      labels: null,
      assignee: { user: "" },
      customfield_10101: { group: "" },
      "priority.name": "High",
    });
    expect(field("description")).to.have.property("type", "doc");
    expect(field("customfield_10107")).to.equal("2026-03-01T08:30:00.000+0000");
    expect(field("priority")).to.include({ name: "High" });
    expect(field("assignee")).to.equal(null);
    expect(field("customfield_10101")).to.equal(null);
  });

  it("keeps a cascading select and its child side by side", async () => {
    const bodies: string[] = [];
    const site = createServer((request, response) => {
      request.on("data", (chunk: Buffer) => bodies.push(chunk.toString()));
      request.on("end", () => response.writeHead(204).end());
    });
    await opened.connector.close();
    opened = openJira(sim, { baseUrl: await listening(site) });
    await write({
      fields: { category: { "customfield_1.value": "Network" }, child: { "customfield_1.child.value": "VPN" } },
    });
    site.closeAllConnections();
    site.close();
    expect(JSON.parse(bodies.join(""))).to.deep.equal({
      fields: { customfield_1: { value: "Network", child: { value: "VPN" } } },
    });
  });

  it("lists what was applied where the comment is refused after the edit", async () => {
    sim.faults.editWithoutComment = true;
    sim.faults.add({ method: "POST", path: /comment/, kind: "status", status: 400 });
    const fault = await faultOf(
      write({ fields: { group: { customfield_10101: { group: "Network" } } }, note: "[il:note]" }),
    );
    expect(fault).to.include({ kind: "rejected", status: 400, outcome: "not_applied" });
    expect(fault.applied).to.deep.equal(["group"]);
  });

  it("lists nothing as applied where the edit itself is refused, and does not comment on it", async () => {
    const fault = await faultOf(write({ fields: { odd: { customfield_99999: "x" } }, note: "[il:note]" }));
    expect(fault).to.include({ kind: "rejected", status: 400 });
    expect(fault.applied).to.be.empty;
    expect(fault.message, "which field, so that the mapping can be corrected").to.contain("customfield_99999");
    expect(sim.comments(id)).to.be.empty;
  });

  it("does not take a page for an edit: the vendor says 204 and nothing else", async () => {
    sim.faults.add({ method: "PUT", path: /issue/, kind: "html" });
    const fault = await faultOf(
      write({ fields: { group: { customfield_10101: { group: "Network" } } }, note: "[il:note]" }),
    );
    expect(fault).to.include({ kind: "unavailable", outcome: "unknown" });
    expect(fault.applied).to.be.empty;
    expect(sim.comments(id)).to.be.empty;
  });

  it("keeps the vendor's word on when to come back where the comment met a rate limit", async () => {
    sim.faults.editWithoutComment = true;
    sim.faults.add({ method: "POST", path: /comment/, kind: "status", status: 429, headers: { "retry-after": "9" } });
    const fault = await faultOf(
      write({ fields: { group: { customfield_10101: { group: "Network" } } }, note: "[il:note]" }),
    );
    expect(fault).to.include({ kind: "rate_limited", retryAfterMs: 9_000 });
    expect(fault.applied).to.deep.equal(["group"]);
  });

  describe("on what was read a while ago", () => {
    beforeEach(async () => {
      await opened.connector.close();
      opened = openJira(sim, { limits: { staleReadMs: 0 } });
    });
    const late = async (revision: string) => {
      const change = writeOf(opened.clock, "jira", planned({ revision, note: "[il:note]" }));
      opened.clock.pass(1);
      return opened.connector.write(change);
    };

    it("looks again, and refuses what has changed as a conflict", async () => {
      expect(await faultOf(late("2026-01-01T00:00:00.000+0000"))).to.include({
        kind: "conflict",
        outcome: "not_applied",
      });
      expect(sim.comments(id)).to.be.empty;
    });

    it("goes on where nothing has changed", async () => {
      await late(String(field("updated")));
      expect(sim.comments(id)).to.have.length(1);
    });

    it("says not_found where the issue is gone", async () => {
      sim.remove(id);
      expect(await faultOf(late(""))).to.include({ kind: "not_found", outcome: "not_applied" });
    });
  });
});
