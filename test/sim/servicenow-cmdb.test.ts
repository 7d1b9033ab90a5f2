import { expect } from "chai";
import { type ServiceNowSim, startServiceNowSim } from "./servicenow.ts";
import { callServiceNow } from "./wire.ts";

const ABEL = { by: "abel.tuter" };

describe("ServiceNow simulator: CMDB", () => {
  let sim: ServiceNowSim;

  beforeEach(async () => {
    sim = await startServiceNowSim();
  });
  afterEach(() => sim.close());

  it("relates items by types whose descriptors can be dot-walked", async () => {
    const [parent, child] = ["app", "db"].map((name) => sim.insert("cmdb_ci_server", { name }, ABEL).sys_id);
    const type = sim.rows("cmdb_rel_type").find(({ name }) => name === "Depends on::Used by")?.sys_id ?? "";
    sim.insert("cmdb_rel_ci", { parent: parent ?? "", child: child ?? "", type }, ABEL);
    const query = `sysparm_query=child=${child}^type.parent_descriptor=Depends on`;
    const fields = "sysparm_fields=parent.name,child.name,type.child_descriptor";
    const { body } = await callServiceNow(sim, `/api/now/table/cmdb_rel_ci?${query}&${fields}`);
    expect(body).to.deep.equal({
      result: [{ "parent.name": "app", "child.name": "db", "type.child_descriptor": "Used by" }],
    });
  });

  it("lists the items that a task affects, by any class of task", async () => {
    const ci_item = sim.insert("cmdb_ci", { name: "db" }, ABEL).sys_id;
    for (const table of ["incident", "change_request"])
      sim.insert("task_ci", { task: sim.insert(table, {}, ABEL).sys_id, ci_item }, ABEL);
    const query = `sysparm_query=ci_item=${ci_item}^task.sys_class_name=change_request&sysparm_fields=task.number`;
    const { body } = await callServiceNow(sim, `/api/now/table/task_ci?${query}`);
    expect(body).to.deep.equal({ result: [{ "task.number": "CHG0010001" }] });
  });
});

describe("ServiceNow simulator: batches", () => {
  let sim: ServiceNowSim;

  beforeEach(async () => {
    sim = await startServiceNowSim();
  });
  afterEach(() => sim.close());

  const batch = async (...urls: string[]) => {
    const body = {
      batch_request_id: "7",
      rest_requests: urls.map((url, id) => ({ id: String(id), method: "GET", url })),
    };
    return (await callServiceNow(sim, "/api/now/batch", { method: "POST", body })).body;
  };
  const decoded = (part: { body: string }): unknown => JSON.parse(Buffer.from(part.body, "base64").toString("utf8"));

  it("answer each list with its status, headers and body, and refuse all else", async () => {
    const { sys_id } = sim.insert("cmdb_ci", { name: "db" }, ABEL);
    const answer = await batch(
      `/api/now/table/cmdb_ci?sysparm_query=name=db&sysparm_fields=sys_id`,
      "/api/now/table/nothing",
      "/api/sn_chg_rest/change",
    );
    // As the simulator words it.
    const { serviced_requests: parts, unserviced_requests } = answer as {
      serviced_requests: {
        id: string;
        status_code: number;
        body: string;
        headers: { name: string; value: string }[];
      }[];
      unserviced_requests: string[];
    };
    expect(parts.map(({ id, status_code }) => [id, status_code])).to.deep.equal([
      ["0", 200],
      ["1", 400],
      ["2", 400],
    ]);
    const [list] = parts;
    expect(list && decoded(list)).to.deep.equal({ result: [{ sys_id }] });
    expect(list?.headers).to.deep.include({ name: "X-Total-Count", value: "1" });
    expect(unserviced_requests).to.be.empty;
    expect(sim.requests, "one call").to.have.length(1);
  });

  it("leave out what there is no room for", async () => {
    sim.faults.batchServes = 1;
    const answer = await batch("/api/now/table/cmdb_ci", "/api/now/table/cmdb_ci");
    expect(answer).to.deep.include({ unserviced_requests: ["1"] });
  });
});
