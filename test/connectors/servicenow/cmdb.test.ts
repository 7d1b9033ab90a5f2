import { expect } from "chai";
import { servicenowCmdb } from "../../../connectors/servicenow/cmdb.ts";
import type { Cmdb } from "../../../core/ports.ts";
import { type ServiceNowSim, startServiceNowSim } from "../../sim/servicenow.ts";
import { faultOf, type StandingClock, standingClock } from "../open.ts";
import { type BareClient, bareClient } from "./bare-client.ts";

const ABEL = { by: "abel.tuter" };
const NOWHERE = "0".repeat(32);
const LIMITS = { depthMax: 5, itemsMax: 100 };
const SINCE_MS = Date.UTC(2026, 0, 1);

describe("ServiceNow CMDB", () => {
  let clock: StandingClock;
  let sim: ServiceNowSim;
  let bare: BareClient;
  let cmdb: Cmdb;

  beforeEach(async () => {
    clock = standingClock();
    sim = await startServiceNowSim({ now: () => clock.now() });
    bare = bareClient(sim, clock);
    cmdb = servicenowCmdb(bare);
  });
  afterEach(async () => {
    await bare.client.close();
    await sim.close();
  });

  const item = (name: string, fields: Record<string, string> = {}): string =>
    sim.insert("cmdb_ci_server", { name, ...fields }, ABEL).sys_id;
  const relate = (parent: string, child: string, name = "Depends on::Used by"): void => {
    const type = sim.rows("cmdb_rel_type").find((row) => row["name"] === name)?.sys_id ?? "";
    sim.insert("cmdb_rel_ci", { parent, child, type }, ABEL);
  };
  const calls = (): number => sim.requests.length;

  describe("an item", () => {
    it("is read with its own class, and with nulls where the CMDB says nothing", async () => {
      const id = item("DB-01", { environment: "production", owned_by: sim.user("beth.anglin") });
      expect(await cmdb.ci(id)).to.deep.equal({
        id,
        name: "DB-01",
        className: "cmdb_ci_server",
        environment: "production",
        criticality: null,
        ownerId: sim.user("beth.anglin"),
        ownerName: "Beth Anglin",
        hidden: [],
        updatedAtMs: clock.now(),
      });
      const bareItem = await cmdb.ci(item("DB-02"));
      expect(bareItem).to.include({ environment: null, ownerId: null });
    });

    it("that is a service has its criticality, in either spelling", async () => {
      for (const field of ["busines_criticality", "business_criticality"]) {
        const { sys_id } = sim.insert("cmdb_ci_service", { name: "Shop", [field]: "1 - most critical" }, ABEL);
        expect(await cmdb.ci(sys_id)).to.include({ criticality: "1 - most critical" });
      }
    });

    it("that is not there, or no sys_id, is undefined", async () => {
      expect(await cmdb.ci(NOWHERE)).to.equal(undefined);
      sim.requests.length = 0;
      expect(await cmdb.ci("x^active=true")).to.equal(undefined);
      expect(sim.requests).to.be.empty;
    });

    it("is remembered for ten minutes, and one that is missing too", async () => {
      const id = item("DB-01");
      for (const one of [id, NOWHERE]) {
        await cmdb.ci(one);
        const before = calls();
        await cmdb.ci(one);
        expect(calls()).to.equal(before);
      }
      sim.update("cmdb_ci", id, { name: "DB-01b" }, ABEL);
      clock.pass(599_999);
      expect(await cmdb.ci(id)).to.include({ name: "DB-01" });
      clock.pass(1);
      expect(await cmdb.ci(id)).to.include({ name: "DB-01b" });
    });

    it("that cannot be read just now is the instance's trouble, and not remembered as missing", async () => {
      const id = item("DB-01");
      sim.faults.add({ path: /cmdb_ci/, kind: "status", status: 503 });
      expect(await faultOf(cmdb.ci(id))).to.include({ kind: "unavailable" });
      clock.pass(60_000);
      expect(await cmdb.ci(id)).to.include({ name: "DB-01" });
    });
  });

  describe("what depends on an item", () => {
    it("is found by levels, each once, in the direction that the relation's type says", async () => {
      const [db, app, shop, till, power] = ["db", "app", "shop", "till", "power"].map((name) => item(name));
      if (!db || !app || !shop || !till || !power) throw new Error("five names, five items");
      relate(app, db);
      relate(shop, app, "Runs on::Runs");
      relate(shop, db);
      relate(app, till, "Impacts::Impacted by");
      relate(power, db, "Powers::Powered by");
      const { items, missing, cut } = await cmdb.dependents(db, LIMITS);
      expect(items).to.have.deep.members([
        { id: app, depth: 1 },
        { id: shop, depth: 1 },
        { id: till, depth: 2 },
      ]);
      expect({ missing, cut }).to.deep.equal({ missing: [], cut: false });
      expect((await cmdb.dependents(power, LIMITS)).items).to.deep.include({ id: db, depth: 1 });
    });

    it("may go round in circles, and the item is not among its own", async () => {
      const [one, two] = [item("one"), item("two")];
      relate(one, two);
      relate(two, one);
      relate(one, one);
      expect(await cmdb.dependents(one, LIMITS)).to.deep.equal({
        items: [{ id: two, depth: 1 }],
        missing: [],
        cut: false,
      });
    });

    it("and is not there any more is named, and not followed", async () => {
      const [db, gone, behind] = [item("db"), item("gone"), item("behind")];
      relate(gone, db);
      relate(behind, gone);
      relate("", db);
      sim.remove("cmdb_ci", gone);
      expect(await cmdb.dependents(db, LIMITS)).to.deep.equal({ items: [], missing: [gone], cut: false });
      expect(await cmdb.dependents(NOWHERE, LIMITS)).to.deep.equal({ items: [], missing: [NOWHERE], cut: false });
    });

    it("is cut at the depth, and says so only where there is more", async () => {
      const chain = ["a", "b", "c"].map((name) => item(name));
      relate(chain[1] ?? "", chain[0] ?? "");
      relate(chain[2] ?? "", chain[1] ?? "");
      const walk = async (depthMax: number) => cmdb.dependents(chain[0] ?? "", { depthMax, itemsMax: 100 });
      expect(await walk(1)).to.deep.include({ items: [{ id: chain[1], depth: 1 }], cut: true });
      expect(await walk(2)).to.include({ cut: false });
    });

    it("is cut at the number of items", async () => {
      const db = item("db");
      for (let n = 0; n < 6; n += 1) relate(item(`app ${n}`), db);
      const walk = async (itemsMax: number) => cmdb.dependents(db, { depthMax: 3, itemsMax });
      const { items, cut } = await walk(5);
      expect([items.length, cut]).to.deep.equal([5, true]);
      const all = await walk(6);
      expect([all.items.length, all.cut]).to.deep.equal([6, false]);
    });

    it("is read in bulk, with addresses that every front takes", async () => {
      const db = item("db");
      for (let n = 0; n < 120; n += 1) relate(item(`app ${n}`), db);
      sim.requests.length = 0;
      expect((await cmdb.dependents(db, { depthMax: 1, itemsMax: 200 })).items).to.have.length(120);
      expect(calls(), "far fewer than items").to.be.below(20);
      for (const { path } of sim.requests) expect(path.length).to.be.below(2_000);
    });

    it("is read to its end though pages are thinned out by ACLs", async () => {
      await sim.close();
      let asked = 0;
      sim = await startServiceNowSim({
        now: () => clock.now(),
        rowAcl(_user, table) {
          if (table === "cmdb_rel_ci") asked += 1;
          return table !== "cmdb_rel_ci" || asked % 2 === 0;
        },
      });
      cmdb = servicenowCmdb(bareClient(sim, clock));
      const db = item("db");
      for (let n = 0; n < 1_300; n += 1) relate(item(`app ${n}`), db);
      const { items, cut } = await cmdb.dependents(db, { depthMax: 1, itemsMax: 2_000 });
      expect(items.length, "from both pages").to.be.above(400);
      expect(cut).to.equal(false);
    }).timeout(60_000);

    it("is an error where the instance answers what was not asked", async () => {
      const row = { sys_id: "1".repeat(32), child: "2".repeat(32), parent: "3".repeat(32) };
      sim.faults.add({ path: /cmdb_rel_ci/, kind: "status", status: 200, body: { result: [row] } });
      expect(await faultOf(cmdb.dependents(item("db"), LIMITS))).to.include({ kind: "protocol" });
    });
  });

  it("names the services of an item, each once", async () => {
    const ci_id = item("db");
    const service_id = sim.insert("cmdb_ci_service", { name: "Shop", busines_criticality: "1" }, ABEL).sys_id;
    for (const service of [service_id, service_id, NOWHERE])
      sim.insert("svc_ci_assoc", { ci_id, service_id: service }, ABEL);
    const services = await cmdb.servicesOf(ci_id);
    expect(services.map(({ id, criticality }) => ({ id, criticality }))).to.deep.equal([
      { id: service_id, criticality: "1" },
    ]);
    expect(await cmdb.servicesOf(item("lonely"))).to.be.empty;
  });

  it("knows the changes on an item: those that name it and those that list it, without text", async () => {
    const cmdb_ci = item("db");
    const change = (fields: Record<string, string>) =>
      sim.insert("change_request", { short_description: "x", ...fields }, ABEL);
    const old = change({ cmdb_ci, opened_at: "2025-06-01 00:00:00" });
    const named = change({ cmdb_ci, opened_at: "2026-01-05 08:00:00" });
    const listed = change({ opened_at: "2026-01-07 08:00:00", state: "0" });
    sim.update("change_request", listed.sys_id, { state: "3", close_code: "unsuccessful", close_notes: "-" }, ABEL);
    const incident = sim.insert("incident", { cmdb_ci }, ABEL);
    for (const task of [old, named, listed, incident])
      sim.insert("task_ci", { task: task.sys_id, ci_item: cmdb_ci }, ABEL);
    const { records, cut } = await cmdb.changesOn(cmdb_ci, SINCE_MS);
    expect(cut).to.equal(false);
    expect(records).to.deep.equal([
      {
        type: "change_request",
        id: listed.sys_id,
        key: listed["number"],
        openedAtMs: Date.UTC(2026, 0, 7, 8),
        closedAtMs: clock.now(),
        state: "3",
        outcome: "unsuccessful",
      },
      {
        type: "change_request",
        id: named.sys_id,
        key: named["number"],
        openedAtMs: Date.UTC(2026, 0, 5, 8),
        closedAtMs: null,
        state: "-5",
        outcome: null,
      },
    ]);
    const incidents = await cmdb.incidentsOn(cmdb_ci, SINCE_MS);
    expect(incidents.records.map(({ id }) => id)).to.deep.equal([incident.sys_id]);
  });

  it("knows tickets that were opened long ago and closed since", async () => {
    const cmdb_ci = item("db");
    const fields = {
      cmdb_ci,
      opened_at: "2025-06-01 00:00:00",
      state: "6",
      close_code: "User error",
      close_notes: "-",
    };
    const { sys_id } = sim.insert("incident", fields, ABEL);
    expect((await cmdb.incidentsOn(cmdb_ci, SINCE_MS)).records).to.be.empty;
    sim.update("incident", sys_id, { state: "7" }, ABEL);
    expect((await cmdb.incidentsOn(cmdb_ci, SINCE_MS)).records).to.have.length(1);
  });

  it("says when there were more tickets than it gives", async () => {
    const cmdb_ci = item("db");
    for (let n = 0; n < 1_001; n += 1) sim.insert("incident", { cmdb_ci }, ABEL);
    const { records, cut } = await cmdb.incidentsOn(cmdb_ci, SINCE_MS);
    expect([records.length, cut]).to.deep.equal([1_000, true]);
  });
});
