import { expect } from "chai";
import { type ServiceNowSim, startServiceNowSim } from "../../sim/servicenow.ts";
import { faultOf, type Opened, openServiceNow, type PlannedWrite, writeOf } from "../open.ts";

const ABEL = { by: "abel.tuter" };

describe("ServiceNow connector: writing", () => {
  let sim: ServiceNowSim;
  let opened: Opened;
  let id: string;

  beforeEach(async () => {
    sim = await startServiceNowSim({ forbiddenFields: { incident: ["category"] } });
    opened = openServiceNow(sim);
    id = sim.insert("incident", { short_description: "Printer on fire" }, ABEL).sys_id;
  });
  afterEach(async () => {
    await opened.connector.close();
    await sim.close();
  });

  const write = (planned: Omit<PlannedWrite, "id" | "type" | "recordType">) =>
    opened.connector.write(
      writeOf(opened.clock, "snow", { type: "incident", recordType: "incident", id, key: "INC0010001", ...planned }),
    );
  const sent = (method: string): string[] =>
    sim.requests.filter((request) => request.method === method).map(({ path }) => path);

  it("puts several fields and the note into one call; the note is read back later", async () => {
    const result = await write({
      fields: { group: { assignment_group: { group: "Network" } }, urgency: { impact: "1", urgency: "2" } },
      note: "Routed. [il:note]",
    });
    expect(result).to.deep.include({ applied: ["group", "urgency"], unconfirmed: ["note"], dropped: [] });
    expect(sent("PATCH")).to.have.length(1);
    expect(sim.get("incident", id)).to.include({ assignment_group: sim.group("Network"), impact: "1", urgency: "2" });
    expect(sim.journal(id).map(({ value }) => value)).to.deep.equal(["Routed. [il:note]"]);
  });

  it("writes a note alone", async () => {
    const result = await write({ note: "A suggestion. [il:note]" });
    expect(result).to.deep.include({ applied: [], unconfirmed: ["note"], dropped: [] });
    expect(sim.journal(id)).to.have.length(1);
  });

  it("reports the field that the instance silently kept, and only that one", async () => {
    const result = await write({
      fields: { category: { category: "network" }, group: { assignment_group: { group: "Network" } } },
      note: "[il:note]",
    });
    expect(result.applied).to.deep.equal(["group"]);
    expect(result.dropped.map(({ actionId }) => actionId)).to.deep.equal(["category"]);
    expect(result.dropped[0]?.reason).to.contain("kept the old category").and.to.contain("write ACL");
  });

  it("reports a field that the table does not have", async () => {
    const { applied, dropped } = await write({ fields: { odd: { u_no_such_field: "1" } } });
    expect(applied).to.be.empty;
    expect(dropped.map(({ actionId }) => actionId)).to.deep.equal(["odd"]);
  });

  it("reports a field of which a business rule made something else", async () => {
    // Priority follows from impact and urgency, whatever is sent.
    const { dropped } = await write({ fields: { priority: { priority: "1" } } });
    expect(dropped.map(({ actionId }) => actionId)).to.deep.equal(["priority"]);
  });

  it("puts every kind of value into the instance's own form", async () => {
    const { applied } = await write({
      fields: {
        person: { assigned_to: { user: "beth.anglin@example.com" } },
        cleared: { short_description: null },
        instant: { due_date: { instant: "2026-03-01T08:30:00.000Z" } },
        number: { impact: 2 },
        flag: { knowledge: true },
      },
    });
    expect(applied).to.have.members(["person", "cleared", "instant", "number", "flag"]);
    expect(sim.get("incident", id)).to.include({
      assigned_to: sim.user("beth.anglin"),
      short_description: "",
      due_date: "2026-03-01 08:30:00",
      impact: "2",
      knowledge: "true",
    });
  });

  it("empties a group and a person with an empty name, without looking anybody up", async () => {
    sim.update("incident", id, { assignment_group: sim.group("Network"), assigned_to: sim.user("beth.anglin") }, ABEL);
    await write({
      revision: "1",
      fields: { group: { assignment_group: { group: "" } }, person: { assigned_to: { user: "" } } },
    });
    expect(sim.get("incident", id)).to.include({ assignment_group: "", assigned_to: "" });
    expect(sent("GET")).to.be.empty;
  });

  describe("on what was read a while ago", () => {
    beforeEach(async () => {
      await opened.connector.close();
      opened = openServiceNow(sim, { limits: { staleReadMs: 0 } });
    });
    const late = async (revision: string) => {
      const planned = { type: "incident", recordType: "incident", id, revision, note: "[il:note]" };
      const change = writeOf(opened.clock, "snow", planned);
      opened.clock.pass(1);
      return opened.connector.write(change);
    };

    it("looks again, and refuses what has changed as a conflict", async () => {
      sim.update("incident", id, { urgency: "1" }, ABEL);
      expect(await faultOf(late("0"))).to.include({ kind: "conflict", outcome: "not_applied" });
      expect(sent("PATCH")).to.be.empty;
      expect(sim.journal(id)).to.be.empty;
    });

    it("goes on where nothing has changed", async () => {
      await late("0");
      expect(sim.journal(id)).to.have.length(1);
    });

    it("refuses a record that is gone", async () => {
      sim.remove("incident", id);
      expect(await faultOf(late("0"))).to.include({ kind: "conflict" });
    });

    it("does not spend a call while the reading is fresh", async () => {
      await opened.connector.write(
        writeOf(opened.clock, "snow", { type: "incident", recordType: "incident", id, note: "[il:note]" }),
      );
      expect(sent("GET")).to.be.empty;
    });
  });

  it("leaves open what became of a write whose answer has no record in it", async () => {
    sim.faults.add({ method: "PATCH", path: /incident/, kind: "status", status: 200, body: { result: {} } });
    expect(await faultOf(write({ note: "[il:note]" }))).to.include({ kind: "protocol", outcome: "unknown" });
  });

  it("says not_found for a record that is gone", async () => {
    sim.remove("incident", id);
    expect(await faultOf(write({ note: "[il:note]" }))).to.include({
      kind: "not_found",
      status: 404,
      outcome: "not_applied",
    });
  });

  it("says rejected where a data policy refuses, without repeating what the instance said", async () => {
    const fault = await faultOf(write({ fields: { state: { state: "6" } } }));
    expect(fault).to.include({ kind: "rejected", status: 403, outcome: "not_applied" });
    expect(fault.message).to.not.contain("Resolution");
  });
});
