import { expect } from "chai";
import { approvals, type ServiceNowApprovals } from "../../../connectors/servicenow/approvals.ts";
import { type Approvers, approvers } from "../../../connectors/servicenow/approvers.ts";
import { type ServiceNowSim, startServiceNowSim } from "../../sim/servicenow.ts";
import { faultOf, type StandingClock, standingClock } from "../open.ts";
import { type BareClient, bareClient } from "./bare-client.ts";

const ABEL = { by: "abel.tuter" };
const BETH = { by: "beth.anglin" };
const MARKER = "[il:gate-1]";

describe("ServiceNow approvals", () => {
  let clock: StandingClock;
  let sim: ServiceNowSim;
  let bare: BareClient;
  let api: ServiceNowApprovals;
  let people: Approvers;
  let task: string;
  let abel: string;
  let beth: string;

  beforeEach(async () => {
    clock = standingClock();
    sim = await startServiceNowSim({ now: () => clock.now() });
    bare = bareClient(sim, clock);
    api = approvals(bare);
    people = approvers(bare);
    task = sim.insert("incident", { short_description: "Printer on fire" }, ABEL).sys_id;
    abel = sim.user("abel.tuter");
    beth = sim.user("beth.anglin");
  });
  afterEach(async () => {
    await bare.client.close();
    await sim.close();
  });

  const request = (from: string, marker = MARKER) => ({ taskId: task, from, marker, text: "May this be assigned?" });
  const created = (): number => sim.requests.filter(({ method }) => method === "POST").length;

  it("are asked of a person in their own queue", async () => {
    const { id, created: isNew } = await api.requestPerson(request(beth));
    expect(isNew).to.equal(true);
    expect(sim.get("sysapproval_approver", id)).to.include({ approver: beth, sysapproval: task, state: "requested" });
    expect(sim.journal(id)[0]?.value).to.contain("May this be assigned?").and.contain(MARKER);
    expect(await api.list(task)).to.deep.equal([
      {
        id,
        approverId: beth,
        approverAccount: "beth.anglin",
        groupRequestId: null,
        state: "requested",
        answeredBy: null,
        answeredAtMs: null,
      },
    ]);
  });

  it("are asked once: again, at the same time, or after an answer that got lost", async () => {
    sim.faults.add({ path: /sysapproval_approver/, method: "POST", kind: "apply-then-reset" });
    expect(await faultOf(api.requestPerson(request(beth)))).to.include({ outcome: "unknown" });
    const again = await Promise.all([api.requestPerson(request(beth)), api.requestPerson(request(beth))]);
    expect(again.map((one) => one.created)).to.deep.equal([false, false]);
    expect(sim.rows("sysapproval_approver")).to.have.length(1);
    const together = await Promise.all([api.requestPerson(request(abel)), api.requestPerson(request(abel))]);
    expect(together.map((one) => one.created)).to.deep.equal([true, false]);
    expect(together[0]?.id).to.equal(together[1]?.id);
    expect(created()).to.equal(2);
  });

  it("are asked anew for another gate, and beside rows that others made", async () => {
    const theirs = { approver: beth, sysapproval: task, state: "requested", comments: "Please" };
    sim.insert("sysapproval_approver", theirs, ABEL);
    expect(await api.requestPerson(request(beth))).to.include({ created: true });
    expect(await api.requestPerson(request(beth, "[il:gate-2]"))).to.include({ created: true });
    expect(await api.requestPerson(request(beth))).to.include({ created: false });
  });

  it("are not asked where our own cannot be told from others'", async () => {
    await api.requestPerson(request(beth));
    sim.faults.journalHidden = true;
    const fault = await faultOf(api.requestPerson(request(beth)));
    expect(fault).to.include({ kind: "rejected" });
    expect(fault.message).to.contain("let it read sys_journal_field");
    expect(created()).to.equal(1);
  });

  it("that could not be found again are an error at once, not a second row later", async () => {
    sim.faults.journalHidden = true;
    expect(await faultOf(api.requestPerson(request(beth)))).to.include({ kind: "rejected" });
    expect(await faultOf(api.requestPerson(request(beth)))).to.include({ kind: "rejected" });
    expect(sim.rows("sysapproval_approver")).to.have.length(1);
  });

  it("that came back without what was asked are an error that names the field", async () => {
    await sim.close();
    sim = await startServiceNowSim({ forbiddenFields: { sysapproval_approver: ["approver"] } });
    api = approvals(bareClient(sim, clock));
    const fault = await faultOf(api.requestPerson(request(sim.user("beth.anglin"))));
    expect(fault.message).to.contain("without approver");
  });

  for (const odd of ["[il:a^approver=x]", "[il:a,b]", "gate", ""]) {
    it(`with a marker that is none are refused without a call: ${JSON.stringify(odd)}`, async () => {
      expect(await faultOf(api.requestPerson(request(beth, odd)))).to.include({ kind: "rejected" });
      expect(await faultOf(api.requestGroup(request(beth, odd)))).to.include({ kind: "rejected" });
      expect(await faultOf(api.cancel(task, odd))).to.include({ kind: "rejected" });
      expect(sim.requests).to.be.empty;
    });
  }

  it("say who answered and when, also after a later edit", async () => {
    const { id } = await api.requestPerson(request(beth));
    clock.pass(60_000);
    sim.update("sysapproval_approver", id, { state: "approved" }, BETH);
    const answeredAtMs = clock.now();
    clock.pass(60_000);
    sim.update("sysapproval_approver", id, { comments: "Why was that?" }, ABEL);
    const [answer] = await api.list(task);
    expect(answer).to.include({ state: "approved", answeredBy: "beth.anglin", answeredAtMs });
    sim.faults.auditHidden = true;
    expect((await api.list(task))[0], "without a history").to.include({ answeredBy: "abel.tuter" });
  });

  it("of a group are one row for each member, and the first answer settles it", async () => {
    sim.insert("sys_user_grmember", { user: abel, group: sim.group("Security Operations") }, ABEL);
    const { id } = await api.requestGroup(request(sim.group("Security Operations")));
    expect(await api.requestGroup(request(sim.group("Security Operations")))).to.deep.equal({ id, created: false });
    expect(await api.list(task), "members are asked a little later").to.be.empty;
    clock.pass(5_000);
    const asked = await api.list(task);
    expect(asked.map((row) => row.approverAccount)).to.have.members(["abel.tuter", "beth.anglin"]);
    expect(asked.every((row) => row.groupRequestId === id)).to.equal(true);
    sim.update(
      "sysapproval_approver",
      asked.find((row) => row.approverId === beth)?.id ?? "",
      { state: "approved" },
      BETH,
    );
    clock.pass(5_000);
    expect((await api.list(task)).map(({ state }) => state)).to.have.members(["approved", "other"]);
  });

  it("are taken back where they are ours and unanswered", async () => {
    const { id } = await api.requestPerson(request(beth));
    const { id: answered } = await api.requestPerson(request(abel));
    sim.update("sysapproval_approver", answered, { state: "approved" }, ABEL);
    const theirs = sim.insert("sysapproval_approver", { approver: beth, sysapproval: task, state: "requested" }, ABEL);
    expect(await api.cancel(task, MARKER)).to.deep.equal({ cancelled: [id], answered: [answered], raced: [] });
    expect(sim.get("sysapproval_approver", theirs.sys_id)).to.include({ state: "requested" });
    expect(sim.get("sysapproval_approver", answered)).to.include({ state: "approved" });
    expect((await api.cancel(task, MARKER)).cancelled).to.be.empty;
  });

  it("of a group are taken back with those of its members", async () => {
    const { id } = await api.requestGroup(request(sim.group("Security Operations")));
    clock.pass(5_000);
    const [member] = await api.list(task);
    expect(await api.cancel(task, MARKER)).to.have.deep.property("cancelled", [id, member?.id]);
    expect((await api.list(task))[0]).to.include({ state: "cancelled" });
  });

  it("that were answered while they were taken back are told apart", async () => {
    const { id } = await api.requestPerson(request(beth));
    sim.faults.add({ path: /sysapproval_approver/, method: "PATCH", kind: "delay", delayMs: 30 });
    const cancelling = api.cancel(task, MARKER);
    while (!sim.requests.some(({ method }) => method === "PATCH")) await new Promise(setImmediate);
    sim.update("sysapproval_approver", id, { state: "approved" }, BETH);
    expect(await cancelling).to.deep.equal({ cancelled: [], answered: [], raced: [id] });
  });

  it("cannot be answered: nothing that can be done here sends an answer", async () => {
    const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(api));
    expect(methods).to.have.members(["constructor", "list", "requestPerson", "requestGroup", "cancel"]);
  });

  it("may be answered by the group's active members", async () => {
    sim.insert("sys_user_grmember", { user: abel, group: sim.group("Security Operations") }, ABEL);
    sim.update("sys_user", beth, { active: "false" }, ABEL);
    expect(await people.members(sim.group("Security Operations"))).to.deep.equal([{ id: abel, account: "abel.tuter" }]);
    expect(await faultOf(people.members("Security Operations"))).to.include({ kind: "rejected" });
  });

  it("may be answered by delegates, while they are", async () => {
    const span = { starts: "2026-01-31 00:00:00", ends: "2026-02-02 00:00:00" };
    sim.insert("sys_user_delegate", { user: beth, delegate: abel, ...span }, BETH);
    sim.insert("sys_user_delegate", { user: abel, delegate: beth, ...span, approvals: "false" }, BETH);
    expect(await people.delegates(beth, Date.UTC(2026, 1, 1))).to.deep.equal([{ id: abel, account: "abel.tuter" }]);
    expect(await people.delegates(beth, Date.UTC(2026, 1, 3))).to.be.empty;
    expect(await people.delegates(abel, Date.UTC(2026, 1, 1)), "not for approvals").to.be.empty;
  });

  it("whose list was widened by an unknown field are an error, not an answer", async () => {
    const row = { sys_id: "1".repeat(32), sysapproval: "2".repeat(32), state: "approved" };
    sim.faults.add({ path: /sysapproval_approver/, kind: "status", status: 200, body: { result: [row] } });
    expect(await faultOf(api.list(task))).to.include({ kind: "protocol" });
  });
});
