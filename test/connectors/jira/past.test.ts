import { expect } from "chai";
import { installDispatcher } from "../../../connectors/jira/http.ts";
import { backtest } from "../../../core/backtest/backtest.ts";
import { Limits } from "../../../core/limits.ts";
import { patience } from "../../../core/patience.ts";
import {
  figuresOf,
  hasty,
  historyFile,
  liveSource,
  pastPolicy,
  Readings,
  recordsOf,
  statesOf,
} from "../../core/backtest/past-rig.ts";
import { mappingWith, shippedMapping } from "../../core/support/mappings.ts";
import { type JiraSim, startJiraSim } from "../../sim/jira.ts";
import { prng } from "../../support/prng.ts";
import { CALL_TIMEOUT_MS, faultOf, type OpenedJira, openJira, type StandingClock, standingClock } from "../open.ts";

const ABEL = { by: "5b10-abel" };
const BETH = { by: "5b10-beth" };
const MINUTE_MS = 60_000;
const GROUP = "customfield_10101";
const { mapping } = shippedMapping("jira.incident");
const TYPES = [{ recordType: "OPS", mapping }];

/** Jira answers a reading and a changelog with the revision in forms of its own. */
function withoutRevision<T extends { revision: string }>({ revision: _, ...rest }: T) {
  return rest;
}

for (const deployment of ["cloud", "datacenter"] as const) {
  describe(`Jira connector: the past of tickets (${deployment})`, () => {
    let dispatcher: ReturnType<typeof installDispatcher>;
    let clock: StandingClock;
    let sim: JiraSim;
    let opened: OpenedJira;
    let startMs: number;

    beforeEach(async () => {
      dispatcher = installDispatcher(CALL_TIMEOUT_MS);
      clock = standingClock();
      startMs = clock.now();
      sim = await startJiraSim({ now: () => clock.now() });
      sim.about.deployment = deployment;
      const auth = { type: "bearer", token: sim.integration.apiToken } as const;
      opened = openJira(sim, { clock, fields: mapping.reads, settings: { deployment, auth } });
    });
    afterEach(async () => {
      await opened.connector.close();
      await sim.close();
      await dispatcher.close();
    });

    const issue = (fields: Record<string, unknown> = {}): string =>
      sim.create("OPS", { summary: "Printer on fire", issuetype: "Incident", ...fields }, ABEL).id;
    const edit = (id: string, fields: Record<string, unknown>): void => {
      clock.pass(MINUTE_MS);
      sim.update(id, fields, BETH);
    };
    const live = () => ({ archive: opened.connector, types: TYPES, sinceMs: startMs, nowMs: clock.now() });
    const past = () => statesOf(live());
    const histories = () =>
      sim.requests.filter(({ path }) => path.includes("changelog") || path.endsWith("/rest/api/2/search"));

    /** Edits as people make them, each one read at its hour. */
    async function lives(count: number): Promise<Readings> {
      const random = prng(11);
      const of = <T>(...all: T[]): T => all[Math.floor(random() * all.length)] as T; // never beyond its end
      const readings = new Readings(opened.connector, mapping);
      const groups = [null, "Service Desk", "Network", "Security Operations"];
      const acts: ((id: string) => void)[] = [
        (id) => sim.update(id, { [GROUP]: of(...groups) }, BETH),
        (id) => sim.update(id, { assignee: of(null, "5b10-abel", "5b10-beth") }, BETH),
        (id) => sim.update(id, { priority: of("Highest", "High", "Low") }, BETH),
        (id) =>
          sim.update(id, { customfield_10104: of("Network", "Access", null), labels: of(["a"], ["b", "a"], []) }, BETH),
        (id) => sim.update(id, { summary: of("one", "two"), description: of("text", "other text") }, BETH),
        (id) =>
          sim.update(
            id,
            {
              customfield_10102: of("Minor / Localized", "Extensive / Widespread"),
              customfield_10109: of("router-1", null),
            },
            BETH,
          ),
        (id) => sim.transition(id, of("In Progress", "Pending", "Resolved"), BETH),
        (id) => sim.transition(id, of("Closed", "In Progress"), BETH),
        (id) => void sim.comment(id, "still at it", BETH),
      ];
      for (let n = 0; n < count; n += 1) {
        clock.pass(Math.floor(random() * 30) * MINUTE_MS);
        const id = issue({
          [GROUP]: of(...groups),
          priority: of("High", "Low"),
          customfield_10104: of("Network", "Other"),
        });
        await readings.take("issue", id);
        for (let edits = Math.floor(random() * 9); edits > 0; edits -= 1) {
          clock.pass(Math.floor(1 + random() * 90) * MINUTE_MS);
          const before = JSON.stringify(sim.get(id)?.fields);
          try {
            of(...acts)(id);
          } catch {
            continue; // no transition leads there
          }
          const after = JSON.stringify({ ...sim.get(id)?.fields, comment: null });
          // A comment alone is no new state.
          const same = JSON.stringify({ ...JSON.parse(before), comment: null, updated: "" });
          if (same !== JSON.stringify({ ...JSON.parse(after), updated: "" })) await readings.take("issue", id);
        }
      }
      return readings;
    }

    it("is what was read at each hour, state by state", async () => {
      const readings = await lives(40);
      const { states, unreadable, remarks } = await past();
      expect([unreadable, remarks]).to.deep.equal([[], []]);
      expect(states.length).to.be.above(100);
      expect(states.map(({ ticket }) => withoutRevision(ticket))).to.deep.equal(readings.tickets.map(withoutRevision));
      expect(states.map(({ id, atMs }) => [id, atMs])).to.deep.equal(
        readings.tickets.map(({ ref, updatedAt }) => [ref.key, Date.parse(updatedAt)]),
      );
    });

    it("gives the figures that a file of the same history gives", async () => {
      const readings = await lives(40);
      const policy = pastPolicy([mapping, historyFile().mapping]);
      const fromFile = await readings.report([policy]);
      const fromLive = await backtest(liveSource(live()), [policy], { sinceMs: startMs });
      expect(fromFile.policies[0]?.sla.missed).to.be.above(0);
      expect(fromFile.history.known).to.be.at.least(5);
      expect(figuresOf(fromLive)).to.deep.equal(figuresOf(fromFile));
    });

    it("reads many pages, each ticket once, from the hour on that is asked from, and counts before it reads", async () => {
      issue();
      clock.pass(10_000);
      const sinceMs = clock.now();
      const ids: string[] = [];
      for (let n = 0; n < 230; n += 1) {
        if (n > 120) clock.pass(2_000);
        ids.push(issue());
      }
      const { records } = await recordsOf(opened.connector, { recordType: "OPS", sinceMs });
      expect(records.map(({ id }) => id)).to.deep.equal(ids);
      const wanted = { recordType: "OPS", sinceMs, reads: [], transforms: new Map(), patiently: hasty, remark() {} };
      // To the minute before, as the query goes.
      expect(await opened.connector.opened(wanted)).to.equal(231);
    });

    it("takes no edit for history that came after the ticket was read", async () => {
      const id = issue();
      edit(id, { priority: "High" });
      const at = new Date(clock.now()).toISOString().replace("Z", "+0000");
      const created = new Date(startMs).toISOString().replace("Z", "+0000");
      const fields = { ...sim.get(id)?.fields, updated: at, created };
      edit(id, { priority: "Low" });
      const body = { issues: [{ id, key: "OPS-1", fields }], startAt: 0, total: 1 };
      const path = deployment === "cloud" ? /bulkfetch/ : /search/;
      sim.faults.add({ path, kind: "status", status: 200, body, skip: deployment === "cloud" ? 0 : 1 });
      const { states } = await past();
      expect(states.map(({ ticket }) => ticket.priority)).to.deep.equal([3, 2]);
    });

    it("says where a changelog does not lead to what stands there now", async () => {
      const id = issue();
      edit(id, { priority: "High" });
      const fields = { ...sim.get(id)?.fields, priority: { name: "Low", id: "4" } };
      const body = { issues: [{ id, key: "OPS-1", fields }], startAt: 0, total: 1 };
      const path = deployment === "cloud" ? /bulkfetch/ : /search/;
      sim.faults.add({ path, kind: "status", status: 200, body, skip: deployment === "cloud" ? 0 : 1 });
      const { states, remarks } = await past();
      expect(states.map(({ ticket }) => ticket.priority)).to.deep.equal([3, 4]);
      expect(remarks.join()).to.match(/^The changelogs of 1 issues of OPS do not lead to what stands there now/);
    });

    it("does not guess what the changelog does not tell whole", async () => {
      const id = issue({ labels: ["a", "b"] });
      edit(id, { labels: ["c"] });
      edit(id, { priority: "High" });
      const odd = mappingWith(
        {
          category: "{ from: status.statusCategory.key }",
          priority: "{ from: priority.iconUrl, values: {}, default: 3 }",
        },
        "jira",
      );
      sim.transition(id, "In Progress", BETH);
      const { states, unreadable } = await statesOf({ ...live(), types: [{ recordType: "OPS", mapping: odd }] });
      expect(states).to.deep.equal([]);
      expect(unreadable.join()).to.include("status.statusCategory.key: is not told whole by Jira's history");
    });

    it("auth: takes no list from a dead token", async () => {
      issue();
      await opened.connector.close();
      const auth = { type: "bearer", token: "a-token-that-was-revoked" } as const;
      opened = openJira(sim, { clock, settings: { deployment, auth } });
      expect(await faultOf(past())).to.include({ kind: "auth" });
    });

    it("rejected: a project that may not be browsed", async () => {
      edit(issue(), { priority: "High" });
      sim.faults.add({ path: /search/, kind: "status", status: 403 });
      expect(await faultOf(past())).to.include({ kind: "rejected", status: 403 });
    });

    it("rate_limited: a 429 is waited for as long as it says, and nothing is lost or told twice", async () => {
      edit(issue(), { priority: "High" });
      edit(issue(), { priority: "Low" });
      const whole = await past();
      const waits: number[] = [];
      const patiently = patience({
        clock: { ...clock, sleep: async (ms: number) => clock.pass(ms) },
        rng: { next: () => 0 },
        limits: Limits.parse({}),
        onWait: (waitMs) => void waits.push(waitMs),
      });
      const limited = { kind: "status", status: 429, headers: { "Retry-After": "30" } } as const;
      sim.faults.add({ path: /search/, ...limited });
      sim.faults.add({ path: deployment === "cloud" ? /changelog/ : /search/, ...limited });
      expect(await statesOf({ ...live(), patiently })).to.deep.equal(whole);
      expect(waits).to.deep.equal([30_000, 30_000]);
      sim.faults.add({ path: /search/, times: 99, ...limited });
      expect(await faultOf(statesOf({ ...live(), patiently }))).to.include({ kind: "rate_limited" });
    });

    it("unavailable: a page that breaks off is asked for again, never taken for the whole", async () => {
      for (let n = 0; n < 3; n += 1) edit(issue(), { priority: "High" });
      const whole = await past();
      const patiently = patience({ clock, rng: { next: () => 0 }, limits: Limits.parse({}) });
      const paths = deployment === "cloud" ? [/search/, /bulkfetch/, /changelog/] : [/search/];
      for (const path of paths) {
        sim.faults.add({ path, kind: "html" });
        expect(await faultOf(past()), String(path)).to.include({ kind: "unavailable" });
        sim.faults.add({ path, kind: "reset" });
        expect(await statesOf({ ...live(), patiently }), String(path)).to.deep.equal(whole);
      }
    });

    it("asks in bulk", async () => {
      for (let n = 0; n < 100; n += 1) edit(issue(), { priority: "High" });
      sim.requests.length = 0;
      await past();
      expect(histories().length).to.be.at.most(deployment === "cloud" ? 2 : 12);
    });
  });
}

describe("Jira connector: what a changelog says of the past", () => {
  let dispatcher: ReturnType<typeof installDispatcher>;
  let clock: StandingClock;
  let sim: JiraSim;
  let opened: OpenedJira;

  beforeEach(async () => {
    dispatcher = installDispatcher(CALL_TIMEOUT_MS);
    clock = standingClock();
    sim = await startJiraSim({ now: () => clock.now() });
    opened = openJira(sim, { clock, fields: mapping.reads });
  });
  afterEach(async () => {
    await opened.connector.close();
    await sim.close();
    await dispatcher.close();
  });

  const past = () => statesOf({ archive: opened.connector, types: TYPES, sinceMs: 0, nowMs: clock.now() });
  const issue = (): string => sim.create("OPS", { summary: "Printer on fire", issuetype: "Incident" }, ABEL).id;
  /** An answer of one entry with these items, made a minute after the opening. */
  const answer = (issueId: string, items: object[], more: object = {}): void => {
    const created = clock.now() + MINUTE_MS;
    const body = { issueChangeLogs: [{ issueId, changeHistories: [{ id: "1", created, items }] }], ...more };
    sim.faults.add({ path: /changelog/, kind: "status", status: 200, body });
  };
  const touch = (id: string): void => {
    clock.pass(MINUTE_MS);
    sim.comment(id, "later", ABEL);
  };

  it("goes on to the next page of a changelog, and not beyond one that names itself", async () => {
    const id = issue();
    answer(id, [{ fieldId: "priority", from: "3", fromString: "Medium", to: "2", toString: "High" }], {
      nextPageToken: "two",
    });
    answer(id, [{ fieldId: "priority", from: "2", fromString: "High", to: "3", toString: "Medium" }]);
    touch(id);
    touch(id);
    const { states, remarks } = await past();
    expect(states.map(({ ticket }) => ticket.priority)).to.deep.equal([3, 3]);
    expect(remarks).to.deep.equal([]);
    for (let n = 0; n < 2; n += 1) answer(id, [], { nextPageToken: "again" });
    expect(await faultOf(past())).to.include({ kind: "protocol" });
  });

  it("shows what has an id as issues show it today, whatever it was called then", async () => {
    const [id, other] = [issue(), issue()];
    sim.transition(other, "Pending", ABEL);
    answer(id, [{ fieldId: "status", from: "10101", fromString: "Waiting (old name)", to: "1", toString: "Open" }]);
    touch(id);
    const { states, unreadable } = await past();
    expect(unreadable).to.deep.equal([]);
    expect(states.map(({ ticket }) => ticket.status)).to.deep.equal(["on_hold", "new", "new", "on_hold"]);
  });

  it("names a status that no mapping knows, and a person or group that is gone in the changelog's own words", async () => {
    const id = issue();
    const items = [
      { fieldId: "assignee", from: "5b10-gone", fromString: "Gone Guy", to: null, toString: null },
      { fieldId: GROUP, from: "g-1", fromString: "Old Group", to: null, toString: null },
    ];
    answer(id, items);
    touch(id);
    const { states } = await past();
    expect(states[0]?.ticket.assignee).to.deep.equal({ id: "5b10-gone", name: "Gone Guy", email: "" });
    expect(states[0]?.ticket.assignmentGroup).to.equal("Old Group");
    answer(id, [{ fieldId: "status", from: "99", fromString: "Parked", to: "1", toString: "Open" }]);
    touch(id);
    const { unreadable } = await past();
    expect(unreadable).to.deep.equal(["status: Parked (as opened: the ticket is left out)"]);
  });

  it("looks people up that no issue shows any more, once", async () => {
    const id = issue();
    for (let n = 0; n < 3; n += 1) {
      clock.pass(MINUTE_MS);
      sim.update(id, { assignee: n % 2 === 0 ? "5b10-beth" : null }, ABEL);
    }
    clock.pass(MINUTE_MS);
    sim.update(id, { assignee: null }, ABEL);
    const { states } = await past();
    expect(states[1]?.ticket.assignee).to.deep.equal({
      id: "5b10-beth",
      name: "Beth Anglin",
      email: "beth.anglin@example.com",
    });
    expect(opened.calls.filter((call) => call === "look_up")).to.have.length(1);
  });

  it("tells people by the changelog alone where they may not be looked up, asks no more, and says so", async () => {
    const [one, two] = [issue(), issue()];
    for (const id of [one, two]) {
      for (const assignee of ["5b10-beth", "712020:interlock", null]) {
        clock.pass(MINUTE_MS);
        sim.update(id, { assignee }, ABEL);
      }
    }
    sim.faults.add({ path: /user\/search/, kind: "status", status: 403, times: 9 });
    const { states, remarks } = await past();
    expect(states[1]?.ticket.assignee).to.deep.equal({ id: "5b10-beth", name: "Beth Anglin", email: "" });
    expect(opened.calls.filter((call) => call === "look_up")).to.have.length(1);
    expect(remarks.join()).to.include("(Browse users and groups)");
  });

  it("protocol: entries that do not say when they were made, and issues that do not say when they were opened", async () => {
    const id = issue();
    const items = [{ fieldId: "priority", from: "3", fromString: "Medium", to: "2", toString: "High" }];
    const body = { issueChangeLogs: [{ issueId: id, changeHistories: [{ id: "1", created: "soon", items }] }] };
    sim.faults.add({ path: /changelog/, kind: "status", status: 200, body });
    expect(await faultOf(past())).to.include({ kind: "protocol" });
    const issues = [{ id, key: "OPS-1", fields: { updated: "2026-01-31T10:00:00.000+0000" } }];
    sim.faults.add({ path: /issue\/bulkfetch/, kind: "status", status: 200, body: { issues } });
    expect(await faultOf(past())).to.include({ kind: "protocol" });
  });

  it("leaves a ticket out whose changelog a Data Center cuts off", async () => {
    await opened.connector.close();
    sim.about.deployment = "datacenter";
    const auth = { type: "bearer", token: sim.integration.apiToken } as const;
    opened = openJira(sim, { clock, settings: { deployment: "datacenter", auth } });
    const id = issue();
    const changelog = { total: 200, histories: [] };
    const body = { startAt: 0, total: 1, issues: [{ id, key: "OPS-1", fields: {}, changelog }] };
    sim.faults.add({ path: /search/, kind: "status", status: 200, body, skip: 2 });
    const { states, unreadable } = await past();
    expect(states).to.deep.equal([]);
    expect(unreadable).to.deep.equal(["changelog: was cut off by Jira (as opened: the ticket is left out)"]);
  });
});
