import { expect } from "chai";
import { type ServiceNowFacts, servicenowFacts } from "../../../connectors/servicenow/facts.ts";
import type { ImpactFact } from "../../../core/policy/impact.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { ticketWith } from "../../core/support/tickets.ts";
import { type ServiceNowSim, type ServiceNowSimOptions, startServiceNowSim } from "../../sim/servicenow.ts";
import { faultOf, type StandingClock, standingClock } from "../open.ts";
import { type BareClient, bareClient } from "./bare-client.ts";

const ABEL = { by: "abel.tuter" };
const NOWHERE = "0".repeat(32);
const DAY_MS = 86_400_000;
/** Longer than histories are remembered, shorter than items are. */
const TWO_MINUTES = 120_000;
const WINDOW = { start_date: "2026-02-07 20:00:00", end_date: "2026-02-07 22:00:00" };

describe("ServiceNow fact impact", () => {
  let clock: StandingClock;
  let sim: ServiceNowSim;
  let bare: BareClient;
  let facts: ServiceNowFacts;

  async function start(options: ServiceNowSimOptions = {}): Promise<void> {
    clock = standingClock();
    sim = await startServiceNowSim({ now: () => clock.now(), ...options });
    bare = bareClient(sim, clock);
    facts = servicenowFacts(bare);
  }
  async function stop(): Promise<void> {
    await bare.client.close();
    await sim.close();
  }
  beforeEach(() => start());
  afterEach(stop);

  const text = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace("T", " ");
  const daysAgo = (days: number): string => text(clock.now() - days * DAY_MS);
  const item = (name: string, fields: Record<string, string> = {}): string =>
    sim.insert("cmdb_ci_server", { name, ...fields }, ABEL).sys_id;
  const relate = (parent: string, child: string, name = "Depends on::Used by"): void => {
    const type = sim.rows("cmdb_rel_type").find((row) => row["name"] === name)?.sys_id ?? "";
    sim.insert("cmdb_rel_ci", { parent, child, type }, ABEL);
  };
  const change = (fields: Record<string, string>): string => sim.insert("change_request", fields, ABEL).sys_id;
  /** Closing stamps the present, so the hour is put right afterwards, as an import would. */
  const closed = (days: number, code: string, fields: Record<string, string>): string => {
    const ended = { state: "3", close_code: code, close_notes: code && "-", opened_at: daysAgo(days + 1), ...fields };
    const id = change(ended);
    sim.update("change_request", id, { closed_at: daysAgo(days) }, ABEL);
    return id;
  };
  const ticketOf = (id: string, patch: Partial<Ticket> = {}): Ticket => {
    const row = sim.get("change_request", id);
    const at = (field: string): string | undefined =>
      row?.[field] ? `${row[field].replace(" ", "T")}.000Z` : undefined;
    const [plannedStart, plannedEnd] = [at("start_date"), at("end_date")];
    return ticketWith({
      ref: { connection: "snow", type: "change_request", id, key: row?.["number"] ?? "" },
      kind: "change",
      ci: "",
      ciId: row?.["cmdb_ci"] ?? "",
      change: {
        ...{ type: "normal", risk: "", backoutPlan: "", cabRequired: false, onHold: false, outcome: "" },
        ...(plannedStart && { plannedStart }),
        ...(plannedEnd && { plannedEnd }),
      },
      ...patch,
    });
  };
  const impactOf = async (id: string, patch: Partial<Ticket> = {}): Promise<ImpactFact> => {
    const fact = await facts.impact.ask(ticketOf(id, patch));
    if (fact === null) throw new Error("the change names an item that is there");
    return fact;
  };

  describe("is no answer", () => {
    it("for tickets of another kind, without an item, or with one that is not there; nobody is asked for nothing", async () => {
      const cmdb_ci = item("db");
      const id = change({ cmdb_ci });
      sim.requests.length = 0;
      expect(await facts.impact.ask(ticketOf(id, { kind: "incident" }))).to.equal(null);
      expect(await facts.impact.ask(ticketOf(id, { ciId: "" }))).to.equal(null);
      expect(sim.requests).to.be.empty;
      expect(await facts.impact.ask(ticketOf(id, { ciId: NOWHERE }))).to.equal(null);
      expect(await facts.impact.ask(ticketOf(id, { ciId: "no such item" }))).to.equal(null);
    });

    it("where fields, relations or records are hidden: less would pass for less risk", async () => {
      const db = item("db");
      relate(item("app"), db);
      const id = change({ cmdb_ci: db });
      sim.faults.closed.add("cmdb_ci.support_group");
      expect(await faultOf(impactOf(id))).to.include({ kind: "rejected" });
      sim.faults.closed.clear();
      sim.faults.closed.add("cmdb_rel_ci");
      expect(await faultOf(impactOf(id))).to.include({ kind: "rejected" });
      sim.faults.closed.clear();
      sim.insert("incident", { cmdb_ci: db }, ABEL);
      sim.faults.closed.add("incident");
      expect(await faultOf(impactOf(id))).to.include({ kind: "rejected" });
      sim.faults.closed.clear();
      expect((await impactOf(id)).incidents, "and is asked for again").to.equal(1);
    });

    it("where some relations are hidden and others are not", async () => {
      await stop();
      await start({ rowAcl: (_user, table, row) => table !== "cmdb_rel_ci" || row["sys_tags"] !== "hidden" });
      const db = item("db");
      relate(item("app"), db);
      const id = change({ cmdb_ci: db });
      expect((await impactOf(id)).dependents).to.equal(1);
      await stop();
      let asked = 0;
      await start({
        rowAcl(_user, table) {
          if (table === "cmdb_rel_ci") asked += 1;
          return table !== "cmdb_rel_ci" || asked % 2 === 1;
        },
      });
      const again = item("db");
      for (const name of ["app", "shop", "till"]) relate(item(name), again);
      expect(await faultOf(impactOf(change({ cmdb_ci: again })))).to.include({ kind: "rejected" });
    });

    it("where the instance is short of room for a batch for good, and one where it is for a while", async () => {
      const id = change({ cmdb_ci: item("db") });
      sim.faults.batchServes = 0;
      expect(await faultOf(impactOf(id))).to.include({ kind: "unavailable" });
      sim.faults.batchServes = 3;
      expect(await impactOf(id)).to.include({ dependents: 0 });
    });

    it("where one part of a batch is not to be had", async () => {
      const id = change({ cmdb_ci: item("db") });
      const part = { id: "0", status_code: 403, body: "" };
      const body = { serviced_requests: [part], unserviced_requests: [] };
      sim.faults.add({ path: /batch/, kind: "status", status: 200, body });
      expect(await faultOf(impactOf(id))).to.include({ kind: "rejected" });
      sim.faults.add({ path: /batch/, kind: "status", status: 200, body: { serviced: [] } });
      expect(await faultOf(impactOf(id))).to.include({ kind: "unavailable" });
    });
  });

  describe("what hangs together", () => {
    it("counts dependents down to depth 3, the critical services among them, and says when there are more", async () => {
      const [db, app, shop, site, far] = ["db", "app", "shop", "site", "far"].map((name) => item(name));
      if (!db || !app || !shop || !site || !far) throw new Error("five names, five items");
      const portal = sim.insert("cmdb_ci_service", { name: "Portal", busines_criticality: "1 - most critical" }, ABEL);
      const wiki = sim.insert("cmdb_ci_service", { name: "Wiki", business_criticality: "4 - not critical" }, ABEL);
      relate(app, db);
      relate(portal.sys_id, app);
      relate(wiki.sys_id, app);
      relate(db, site, "Impacts::Impacted by");
      relate(shop, portal.sys_id);
      sim.insert("svc_ci_assoc", { ci_id: db, service_id: portal.sys_id }, ABEL);
      sim.insert("svc_ci_assoc", { ci_id: db, service_id: NOWHERE }, ABEL);
      const id = change({ cmdb_ci: db });
      expect(await impactOf(id)).to.include({
        ...{ dependents: 5, dependentsCut: false, criticalDependents: 1, services: 1, missing: 0 },
        ...{ relationless: false, orphaned: false },
      });
      relate(far, shop);
      clock.pass(600_000);
      expect(await impactOf(id)).to.include({ dependents: 5, dependentsCut: true });
    });

    it("goes round circles once, and counts relations that lead to nothing in both directions", async () => {
      const [one, two, gone, lost] = ["one", "two", "gone", "lost"].map((name) => item(name));
      if (!one || !two || !gone || !lost) throw new Error("four names, four items");
      relate(one, two);
      relate(two, one);
      relate(one, one);
      relate(gone, two);
      relate(one, lost);
      relate("", one);
      for (const each of [gone, lost]) sim.remove("cmdb_ci", each);
      expect(await impactOf(change({ cmdb_ci: one }))).to.include({ dependents: 1, missing: 2, dependentsCut: false });
    });

    it("takes few calls for 2,000 dependents of any shape, and two when it is asked again", async () => {
      const shapes = { star: 0, "two levels": 40, "three levels": 13 };
      for (const [shape, width] of Object.entries(shapes)) {
        const db = item(`db of ${shape}`);
        const level: string[] = [db];
        for (let n = 0; n < 2_000; n += 1) {
          const id = item(`${shape} ${n}`);
          const under =
            width === 0
              ? 0
              : shape === "two levels"
                ? n < width
                  ? 0
                  : 1 + (n % width)
                : Math.ceil((n + 1) / width) - 1;
          relate(id, level[under] ?? db);
          level.push(id);
        }
        sim.insert("incident", { cmdb_ci: level.at(1) ?? "" }, ABEL);
        change({ cmdb_ci: level.at(-1) ?? "", ...WINDOW });
        const id = change({ cmdb_ci: db, ...WINDOW, assignment_group: sim.group("Network") });
        sim.requests.length = 0;
        const fact = await impactOf(id);
        expect(sim.requests.length, shape).to.be.at.most(20);
        expect(fact).to.include({ dependents: 2_000, neighbourIncidents: 1, collisions: 1 });
        sim.requests.length = 0;
        expect(await impactOf(id)).to.deep.equal(fact);
        expect(sim.requests.length, `${shape}, again`).to.be.at.most(2);
        for (const { path } of sim.requests) expect(path.length).to.be.below(2_000);
      }
    }).timeout(120_000);

    it("stops at 2,000 dependents, and says so", async () => {
      const db = item("db");
      for (let n = 0; n < 2_003; n += 1) relate(item(`app ${n}`), db);
      expect(await impactOf(change({ cmdb_ci: db }))).to.include({ dependents: 2_000, dependentsCut: true });
    }).timeout(60_000);
  });

  describe("the past", () => {
    it("of the item counts changes that name it or list it, those that went wrong, and not itself or those cancelled", async () => {
      const cmdb_ci = item("db");
      const id = change({ cmdb_ci });
      change({ cmdb_ci });
      closed(10, "successful", { cmdb_ci });
      closed(20, "unsuccessful", { cmdb_ci });
      closed(30, "successful_issues", { cmdb_ci });
      closed(5, "", { cmdb_ci, state: "4" });
      closed(91, "unsuccessful", { cmdb_ci });
      const listed = [closed(7, "unsuccessful", {}), closed(95, "unsuccessful", {}), closed(6, "", { state: "4" }), id];
      for (const task of listed) sim.insert("task_ci", { task, ci_item: cmdb_ci }, ABEL);
      expect(await impactOf(id)).to.include({
        ...{ changes: 5, failedChanges: 3, daysSinceChange: 7, noHistory: false },
      });
    });

    it("is long ago, or was never", async () => {
      const [old, fresh] = [item("old"), item("fresh")];
      closed(400, "successful", { cmdb_ci: old });
      closed(5, "", { cmdb_ci: fresh, state: "4" });
      expect(await impactOf(change({ cmdb_ci: old }))).to.include({
        ...{ changes: 0, daysSinceChange: 400, noHistory: false },
      });
      expect(await impactOf(change({ cmdb_ci: fresh }))).to.include({
        ...{ changes: 0, daysSinceChange: -1, noHistory: true },
      });
    });

    it("has incidents on the item and on what depends on it directly", async () => {
      const [db, app, shop] = [item("db"), item("app"), item("shop")];
      relate(app, db);
      relate(shop, app);
      const incident = (cmdb_ci: string, days: number): string =>
        sim.insert("incident", { cmdb_ci, opened_at: daysAgo(days) }, ABEL).sys_id;
      incident(db, 1);
      incident(db, 31);
      sim.insert("task_ci", { task: incident(app, 2), ci_item: db }, ABEL);
      incident(app, 29);
      incident(shop, 1);
      expect(await impactOf(change({ cmdb_ci: db }))).to.include({ incidents: 2, neighbourIncidents: 2 });
    });

    it("of the group and of the template, else the model, counts what was closed with a code", async () => {
      const assignment_group = sim.group("Network");
      const [chg_model, template] = ["a".repeat(32), "b".repeat(32)];
      closed(3, "successful", { assignment_group, chg_model });
      closed(4, "unsuccessful", { assignment_group, chg_model });
      closed(5, "successful_issues", { chg_model, std_change_producer_version: template });
      closed(6, "", { assignment_group, chg_model, state: "4" });
      closed(100, "unsuccessful", { assignment_group, chg_model });
      const cmdb_ci = item("db");
      expect(await impactOf(change({ cmdb_ci, assignment_group, chg_model }))).to.include({
        ...{ groupChanges: 2, groupFailed: 1, modelChanges: 3, modelFailed: 2 },
      });
      const standard = change({ cmdb_ci, chg_model, std_change_producer_version: template });
      expect(await impactOf(standard)).to.include({
        ...{ groupChanges: 0, groupFailed: 0, modelChanges: 1, modelFailed: 1 },
      });
    });
  });

  describe("what else is planned", () => {
    it("are open changes in the window on the item, around it, or that list it", async () => {
      const [app, db, host, far] = ["app", "db", "host", "far"].map((name) => item(name));
      if (!app || !db || !host || !far) throw new Error("four names, four items");
      relate(app, db);
      relate(db, host);
      relate(host, far);
      const id = change({ cmdb_ci: db, ...WINDOW });
      for (const cmdb_ci of [db, app, host, far]) change({ cmdb_ci, ...WINDOW });
      closed(0, "successful", { cmdb_ci: db, ...WINDOW });
      change({ cmdb_ci: db, start_date: WINDOW.end_date, end_date: "2026-02-08 00:00:00" });
      change({ cmdb_ci: db, start_date: "2026-02-07 21:59:59", end_date: "2026-02-08 00:00:00" });
      for (const task of [change({ cmdb_ci: far, ...WINDOW }), change({ cmdb_ci: app, ...WINDOW }), change({})])
        sim.insert("task_ci", { task, ci_item: db }, ABEL);
      expect(
        (await impactOf(id)).collisions,
        "four around it, one that also lists it, one that only lists it",
      ).to.equal(6);
      expect((await impactOf(change({ cmdb_ci: db }))).collisions, "no window").to.equal(0);
    });

    it("is what the last conflict check of the platform found, which is not started", async () => {
      const cmdb_ci = item("db");
      const id = change({ cmdb_ci, ...WINDOW });
      change({ cmdb_ci, ...WINDOW });
      expect((await impactOf(id)).platformConflicts).to.equal(-1);
      expect(sim.requests.filter(({ method, path }) => method === "POST" && path.includes("conflict"))).to.be.empty;
      await bare.client.send({ operation: "x", method: "POST", path: `/api/sn_chg_rest/change/${id}/conflict` });
      clock.pass(10_000);
      expect((await impactOf(id)).platformConflicts).to.equal(1);
    });
  });

  describe("what is not known", () => {
    it("is nothing of a well kept item", async () => {
      const [owned_by, support_group] = [sim.user("beth.anglin"), sim.group("Network")];
      const kept = { owned_by, support_group, environment: "Production", last_discovered: daysAgo(2) };
      const db = item("db", kept);
      relate(item("app"), db);
      const service_id = sim.insert("cmdb_ci_service", { name: "Shop" }, ABEL).sys_id;
      sim.insert("svc_ci_assoc", { ci_id: db, service_id }, ABEL);
      expect(await impactOf(change({ cmdb_ci: db }))).to.include({
        ...{ stale: false, orphaned: false, duplicate: false, ownerless: false, relationless: false, quality: 100 },
      });
    });

    it("is flagged, and lowers the quality", async () => {
      const db = item("db");
      expect(await impactOf(change({ cmdb_ci: db }))).to.include({
        ...{ stale: false, orphaned: true, duplicate: false, ownerless: true, relationless: true, quality: 45 },
      });
      item("DB", { last_discovered: daysAgo(100) });
      clock.pass(366 * DAY_MS);
      expect(await impactOf(change({ cmdb_ci: db }))).to.include({ stale: true, duplicate: true, quality: 20 });
      const marked = item("copy", {
        duplicate_of: db,
        last_discovered: daysAgo(91),
        managed_by: sim.user("beth.anglin"),
      });
      expect(await impactOf(change({ cmdb_ci: marked }))).to.include({
        stale: true,
        duplicate: true,
        ownerless: false,
      });
    });

    it("holds no word about a person", async () => {
      const owned_by = sim.user("beth.anglin");
      const fact = await impactOf(change({ cmdb_ci: item("db", { owned_by, managed_by: owned_by }) }));
      expect(Object.values(fact).every((value) => typeof value === "number" || typeof value === "boolean")).to.equal(
        true,
      );
      expect(sim.requests.some(({ path }) => path.includes("requested_by") || path.includes("opened_by"))).to.equal(
        false,
      );
    });
  });

  it("of another system's change goes by the item's name, and has no group, model or conflicts", async () => {
    const db = item("db");
    closed(3, "unsuccessful", { cmdb_ci: db, assignment_group: sim.group("Network") });
    const ref = { connection: "jira", type: "issue", id: "10001", key: "OPS-1" };
    const fact = await facts.impact.ask(ticketOf("", { ref, ci: "db", ciId: "db" }));
    expect(fact).to.include({ changes: 1, failedChanges: 1, groupChanges: 0, modelChanges: 0, platformConflicts: -1 });
  });

  it("reads its past again after a minute, and the item after ten", async () => {
    const cmdb_ci = item("db");
    const id = change({ cmdb_ci });
    await impactOf(id);
    closed(1, "unsuccessful", { cmdb_ci });
    relate(item("app"), cmdb_ci);
    expect(await impactOf(id)).to.include({ failedChanges: 0, dependents: 0 });
    clock.pass(TWO_MINUTES);
    expect(await impactOf(id)).to.include({ failedChanges: 1, dependents: 0 });
    clock.pass(600_000);
    expect(await impactOf(id)).to.include({ dependents: 1 });
  });
});
