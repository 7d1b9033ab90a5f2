import { expect } from "chai";
import { type ServiceNowSim, startServiceNowSim } from "./servicenow.ts";
import { at, callServiceNow } from "./wire.ts";

const ABEL = { by: "abel.tuter" };
const BASE = "/api/sn_chg_rest/change";

describe("ServiceNow simulator: Change Management API", () => {
  let sim: ServiceNowSim;
  let nowMs: number;

  beforeEach(async () => {
    nowMs = Date.UTC(2026, 0, 31, 10);
    sim = await startServiceNowSim({ now: () => nowMs });
  });
  afterEach(() => sim.close());

  const send = (path: string, method = "GET", body?: unknown) =>
    callServiceNow(sim, `${BASE}${path}`, body === undefined ? { method } : { method, body });

  it("answers typed values beside labels, without links", async () => {
    const cmdb_ci = sim.insert("cmdb_ci", { name: "FW-01" }, ABEL).sys_id;
    const { sys_id } = sim.insert("change_request", { cmdb_ci, start_date: "2026-02-01 20:00:00" }, ABEL);
    const { body } = await send(`/${sys_id}`);
    expect(at(body, "result")).to.deep.include({
      state: { display_value: "New", value: -5 },
      active: { display_value: "true", value: true },
      cmdb_ci: { display_value: "FW-01", value: cmdb_ci },
      due_date: { display_value: "", value: "", display_value_internal: "" },
      start_date: {
        display_value: "2026-02-01 20:00:00",
        value: "2026-02-01 20:00:00",
        display_value_internal: "2026-02-01 20:00:00",
      },
    });
    expect((await callServiceNow(sim, `/api/sn_chg_rest/v1/change/${sys_id}`)).status).to.equal(200);
  });

  it("creates with 200, and says which names it ignored", async () => {
    const { status, body } = await send("", "POST", { type: "normal", bogus: "x", sys_id: "y" });
    expect(status).to.equal(200);
    expect(at(body, "result", "__meta")).to.deep.equal({ ignoredFields: ["bogus", "sys_id"] });
    expect((await send("", "POST", { risk: "2" })).status).to.equal(400);
  });

  it("moves by number or name to what next states offers, and nowhere else", async () => {
    const { sys_id } = sim.insert("change_request", {}, ABEL);
    const offered = at((await send(`/${sys_id}/nextstates`)).body, "result");
    expect(offered).to.have.deep.property("available_states", ["-5", "-4", "4"]);
    expect(at(offered, "state_transitions", "0", "0")).to.include({ from_state: "-5", to_state: "-4" });
    expect((await send(`/${sys_id}`, "PATCH", { state: "-1" })).status).to.equal(400);
    expect((await send(`/${sys_id}`, "PATCH", { state: "assess" })).status).to.equal(200);
    expect(sim.get("change_request", sys_id)).to.include({ state: "-4" });
    const byTable = { method: "PATCH", body: { state: "-1" } };
    const { status, text } = await callServiceNow(sim, `/api/now/table/change_request/${sys_id}`, byTable);
    expect(status).to.equal(403);
    expect(text).to.contain("aborted by Business Rule 'Change Model: Check State Transition");
  });

  it("leads each type of change its own way", async () => {
    const paths = { normal: "-4", emergency: "-3", standard: "-2" };
    for (const [type, to] of Object.entries(paths)) {
      const { sys_id } = sim.insert("change_request", { type }, ABEL);
      for (const other of Object.values(paths)) {
        const { status } = await send(`/${sys_id}`, "PATCH", { state: other });
        expect(status, `${type} to ${other}`).to.equal(other === to ? 200 : 400);
        if (other === to) break;
      }
    }
  });

  it("checks for conflicts in a worker, whose result comes a little after its end", async () => {
    const { sys_id } = sim.insert("change_request", {}, ABEL);
    const result = async () => at((await send(`/${sys_id}/conflict`)).body, "result");
    expect(await result()).to.include({ status: "Not Run", last_run: "" });
    const worker = String(at((await send(`/${sys_id}/conflict`, "POST")).body, "result", "worker", "sysId"));
    const state = async () => at((await send(`/worker/${worker}`)).body, "result", "state", "value");
    expect(await state()).to.equal(1);
    nowMs += 1_000;
    expect(await state()).to.equal(2);
    nowMs += 1_500;
    expect(await state()).to.equal(3);
    expect(await result()).to.include({ last_run: "" });
    nowMs += 1_000;
    expect(await result()).to.include({ last_run: "2026-01-31 10:00:02", status: "No Conflict" });
  });

  it("ends a check that is cancelled in error", async () => {
    const { sys_id } = sim.insert("change_request", {}, ABEL);
    const worker = String(at((await send(`/${sys_id}/conflict`, "POST")).body, "result", "worker", "sysId"));
    expect((await send(`/${sys_id}/conflict`, "DELETE")).status).to.equal(204);
    expect(at((await send(`/worker/${worker}`)).body, "result", "state")).to.deep.equal({
      value: 4,
      display_value: "Error",
    });
  });
});
