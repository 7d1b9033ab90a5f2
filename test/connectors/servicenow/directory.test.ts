import { expect } from "chai";
import type { VendorPatch } from "../../../core/ports.ts";
import { type ServiceNowSim, startServiceNowSim } from "../../sim/servicenow.ts";
import { faultOf, type Opened, openServiceNow, writeOf } from "../open.ts";

const ABEL = { by: "abel.tuter" };

describe("ServiceNow connector: names of groups and people", () => {
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
  const write = (patch: VendorPatch, id = incident()) =>
    opened.connector.write(
      writeOf(opened.clock, "snow", { type: "incident", recordType: "incident", id, fields: { set: patch } }),
    );
  const lookUps = (): number => sim.requests.filter(({ path }) => /sys_user/.test(path)).length;

  it("are looked up once, however many writes want them at the same time and later", async () => {
    await Promise.all(Array.from({ length: 20 }, () => write({ assignment_group: { group: "Network" } })));
    await write({ assignment_group: { group: "Network" } });
    expect(lookUps()).to.equal(1);
    await write({ assignment_group: { group: "Service Desk" } });
    expect(lookUps()).to.equal(2);
  });

  it("that nobody has are refused, with what to do, and asked again the next time", async () => {
    const patch = { assignment_group: { group: "Night Shift" } };
    const fault = await faultOf(write(patch));
    expect(fault).to.include({ kind: "rejected", outcome: "not_applied" });
    expect(fault.message).to.contain('no active group is named "Night Shift"').and.to.contain("correct the rule");
    expect(sim.requests.filter(({ method }) => method === "PATCH")).to.be.empty;
    sim.insert("sys_user_group", { name: "Night Shift" }, ABEL);
    expect((await write(patch)).applied).to.deep.equal(["set"]);
  });

  it("that several groups have are refused: a guess would be a wrong queue", async () => {
    sim.insert("sys_user_group", { name: "Network" }, ABEL);
    const fault = await faultOf(write({ assignment_group: { group: "Network" } }));
    expect(fault).to.include({ kind: "rejected" });
    expect(fault.message).to.contain("more than one active group");
  });

  it("of groups that are not active any more count as nobody's", async () => {
    sim.update("sys_user_group", sim.group("Network"), { active: false }, ABEL);
    expect(await faultOf(write({ assignment_group: { group: "Network" } }))).to.include({ kind: "rejected" });
  });

  for (const name of ["Network^active=true", "Two\nlines", "javascript:gs.getUserID()"]) {
    it(`that would change the query are refused without a call: ${JSON.stringify(name)}`, async () => {
      expect(await faultOf(write({ assignment_group: { group: name } }))).to.include({ kind: "rejected" });
      expect(lookUps()).to.equal(0);
    });
  }

  it("of people are e-mail addresses, user names or sys_ids", async () => {
    const beth = sim.user("beth.anglin");
    for (const user of ["beth.anglin@example.com", "beth.anglin", beth]) {
      const id = incident();
      expect((await write({ assigned_to: { user } }, id)).applied).to.deep.equal(["set"]);
      expect(sim.get("incident", id)).to.include({ assigned_to: beth });
    }
    const fault = await faultOf(write({ assigned_to: { user: "nobody@example.com" } }));
    expect(fault).to.include({ kind: "rejected" });
    expect(fault.message, "an address is personal data").to.not.contain("nobody@example.com");
  });

  it("that cannot be looked up just now are the instance's trouble, not the rule's", async () => {
    sim.faults.add({ path: /sys_user_group/, kind: "status", status: 503 });
    expect(await faultOf(write({ assignment_group: { group: "Network" } }))).to.include({ kind: "unavailable" });
    sim.faults.add({ path: /sys_user_group/, kind: "status", status: 200, body: { result: {} } });
    expect(await faultOf(write({ assignment_group: { group: "Network" } }))).to.include({ kind: "protocol" });
    expect((await write({ assignment_group: { group: "Network" } })).applied).to.deep.equal(["set"]);
  });
});
