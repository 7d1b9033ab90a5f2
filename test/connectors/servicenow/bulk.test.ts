import { expect } from "chai";
import { ADDRESS_BYTES_MAX } from "../../../connectors/servicenow/client.ts";
import type { Write } from "../../../core/ports.ts";
import { type ServiceNowSim, startServiceNowSim } from "../../sim/servicenow.ts";
import { faultOf, type Opened, openServiceNow, writeOf } from "../open.ts";

const ABEL = { by: "abel.tuter" };
const BETH = { by: "beth.anglin" };

describe("ServiceNow connector: many records in few calls", () => {
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

  const incident = (): string => sim.insert("incident", { short_description: "Printer on fire" }, ABEL).sys_id;
  const planned = (id: string, n: number): Write => {
    const fields = { [`set-${n}`]: { urgency: "1" } };
    const write = writeOf(opened.clock, "snow", { type: "incident", recordType: "incident", id, fields });
    return { ...write, fields: write.fields.map((field) => ({ ...field, seen: { urgency: "3" } })) };
  };
  const addresses = (path: string): number[] =>
    sim.requests
      .filter((request) => request.path.includes(path))
      .map((request) => Buffer.byteLength(`${sim.url}${request.path}`));

  for (const count of [0, 10, 40, 62])
    it(`reads with ${count} fields of a mapping stay below 2 kB, as they are sent, and are not smaller than they need be`, async () => {
      await opened.connector.close();
      const fields = Array.from({ length: count }, (_, n) => `caller_id.u_rather_long_${n}`);
      opened = openServiceNow(sim, { fields });
      const { readMax } = opened.connector;
      await opened.connector.read("incident", Array.from({ length: readMax }, incident));
      const [bytes = 0] = addresses("/incident");
      expect(addresses("/incident")).to.have.length(1);
      expect(bytes).to.be.at.most(ADDRESS_BYTES_MAX);
      if (readMax < 50) expect(bytes).to.be.above(ADDRESS_BYTES_MAX - 40);
    });

  it("reads of a mapping that got more fields after its tickets were counted are split, and miss none", async () => {
    await opened.connector.close();
    const fields: string[] = [];
    opened = openServiceNow(sim, { fields });
    const ids = Array.from({ length: opened.connector.readMax }, incident);
    fields.push("short_description", ...Array.from({ length: 40 }, (_, n) => `caller_id.u_rather_long_${n}`));
    expect(opened.connector.readMax).to.be.below(ids.length);
    const outcomes = await opened.connector.read("incident", ids);
    expect(outcomes.map((outcome) => outcome.found && outcome.record["short_description"])).to.deep.equal(
      ids.map(() => "Printer on fire"),
    );
    expect(addresses("/incident").length).to.be.above(1);
    for (const bytes of addresses("/incident")) expect(bytes).to.be.at.most(ADDRESS_BYTES_MAX);
  });

  it("rejected: fields that no address can carry, with what to do, and without a call", async () => {
    await opened.connector.close();
    opened = openServiceNow(sim, { fields: Array.from({ length: 200 }, (_, n) => `u_rather_long_name_${n}`) });
    const fault = await faultOf(opened.connector.read("incident", [incident()]));
    expect(fault).to.include({ kind: "rejected" });
    expect(fault.message).to.contain("Take fields out of the mapping");
    expect(sim.requests).to.be.empty;
  });

  it("asks the history of raced writes once per chunk, and gives every edit to its own ticket", async () => {
    const ids = Array.from({ length: 60 }, incident);
    const writes = ids.map(planned);
    for (const [n, id] of ids.entries()) if (n % 2 === 0) sim.update("incident", id, { urgency: "2" }, BETH);
    for (const write of writes) await opened.connector.write(write);
    const { found, unknown } = await opened.connector.overwritten(writes);
    expect(unknown).to.be.empty;
    expect(found).to.deep.equal(
      ids.flatMap((_, n) => (n % 2 === 0 ? [{ actionId: `set-${n}`, patch: { urgency: "2" }, value: "2" }] : [])),
    );
    expect(addresses("sys_audit")).to.have.length(2);
    for (const bytes of addresses("sys_audit")) expect(bytes).to.be.at.most(ADDRESS_BYTES_MAX);
  });

  it("asks again for fewer tickets where the history of all is more than an answer may hold", async () => {
    const [busy, quiet] = [incident(), incident()];
    const write = planned(quiet, 0);
    sim.update("incident", quiet, { urgency: "2" }, BETH);
    await opened.connector.write(write);
    for (let n = 0; n < 1_001; n += 1) sim.update("incident", busy, { urgency: String(1 + (n % 3)) }, BETH);
    const { found } = await opened.connector.overwritten([write, planned(busy, 1)]);
    expect(found.map(({ actionId }) => actionId)).to.include("set-0");
    expect(addresses("sys_audit")).to.have.length(3);
  });

  it("asks no history of writes that set nothing, or of a ticket that cannot be one", async () => {
    const note = writeOf(opened.clock, "snow", { type: "incident", recordType: "incident", id: incident(), note: "x" });
    expect(await opened.connector.overwritten([note])).to.deep.equal({ found: [], unknown: [] });
    expect(await opened.connector.overwritten([planned("x^active=true", 0)])).to.deep.equal({
      found: [],
      unknown: ["set-0"],
    });
    expect(sim.requests).to.be.empty;
  });

  it("protocol: a history of another ticket", async () => {
    const row = { documentkey: "b".repeat(32), fieldname: "urgency", oldvalue: "3", newvalue: "1" };
    sim.faults.add({ path: /sys_audit/, kind: "status", status: 200, body: { result: [row] } });
    expect(await faultOf(opened.connector.overwritten([planned(incident(), 0)]))).to.include({ kind: "protocol" });
  });

  it("takes a journal that is cut off for unreadable, not for one without the note", async () => {
    const id = incident();
    const result = Array.from({ length: 1_000 }, () => ({
      element_id: id,
      element: "work_notes",
      value: "[il:other]",
    }));
    sim.faults.add({ path: /sys_journal_field/, kind: "status", status: 200, body: { result } });
    const ref = { connection: "snow", type: "incident", id, key: "INC1" };
    const states = await opened.connector.confirm([{ ref, marker: "[il:one]" }]);
    expect(Object.fromEntries(states)).to.deep.equal({ "[il:one]": "unreadable" });
  });
});
