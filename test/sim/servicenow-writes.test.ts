import { expect } from "chai";
import type { ServiceNowSim } from "./servicenow.ts";
import { ServiceNowError, startServiceNowSim } from "./servicenow.ts";
import type { WireAnswer } from "./wire.ts";
import { at, callServiceNow } from "./wire.ts";

const ABEL = { by: "abel.tuter" };

describe("ServiceNow simulator: writes", () => {
  let sim: ServiceNowSim;
  let nowMs: number;
  let id: string;

  beforeEach(async () => {
    nowMs = Date.UTC(2026, 0, 31, 10, 0, 0);
    sim = await startServiceNowSim({ now: () => nowMs, forbiddenFields: { incident: ["correlation_id"] } });
    id = sim.insert("incident", { short_description: "Printer on fire" }, ABEL).sys_id;
  });
  afterEach(() => sim.close());

  const patch = (body: unknown, query = ""): Promise<WireAnswer> =>
    callServiceNow(sim, `/api/now/table/incident/${id}${query}`, { method: "PATCH", body });
  const stored = (): Record<string, string> => sim.get("incident", id) ?? {};

  it("insert with 201 and a Location", async () => {
    const answer = await callServiceNow(sim, "/api/now/table/incident", {
      method: "POST",
      body: { short_description: "New" },
    });
    expect(answer.status).to.equal(201);
    const sysId = String(at(answer.body, "result", "sys_id"));
    expect(sysId).to.match(/^[0-9a-f]{32}$/);
    expect(answer.headers.get("location")).to.equal(`${sim.url}/api/now/table/incident/${sysId}`);
    expect(sim.get("incident", sysId)).to.include({ sys_created_by: "interlock.bot", short_description: "New" });
  });

  it("count only what changed something", async () => {
    nowMs += 5_400;
    expect((await patch({ short_description: "Printer on fire" })).status).to.equal(200);
    expect(stored()).to.include({
      sys_mod_count: "0",
      sys_updated_on: "2026-01-31 10:00:00",
      sys_updated_by: "abel.tuter",
    });
    await patch({ short_description: "Printer smoulders" });
    expect(stored()).to.include({
      sys_mod_count: "1",
      sys_updated_on: "2026-01-31 10:00:05",
      sys_updated_by: "interlock.bot",
    });
  });

  it("recompute the priority from impact and urgency, whatever the client sent", async () => {
    const lookup: [string, string, string][] = [
      ["1", "1", "1"],
      ["1", "3", "3"],
      ["2", "1", "2"],
      ["2", "3", "4"],
      ["3", "2", "4"],
      ["3", "3", "5"],
    ];
    for (const [impact, urgency, priority] of lookup) {
      const { body } = await patch({ impact, urgency, priority: "1" });
      expect(at(body, "result", "priority"), `${impact},${urgency}`).to.equal(priority);
    }
  });

  it("take numbers, booleans and null, and keep strings", async () => {
    await patch({ impact: 1, knowledge: true, short_description: null });
    expect(stored()).to.include({ impact: "1", knowledge: "true", short_description: "" });
  });

  it("drop unknown, forbidden and system fields with a 200", async () => {
    const answer = await patch({
      correlation_id: "OPS-1",
      colour: "red",
      sys_created_by: "me",
      sys_id: "x",
      impact: "2",
    });
    expect(answer.status).to.equal(200);
    expect(at(answer.body, "result")).to.include({
      correlation_id: "",
      impact: "2",
      sys_created_by: "abel.tuter",
      sys_id: id,
    });
    expect(at(answer.body, "result")).not.to.have.property("colour");
  });

  it("cut text at the column's length", async () => {
    await patch({ short_description: "x".repeat(200) });
    expect(stored()["short_description"]).to.have.lengthOf(160);
  });

  it("accept a reference that points nowhere", async () => {
    const { status } = await patch({ assignment_group: "Network" });
    expect(status).to.equal(200);
    expect(stored()["assignment_group"]).to.equal("Network");
    const { body } = await callServiceNow(sim, `/api/now/table/incident/${id}?sysparm_fields=assignment_group.name`);
    expect(body).to.deep.equal({ result: { "assignment_group.name": "" } });
  });

  it("resolve labels and names on demand", async () => {
    await patch(
      { state: "In Progress", assignment_group: "Network", caller_id: "Nobody" },
      "?sysparm_input_display_value=true",
    );
    expect(stored()).to.include({ state: "2", assignment_group: sim.group("Network"), caller_id: "" });
  });

  it("delete with 204, and then 404", async () => {
    const path = `/api/now/table/incident/${id}`;
    expect((await callServiceNow(sim, path, { method: "DELETE" })).status).to.equal(204);
    expect((await callServiceNow(sim, path, { method: "DELETE" })).status).to.equal(404);
    expect((await patch({ impact: "1" })).status).to.equal(404);
  });

  it("go through POST under an override header, and leave the body out on demand", async () => {
    const headers = { "x-http-method-override": "PATCH", "x-no-response-body": "true" };
    const answer = await callServiceNow(sim, `/api/now/table/incident/${id}`, {
      method: "POST",
      body: { impact: "1" },
      headers,
    });
    expect(answer).to.include({ status: 200, text: "" });
    expect(stored()["impact"]).to.equal("1");
  });

  describe("rules", () => {
    it("refuse a resolution without code and notes, by the API and by people", async () => {
      const answer = await patch({ state: "6" });
      expect(answer.status).to.equal(403);
      expect(answer.body).to.deep.equal({
        error: {
          message: "Operation Failed",
          detail: "Data Policy Exception: The following fields are mandatory: Resolution code, Resolution notes",
        },
        status: "failure",
      });
      expect(stored()["state"]).to.equal("1");
      expect(() => sim.update("incident", id, { state: 6, close_code: "Duplicate" }, ABEL)).to.throw(
        ServiceNowError,
        "Resolution notes",
      );
    });

    it("stamp a resolution, and a reopening", async () => {
      await patch({ state: "6", close_code: "Solution provided", close_notes: "Extinguished" });
      expect(stored()).to.include({ incident_state: "6", active: "true", resolved_at: "2026-01-31 10:00:00" });
      expect(stored()["resolved_by"]).to.equal(sim.user("interlock.bot"));
      await patch({ state: "2" });
      expect(stored()).to.include({ incident_state: "2", resolved_at: "", reopen_count: "1" });
    });

    it("let incident_state lead when it is what changed, and close the task", async () => {
      await patch({ incident_state: "8" });
      expect(stored()).to.include({ state: "8", active: "false", closed_at: "2026-01-31 10:00:00" });
    });

    it("refuse on hold without a reason, and waiting for the caller without a comment", async () => {
      expect((await patch({ state: "3" })).status).to.equal(403);
      expect((await patch({ state: "3", hold_reason: "1" })).status).to.equal(403);
      expect((await patch({ state: "3", hold_reason: "1", comments: "Please call" })).status).to.equal(200);
      expect((await patch({ state: "2" })).status).to.equal(200);
      expect(stored()["hold_reason"]).to.equal("");
      expect((await patch({ state: "3", hold_reason: "4" })).status).to.equal(200);
    });

    it("refuse to close a change without code and notes", () => {
      const change = sim.insert("change_request", { state: "0" }, ABEL).sys_id;
      expect(() => sim.update("change_request", change, { state: "3" }, ABEL)).to.throw(ServiceNowError, "Close code");
      const closed = { state: "3", close_code: "successful", close_notes: "Done" };
      expect(sim.update("change_request", change, closed, ABEL)).to.include({ state: "3", active: "false" });
    });

    it("hold for a record written through its parent table", async () => {
      const answer = await callServiceNow(sim, `/api/now/table/task/${id}`, { method: "PATCH", body: { state: "6" } });
      expect(answer.status).to.equal(403);
    });
  });

  describe("journals", () => {
    const entries = async (): Promise<unknown> => {
      const query = `sysparm_query=element_id=${id}^elementINwork_notes,comments^ORDERBYsys_created_on`;
      const path = `/api/now/table/sys_journal_field?sysparm_fields=element,value,sys_created_by,name&${query}`;
      return at((await callServiceNow(sim, path)).body, "result");
    };

    it("append, read back as nothing, and live in a table of their own", async () => {
      const first = await patch({ work_notes: "one" });
      expect(at(first.body, "result", "work_notes")).to.equal("");
      await patch({ work_notes: "one" });
      sim.update("incident", id, { comments: "two" }, ABEL);
      const bot = { element: "work_notes", value: "one", sys_created_by: "interlock.bot", name: "incident" };
      expect(await entries()).to.deep.equal([
        bot,
        bot,
        { element: "comments", value: "two", sys_created_by: "abel.tuter", name: "incident" },
      ]);
      expect(stored()["sys_mod_count"]).to.equal("3");
      expect(sim.journal(id).map(({ value }) => value)).to.deep.equal(["one", "one", "two"]);
      const shown = await callServiceNow(sim, `/api/now/table/incident/${id}?sysparm_display_value=true`);
      expect(at(shown.body, "result", "comments")).to.equal(
        "2026-01-31 10:00:00 - abel.tuter (Additional comments)\ntwo\n\n",
      );
    });

    it("come empty, not forbidden, where the ACL hides them from the integration user", async () => {
      await patch({ work_notes: "one" });
      sim.faults.journalHidden = true;
      expect(await entries()).to.deep.equal([]);
      const asAbel = { as: "abel.tuter:abel-password" };
      const { body } = await callServiceNow(sim, "/api/now/table/sys_journal_field", asAbel);
      expect(at(body, "result")).to.have.lengthOf(1);
    });
  });
});
