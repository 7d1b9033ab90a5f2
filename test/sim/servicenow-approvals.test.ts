import { expect } from "chai";
import { ServiceNowError, type ServiceNowSim, startServiceNowSim } from "./servicenow.ts";
import { callServiceNow } from "./wire.ts";

const ABEL = { by: "abel.tuter" };
const BETH = { by: "beth.anglin" };
const AS_BETH = "beth.anglin:beth-password";

describe("ServiceNow simulator: approvals", () => {
  let sim: ServiceNowSim;
  let nowMs: number;
  let change: string;

  beforeEach(async () => {
    nowMs = Date.UTC(2026, 0, 31, 10);
    sim = await startServiceNowSim({ now: () => nowMs, authorizeGroup: "Security Operations" });
    change = sim.insert("change_request", { assignment_group: sim.group("Network") }, ABEL).sys_id;
  });
  afterEach(() => sim.close());

  const pass = (): void => {
    // Twice: what one step sets off comes after a delay of its own.
    for (const _ of [1, 2]) {
      nowMs += 3_000;
      sim.get("change_request", change);
    }
  };
  const asked = () => sim.rows("sysapproval_approver").filter(({ state }) => state === "requested");
  const assess = (): string => {
    sim.update("change_request", change, { state: "-4" }, ABEL);
    pass();
    return asked()[0]?.sys_id ?? "";
  };
  const patch = (id: string, body: unknown, as?: string) =>
    callServiceNow(sim, `/api/now/table/sysapproval_approver/${id}`, {
      method: "PATCH",
      body,
      ...(as !== undefined && { as }),
    });

  it("are asked by the change's flow, a delay after the change got to its step", () => {
    sim.update("change_request", change, { state: "-4" }, ABEL);
    expect(asked()).to.be.empty;
    nowMs += 2_999;
    expect(asked()).to.be.empty;
    pass();
    expect(asked()).to.have.length(1);
    expect(asked()[0]).to.include({ approver: sim.user("abel.tuter"), sysapproval: change });
    expect(sim.get("change_request", change)).to.include({ state: "-4", approval: "requested" });
  });

  it("lead the change on, step by step, when each is approved", () => {
    const first = assess();
    sim.update("sysapproval_approver", first, { state: "approved" }, ABEL);
    expect(sim.get("change_request", change), "not at once").to.include({ state: "-4" });
    pass();
    expect(sim.get("change_request", change)).to.include({ state: "-3" });
    pass();
    expect(asked()[0]).to.include({ approver: sim.user("beth.anglin") });
    sim.update("sysapproval_approver", asked()[0]?.sys_id ?? "", { state: "approved" }, BETH);
    pass();
    expect(sim.get("change_request", change)).to.include({ state: "-2", approval: "approved" });
  });

  it("lead the change back to New when one is rejected, which needs a comment", () => {
    const id = assess();
    expect(() => sim.update("sysapproval_approver", id, { state: "rejected" }, ABEL)).to.throw(ServiceNowError);
    sim.update("sysapproval_approver", id, { state: "rejected", comments: "No" }, ABEL);
    pass();
    expect(sim.get("change_request", change)).to.include({ state: "-5", approval: "rejected" });
  });

  it("are taken back with a change that is cancelled", () => {
    const id = assess();
    sim.update("change_request", change, { state: "4" }, ABEL);
    pass();
    expect(sim.get("sysapproval_approver", id)).to.include({ state: "cancelled" });
  });

  it("are not taken back by a write that leaves the change where it is", () => {
    const row = { approver: sim.user("beth.anglin"), sysapproval: change, state: "requested" };
    const { sys_id } = sim.insert("sysapproval_approver", row, ABEL);
    sim.update("change_request", change, { work_notes: "Looked at it" }, ABEL);
    pass();
    expect(asked().map((one) => one.sys_id)).to.deep.equal([sys_id]);
    sim.update("change_request", change, { state: "4" }, ABEL);
    pass();
    expect(asked()).to.be.empty;
  });

  it("take nobody's answer but the approver's own, the integration user's least of all", async () => {
    const id = assess();
    for (const as of [undefined, AS_BETH]) {
      const { status, text } = await patch(id, { state: "approved" }, as);
      expect(status).to.equal(403);
      expect(text).to.contain("ACL Exception Update Failed due to security constraints");
    }
    expect(sim.get("sysapproval_approver", id)).to.include({ state: "requested" });
    expect((await patch(id, { state: "approved" }, "abel.tuter:abel-password")).status).to.equal(200);
    expect((await patch(id, { state: "rejected", comments: "x" }, "abel.tuter:abel-password")).status).to.equal(403);
  });

  it("cannot be inserted with their answer either", async () => {
    const body = { approver: sim.user("beth.anglin"), sysapproval: change, state: "approved" };
    const { status } = await callServiceNow(sim, "/api/now/table/sysapproval_approver", { method: "POST", body });
    expect(status).to.equal(403);
  });

  it("take a delegate's answer while he is one, and an approval administrator's", async () => {
    const id = assess();
    const span = { starts: "2026-01-01 00:00:00", ends: "2026-01-02 00:00:00" };
    const delegate = { user: sim.user("abel.tuter"), delegate: sim.user("beth.anglin") };
    sim.insert("sys_user_delegate", { ...delegate, ...span }, ABEL);
    expect((await patch(id, { state: "approved" }, AS_BETH)).status).to.equal(403);
    sim.insert("sys_user_delegate", { ...delegate, ...span, ends: "2027-01-01 00:00:00" }, ABEL);
    expect((await patch(id, { state: "approved" }, AS_BETH)).status).to.equal(200);
  });

  it("are answered over the change too, by the caller for himself", async () => {
    assess();
    const path = `/api/sn_chg_rest/change/${change}/approvals`;
    const approve = { method: "PATCH", body: { state: "approved" } };
    expect((await callServiceNow(sim, path, approve)).status).to.equal(400);
    expect((await callServiceNow(sim, path, { ...approve, as: "abel.tuter:abel-password" })).status).to.equal(200);
    pass();
    expect(sim.get("change_request", change)).to.include({ state: "-3" });
  });

  it("that somebody else inserted do not lead the change anywhere", () => {
    const flows = assess();
    const theirs = { approver: sim.user("beth.anglin"), sysapproval: change, state: "requested" };
    const { sys_id } = sim.insert("sysapproval_approver", theirs, ABEL);
    sim.update("sysapproval_approver", sys_id, { state: "approved" }, BETH);
    pass();
    expect(sim.get("change_request", change)).to.include({ state: "-4", approval: "requested" });
    expect(sim.get("sysapproval_approver", flows)).to.include({ state: "requested" });
  });

  it("of a step that nobody is named for are given by the policy", () => {
    sim.update("change_request", change, { assignment_group: "" }, ABEL);
    sim.update("change_request", change, { state: "-4" }, ABEL);
    pass();
    expect(sim.get("change_request", change)).to.include({ state: "-3" });
  });
});
