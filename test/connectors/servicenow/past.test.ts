import { expect } from "chai";
import { backtest } from "../../../core/backtest/backtest.ts";
import { ConnectorError } from "../../../core/errors.ts";
import { Limits } from "../../../core/limits.ts";
import { patience } from "../../../core/patience.ts";
import {
  figuresOf,
  historyFile,
  liveSource,
  pastPolicy,
  Readings,
  recordsOf,
  statesOf,
} from "../../core/backtest/past-rig.ts";
import { mappingWith, shippedMapping } from "../../core/support/mappings.ts";
import { type ServiceNowSim, type ServiceNowSimOptions, startServiceNowSim } from "../../sim/servicenow.ts";
import { prng } from "../../support/prng.ts";
import { faultOf, type OpenedServiceNow, openServiceNow, type StandingClock, standingClock } from "../open.ts";

const ABEL = { by: "abel.tuter" };
const BETH = { by: "beth.anglin" };
const MINUTE_MS = 60_000;
const { mapping } = shippedMapping("servicenow.incident");
const TYPES = [{ recordType: "incident", mapping }];

describe("ServiceNow connector: the past of tickets", () => {
  let clock: StandingClock;
  let sim: ServiceNowSim;
  let opened: OpenedServiceNow;
  let startMs: number;

  async function start(options: ServiceNowSimOptions = {}): Promise<void> {
    clock = standingClock();
    startMs = clock.now();
    sim = await startServiceNowSim({ now: () => clock.now(), ...options });
    opened = openServiceNow(sim, { clock, fields: mapping.reads });
  }
  beforeEach(() => start());
  afterEach(async () => {
    await opened.connector.close();
    await sim.close();
  });

  const incident = (fields: Record<string, string> = {}): string =>
    sim.insert("incident", { short_description: "Printer on fire", ...fields }, ABEL).sys_id;
  const edit = (id: string, fields: Record<string, string>, by = BETH): void => {
    clock.pass(MINUTE_MS);
    sim.update("incident", id, fields, by);
  };
  const live = () => ({ archive: opened.connector, types: TYPES, sinceMs: startMs, nowMs: clock.now() });
  const addresses = (path: string): number[] =>
    sim.requests
      .filter((request) => request.path.includes(path))
      .map((request) => Buffer.byteLength(`${sim.url}${request.path}`));
  const audited = () => sim.requests.filter(({ path }) => path.includes("sys_audit"));

  /** Edits as people make them, each one read at its hour. */
  async function lives(count: number): Promise<Readings> {
    const random = prng(7);
    const of = <T>(...all: T[]): T => all[Math.floor(random() * all.length)] as T; // never beyond its end
    const readings = new Readings(opened.connector, mapping);
    const groups = ["", ...["Service Desk", "Network", "Security Operations"].map((name) => sim.group(name))];
    const people = ["", sim.user("abel.tuter"), sim.user("beth.anglin")];
    const close = { close_code: "Solution provided", close_notes: "done" };
    const acts: (() => Record<string, string>)[] = [
      () => ({ assignment_group: of(...groups) }),
      () => ({ assigned_to: of(...people), state: "2" }),
      () => ({ urgency: of("1", "2", "3"), impact: of("1", "2", "3") }),
      () => ({ category: of("network", "hardware", "inquiry"), short_description: of("a", "b", "") || "c" }),
      () => ({ state: "3", hold_reason: "4" }),
      () => ({ state: "6", ...close }),
      () => ({ state: "2" }),
      () => ({ work_notes: "still at it" }),
    ];
    for (let n = 0; n < count; n += 1) {
      clock.pass(Math.floor(random() * 30) * MINUTE_MS);
      const id = incident({
        assignment_group: of(...groups),
        urgency: of("1", "3"),
        category: of("network", "inquiry"),
      });
      await readings.take("incident", id);
      for (let edits = Math.floor(random() * 9); edits > 0; edits -= 1) {
        clock.pass(Math.floor(1 + random() * 90) * MINUTE_MS);
        const before = sim.rows("sys_audit").length;
        sim.update("incident", id, of(...acts)(), BETH);
        // A note alone, or an edit that changes nothing, is no new state.
        if (sim.rows("sys_audit").length > before) await readings.take("incident", id);
      }
    }
    return readings;
  }

  it("is what was read at each hour, state by state", async () => {
    const readings = await lives(40);
    const { states, unreadable } = await statesOf(live());
    expect(unreadable).to.deep.equal([]);
    expect(states.length).to.be.above(120);
    expect(states.map(({ ticket }) => ticket)).to.deep.equal(readings.tickets);
    expect(states.map(({ id, atMs }) => [id, atMs])).to.deep.equal(
      readings.tickets.map(({ ref, updatedAt }) => [ref.key, Date.parse(updatedAt)]),
    );
  });

  it("gives the figures that a file of the same history gives", async () => {
    const readings = await lives(40);
    const policy = pastPolicy([mapping, historyFile().mapping]);
    const fromFile = await readings.report([policy]);
    const fromLive = await backtest(liveSource(live()), [policy], { sinceMs: startMs });
    expect(fromFile.policies[0]?.sla.missed).to.be.above(0);
    expect(fromFile.history.known).to.be.above(5);
    expect(figuresOf(fromLive)).to.deep.equal(figuresOf(fromFile));
  });

  it("asks no history of what nobody edited, and of others in addresses that every front takes", async () => {
    for (let n = 0; n < 120; n += 1) incident();
    await statesOf(live());
    expect(audited()).to.have.length(0);
    const ids = Array.from({ length: 60 }, () => incident());
    for (const id of ids) edit(id, { urgency: "1" });
    sim.requests.length = 0;
    const { states } = await statesOf(live());
    expect(states).to.have.length(120 + 2 * 60);
    expect(audited()).to.have.length(2);
    for (const bytes of addresses("/table/")) expect(bytes).to.be.at.most(2_000);
  });

  it("begins with what was opened at that second, in the order of opening, each ticket once", async () => {
    incident();
    clock.pass(10_000);
    const sinceMs = clock.now();
    const ids = Array.from({ length: 450 }, () => incident());
    clock.pass(10_000);
    ids.push(incident());
    const { records } = await recordsOf(opened.connector, { recordType: "incident", sinceMs });
    expect(records.map(({ id }) => id))
      .to.have.members(ids)
      .and.to.have.length(451);
    expect(records.at(-1)?.id).to.equal(ids.at(-1));
    expect(
      await opened.connector.opened({
        ...live(),
        recordType: "incident",
        sinceMs,
        reads: [],
        transforms: new Map(),
        patiently: (ask) => ask(),
        remark() {},
      }),
    ).to.equal(451);
  });

  it("takes no edit for history that came after the ticket was read", async () => {
    const id = incident();
    edit(id, { urgency: "2" });
    const [row] = sim.rows("incident");
    // The record as it stood a moment ago, and the history as it is now.
    sim.faults.add({
      path: /table\/incident/,
      kind: "status",
      status: 200,
      body: { result: [row] },
      headers: { "X-Total-Count": "1" },
    });
    edit(id, { urgency: "1" });
    const small = mappingWith({ urgency: '{ from: urgency, values: { "1": 1, "2": 2, "3": 3 } }' });
    const { states, remarks } = await statesOf({ ...live(), types: [{ recordType: "incident", mapping: small }] });
    expect(states.map(({ ticket }) => ticket.urgency)).to.deep.equal([3, 2]);
    expect(remarks).to.deep.equal([]);
  });

  it("takes an audited insert for the opening, not for an edit", async () => {
    const id = incident({ urgency: "2" });
    edit(id, { urgency: "1" });
    const first = { documentkey: id, tablename: "incident", fieldname: "urgency", oldvalue: "", newvalue: "2" };
    sim.insert("sys_audit", { ...first, record_checkpoint: "0" }, ABEL);
    const { states } = await statesOf(live());
    expect(states.map(({ ticket }) => ticket.urgency)).to.deep.equal([2, 1]);
  });

  it("goes by seconds where the history does not count updates", async () => {
    const id = incident();
    edit(id, { urgency: "2", category: "network" });
    edit(id, { urgency: "1" });
    for (const row of sim.rows("sys_audit")) sim.update("sys_audit", row.sys_id, { record_checkpoint: "" }, ABEL);
    const { states } = await statesOf(live());
    expect(states.map(({ ticket }) => [ticket.urgency, ticket.category])).to.deep.equal([
      [3, "inquiry"],
      [2, "network"],
      [1, "network"],
    ]);
  });

  it("says where something was changed that the history does not hold, and ends with what stands there", async () => {
    const id = incident();
    edit(id, { urgency: "2" });
    edit(id, { category: "network" });
    const [lost] = sim.rows("sys_audit").filter((row) => row["fieldname"] === "urgency");
    sim.update("sys_audit", lost?.sys_id ?? "", { newvalue: "1" }, ABEL);
    const { states, remarks } = await statesOf(live());
    expect(states.map(({ ticket }) => ticket.urgency)).to.deep.equal([3, 2, 2]);
    expect(remarks).to.have.length(1);
    expect(remarks[0]).to.match(/^Of 1 tickets of incident something was changed that sys_audit does not hold/);
  });

  it("says of how many edited tickets no change is recorded", async () => {
    edit(incident(), { urgency: "2" });
    edit(incident(), { work_notes: "a note" });
    const { states, remarks } = await statesOf(live());
    expect(states).to.have.length(3);
    expect(remarks.join()).to.match(/^Of 1 edited tickets of incident sys_audit holds no change of a mapped field/);
  });

  it("is told where the count of updates is hidden from us", async () => {
    const id = incident();
    edit(id, { urgency: "2" });
    const [row] = sim.rows("incident");
    const hidden = Object.fromEntries(Object.entries(row ?? {}).filter(([field]) => field !== "sys_mod_count"));
    const headers = { "X-Total-Count": "1" };
    sim.faults.add({ path: /table\/incident/, kind: "status", status: 200, body: { result: [hidden] }, headers });
    const { states } = await statesOf(live());
    expect(states.map(({ ticket }) => ticket.urgency)).to.deep.equal([3, 2]);
  });

  it("names fields of which no change is recorded, since they stand as they stand now", async () => {
    for (let n = 0; n < 20; n += 1) edit(incident(), { urgency: "1", impact: "1", state: "2" });
    const { remarks } = await statesOf(live());
    expect(remarks).to.have.length(1);
    expect(remarks[0]).to.match(
      /^sys_audit holds no change of assigned_to, assignment_group, business_service, caller_id,/,
    );
    expect(remarks[0]).to.not.match(/urgency|state|sys_created_on|number/);
  });

  describe("names", () => {
    it("are those of groups and people that no ticket has any more, active or not", async () => {
      const network = sim.group("Network");
      const id = incident({ assignment_group: network, assigned_to: sim.user("abel.tuter") });
      edit(id, { assignment_group: "", assigned_to: "" });
      sim.update("sys_user_group", network, { active: "false" }, ABEL);
      const { states } = await statesOf(live());
      const [first, second] = states.map(({ ticket }) => [ticket.assignmentGroup, ticket.assignee.email]);
      expect([first, second]).to.deep.equal([
        ["Network", "abel.tuter@example.com"],
        ["", ""],
      ]);
    });

    it("are asked for once, and not where a ticket that was read has them", async () => {
      const [network, desk] = [sim.group("Network"), sim.group("Service Desk")];
      for (let n = 0; n < 5; n += 1) edit(incident({ assignment_group: network }), { assignment_group: desk });
      sim.requests.length = 0;
      await statesOf(live());
      const looked = sim.requests.filter(({ path }) => path.includes("sys_user_group"));
      expect(looked).to.have.length(1);
      expect(looked[0]?.path).to.include(network).and.to.not.include(desk);
    });

    it("that cannot be told make a state unreadable, and leave a ticket out that was opened with one", async () => {
      const network = sim.group("Network");
      const [later, opener] = [incident(), incident({ assignment_group: network })];
      edit(later, { assignment_group: network });
      for (const id of [later, opener]) edit(id, { assignment_group: sim.group("Service Desk") });
      sim.remove("sys_user_group", network);
      const { states, unreadable } = await statesOf(live());
      expect(states.map(({ ticket }) => ticket.assignmentGroup)).to.deep.equal(["", "Service Desk"]);
      const why = "pointed to a record that is not there any more, or that the integration user may not see";
      expect(unreadable).to.have.members([
        `assignment_group: ${why}`,
        `assignment_group: ${why} (as opened: the ticket is left out)`,
      ]);
    });

    it("of people and items that are gone are told by no id", async () => {
      const router = sim.insert("cmdb_ci", { name: "router-1" }, ABEL).sys_id;
      const abel = sim.user("abel.tuter");
      const id = incident();
      edit(id, { cmdb_ci: router, assigned_to: abel });
      edit(id, { cmdb_ci: "", assigned_to: "" });
      sim.remove("cmdb_ci", router);
      sim.remove("sys_user", abel);
      const { states, unreadable } = await statesOf(live());
      expect(states).to.have.length(2);
      expect(unreadable.join()).to.match(
        /assigned_to: pointed to .*cmdb_ci: pointed to|cmdb_ci: pointed to .*assigned_to: pointed to/,
      );
    });

    it("of a group that is gone are no name where a ticket still has it", async () => {
      const network = sim.group("Network");
      edit(incident(), { assignment_group: network });
      sim.remove("sys_user_group", network);
      const { states, unreadable } = await statesOf(live());
      expect(states).to.have.length(1);
      expect(unreadable).to.have.length(1);
    });

    it("of items are looked up in the CMDB", async () => {
      const router = sim.insert("cmdb_ci", { name: "router-1" }, ABEL).sys_id;
      const id = incident({ cmdb_ci: router });
      edit(id, { cmdb_ci: "" });
      const { states } = await statesOf(live());
      expect(states.map(({ ticket }) => [ticket.ci, ticket.ciId])).to.deep.equal([
        ["router-1", router],
        ["", ""],
      ]);
    });

    it("behind a reference that pointed elsewhere then are not guessed at", async () => {
      const id = incident({ caller_id: sim.user("abel.tuter") });
      edit(id, { caller_id: sim.user("beth.anglin") });
      const walked = mappingWith({ category: "{ from: caller_id.department.name }" });
      const { states, unreadable } = await statesOf({
        ...live(),
        types: [{ recordType: "incident", mapping: walked }],
      });
      expect(states).to.deep.equal([]);
      expect(unreadable).to.deep.equal([
        "caller_id.department.name: was read through a reference that pointed elsewhere then (as opened: the ticket is left out)",
      ]);
    });
  });

  describe("faults", () => {
    const past = () => statesOf(live());

    it("rejected: sys_audit answers 403, with what to grant", async () => {
      edit(incident(), { urgency: "1" });
      sim.faults.add({ path: /sys_audit/, kind: "status", status: 403 });
      const fault = await faultOf(past());
      expect(fault).to.include({ kind: "rejected", status: 403 });
      expect(fault.message).to.match(/does not let the integration user read sys_audit, .*read ACL on sys_audit/);
    });

    it("rejected: entries of sys_audit are hidden, all of them or some", async () => {
      const ids = [incident(), incident()];
      for (const id of ids) edit(id, { urgency: "1" });
      sim.faults.auditHidden = true;
      expect((await faultOf(past())).message).to.match(/hides 4 entries of sys_audit from the integration user/);
      sim.faults.auditHidden = false;
      await opened.connector.close();
      await sim.close();
      await start({ rowAcl: (_, table, row) => table !== "sys_audit" || row["fieldname"] !== "priority" });
      edit(incident(), { urgency: "1" });
      expect((await faultOf(past())).message).to.match(/hides 1 entries of sys_audit/);
    });

    it("rejected: sys_audit is empty to us where a front takes the count away", async () => {
      edit(incident(), { urgency: "1" });
      const empty = { kind: "status", status: 200, body: { result: [] } } as const;
      sim.faults.add({ path: /sys_audit/, times: 2, ...empty });
      expect((await faultOf(past())).message).to.match(/shows no entry of sys_audit at all/);
    });

    it("rejected: a table that is not audited", async () => {
      for (let n = 0; n < 20; n += 1) edit(incident(), { work_notes: "a note" });
      sim.insert("sys_audit", { documentkey: "x", fieldname: "state" }, ABEL);
      expect((await faultOf(past())).message).to.match(/no change of a mapped field in 20 edited tickets of incident/);
    });

    it("rejected: a table that is not configured, without a call", async () => {
      const fault = await faultOf(recordsOf(opened.connector, { recordType: "problem" }));
      expect(fault).to.include({ kind: "rejected" });
      expect(sim.requests).to.be.empty;
    });

    it("protocol: a history of another ticket, and one without hours", async () => {
      const id = incident();
      edit(id, { urgency: "1" });
      const row = {
        sys_id: "a".repeat(32),
        fieldname: "urgency",
        oldvalue: "3",
        newvalue: "1",
        sys_created_on: "2026-01-31 10:00:00",
      };
      for (const changed of [{ documentkey: "b".repeat(32) }, { documentkey: id, sys_created_on: "today" }]) {
        sim.faults.add({ path: /sys_audit/, kind: "status", status: 200, body: { result: [{ ...row, ...changed }] } });
        expect(await faultOf(past()), JSON.stringify(changed)).to.include({ kind: "protocol" });
      }
    });

    it("rate_limited: a 429 is waited for as long as it says, and nothing is lost or told twice", async () => {
      edit(incident(), { urgency: "1" });
      edit(incident(), { urgency: "2" });
      const whole = await past();
      const waits: number[] = [];
      const waiting = { ...clock, sleep: async (ms: number) => clock.pass(ms) };
      const patiently = patience({
        ...{ clock: waiting, rng: { next: () => 0 }, limits: Limits.parse({}) },
        onWait: (waitMs) => void waits.push(waitMs),
      });
      for (const path of [/incident/, /sys_audit/])
        sim.faults.add({ path, kind: "status", status: 429, headers: { "Retry-After": "30" } });
      expect(await statesOf({ ...live(), patiently })).to.deep.equal(whole);
      expect(waits).to.deep.equal([30_000, 30_000]);
      sim.faults.add({ path: /sys_audit/, times: 99, kind: "status", status: 429, headers: { "Retry-After": "30" } });
      expect(await faultOf(statesOf({ ...live(), patiently }))).to.include({ kind: "rate_limited" });
      sim.faults.clear();
      clock.pass(60_000);
      waits.length = 0;
      sim.faults.add({ path: /incident/, kind: "status", status: 429, headers: { "Retry-After": "3600" } });
      expect(await faultOf(statesOf({ ...live(), patiently }))).to.include({ kind: "rate_limited" });
      expect(waits).to.deep.equal([]);
    });

    it("unavailable: a page that the instance cut off in the middle is asked for again, never taken for the whole", async () => {
      for (let n = 0; n < 3; n += 1) edit(incident(), { urgency: "1" });
      const whole = await past();
      const result = [{ sys_id: "a".repeat(32), sys_created_on: "2026-01-31 10:00:00" }];
      const error = { message: "Transaction cancelled: maximum execution time exceeded" };
      const cutPage = { kind: "status", status: 200, body: { result, error, status: "failure" } } as const;
      for (const path of [/table\/incident/, /sys_audit/]) sim.faults.add({ path, ...cutPage });
      const fault = await faultOf(past());
      expect(fault).to.be.instanceOf(ConnectorError).and.to.include({ kind: "unavailable" });
      sim.faults.clear();
      for (const path of [/table\/incident/, /sys_audit/]) sim.faults.add({ path, ...cutPage });
      const patiently = patience({ clock, rng: { next: () => 0 }, limits: Limits.parse({}) });
      expect(await statesOf({ ...live(), patiently })).to.deep.equal(whole);
    });

    it("goes on behind a page of history that is full", async () => {
      const id = incident();
      for (let n = 0; n < 600; n += 1) sim.update("incident", id, { urgency: n % 2 === 0 ? "1" : "3" }, BETH);
      const { records } = await recordsOf(opened.connector, {
        recordType: "incident",
        sinceMs: startMs,
        reads: ["urgency"],
      });
      expect(records[0]?.versions).to.have.length(601);
      expect(audited()).to.have.length(2);
    });

    it("asks about fewer tickets at once where one has edits without end, and leaves that one out", async () => {
      const [busy, quiet] = [incident(), incident()];
      edit(quiet, { urgency: "1" });
      edit(busy, { urgency: "1" });
      const full = Array.from({ length: 500 }, (_, n) => ({
        ...{ sys_id: n.toString(16).padStart(32, "0"), documentkey: busy, fieldname: "urgency" },
        ...{ oldvalue: "3", newvalue: "1", record_checkpoint: "1", sys_created_on: "2026-01-31 10:01:00" },
      }));
      let from = 0;
      const page = () => full.map((row) => ({ ...row, sys_id: (from++).toString(16).padStart(32, "0") }));
      // Both at once, then the busy one alone.
      for (let n = 0; n < 40; n += 1)
        sim.faults.add({ path: /sys_audit/, kind: "status", status: 200, body: { result: page() } });
      from = 0;
      for (let n = 0; n < 40; n += 1)
        sim.faults.add({
          path: new RegExp(`sys_audit.*IN${busy}%5E`),
          kind: "status",
          status: 200,
          body: { result: page() },
        });
      const { states, unreadable } = await statesOf(live());
      expect(states).to.have.length(2);
      expect(unreadable).to.deep.equal([
        "sys_audit: has more entries than can be read (as opened: the ticket is left out)",
      ]);
    });
  });
});
