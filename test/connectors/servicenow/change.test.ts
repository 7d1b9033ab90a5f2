import { expect } from "chai";
import { type Changes, changes } from "../../../connectors/servicenow/change.ts";
import { type ServiceNowSim, startServiceNowSim } from "../../sim/servicenow.ts";
import { faultOf, type StandingClock } from "../open.ts";
import { type BareClient, bareClient, sleepingClock } from "./bare-client.ts";

const ABEL = { by: "abel.tuter" };
const NOWHERE = "0".repeat(32);

describe("ServiceNow changes", () => {
  let clock: StandingClock;
  let sim: ServiceNowSim;
  let bare: BareClient;
  let api: Changes;

  beforeEach(async () => {
    clock = sleepingClock();
    sim = await startServiceNowSim({ now: () => clock.now() });
    bare = bareClient(sim, clock);
    api = changes(bare);
  });
  afterEach(async () => {
    await bare.client.close();
    await sim.close();
  });

  const change = (fields: Record<string, string> = {}): string => sim.insert("change_request", fields, ABEL).sys_id;
  const sent = (method: string): string[] =>
    sim.requests.filter((request) => request.method === method).map(({ path }) => path);

  it("are read from typed values", async () => {
    const id = change({ start_date: "2026-02-01 20:00:00", risk: "2", cab_required: "true" });
    expect(await api.read(id)).to.deep.equal({
      id,
      key: "CHG0010001",
      state: "-5",
      type: "normal",
      risk: "2",
      approval: "not requested",
      cabRequired: true,
      onHold: false,
      plannedStartMs: Date.UTC(2026, 1, 1, 20),
      plannedEndMs: null,
      revision: "0",
    });
  });

  it("that are not there are no error, and what is no sys_id is not asked for", async () => {
    expect(await api.read(NOWHERE)).to.equal(undefined);
    sim.requests.length = 0;
    expect(await api.read("x/../../table/sys_user")).to.equal(undefined);
    expect(sim.requests).to.be.empty;
  });

  it("are taken from a list of one too, and from nothing else", async () => {
    const id = change();
    const fault = (result: unknown): void => {
      sim.faults.add({ path: /sn_chg_rest/, kind: "status", status: 200, body: { result } });
    };
    const record = { sys_id: { value: id }, state: { value: -4.0, display_value: "Assess" } };
    fault([record]);
    expect(await api.read(id)).to.include({ state: "-4" });
    for (const odd of [
      [],
      [record, record],
      "text",
      { ...record, sys_id: { value: NOWHERE } },
      { sys_id: { value: id } },
    ]) {
      fault(odd);
      expect(await faultOf(api.read(id)), JSON.stringify(odd)).to.include({ kind: "protocol" });
    }
  });

  it("say where they may go", async () => {
    expect(await api.nextStates(change())).to.deep.equal([
      { state: "-5", label: "New" },
      { state: "-4", label: "Assess" },
      { state: "4", label: "Canceled" },
    ]);
  });

  describe("moved", () => {
    it("go to a state that is offered, once", async () => {
      const id = change();
      expect(await api.moveTo({ id, from: "-5", to: "-4" })).to.deep.equal({ moved: true, raced: false });
      expect(sim.get("change_request", id)).to.include({ state: "-4" });
      expect(await api.moveTo({ id, from: "-5", to: "-4" })).to.deep.equal({ moved: false, raced: false });
      expect(sent("PATCH")).to.have.length(1);
    });

    it("do not go to one that is not, and nothing is written", async () => {
      const id = change();
      const fault = await faultOf(api.moveTo({ id, from: "-5", to: "-1" }));
      expect(fault).to.include({ kind: "rejected" });
      expect(fault.message).to.contain("does not offer state -1 to CHG0010001").and.contain("it offers -4, 4");
      expect(sent("PATCH")).to.be.empty;
    });

    it("do not go where a condition stands in the way, which is named", async () => {
      const id = change();
      const condition = { passed: false, condition: { name: "Backout plan is filled in" } };
      const transition = { from_state: "-5", to_state: "-4", transition_available: false, conditions: [condition] };
      const result = { available_states: ["-5", "-4"], state_transitions: [[transition]], state_label: {} };
      sim.faults.add({ path: /nextstates/, kind: "status", status: 200, body: { result } });
      const fault = await faultOf(api.moveTo({ id, from: "-5", to: "-4" }));
      expect(fault).to.include({ kind: "rejected" });
      expect(fault.message).to.contain("Backout plan is filled in not met");
      expect(sent("PATCH")).to.be.empty;
    });

    it("stay where a person put them meanwhile", async () => {
      const id = change();
      sim.update("change_request", id, { state: "4" }, ABEL);
      expect(await faultOf(api.moveTo({ id, from: "-5", to: "-4" }))).to.include({ kind: "conflict" });
      expect(sent("PATCH")).to.be.empty;
    });

    it("are told apart from those that were edited between reading and writing", async () => {
      const id = change();
      sim.faults.add({ path: /nextstates/, kind: "delay", delayMs: 30 });
      const moving = api.moveTo({ id, from: "-5", to: "-4" });
      while (!sim.requests.some(({ path }) => path.includes("nextstates"))) await new Promise(setImmediate);
      sim.update("change_request", id, { risk: "2" }, ABEL);
      expect(await moving).to.deep.equal({ moved: true, raced: true });
    });

    it("that the instance silently keeps are an error that names the right", async () => {
      await sim.close();
      sim = await startServiceNowSim({ now: () => clock.now(), forbiddenFields: { change_request: ["state"] } });
      api = changes(bareClient(sim, clock));
      const fault = await faultOf(api.moveTo({ id: change(), from: "-5", to: "-4" }));
      expect(fault).to.include({ kind: "rejected" });
      expect(fault.message).to.contain("write ACL of state");
    });

    it("with an answer that got lost are moved, and the next call sees it", async () => {
      const id = change();
      sim.faults.add({ path: /sn_chg_rest/, method: "PATCH", kind: "apply-then-reset" });
      expect(await faultOf(api.moveTo({ id, from: "-5", to: "-4" }))).to.include({ outcome: "unknown" });
      expect(await api.moveTo({ id, from: "-5", to: "-4" })).to.include({ moved: false });
    });
  });

  describe("conflicts", () => {
    const planned = { start_date: "2026-02-01 20:00:00", end_date: "2026-02-01 22:00:00" };

    it("are found by a check that is waited for", async () => {
      const cmdb_ci = sim.insert("cmdb_ci", { name: "FW-01" }, ABEL).sys_id;
      const id = change({ ...planned, cmdb_ci });
      expect(await api.conflicts(id)).to.include({ verdict: "clear" });
      change({ ...planned, cmdb_ci });
      const found = await api.conflicts(id);
      expect(found).to.include({ verdict: "conflict", cut: false });
      expect(found).to.have.deep.property("conflicts", [{ type: "ci_already_scheduled", changeId: id }]);
    });

    it("are counted, whatever the status says", async () => {
      const id = change();
      const result = { status: "Conflict", last_run: "2026-01-31 23:00:00", record_count: "1", conflicts: [] };
      sim.faults.add({ path: /conflict/, method: "GET", kind: "status", status: 200, body: { result }, skip: 1 });
      expect(await api.conflicts(id)).to.deep.equal({ verdict: "clear", lastRun: "2026-01-31 23:00:00" });
    });

    it("of an older check are not taken for the answer", async () => {
      const id = change();
      await api.conflicts(id);
      const result = { status: "No Conflict", last_run: "2026-01-31 10:00:02", record_count: "1", conflicts: [] };
      sim.faults.add({ path: /conflict/, method: "GET", kind: "status", status: 200, body: { result }, times: 100 });
      const startedMs = clock.now();
      expect(await api.conflicts(id)).to.include({ verdict: "unknown" });
      expect(clock.now() - startedMs, "the wait is bounded").to.equal(30_000);
    });

    it("that the instance could not check are unknown", async () => {
      const id = change();
      const result = { worker: { sysId: NOWHERE }, state: { value: 4, display_value: "Error" } };
      sim.faults.add({ path: /worker/, kind: "status", status: 200, body: { result } });
      expect(await api.conflicts(id)).to.deep.equal({
        verdict: "unknown",
        reason: "the conflict check failed on the instance",
      });
    });
  });
});
