import { expect } from "chai";
import { installDispatcher } from "../../../connectors/jira/http.ts";
import type { ChangedRecord } from "../../../core/ports.ts";
import { type JiraSim, startJiraSim } from "../../sim/jira.ts";
import { CALL_TIMEOUT_MS, faultOf, type OpenedJira, openJira, type StandingClock, standingClock } from "../open.ts";

const ABEL = { by: "5b10-abel" };
const NOON = Date.UTC(2026, 0, 31, 12, 0, 0);
const PAGES_MAX = 60;

for (const deployment of ["cloud", "datacenter"] as const) {
  describe(`Jira connector: feed of changes (${deployment})`, () => {
    let dispatcher: ReturnType<typeof installDispatcher>;
    let clock: StandingClock;
    let sim: JiraSim;
    let opened: OpenedJira;

    beforeEach(async () => {
      dispatcher = installDispatcher(CALL_TIMEOUT_MS);
      clock = standingClock(NOON);
      sim = await startJiraSim({ now: () => clock.now() });
      sim.about.deployment = deployment;
      const auth = { type: "bearer", token: sim.integration.apiToken } as const;
      opened = openJira(sim, { clock, settings: { deployment, auth } });
    });
    afterEach(async () => {
      await opened.connector.close();
      await sim.close();
      await dispatcher.close();
    });

    const issue = (project = "OPS"): string => {
      const issuetype = project === "OPS" ? "Incident" : "Change";
      return sim.create(project, { summary: "Printer on fire", issuetype }, ABEL).id;
    };
    /** Every page, and what each of them says; more than enough pages are a failure. */
    const all = async (sinceMs: number, project = "OPS"): Promise<ChangedRecord[]> => {
      const found: ChangedRecord[] = [];
      let after: string | undefined;
      for (let pages = 0; pages < PAGES_MAX; pages += 1) {
        const page = await opened.connector.changed(project, sinceMs, after);
        found.push(...page.records);
        if (page.next === undefined) return found;
        after = page.next;
      }
      return expect.fail("the feed does not end");
    };
    const idsOf = (records: readonly ChangedRecord[]): string[] => [...new Set(records.map(({ id }) => id))];
    const searches = () => sim.requests.filter(({ path }) => path.includes("/search"));

    it("names what was edited at or after a time, to the millisecond, oldest first, of one project", async () => {
      const early = issue();
      clock.pass(10_001);
      const sinceMs = clock.now();
      const [first, second] = [issue(), issue()];
      issue("CHG");
      clock.pass(90_000);
      sim.update(first, { labels: ["touched"] }, ABEL);
      const found = await all(sinceMs);
      expect(idsOf(found)).to.deep.equal([second, first]).and.to.not.include(early);
      expect(found[1]).to.deep.equal({
        type: "issue",
        id: first,
        key: sim.get(first)?.key,
        revision: sim.get(first)?.fields["updated"],
        updatedAtMs: clock.now(),
      });
    });

    it("gives the revision that a read gives", async () => {
      const id = issue();
      const [[read], [changed]] = await Promise.all([opened.connector.read("issue", [id]), all(NOON)]);
      expect(read).to.have.property("revision", changed?.revision);
    });

    it("goes through many pages, whether they share a minute or not", async () => {
      const sinceMs = clock.now();
      const ids: string[] = [];
      for (let n = 0; n < 450; n += 1) {
        if (n > 250) clock.pass(1_000);
        ids.push(issue());
      }
      const found = await all(sinceMs);
      expect(idsOf(found)).to.have.members(ids);
      const times = found.map(({ updatedAtMs }) => updatedAtMs);
      expect(times.at(-1)).to.equal(Math.max(...times));
    });

    it("loses nothing when what was listed is edited while the pages are read", async () => {
      const sinceMs = clock.now();
      const ids: string[] = [];
      for (let n = 0; n < 250; n += 1) {
        ids.push(issue());
        clock.pass(2_000);
      }
      const found: ChangedRecord[] = [];
      let after: string | undefined;
      for (let pages = 0; pages < PAGES_MAX; pages += 1) {
        const page = await opened.connector.changed("OPS", sinceMs, after);
        found.push(...page.records);
        // What the sweep does with what it finds: it has moved to the end before the next page is asked for.
        for (const { id } of page.records.slice(0, 40)) if (pages < 5) sim.update(id, { labels: [`p${pages}`] }, ABEL);
        after = page.next;
        if (after === undefined) break;
      }
      expect(after, "it ended").to.equal(undefined);
      expect(idsOf(found)).to.have.members(ids);
    });

    for (const zone of ["America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Kiritimati"]) {
      it(`computes with an account in ${zone}, and says so once`, async () => {
        sim.about.timeZone = zone;
        issue();
        clock.pass(7_200_000);
        const late = issue();
        for (let n = 0; n < 2; n += 1) {
          expect(idsOf(await all(NOON + 7_100_000))).to.deep.equal([late]);
          clock.pass(120_000);
        }
        const warnings = opened.log.lines.filter(({ level }) => level === "warn");
        expect(warnings).to.have.length(1);
        expect(JSON.stringify(warnings)).to.contain(zone);
      });
    }

    it("loses no change around the hour that comes twice", async () => {
      sim.about.timeZone = "America/New_York";
      // At 06:00 UTC on 1 November 2026 the clocks there go from 02:00 back to 01:00.
      clock.pass(Date.UTC(2026, 10, 1, 3, 0, 0) - NOON);
      const ids: string[] = [];
      for (let quarter = 0; quarter < 24; quarter += 1) {
        const sinceMs = clock.now();
        ids.push(issue());
        expect(idsOf(await all(sinceMs)), new Date(sinceMs).toISOString()).to.deep.equal(ids.slice(-1));
        clock.pass(900_000);
      }
    });

    it("is silent in UTC, and asks who it is once a minute at most", async () => {
      issue();
      for (let n = 0; n < 5; n += 1) await all(NOON);
      expect(opened.calls.filter((call) => call === "who_am_i")).to.have.length(1);
      expect(opened.log.lines).to.deep.equal([]);
    });

    it("believes no empty list before it knows who asked", async () => {
      expect(await all(NOON)).to.deep.equal([]);
      expect(opened.calls).to.deep.equal(["who_am_i", "feed", "who_am_i"]);
      sim.faults.add({ path: /myself/, kind: "status", status: 401, skip: 1 });
      clock.pass(120_000);
      expect(await faultOf(all(NOON))).to.include({ kind: "auth" });
    });

    it("asks again where the account moved to another zone since", async () => {
      await all(NOON);
      issue();
      sim.about.timeZone = "America/New_York";
      expect(await all(NOON)).to.have.length(1);
    });

    it("goes on from a place only in the zone it was made in, since by another clock it is another time", async () => {
      for (let n = 0; n < 250; n += 1) issue();
      const { next } = await opened.connector.changed("OPS", NOON);
      expect((await opened.connector.changed("OPS", NOON, next)).records).to.not.be.empty;
      sim.about.timeZone = "America/New_York";
      clock.pass(120_000);
      const asked = searches().length;
      const fault = await faultOf(opened.connector.changed("OPS", NOON, next));
      expect(fault).to.include({ kind: "protocol" });
      expect(fault.message).to.contain("America/New_York");
      expect(searches(), "nothing is searched by the wrong clock").to.have.length(asked);
      expect(idsOf(await all(NOON))).to.have.length(250);
    });

    it("takes no list from a dead token", async () => {
      issue();
      await opened.connector.close();
      const auth = { type: "bearer", token: "a-token-that-was-revoked" } as const;
      opened = openJira(sim, { clock, settings: { deployment, auth } });
      expect(await faultOf(all(NOON))).to.include({ kind: "auth" });
    });

    it("fails on an issue of another project, on rows of another form, and on no list at all", async () => {
      const row = (key: string, updated: unknown = "2026-01-31T12:00:00.000+0000") => ({
        id: "7",
        key,
        fields: { updated },
      });
      const answers: [unknown[], string][] = [
        [[row("CHG-1")], "protocol"],
        [[row("OPS-1", "yesterday")], "unavailable"],
        [[row("OPS-1", null)], "unavailable"],
        [[{ id: "7" }], "unavailable"],
      ];
      for (const [issues, kind] of answers) {
        const body = { issues, isLast: true, startAt: 0, total: issues.length };
        sim.faults.add({ path: /search/, kind: "status", status: 200, body });
        expect(await faultOf(all(NOON)), JSON.stringify(issues)).to.include({ kind });
      }
      for (const body of [{}, { issues: null }, "[]"]) {
        sim.faults.add({ path: /search/, kind: "status", status: 200, body });
        expect(await faultOf(all(NOON)), JSON.stringify(body)).to.include({ kind: "unavailable" });
      }
    });

    it("asks nothing about what is no project key, and goes on from no place but its own", async () => {
      expect(await faultOf(opened.connector.changed('OPS" OR project = "HR', NOON))).to.include({ kind: "protocol" });
      for (const place of [
        "elsewhere",
        "2026-01-31 12:00",
        "2026-01-31 12:00 100",
        "2026-01-31 12:00 Mars/Olympus 100",
      ])
        expect(await faultOf(opened.connector.changed("OPS", NOON, place)), place).to.include({ kind: "protocol" });
      expect(searches()).to.be.empty;
    });
  });
}

describe("Jira connector: pages of a feed that cannot be followed", () => {
  let dispatcher: ReturnType<typeof installDispatcher>;
  let sim: JiraSim;
  let opened: OpenedJira;

  beforeEach(async () => {
    dispatcher = installDispatcher(CALL_TIMEOUT_MS);
    sim = await startJiraSim();
  });
  afterEach(async () => {
    await opened.connector.close();
    await sim.close();
    await dispatcher.close();
  });

  const open = (deployment: "cloud" | "datacenter"): void => {
    sim.about.deployment = deployment;
    const auth = { type: "bearer", token: sim.integration.apiToken } as const;
    opened = openJira(sim, { settings: { deployment, auth } });
  };
  const answer = (body: Record<string, unknown>): void =>
    sim.faults.add({ path: /search/, kind: "status", status: 200, body });
  const row = { id: "7", key: "OPS-1", fields: { updated: "2026-01-31T12:00:00.000+0000" } };

  it("protocol: not the last page, and no token", async () => {
    open("cloud");
    answer({ issues: [row], isLast: false });
    expect(await faultOf(opened.connector.changed("OPS", NOON))).to.include({ kind: "protocol" });
  });

  it("protocol: a token that names its own page", async () => {
    open("cloud");
    for (let n = 0; n < 2; n += 1) answer({ issues: [row], isLast: false, nextPageToken: "again" });
    const { next } = await opened.connector.changed("OPS", NOON + 60_000);
    expect(next).to.match(/ again$/);
    expect(await faultOf(opened.connector.changed("OPS", NOON, next))).to.include({ kind: "protocol" });
  });

  it("protocol: a page of an offset that was not asked for, or that is too short to go on from", async () => {
    open("datacenter");
    for (const body of [
      { startAt: 50, total: 500, issues: [row] },
      { startAt: 0, total: 500, issues: [row] },
    ]) {
      answer(body);
      expect(await faultOf(opened.connector.changed("OPS", NOON))).to.include({ kind: "protocol" });
    }
  });
});
