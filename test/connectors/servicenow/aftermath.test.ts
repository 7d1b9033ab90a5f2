import { expect } from "chai";
import { type ServiceNowFacts, servicenowFacts } from "../../../connectors/servicenow/facts.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { ticketWith } from "../../core/support/tickets.ts";
import { type ServiceNowSim, startServiceNowSim } from "../../sim/servicenow.ts";
import { faultOf, type StandingClock, standingClock } from "../open.ts";
import { type BareClient, bareClient } from "./bare-client.ts";

const ABEL = { by: "abel.tuter" };
const HOUR = 3_600_000;

describe("ServiceNow fact aftermath", () => {
  let clock: StandingClock;
  let sim: ServiceNowSim;
  let bare: BareClient;
  let facts: ServiceNowFacts;

  beforeEach(async () => {
    clock = standingClock();
    sim = await startServiceNowSim({ now: () => clock.now() });
    bare = bareClient(sim, clock);
    facts = servicenowFacts(bare);
  });
  afterEach(async () => {
    await bare.client.close();
    await sim.close();
  });

  const text = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace("T", " ");
  const item = (name: string): string => sim.insert("cmdb_ci_server", { name }, ABEL).sys_id;
  const dependsOn = (parent: string, child: string): void => {
    const type = sim.rows("cmdb_rel_type").find((row) => row["name"] === "Depends on::Used by")?.sys_id ?? "";
    sim.insert("cmdb_rel_ci", { parent, child, type }, ABEL);
  };
  const incident = (cmdb_ci: string, [impact, urgency] = ["2", "2"], hoursAgo = 0): string =>
    sim.insert("incident", { cmdb_ci, impact, urgency, opened_at: text(clock.now() - hoursAgo * HOUR) }, ABEL).sys_id;
  /** Implemented an hour ago. */
  const done = (patch: Partial<Ticket>): Ticket =>
    ticketWith({
      ...{ kind: "change", status: "review", ci: "" },
      change: {
        ...{ type: "normal", risk: "", backoutPlan: "", cabRequired: false, onHold: false, outcome: "" },
        actualEnd: new Date(clock.now() - HOUR).toISOString(),
      },
      ...patch,
    });

  it("counts incidents by priority, on the item and what depends on it, since the implementation, each once", async () => {
    const [db, app, shop, other] = [item("db"), item("app"), item("shop"), item("other")];
    dependsOn(app, db);
    dependsOn(shop, app);
    dependsOn(db, other);
    incident(db, ["1", "1"]);
    incident(app);
    const listed = incident(shop);
    incident(other);
    incident(db, ["2", "2"], 2);
    for (const task of [listed, incident(other, ["3", "3"])]) sim.insert("task_ci", { ci_item: db, task }, ABEL);
    expect(await facts.aftermath.ask(done({ ciId: db }))).to.deep.equal([1, 0, 2, 0, 1]);
    expect(await facts.aftermath.ask(done({ ciId: "", ci: "app" })), "by its name").to.deep.equal([0, 0, 2, 0, 0]);
  });

  it("is read anew each time, in one call once the item is known", async () => {
    const db = item("db");
    expect(await facts.aftermath.ask(done({ ciId: db }))).to.deep.equal([0, 0, 0, 0, 0]);
    incident(db);
    sim.requests.length = 0;
    expect(await facts.aftermath.ask(done({ ciId: db }))).to.deep.equal([0, 0, 1, 0, 0]);
    expect(sim.requests).to.have.length(1);
  });

  it("has no answer for what is not implemented, or names no item; nobody is asked for it", async () => {
    const db = item("db");
    sim.requests.length = 0;
    for (const patch of [
      { ciId: "" },
      { ciId: db, status: "scheduled" as const },
      { ciId: db, kind: "incident" as const },
    ])
      expect(await facts.aftermath.ask(done(patch))).to.equal(null);
    expect(sim.requests).to.deep.equal([]);
    expect(await facts.aftermath.ask(done({ ciId: "", ci: "no such item" }))).to.equal(null);
  });

  it("is none where relations or incidents are hidden: less would pass for less harm", async () => {
    const db = item("db");
    incident(db);
    sim.faults.closed.add("incident");
    expect(await faultOf(facts.aftermath.ask(done({ ciId: db })))).to.include({ kind: "rejected" });
    sim.faults.closed.clear();
    const web = item("web");
    dependsOn(item("app"), web);
    sim.faults.closed.add("cmdb_rel_ci");
    expect(await faultOf(facts.aftermath.ask(done({ ciId: web })))).to.include({ kind: "rejected" });
    sim.faults.closed.clear();
    expect(await facts.aftermath.ask(done({ ciId: db }))).to.deep.equal([0, 0, 1, 0, 0]);
  });
});
