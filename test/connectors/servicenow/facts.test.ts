import { expect } from "chai";
import { type ServiceNowFacts, servicenowFacts } from "../../../connectors/servicenow/facts.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { ticketWith } from "../../core/support/tickets.ts";
import { type ServiceNowSim, type ServiceNowSimOptions, startServiceNowSim } from "../../sim/servicenow.ts";
import { faultOf, type StandingClock, standingClock } from "../open.ts";
import { type BareClient, bareClient } from "./bare-client.ts";

const ABEL = { by: "abel.tuter" };
const NOWHERE = "0".repeat(32);
const NOBODY = { id: "", name: "", email: "" };
const TEN_MINUTES = 600_000;

describe("ServiceNow facts", () => {
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

  const calls = (table: string): number => sim.requests.filter(({ path }) => path.includes(`/table/${table}?`)).length;
  const person = (id: string): Ticket["requester"] => ({ ...NOBODY, id });

  describe("ci", () => {
    const server = (name: string, fields: Record<string, string> = {}): string =>
      sim.insert("cmdb_ci_server", { name, ...fields }, ABEL).sys_id;
    const ci = (named: { ci?: string; ciId?: string }) => facts.ci.ask(ticketWith({ ci: "", ciId: "", ...named }));

    it("is what the CMDB says of the item, its owner by name", async () => {
      const ciId = server("DB-01", { environment: "Production", owned_by: sim.user("beth.anglin") });
      expect(await ci({ ciId, ci: "a name that is not asked by" })).to.deep.equal({
        name: "DB-01",
        className: "cmdb_ci_server",
        environment: "Production",
        criticality: "",
        owner: "Beth Anglin",
      });
    });

    it("has empty texts where the CMDB says nothing, and the owner's id where the name is not to be seen", async () => {
      expect(await ci({ ciId: server("DB-02") })).to.include({ environment: "", criticality: "", owner: "" });
      const owned_by = sim.user("beth.anglin");
      sim.faults.closed.add("sys_user.name");
      expect(await ci({ ciId: server("DB-03", { owned_by }) })).to.include({ owner: owned_by });
    });

    it("of a service has its criticality", async () => {
      const { sys_id } = sim.insert(
        "cmdb_ci_service",
        { name: "Shop", busines_criticality: "1 - most critical" },
        ABEL,
      );
      expect(await ci({ ciId: sys_id })).to.include({ criticality: "1 - most critical", className: "cmdb_ci_service" });
    });

    it("is found by name where only that is known, whatever its case, and never guessed between two", async () => {
      server("edi-gw-01", { environment: "Test" });
      expect(await ci({ ci: "EDI-gw-01", ciId: "EDI-gw-01" })).to.include({ environment: "Test" });
      server("twin");
      server("twin");
      expect(await ci({ ci: "twin" })).to.equal(null);
      expect(await ci({ ci: "edi-gw" })).to.equal(null);
      expect(await ci({ ciId: "edi-gw-01" }), "where the mapping has no more than a text").to.not.equal(null);
    });

    it("is no answer where one of two of a name is hidden", async () => {
      await stop();
      await start({ rowAcl: (_user, table, row) => table !== "cmdb_ci" || row["environment"] !== "Secret" });
      server("twin", { environment: "Test" });
      server("twin", { environment: "Secret" });
      expect(await ci({ ci: "twin" })).to.equal(null);
    });

    it("unknown or hidden is no answer", async () => {
      expect(await ci({ ciId: NOWHERE })).to.equal(null);
      const ciId = server("DB-01");
      sim.faults.closed.add("cmdb_ci");
      expect(await ci({ ciId })).to.equal(null);
      expect(await ci({ ci: "DB-01" })).to.equal(null);
    });

    it("with a field that may not be read is a fault: an empty text would be taken for an answer", async () => {
      const service = sim.insert("cmdb_ci_service", { name: "Shop", busines_criticality: "1" }, ABEL).sys_id;
      const both = ["cmdb_ci_service.busines_criticality", "cmdb_ci_service.business_criticality"];
      for (const [closed, named] of [
        [["cmdb_ci.environment"], "environment"],
        [["cmdb_ci.owned_by"], "owned_by"],
        [both, "busines_criticality"],
        [["cmdb_ci_service"], "busines_criticality"],
      ] as const) {
        facts = servicenowFacts(bare);
        sim.faults.closed.clear();
        for (const name of closed) sim.faults.closed.add(name);
        const fault = await faultOf(ci({ ciId: service }));
        expect(fault, named).to.include({ kind: "rejected", connection: "snow" });
        expect(fault.message).to.contain(`does not show ${named} of a configuration item`);
      }
    });

    it("that one spelling of criticality lacks is told by the other", async () => {
      const { sys_id } = sim.insert("cmdb_ci_service", { name: "Shop", business_criticality: "2" }, ABEL);
      sim.faults.closed.add("cmdb_ci_service.busines_criticality");
      expect(await ci({ ciId: sys_id })).to.include({ criticality: "2" });
    });

    it("is asked for once in ten minutes, and for a whole batch of tickets in a few calls", async () => {
      const ids = Array.from({ length: 60 }, (_, n) => server(`DB-${n}`));
      const all = await Promise.all(ids.map((ciId) => ci({ ciId })));
      expect(all.map((item) => item?.name)).to.deep.equal(ids.map((_, n) => `DB-${n}`));
      expect([calls("cmdb_ci"), calls("cmdb_ci_service")]).to.deep.equal([2, 2]);
      await Promise.all(ids.map((ciId) => ci({ ciId })));
      await Promise.all(Array.from({ length: 9 }, () => ci({ ci: "DB-7" })));
      expect(calls("cmdb_ci"), "of these only the name was new").to.equal(3);
      clock.pass(TEN_MINUTES);
      await ci({ ciId: ids[0] ?? "" });
      expect(calls("cmdb_ci")).to.equal(4);
      for (const { path } of sim.requests) expect(path.length).to.be.below(2_000);
    });

    it("that cannot be asked for fails in the vendor's own way, and is not remembered", async () => {
      const ciId = server("DB-01");
      sim.faults.add({ path: /cmdb_ci/, kind: "status", status: 403 });
      expect(await faultOf(ci({ ciId }))).to.include({ kind: "rejected", status: 403 });
      sim.faults.add({ path: /cmdb_ci/, kind: "status", status: 503 });
      expect(await faultOf(ci({ ciId }))).to.include({ kind: "unavailable" });
      sim.faults.add({ path: /cmdb_ci/, kind: "status", status: 503 });
      expect(await faultOf(ci({ ci: "DB-01" }))).to.include({ kind: "unavailable" });
      expect(await ci({ ci: "DB-01" })).to.include({ name: "DB-01" });
      expect(await faultOf(ci({ ci: "DB^active=true" }))).to.include({ kind: "rejected" });
    });
  });

  describe("members", () => {
    const group = (name: string, fields: Record<string, string> = {}): string =>
      sim.insert("sys_user_group", { name, ...fields }, ABEL).sys_id;
    const join = (user: string, ...groups: string[]): void => {
      for (const one of groups) sim.insert("sys_user_grmember", { user, group: one }, ABEL);
    };
    const members = (requester: string, assignee = "") =>
      facts.members.ask(ticketWith({ requester: person(requester), assignee: person(assignee) }));

    it("are the active groups of both people, asked for in one call", async () => {
      const [abel, beth] = [sim.user("abel.tuter"), sim.user("beth.anglin")];
      join(abel, group("Board Office"), group("Closed", { active: "false" }));
      expect(await members(abel, beth)).to.deep.equal({
        [abel]: ["Board Office", "Network"],
        [beth]: ["Security Operations", "Service Desk"],
      });
      expect(calls("sys_user_grmember")).to.equal(1);
      expect(await members(beth, "")).to.have.keys(beth);
      expect(await members("", "")).to.deep.equal({});
    });

    it("of somebody who belongs to none are none", async () => {
      expect(await members(NOWHERE)).to.deep.equal({ [NOWHERE]: [] });
    });

    it("are remembered for ten minutes", async () => {
      const abel = sim.user("abel.tuter");
      await members(abel);
      join(abel, group("Board Office"));
      clock.pass(TEN_MINUTES - 1);
      expect(await members(abel)).to.deep.equal({ [abel]: ["Network"] });
      clock.pass(1);
      expect(await members(abel)).to.deep.equal({ [abel]: ["Board Office", "Network"] });
      expect(calls("sys_user_grmember")).to.equal(2);
    });

    it("of a batch of tickets are asked for forty people at a time", async () => {
      const board = group("Board Office");
      const people = Array.from({ length: 80 }, (_, n) => n.toString(16).padStart(32, "0"));
      for (const user of people) join(user, board);
      const found = await Promise.all(people.map((user) => members(user)));
      expect(found).to.deep.equal(people.map((user) => ({ [user]: ["Board Office"] })));
      expect(calls("sys_user_grmember")).to.equal(2);
      for (const { path } of sim.requests) expect(path.length).to.be.below(2_000);
    });

    it("that are not all to be seen are a fault, of that person alone", async () => {
      await stop();
      let secret = "";
      await start({ rowAcl: (_user, table, row) => table !== "sys_user_grmember" || row["group"] !== secret });
      secret = group("Board Office");
      const [abel, beth] = [sim.user("abel.tuter"), sim.user("beth.anglin")];
      join(abel, secret);
      const [first, second] = await Promise.allSettled([members(abel), members(beth)]);
      expect(first).to.have.nested.property("reason.kind", "rejected");
      expect(first).to.have.nested.property("reason.message").that.contains("does not show all memberships");
      expect(second).to.deep.include({
        status: "fulfilled",
        value: { [beth]: ["Security Operations", "Service Desk"] },
      });
      const before = calls("sys_user_grmember");
      await faultOf(members(abel));
      expect(calls("sys_user_grmember"), "that is known too for ten minutes").to.equal(before);
    });

    it("that are more than anybody's are a fault, and do not pass for all", async () => {
      const abel = sim.user("abel.tuter");
      const board = group("Board Office");
      for (let n = 0; n < 5_001; n += 1) join(abel, board);
      expect(await faultOf(members(abel))).to.include({ kind: "rejected" });
    }).timeout(60_000);

    it("without the name of a group, or its table, are a fault", async () => {
      const abel = sim.user("abel.tuter");
      sim.faults.closed.add("sys_user_group.name");
      const fault = await faultOf(members(abel));
      expect(fault).to.include({ kind: "rejected" });
      expect(fault.message).to.contain("read on sys_user_group");
      sim.faults.closed.clear();
      facts = servicenowFacts(bare);
      sim.faults.add({ path: /sys_user_grmember/, kind: "status", status: 403 });
      expect(await faultOf(members(abel))).to.include({ kind: "rejected", status: 403 });
      expect(await members(abel), "a failure is not remembered").to.deep.equal({ [abel]: ["Network"] });
      sim.faults.closed.add("sys_user_group.active");
      facts = servicenowFacts(bare);
      expect(await faultOf(members(abel)), "a condition that cannot be checked").to.include({ kind: "protocol" });
    });

    it("of somebody named by no sys_id are a fault, without a call", async () => {
      expect(await faultOf(members("abel.tuter"))).to.include({ kind: "rejected" });
      expect(sim.requests).to.be.empty;
    });
  });

  describe("spend", () => {
    const order = (user: string, fields: Record<string, string>): Ticket["ref"] => {
      const request = sim.insert("sc_request", { requested_for: user }, ABEL).sys_id;
      const { sys_id, number = "" } = sim.insert("sc_req_item", { request, ...fields }, ABEL);
      return { connection: "snow", type: "sc_req_item", id: sys_id, key: number };
    };
    const spent = async (user: string, ref?: Ticket["ref"]) =>
      (await facts.spend.ask(ticketWith({ requester: person(user), ...(ref && { ref }) })))?.month;

    it("is price times quantity of this month's items, the ticket's own once, rounded up in the end", async () => {
      const abel = sim.user("abel.tuter");
      const own = order(abel, { price: "499.40", quantity: "2" });
      order(abel, { price: "0.30" });
      order(abel, { price: "", quantity: "7" });
      order(abel, { price: "10", quantity: "" });
      order(sim.user("beth.anglin"), { price: "9999" });
      expect(await spent(abel, own)).to.equal(1_010);
      expect(await spent(NOWHERE)).to.equal(0);
    });

    it("is not off by a fraction, however many there are", async () => {
      const abel = sim.user("abel.tuter");
      for (let n = 0; n < 10; n += 1) order(abel, { price: "0.1" });
      expect(await spent(abel)).to.equal(1);
      order(abel, { price: "0.00000001" });
      expect(await spent(abel)).to.equal(2);
    });

    it("begins with the month in UTC", async () => {
      const abel = sim.user("abel.tuter");
      order(abel, { price: "100", opened_at: "2025-12-31 23:59:59" });
      order(abel, { price: "20", opened_at: "2026-01-01 00:00:00" });
      expect(await spent(abel)).to.equal(20);
      clock.pass(Date.UTC(2026, 1, 1) - clock.now());
      expect(await spent(abel)).to.equal(0);
    });

    it("is asked for anew every time, since a second order would be let pass by the sum of before", async () => {
      const abel = sim.user("abel.tuter");
      order(abel, { price: "600" });
      expect(await spent(abel)).to.equal(600);
      order(abel, { price: "600" });
      expect(await spent(abel)).to.equal(1_200);
    });

    it("takes amounts with their currency, and does not add one currency to another", async () => {
      const abel = sim.user("abel.tuter");
      order(abel, { price: "EUR;100.50" });
      order(abel, { price: "0" });
      expect(await spent(abel)).to.equal(101);
      order(abel, { price: "USD;1" });
      const fault = await faultOf(facts.spend.ask(ticketWith({ requester: person(abel) })));
      expect(fault).to.include({ kind: "rejected" });
      expect(fault.message).to.contain("several currencies");
    });

    for (const price of ["a lot", "-5", "1,000"])
      it(`with a price of "${price}" is a fault`, async () => {
        const abel = sim.user("abel.tuter");
        order(abel, { price });
        expect(await faultOf(facts.spend.ask(ticketWith({ requester: person(abel) })))).to.include({
          kind: "protocol",
        });
      });

    it("of a batch of tickets is asked for together", async () => {
      const people = Array.from({ length: 60 }, (_, n) => n.toString(16).padStart(32, "0"));
      for (const [n, user] of people.entries()) {
        sim.insert("sc_req_item", { request: orderOf(user), price: String(n) }, ABEL);
      }
      expect(await Promise.all(people.map((user) => spent(user)))).to.deep.equal(people.map((_, n) => n));
      expect(calls("sc_req_item")).to.equal(2);
      for (const { path } of sim.requests) expect(path.length).to.be.below(2_000);
    });
    const orderOf = (requested_for: string): string => sim.insert("sc_request", { requested_for }, ABEL).sys_id;

    it("that is not all to be seen is a fault", async () => {
      const abel = sim.user("abel.tuter");
      const ask = () => facts.spend.ask(ticketWith({ requester: person(abel) }));
      order(abel, { price: "600" });
      sim.faults.closed.add("sc_req_item.price");
      expect((await faultOf(ask())).message).to.contain("does not show price");
      sim.faults.closed.clear();
      sim.faults.closed.add("sc_req_item");
      expect((await faultOf(ask())).message).to.contain("does not show all requests");
      sim.faults.closed.clear();
      sim.faults.add({ path: /sc_req_item/, kind: "status", status: 403 });
      expect(await faultOf(ask())).to.include({ kind: "rejected", status: 403 });
      const half = { result: [], error: { message: "Transaction cancelled" }, status: "failure" };
      sim.faults.add({ path: /sc_req_item/, kind: "status", status: 200, body: half });
      expect(await faultOf(ask())).to.include({ kind: "unavailable" });
      expect(await ask()).to.deep.equal({ month: 600 });
    });

    it("of nobody is not known", async () => {
      expect(await spent("")).to.equal(undefined);
      expect(sim.requests).to.be.empty;
    });
  });
});
