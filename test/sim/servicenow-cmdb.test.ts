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
