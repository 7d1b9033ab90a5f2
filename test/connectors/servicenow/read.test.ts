import { expect } from "chai";
import { type ServiceNowSim, startServiceNowSim } from "../../sim/servicenow.ts";
import { faultOf, type Opened, openServiceNow } from "../open.ts";

const ABEL = { by: "abel.tuter" };
const NOBODYS_ID = "0123456789abcdef0123456789abcdef";
const URL_CHARACTERS_MAX = 2_048;

describe("ServiceNow connector: reading", () => {
  let sim: ServiceNowSim;
  let hidden: Set<string>;
  let opened: Opened;

  beforeEach(async () => {
    hidden = new Set();
    sim = await startServiceNowSim({ rowAcl: (_user, _table, row) => !hidden.has(row.sys_id) });
    opened = openServiceNow(sim);
  });
  afterEach(async () => {
    await opened.connector.close();
    await sim.close();
  });

  const incident = (title = "Printer on fire"): string =>
    sim.insert("incident", { short_description: title, assignment_group: sim.group("Network") }, ABEL).sys_id;
  const answer = (body: unknown): void => sim.faults.add({ path: /incident/, kind: "status", status: 200, body });

  it("takes 50 records in one call, in the order asked, with the fields that the mapping needs", async () => {
    const ids = Array.from({ length: 50 }, (_, n) => incident(`Ticket ${n}`)).reverse();
    const outcomes = await opened.connector.read("incident", ids);
    expect(opened.connector.readMax).to.equal(50);
    expect(sim.requests).to.have.length(1);
    expect(sim.requests[0]?.path.length).to.be.below(URL_CHARACTERS_MAX);
    expect(outcomes.map(({ id }) => id)).to.deep.equal(ids);
    expect(outcomes[0]).to.deep.include({ found: true, key: "INC0010050", recordType: "incident", revision: "0" });
    expect(outcomes[0]).to.have.deep.property("record", {
      sys_id: ids[0],
      number: "INC0010050",
      sys_mod_count: "0",
      short_description: "Ticket 49",
      "assignment_group.name": "Network",
      state: "1",
    });
  });

  it("asks for fewer records at once where the mapping needs many fields, so that no front refuses the address", async () => {
    await opened.connector.close();
    const fields = Array.from({ length: 60 }, (_, n) => `u_rather_long_name_${n}`);
    opened = openServiceNow(sim, { fields });
    const ids = Array.from({ length: opened.connector.readMax }, () => incident());
    await opened.connector.read("incident", ids);
    expect(ids.length).to.be.within(1, 49);
    expect(sim.requests[0]?.path.length).to.be.below(URL_CHARACTERS_MAX);
  });

  it("finds nothing under an id that is missing, hidden or no sys_id, and everything else", async () => {
    const [seen, unseen] = [incident(), incident()];
    hidden.add(unseen);
    const outcomes = await opened.connector.read("incident", [unseen, "not a sys_id^active=true", seen, NOBODYS_ID]);
    expect(outcomes.map(({ found }) => found)).to.deep.equal([false, false, true, false]);
    expect(sim.requests[0]?.path).to.not.contain("active");
  });

  it("does not call at all where no id could be one", async () => {
    expect(await opened.connector.read("incident", ["", "x"])).to.deep.equal([
      { id: "", found: false },
      { id: "x", found: false },
    ]);
    expect(sim.requests).to.be.empty;
  });

  it("raises the revision with every edit", async () => {
    const id = incident();
    sim.update("incident", id, { short_description: "Printer still on fire" }, ABEL);
    expect((await opened.connector.read("incident", [id]))[0]).to.include({ revision: "1" });
  });

  it("refuses a row that was not asked for: an ignored condition would widen the query to the table", async () => {
    const [asked, other] = [incident(), incident()];
    answer({ result: [{ sys_id: asked }, { sys_id: other }] });
    const fault = await faultOf(opened.connector.read("incident", [asked]));
    expect(fault).to.include({ kind: "protocol", connection: "snow" });
    expect(fault.message).to.contain("a record that was not asked for");
  });

  it("refuses a result of another form", async () => {
    const id = incident();
    for (const result of [{}, "text", [{ number: "INC0010001" }], [null]]) {
      answer({ result });
      expect(await faultOf(opened.connector.read("incident", [id]))).to.include({ kind: "protocol" });
    }
  });
});
