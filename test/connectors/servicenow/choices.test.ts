import { expect } from "chai";
import { remembered } from "../../../connectors/remembered.ts";
import { choiceLists } from "../../../connectors/servicenow/choices.ts";
import { type ServiceNowClient, servicenowClient } from "../../../connectors/servicenow/client.ts";
import { type Directory, directory } from "../../../connectors/servicenow/directory.ts";
import { Limits } from "../../../core/limits.ts";
import { type ServiceNowSim, startServiceNowSim } from "../../sim/servicenow.ts";
import { faultOf, standingClock } from "../open.ts";

const ABEL = { by: "abel.tuter" };
const AGE_MAX_MS = 600_000;

describe("ServiceNow connector: choices and names, remembered", () => {
  const clock = standingClock();
  let sim: ServiceNowSim;
  let client: ServiceNowClient;
  let names: Directory;
  let choices: ReturnType<typeof choiceLists>["choices"];

  beforeEach(async () => {
    sim = await startServiceNowSim();
    const { user: username, password } = sim.integration;
    client = servicenowClient({
      connection: "snow",
      settings: {
        type: "servicenow",
        baseUrl: sim.url,
        allowPrivateAddress: true,
        auth: { type: "basic", username, password },
        automation: [],
        records: {},
      },
      limits: Limits.parse({}),
      clock,
      meter: { count: () => {} },
    });
    names = directory("snow", client, clock);
    ({ choices } = choiceLists("snow", client, clock));
  });
  afterEach(async () => {
    await client.close();
    await sim.close();
  });

  const values = async (table: string, field: string): Promise<string[]> =>
    (await choices(table, field)).map(({ value }) => value);

  it("are the table's own list in its order, not that of task", async () => {
    expect(await choices("incident", "state")).to.deep.equal([
      { value: "1", label: "New" },
      { value: "2", label: "In Progress" },
      { value: "3", label: "On Hold" },
      { value: "6", label: "Resolved" },
      { value: "7", label: "Closed" },
      { value: "8", label: "Canceled" },
    ]);
  });

  it("are those of task where the table has none", async () => {
    expect(await values("sc_req_item", "state")).to.have.members(["-5", "1", "2", "3", "4", "7"]);
  });

  it("are none of a field without a list", async () => {
    expect(await values("incident", "short_description")).to.be.empty;
  });

  it("leave out what is inactive or in another language", async () => {
    const added = { name: "incident", element: "state", label: "x" };
    sim.insert("sys_choice", { ...added, value: "20", inactive: true }, ABEL);
    sim.insert("sys_choice", { ...added, value: "21", language: "de" }, ABEL);
    expect(await values("incident", "state")).to.have.length(6);
  });

  it("are asked once for ten minutes, by whoever wants them, and then again", async () => {
    await Promise.all([choices("incident", "state"), choices("incident", "state"), choices("incident", "impact")]);
    expect(sim.requests).to.have.length(2);
    clock.pass(AGE_MAX_MS - 1);
    await choices("incident", "state");
    expect(sim.requests).to.have.length(2);
    clock.pass(1);
    await choices("incident", "state");
    expect(sim.requests).to.have.length(3);
  });

  it("are not remembered as a failure", async () => {
    sim.faults.add({ path: /sys_choice/, kind: "status", status: 503 });
    expect(await faultOf(choices("incident", "state"))).to.include({ kind: "unavailable" });
    expect(await values("incident", "state")).to.have.length(6);
  });

  it("rejected: a field whose name would change the query, without a call", async () => {
    expect(await faultOf(choices("incident", "state^inactive=true"))).to.include({ kind: "rejected" });
    expect(sim.requests).to.be.empty;
  });

  it("protocol: choices of another field", async () => {
    const row = { name: "incident", element: "impact", inactive: "false", language: "en", value: "1", label: "High" };
    sim.faults.add({ path: /sys_choice/, kind: "status", status: 200, body: { result: [row] } });
    expect(await faultOf(choices("incident", "state"))).to.include({ kind: "protocol" });
  });

  it("of configuration items are exact names or sys_ids, and one only", async () => {
    const { sys_id } = sim.insert("cmdb_ci_server", { name: "edi-gw-01" }, ABEL);
    expect(await names.item("edi-gw-01")).to.equal(sys_id);
    expect(await names.item(sys_id)).to.equal(sys_id);
    expect(await faultOf(names.item("edi-gw"))).to.include({ kind: "rejected" });
    sim.insert("cmdb_ci_server", { name: "edi-gw-02" }, ABEL);
    sim.insert("cmdb_ci_server", { name: "edi-gw-02" }, ABEL);
    expect((await faultOf(names.item("edi-gw-02"))).message).to.contain("more than one configuration item");
  });

  it("of groups and people are asked again after ten minutes: a group may have been closed", async () => {
    const id = await names.group("Network");
    sim.update("sys_user_group", id, { active: false }, ABEL);
    expect(await names.group("Network")).to.equal(id);
    clock.pass(AGE_MAX_MS);
    expect(await faultOf(names.group("Network"))).to.include({ kind: "rejected" });
  });

  it("protocol: a group of another name, as a query that widened would bring", async () => {
    const body = { result: [{ sys_id: "a".repeat(32), name: "Security Operations", active: "true" }] };
    sim.faults.add({ path: /sys_user_group/, kind: "status", status: 200, body });
    expect(await faultOf(names.group("Network"))).to.include({ kind: "protocol" });
  });

  it("are bounded: one more than 2,000 and all are asked anew", async () => {
    const kept = remembered<number>(clock);
    let asked = 0;
    const get = (key: number) => kept.get(String(key), async () => (asked += 1));
    for (let key = 0; key < 2_000; key += 1) await get(key);
    await get(0);
    expect(asked).to.equal(2_000);
    await get(2_000);
    await get(0);
    expect(asked).to.equal(2_002);
  });
});
