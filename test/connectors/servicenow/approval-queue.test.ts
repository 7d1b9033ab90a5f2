import { expect } from "chai";
import { servicenowApprovals } from "../../../connectors/servicenow/approval-queue.ts";
import type { ApprovalAsk, Approvals, OpenRequest, RequestStanding } from "../../../core/gates/approvals.ts";
import { type ServiceNowSim, type ServiceNowSimOptions, startServiceNowSim } from "../../sim/servicenow.ts";
import { faultOf, type StandingClock, standingClock } from "../open.ts";
import { type BareClient, bareClient } from "./bare-client.ts";

const ABEL = { by: "abel.tuter" };
const BETH = { by: "beth.anglin" };
const CARO = { by: "caro.diaz" };
const MARKER = "[il:gate-1]";
const HOUR = 3_600_000;

describe("ServiceNow: the approval queue", () => {
  let clock: StandingClock;
  let sim: ServiceNowSim;
  let bare: BareClient;
  let queue: Approvals;
  let task: string;

  async function start(options: ServiceNowSimOptions = {}): Promise<void> {
    clock = standingClock();
    const users = [
      { user_name: "abel.tuter", name: "Abel Tuter", email: "abel.tuter@example.com", password: "a" },
      { user_name: "beth.anglin", name: "Beth Anglin", email: "beth.anglin@example.com", password: "b" },
      { user_name: "caro.diaz", name: "Caro Diaz", email: "caro.diaz@example.com", roles: ["approval_admin"] },
      { user_name: "robo", name: "Robo", email: "robo@example.com" },
    ];
    const groups = [
      { name: "Security Operations", members: ["beth.anglin", "abel.tuter"] },
      { name: "Network", members: ["abel.tuter"] },
      { name: "Nobody" },
    ];
    sim = await startServiceNowSim({ now: () => clock.now(), users, groups, ...options });
    bare = bareClient(sim, clock);
    queue = servicenowApprovals({ ...bare, automation: ["robo"] });
    task = sim.insert("incident", { short_description: "Printer on fire", state: "2" }, ABEL).sys_id;
  }

  beforeEach(() => start());
  afterEach(async () => {
    await bare.client.close();
    await sim.close();
  });

  const request = (more: Partial<ApprovalAsk> = {}): ApprovalAsk => ({
    ref: { connection: "snow", type: "incident", id: task, key: "INC001" },
    recordType: "incident",
    marker: MARKER,
    groups: [],
    people: ["beth.anglin@example.com"],
    need: "any",
    requester: "",
    text: "May this be assigned?",
    ...more,
  });
  const open = (more: Partial<OpenRequest> = {}): OpenRequest => {
    const { ref, recordType, marker } = request();
    return { ref, recordType, marker, requestedAtMs: clock.now(), platform: true, ...more };
  };
  const standing = async (more: Partial<OpenRequest> = {}): Promise<RequestStanding> =>
    (await queue.standing([open(more)]))[0] ?? { state: "absent" };
  const shown = async (more: Partial<OpenRequest> = {}) => {
    const found = await standing(more);
    return found.state === "standing" ? found : expect.fail("it does not stand");
  };
  const rows = () => sim.rows("sysapproval_approver");
  const rowOf = (userName: string): string =>
    rows().find((row) => row["approver"] === sim.user(userName))?.sys_id ?? expect.fail("not asked");
  const answer = (by: { by: string }, state: string, of = by.by): void =>
    void sim.update("sysapproval_approver", rowOf(of), { state, comments: "Because" }, by);
  const calls = async (work: () => Promise<unknown>): Promise<string[]> => {
    const before = sim.requests.length;
    await work();
    return sim.requests.slice(before).map(({ method, path }) => `${method} ${path.replace(/[?].*|^.*\/table\//g, "")}`);
  };

  describe("asking", () => {
    it("a person: a row of their own, and what the record was in, by the instance's clock", async () => {
      expect(await queue.ask(request())).to.deep.equal({ atMs: clock.now(), seen: "2" });
      expect(rows()).to.have.lengthOf(1);
      expect(rows()[0]).to.include({ approver: sim.user("beth.anglin"), sysapproval: task, state: "requested" });
      expect(sim.journal(rowOf("beth.anglin"))[0]?.value).to.equal(`May this be assigned?\n\n${MARKER}`);
    });

    it("any one of a group: the group, whose members the platform asks", async () => {
      const asked = await queue.ask(request({ groups: ["Security Operations"], people: [] }));
      expect(asked).to.deep.equal({ atMs: clock.now(), seen: "2" });
      const [group, ...more] = sim.rows("sysapproval_group");
      expect(more).to.be.empty;
      expect(group).to.include({ parent: task, correlation_id: MARKER, approval: "requested" });
      expect(await standing(), "before its members are asked").to.deep.include({ state: "standing", ...asked });
      clock.pass(5_000);
      expect(rows()).to.have.lengthOf(2);
      expect(await standing()).to.deep.include({ state: "standing", ...asked });
    });

    for (const need of ["all", 2, "50%", "one-of-each"] as const)
      it(`${need} of a group: each active member, once, since the first answer to a group settles it`, async () => {
        sim.update("sys_user", sim.user("abel.tuter"), { active: "false" }, ABEL);
        sim.insert("sys_user_grmember", { user: sim.user("caro.diaz"), group: sim.group("Security Operations") }, ABEL);
        await queue.ask(request({ groups: ["Security Operations"], need }));
        expect(rows().map((row) => row["approver"])).to.have.members([sim.user("beth.anglin"), sim.user("caro.diaz")]);
        expect(sim.rows("sysapproval_group")).to.be.empty;
      });

    it("once: again, later, at the same time", async () => {
      const first = await Promise.all([queue.ask(request()), queue.ask(request()), queue.ask(request())]);
      clock.pass(HOUR);
      const again = await servicenowApprovals({ ...bare, automation: [] }).ask(request());
      expect(new Set([...first, again].map(({ atMs }) => atMs)).size).to.equal(1);
      expect(rows()).to.have.lengthOf(1);
    });

    it("completes what was cut short between two rows", async () => {
      const both = request({ groups: ["Security Operations"], people: ["caro.diaz"], need: "all" });
      const startedAtMs = clock.now();
      sim.faults.add({ path: /sysapproval_approver/, method: "POST", kind: "apply-then-reset" });
      expect(await faultOf(queue.ask(both))).to.include({ outcome: "unknown" });
      expect(rows()).to.have.lengthOf(1);
      clock.pass(HOUR);
      const after = servicenowApprovals({ ...bare, automation: [] });
      expect(await after.ask(both)).to.deep.equal({ atMs: startedAtMs, seen: "2" });
      expect(rows()).to.have.lengthOf(3);
      await after.ask(both);
      expect(rows()).to.have.lengthOf(3);
    });

    it("completes a group beside a person that was asked alone", async () => {
      const both = request({ groups: ["Network"] });
      sim.faults.add({ path: /sysapproval_group/, method: "POST", kind: "status", status: 503 });
      expect(await faultOf(queue.ask(both))).to.include({ kind: "unavailable" });
      expect(rows()).to.have.lengthOf(1);
      await queue.ask(both);
      expect(rows()).to.have.lengthOf(1);
      expect(sim.rows("sysapproval_group")).to.have.lengthOf(1);
    });

    it("those whom the directory knows, as long as it knows one", async () => {
      await queue.ask(request({ groups: ["Gone", "Nobody"] }));
      expect(rows()).to.have.lengthOf(1);
      expect(sim.rows("sysapproval_group")).to.be.empty;
      const fault = await faultOf(queue.ask(request({ groups: ["Gone"], people: [], marker: "[il:gate-2]" })));
      expect(fault).to.include({ kind: "rejected" });
      expect(fault.message).to.contain('"Gone"').and.contain("correct the rule");
      expect(rows()).to.have.lengthOf(1);
    });

    it("no crowd: beyond 50 people nobody is asked, and it says what to do", async () => {
      const group = sim.group("Nobody");
      for (let n = 0; n < 51; n += 1) {
        const { sys_id: user } = sim.insert("sys_user", { user_name: `u${n}`, name: `U ${n}` }, ABEL);
        sim.insert("sys_user_grmember", { user, group }, ABEL);
      }
      const fault = await faultOf(queue.ask(request({ groups: ["Nobody"], people: [], need: "all" })));
      expect(fault).to.include({ kind: "rejected" });
      expect(fault.message).to.contain("51 people").and.contain("need: any");
      expect(rows()).to.be.empty;
      await queue.ask(request({ groups: ["Nobody"], people: [], need: "any" }));
    });

    it("is refused where our own rows cannot be told from others'", async () => {
      await queue.ask(request());
      sim.faults.journalHidden = true;
      expect((await faultOf(queue.ask(request()))).message).to.contain("let it read sys_journal_field");
      expect((await faultOf(queue.standing([open()]))).message).to.contain("let it read sys_journal_field");
      expect(rows()).to.have.lengthOf(1);
    });

    it("is refused, without a call, for what is no id, table or marker", async () => {
      for (const odd of [
        { marker: "[il:a^b]" },
        { recordType: "in^cident" },
        { ref: { ...request().ref, id: "1^2" } },
      ]) {
        expect(await faultOf(queue.ask(request(odd)))).to.include({ kind: "rejected" });
        expect(await faultOf(queue.standing([open(odd)]))).to.include({ kind: "rejected" });
      }
      expect(sim.requests).to.be.empty;
    });

    it("one person costs four calls beside the directory's one; what stands costs two", async () => {
      await queue.electorate(request(), clock.now());
      expect(await calls(() => queue.ask(request()))).to.deep.equal([
        "GET sysapproval_approver",
        "POST sysapproval_approver",
        "GET sysapproval_approver",
        "GET sys_journal_field",
      ]);
      expect(await calls(() => queue.standing([open()]))).to.deep.equal([
        "GET sysapproval_approver",
        "GET sys_journal_field",
      ]);
    });
  });

  describe("what stands", () => {
    it("absent: nothing under the marker, whatever else is on the record", async () => {
      expect(await standing()).to.deep.equal({ state: "absent" });
      sim.insert(
        "sysapproval_approver",
        { approver: sim.user("beth.anglin"), sysapproval: task, state: "requested", comments: "Please" },
        ABEL,
      );
      expect(await standing()).to.deep.equal({ state: "absent" });
      await queue.ask(request({ marker: "[il:gate-2]" }));
      expect(await standing()).to.deep.equal({ state: "absent" });
    });

    it("an answer: whose, who gave it by the history, and when", async () => {
      const { atMs } = await queue.ask(request({ people: ["beth.anglin", "abel.tuter"] }));
      clock.pass(HOUR);
      answer(BETH, "approved");
      answer(CARO, "rejected", "abel.tuter");
      const given = clock.now();
      clock.pass(HOUR);
      sim.update("sysapproval_approver", rowOf("beth.anglin"), { comments: "Why was that?" }, ABEL);
      const found = await shown();
      expect(found).to.include({ atMs, seen: "2", sideDoor: null });
      const [abel, beth, caro] = ["abel.tuter", "beth.anglin", "caro.diaz"].map((name) => sim.user(name));
      expect(found.answers).to.have.deep.members([
        { id: rowOf("beth.anglin"), decision: "approved", approverId: beth, answeredById: beth, atMs: given },
        { id: rowOf("abel.tuter"), decision: "rejected", approverId: abel, answeredById: caro, atMs: given },
      ]);
      expect(Object.fromEntries(found.names)).to.deep.equal({
        [abel ?? ""]: "Abel Tuter",
        [beth ?? ""]: "Beth Anglin",
        [caro ?? ""]: "Caro Diaz",
      });
    });

    it("an answer by an account that nobody bears any more is nobody's", async () => {
      await queue.ask(request());
      answer(CARO, "approved", "beth.anglin");
      sim.remove("sys_user", sim.user("caro.diaz"));
      expect((await shown()).answers[0]).to.include({ answeredById: null, approverId: sim.user("beth.anglin") });
    });

    it("the answers of a group, and of no row that was taken back or is not needed any more", async () => {
      await queue.ask(request({ groups: ["Security Operations"], people: ["caro.diaz"] }));
      clock.pass(5_000);
      answer(BETH, "approved");
      clock.pass(5_000);
      const { answers } = await shown();
      expect(answers.map(({ approverId }) => approverId)).to.deep.equal([sim.user("beth.anglin")]);
      await queue.cancel(open());
      expect((await shown()).answers).to.have.lengthOf(1);
      expect(rows().map((row) => row["state"])).to.have.members(["approved", "not_required", "cancelled"]);
    });

    it("several requests, of one record and of others, share their calls and keep apart", async () => {
      const other = sim.insert("incident", { short_description: "Two" }, ABEL).sys_id;
      const there = { ref: { ...request().ref, id: other, key: "INC002" } };
      await queue.ask(request());
      await queue.ask(request({ marker: "[il:gate-2]" }));
      await queue.ask(request({ ...there, people: ["abel.tuter"] }));
      const first = rows().find((row) => sim.journal(row.sys_id).some(({ value }) => value.includes(MARKER)));
      sim.update("sysapproval_approver", first?.sys_id ?? "", { state: "approved" }, BETH);
      const asked = [open({ marker: "[il:gate-2]" }), open(), open(there), open({ marker: "[il:gate-3]" })];
      let found: RequestStanding[] = [];
      const made = await calls(async () => {
        found = await queue.standing(asked);
      });
      expect(found.map((each) => (each.state === "standing" ? each.answers.length : "absent"))).to.deep.equal([
        0,
        1,
        0,
        "absent",
      ]);
      expect(made).to.deep.equal([
        "GET sysapproval_approver",
        "GET sys_journal_field",
        "GET sysapproval_group",
        "GET sys_audit",
      ]);
      expect(await queue.standing([])).to.deep.equal([]);
    });

    it("forty-five requests need no longer addresses, and no more than two calls of a kind", async () => {
      const asked = Array.from({ length: 45 }, (_, n) => {
        const { sys_id: id } = sim.insert("incident", { short_description: "Many" }, ABEL);
        const [approver, sysapproval] = [sim.user("beth.anglin"), id];
        const comments = `Please ${MARKER}`;
        sim.insert("sysapproval_approver", { approver, sysapproval, state: "requested", comments }, ABEL);
        return open({ ref: { ...request().ref, id, key: `INC${n}` } });
      });
      let found: RequestStanding[] = [];
      const made = await calls(async () => {
        found = await queue.standing(asked);
      });
      expect(found.every(({ state }) => state === "standing")).to.equal(true);
      expect(made).to.have.lengthOf(4);
    });

    it("that rows are hidden is an error: a hidden one may be a refusal", async () => {
      await bare.client.close();
      await sim.close();
      let hidden = "";
      await start({ rowAcl: (_user, _table, row) => row.sys_id !== hidden });
      await queue.ask(request({ people: ["beth.anglin", "abel.tuter"] }));
      hidden = rowOf("abel.tuter");
      expect((await faultOf(queue.standing([open()]))).message).to.contain("hides some");
    });
  });

  describe("a change, whose own flow asks people too", () => {
    let change: string;
    const ofChange = () => ({
      ref: { connection: "snow", type: "change_request", id: change, key: "CHG001" },
      recordType: "change_request",
    });

    beforeEach(async () => {
      await bare.client.close();
      await sim.close();
      await start({ authorizeGroup: "Security Operations" });
      const group = sim.group("Network");
      change = sim.insert("change_request", { short_description: "Switch", assignment_group: group }, BETH).sys_id;
    });

    it("answers there are answers here, and explain that it is approved", async () => {
      await queue.ask(request({ ...ofChange(), people: ["caro.diaz"] }));
      for (const [state, by] of [
        ["-4", ABEL],
        ["-3", BETH],
      ] as const) {
        if (state === "-4") sim.update("change_request", change, { state }, BETH);
        for (let n = 0; n < 3; n += 1) {
          clock.pass(5_000);
          rows();
        }
        const mine = rows().find((row) => row["state"] === "requested" && row["approver"] === sim.user(by.by));
        sim.update("sysapproval_approver", mine?.sys_id ?? "", { state: "approved" }, by);
      }
      clock.pass(5_000);
      expect(sim.get("change_request", change)).to.include({ state: "-2", approval: "approved" });
      const found = await shown(ofChange());
      expect(found.answers.map(({ answeredById }) => answeredById)).to.have.members([
        sim.user("abel.tuter"),
        sim.user("beth.anglin"),
      ]);
      expect(found.sideDoor).to.equal(null);
    });

    it("what another round of ours was answered is no answer to this one", async () => {
      await queue.ask(request({ ...ofChange(), marker: "[il:gate-0]" }));
      await queue.ask(request({ ...ofChange(), people: ["caro.diaz"] }));
      answer(BETH, "approved");
      expect((await shown(ofChange())).answers).to.be.empty;
    });

    it("side door undone: back to where it was, where its model offers that", async () => {
      const { seen } = await queue.ask(request(ofChange()));
      expect(seen).to.equal("-5");
      sim.update("change_request", change, { state: "-4" }, BETH);
      expect(await queue.undoSideDoor({ ...open(ofChange()), state: true, seen })).to.deep.equal({
        done: true,
        detail: "put back: state",
      });
      expect(sim.get("change_request", change)).to.include({ state: "-5" });
      expect(await queue.undoSideDoor({ ...open(ofChange()), state: true, seen })).to.deep.include({ done: true });
    });

    it("side door undone: held, where there is no way back", async () => {
      sim.update("change_request", change, { type: "standard" }, BETH);
      await queue.ask(request(ofChange()));
      for (const state of ["-2", "-1"]) sim.update("change_request", change, { state }, BETH);
      expect(await queue.undoSideDoor({ ...open(ofChange()), state: true, seen: "-5" })).to.deep.equal({
        done: true,
        detail: "put on hold",
        onHold: true,
      });
      expect(sim.get("change_request", change)).to.include({
        state: "-1",
        on_hold: "true",
        on_hold_reason: "Waits for approval (Interlock)",
      });
      const again = await queue.undoSideDoor({ ...open(ofChange()), state: true, seen: "-5" });
      expect(again).to.deep.equal({ done: true, detail: "is on hold already" });
    });

    it("side door not undone: what it kept is said", async () => {
      await bare.client.close();
      await sim.close();
      await start({ forbiddenFields: { change_request: ["on_hold"] } });
      change = sim.insert("change_request", { short_description: "Switch", type: "standard" }, BETH).sys_id;
      await queue.ask(request(ofChange()));
      for (const state of ["-2", "-1"]) sim.update("change_request", change, { state }, BETH);
      const undone = await queue.undoSideDoor({ ...open(ofChange()), state: true, seen: "-5" });
      expect(undone).to.include({ done: false });
      expect(undone.detail).to.contain("CHG001").and.contain("on_hold");
    });
  });

  describe("side doors of other records", () => {
    it("the approval field says approved, and none of ours does", async () => {
      await queue.ask(request());
      expect((await shown()).sideDoor).to.equal(null);
      sim.update("incident", task, { approval: "approved" }, ABEL);
      expect((await shown()).sideDoor)
        .to.contain("INC001")
        .and.contain("approved");
      const theirs = { approver: sim.user("abel.tuter"), sysapproval: task, state: "approved" };
      sim.insert("sysapproval_approver", theirs, ABEL);
      expect((await shown()).sideDoor, "by somebody who was not asked").to.contain("INC001");
      expect((await shown()).answers).to.be.empty;
      answer(BETH, "approved");
      expect((await shown()).sideDoor).to.equal(null);
    });

    it("what another request of ours was answered explains it", async () => {
      await queue.ask(request({ people: ["abel.tuter"] }));
      await queue.ask(request({ marker: "[il:gate-2]" }));
      answer(ABEL, "approved");
      sim.update("incident", task, { approval: "approved" }, ABEL);
      expect(await shown({ marker: "[il:gate-2]" })).to.deep.include({ answers: [], sideDoor: null });
    });

    it("are undone: the state, and the approval that nobody gave", async () => {
      const { seen } = await queue.ask(request());
      sim.update("incident", task, { state: "1", approval: "approved" }, ABEL);
      expect(await queue.undoSideDoor({ ...open(), state: true, seen })).to.include({ done: true });
      expect(sim.get("incident", task)).to.include({ state: "2", approval: "requested" });
      const made = await calls(() => queue.undoSideDoor({ ...open(), state: true, seen }));
      expect(made.filter((call) => call.startsWith("PATCH"))).to.be.empty;
    });

    it("an approval that somebody gave stays", async () => {
      const { seen } = await queue.ask(request());
      answer(BETH, "approved");
      sim.update("incident", task, { state: "1", approval: "approved" }, ABEL);
      await queue.undoSideDoor({ ...open(), state: true, seen });
      expect(sim.get("incident", task)).to.include({ state: "2", approval: "approved" });
    });

    it("are not undone where the field keeps its value, or a rule refuses: what was kept is said", async () => {
      await queue.ask(request());
      sim.faults.add({ path: /table\/incident/, method: "PATCH", kind: "status", status: 403 });
      expect(await queue.undoSideDoor({ ...open(), state: true, seen: "1" })).to.deep.include({ done: false });
      await bare.client.close();
      await sim.close();
      await start({ forbiddenFields: { incident: ["state"] } });
      await queue.ask(request());
      const undone = await queue.undoSideDoor({ ...open(), state: true, seen: "7" });
      expect(undone.done).to.equal(false);
      expect(undone.detail).to.contain("INC001").and.contain("state");
    });

    it("trouble that passes is an error, not a failure to undo", async () => {
      await queue.ask(request());
      sim.faults.add({ path: /table\/incident/, method: "PATCH", kind: "status", status: 503 });
      expect(await faultOf(queue.undoSideDoor({ ...open(), state: true, seen: "1" }))).to.include({
        kind: "unavailable",
      });
    });
  });

  describe("who may answer", () => {
    const electorate = (who: { groups?: string[]; people?: string[] }, atMs = clock.now()) =>
      queue.electorate({ groups: [], people: [], ...who }, atMs);

    it("members by the name of their group, people by e-mail, user name or sys_id: with their seats", async () => {
      const beth = sim.user("beth.anglin");
      const who = {
        groups: ["Security Operations", "Network"],
        people: ["Beth.Anglin@example.com", "caro.diaz", beth],
      };
      const { eligible, unknown, names } = await electorate(who);
      expect(unknown).to.be.empty;
      expect(Object.fromEntries(eligible.people)).to.deep.equal({
        [beth]: ["group:Security Operations", "person:Beth.Anglin@example.com", `person:${beth}`],
        [sim.user("abel.tuter")]: ["group:Security Operations", "group:Network"],
        [sim.user("caro.diaz")]: ["person:caro.diaz"],
      });
      expect(eligible.inactive).to.be.empty;
      expect(names.get(beth)).to.equal("Beth Anglin");
    });

    it("nobody by a name that is unknown, empty, twice there, or of somebody who is switched off", async () => {
      sim.insert("sys_user_group", { name: "Network" }, ABEL);
      const twin = sim.insert("sys_user_group", { name: "Security Operations" }, ABEL).sys_id;
      sim.insert("sys_user_grmember", { user: sim.user("caro.diaz"), group: twin }, ABEL);
      sim.update("sys_user", sim.user("beth.anglin"), { active: "false" }, ABEL);
      sim.insert("sys_user", { user_name: "abel2", email: "abel.tuter@example.com" }, ABEL);
      const groups = ["Gone", "Nobody", "network", "a^b", "Security Operations"];
      const people = ["beth.anglin", "nobody", "x^y", "abel.tuter@example.com"];
      const { eligible, unknown } = await electorate({ groups, people });
      expect(unknown).to.have.members([...groups, ...people]);
      expect(eligible.people).to.be.empty;
      expect([...eligible.inactive]).to.deep.equal([sim.user("beth.anglin")]);
    });

    it("not members who are switched off, and a group of such is unknown", async () => {
      sim.update("sys_user", sim.user("abel.tuter"), { active: "false" }, ABEL);
      const { eligible, unknown } = await electorate({ groups: ["Security Operations", "Network"] });
      expect([...eligible.people.keys()]).to.deep.equal([sim.user("beth.anglin")]);
      expect([...eligible.inactive]).to.deep.equal([sim.user("abel.tuter")]);
      expect(unknown).to.deep.equal(["Network"]);
    });

    it("delegates for approvals, at that hour", async () => {
      const [beth, caro, robo] = [sim.user("beth.anglin"), sim.user("caro.diaz"), sim.user("robo")];
      const span = { starts: "2026-01-31 09:00:00", ends: "2026-01-31 10:00:10" };
      sim.insert("sys_user_delegate", { user: beth, delegate: caro, ...span }, BETH);
      sim.insert("sys_user_delegate", { user: beth, delegate: robo, ...span, approvals: "false" }, BETH);
      sim.insert("sys_user_delegate", { user: caro, delegate: robo, ...span }, BETH);
      const { eligible } = await electorate({ groups: ["Security Operations"] });
      expect(Object.fromEntries(eligible.delegates)).to.deep.equal({ [caro]: new Set([beth]) });
      const later = await electorate({ groups: ["Security Operations"] }, clock.now() + 11_000);
      expect(later.eligible.delegates, "within the same minute").to.be.empty;
      const earlier = await electorate({ groups: ["Security Operations"] }, clock.now() - 2 * HOUR);
      expect(earlier.eligible.delegates).to.be.empty;
    });

    it("is kept for a minute, and no longer", async () => {
      const who = { groups: ["Network"], people: ["beth.anglin"] };
      await electorate(who);
      expect(await calls(() => electorate(who))).to.be.empty;
      sim.update("sys_user", sim.user("abel.tuter"), { active: "false" }, ABEL);
      clock.pass(60_000);
      const { eligible } = await electorate(who);
      expect([...eligible.people.keys()]).to.deep.equal([sim.user("beth.anglin")]);
    });

    it("that members are hidden is an error: nobody is taken for a smaller group", async () => {
      await bare.client.close();
      await sim.close();
      let hidden = "";
      await start({ rowAcl: (_user, table, row) => table !== "sys_user_grmember" || row["user"] !== hidden });
      hidden = sim.user("abel.tuter");
      expect((await faultOf(electorate({ groups: ["Security Operations"] }))).message).to.contain("sys_user_grmember");
    });
  });

  describe("accounts that are no people", () => {
    it("are our own and those that are listed", async () => {
      expect([...(await queue.ownIds())]).to.have.members([sim.user("interlock.bot"), sim.user("robo")]);
      expect(await calls(() => queue.ownIds())).to.be.empty;
      const id = "0123456789abcdef0123456789abcdef";
      expect([...(await servicenowApprovals({ ...bare, automation: [id] }).ownIds())]).to.include(id);
    });

    it("that nobody bears are an error: their answers would pass for people's", async () => {
      const fault = await faultOf(servicenowApprovals({ ...bare, automation: ["robot"] }).ownIds());
      expect(fault.message).to.contain('"robot"').and.contain("interlock.yaml");
    });
  });
});
