import { expect } from "chai";
import { type ServiceNowSim, startServiceNowSim } from "../../sim/servicenow.ts";
import { faultOf, type Opened, openServiceNow } from "../open.ts";

const ABEL = { by: "abel.tuter" };

describe("ServiceNow connector: reading notes back", () => {
  let sim: ServiceNowSim;
  let opened: Opened;

  beforeEach(async () => {
    sim = await startServiceNowSim();
    opened = openServiceNow(sim);
  });
  afterEach(async () => {
    await opened.connector.close();
    await sim.close();
  });

  const incident = (...notes: string[]): string => {
    const { sys_id } = sim.insert("incident", { short_description: "Printer on fire" }, ABEL);
    for (const work_notes of notes) sim.update("incident", sys_id, { work_notes }, ABEL);
    return sys_id;
  };
  const query = (id: string, marker: string) => ({
    ref: { connection: "snow", type: "incident", id, key: "INC0010001" },
    marker,
  });
  const confirm = async (...queries: ReturnType<typeof query>[]) =>
    Object.fromEntries(await opened.connector.confirm(queries));

  it("finds the marker in its own ticket only, for many tickets in one call", async () => {
    const [noted, other] = [incident("Routed. [il:one]", "Thanks"), incident("Copied from INC0010001: [il:two]")];
    const states = await confirm(query(noted, "[il:one]"), query(noted, "[il:two]"), query(other, "[il:one] "));
    expect(states).to.deep.equal({ "[il:one]": "present", "[il:two]": "absent", "[il:one] ": "absent" });
    expect(sim.requests).to.have.length(1);
  });

  it("asks in pieces that an address can hold", async () => {
    const ids = Array.from({ length: 120 }, (_, n) => incident(`[il:${n}]`));
    const states = await confirm(...ids.map((id, n) => query(id, `[il:${n}]`)));
    expect(new Set(Object.values(states))).to.deep.equal(new Set(["present"]));
    expect(sim.requests).to.have.length(3);
    for (const { path } of sim.requests) expect(path.length).to.be.below(2_048);
  });

  it("says absent only where the journal could be read: an empty list of its own proves nothing", async () => {
    const [bare] = [incident(), incident("A note that anybody may read")];
    expect(await confirm(query(bare, "[il:one]"))).to.deep.equal({ "[il:one]": "absent" });
    sim.faults.journalHidden = true;
    expect(await confirm(query(bare, "[il:one]"))).to.deep.equal({ "[il:one]": "unreadable" });
  });

  it("says unreadable where comments can be read and work notes cannot", async () => {
    await opened.connector.close();
    await sim.close();
    sim = await startServiceNowSim({
      rowAcl: (_user, table, row) => table !== "sys_journal_field" || row["element"] === "comments",
    });
    opened = openServiceNow(sim);
    const noted = incident("Routed. [il:one]");
    sim.update("incident", noted, { comments: "Please hurry" }, ABEL);
    expect(await confirm(query(noted, "[il:one]"))).to.deep.equal({ "[il:one]": "unreadable" });
  });

  it("notices when the right to read the journal is taken away later", async () => {
    const noted = incident("Routed. [il:one]");
    expect(await confirm(query(noted, "[il:one]"))).to.deep.equal({ "[il:one]": "present" });
    sim.faults.journalHidden = true;
    expect(await confirm(query(noted, "[il:one]"))).to.deep.equal({ "[il:one]": "unreadable" });
  });

  it("fails where the journal's answer is of another form", async () => {
    const noted = incident("Routed. [il:one]");
    sim.faults.add({ path: /sys_journal_field/, kind: "status", status: 200, body: { result: [{ value: "x" }] } });
    expect(await faultOf(confirm(query(noted, "[il:one]")))).to.include({ kind: "protocol" });
  });
});
