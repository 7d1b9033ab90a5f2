import { expect } from "chai";
import type { JiraSim } from "./jira.ts";
import { startJiraSim } from "./jira.ts";
import type { WireAnswer } from "./wire.ts";
import { at, callJira } from "./wire.ts";

const ABEL = { by: "5b10-abel" };
const T0 = Date.UTC(2026, 0, 31, 10, 15, 30, 123);

describe("Jira simulator: search", () => {
  let sim: JiraSim;
  let nowMs: number;

  beforeEach(async () => {
    nowMs = T0;
    sim = await startJiraSim({ now: () => nowMs });
  });
  afterEach(() => sim.close());

  const incident = (summary = "Printer on fire"): string =>
    sim.create("OPS", { summary, issuetype: "Incident" }, ABEL).key;
  const search = (body: Record<string, unknown>): Promise<WireAnswer> =>
    callJira(sim, "/rest/api/3/search/jql", { method: "POST", body });
  const keys = async (jql: string): Promise<string[]> => {
    const { body } = await search({ jql, fields: ["key"] });
    const issues = at(body, "issues");
    if (!Array.isArray(issues)) throw new Error(JSON.stringify(body));
    return issues.map((issue) => String(at(issue, "key")));
  };

  it("finds a sweep's window, in order", async () => {
    incident();
    nowMs += 60_000;
    incident();
    sim.create("CHG", { summary: "New router", issuetype: "Change" }, ABEL);
    nowMs += 60_000;
    sim.update("OPS-1", { summary: "Printer smoulders" }, ABEL);
    const order = "ORDER BY updated ASC, key ASC";
    expect(await keys(`project in (OPS, CHG) AND updated >= "2026-01-31 10:15" ${order}`)).to.deep.equal([
      "CHG-1",
      "OPS-2",
      "OPS-1",
    ]);
    expect(await keys(`project in ("OPS") AND updated >= "2026-01-31 10:17" ${order}`)).to.deep.equal(["OPS-1"]);
    expect(await keys(`project = OPS and updated >= -1m ${order}`)).to.deep.equal(["OPS-2", "OPS-1"]);
    expect(await keys("project != OPS")).to.deep.equal(["CHG-1"]);
    expect(await keys("key in (OPS-2, OPS-9)")).to.deep.equal(["OPS-2"]);
    expect(await keys('status = "Open" AND assignee is EMPTY ORDER BY key DESC')).to.deep.equal(["OPS-2", "OPS-1"]);
    expect(await keys("project not in (CHG) AND created < 2026-02-01 AND labels is not EMPTY")).to.deep.equal([]);
  });

  it("answers ids only unless told otherwise", async () => {
    incident();
    const { body } = await search({ jql: "project = OPS" });
    expect(body).to.deep.equal({ issues: [{ id: sim.get("OPS-1")?.id }], isLast: true });
    const full = await search({ jql: "project = OPS", fields: ["summary", "status"] });
    expect(at(full.body, "issues", "0", "fields", "summary")).to.equal("Printer on fire");
    expect(at(full.body, "issues", "0", "fields")).to.have.all.keys("summary", "status");
  });

  it("pages by token, which is good for its own query only", async () => {
    for (let i = 0; i < 5; i += 1) incident(`Alarm ${i}`);
    const jql = "project = OPS ORDER BY key ASC";
    const found: unknown[] = [];
    let nextPageToken: unknown;
    do {
      const path = `/rest/api/3/search/jql?${new URLSearchParams({ jql, maxResults: "2", fields: "key" })}`;
      const { body } = await callJira(
        sim,
        nextPageToken === undefined ? path : `${path}&nextPageToken=${nextPageToken}`,
      );
      nextPageToken = at(body, "nextPageToken");
      expect(at(body, "isLast")).to.equal(nextPageToken === undefined);
      for (const issue of Object.values(Object(at(body, "issues")))) found.push(at(issue, "key"));
    } while (nextPageToken !== undefined);
    expect(found).to.deep.equal(["OPS-1", "OPS-2", "OPS-3", "OPS-4", "OPS-5"]);
    const first = await search({ jql, maxResults: 2 });
    const other = await search({ jql: "project = CHG", nextPageToken: at(first.body, "nextPageToken") });
    expect(other.status).to.equal(400);
    expect(at(other.body, "errorMessages", "0")).to.equal("The provided next page token is invalid or expired.");
    expect((await search({ jql, nextPageToken: "junk" })).status).to.equal(400);
  });

  it("trails the issues on demand, except for those it is asked to reconcile", async () => {
    incident();
    const id = sim.get("OPS-1")?.id;
    sim.faults.searchLagMs = 5_000;
    expect(await keys("project = OPS")).to.deep.equal([]);
    expect(at((await search({ jql: "project = OPS", reconcileIssues: [Number(id)] })).body, "issues")).to.deep.equal([
      { id },
    ]);
    nowMs += 5_000;
    expect(await keys("project = OPS")).to.deep.equal(["OPS-1"]);
  });

  it("refuses what is unbounded, unknown or too fine", async () => {
    const refusals: [string, string][] = [
      ["", "Unbounded JQL queries are not allowed here."],
      ["ORDER BY updated", "Unbounded JQL queries are not allowed here."],
      [
        'project = OPS AND updated >= "2026-01-31 10:15:30"',
        "Date value '2026-01-31 10:15:30' for field 'updated' is invalid.",
      ],
      ["flavour = sweet", "Field 'flavour' does not exist"],
      ["project = OPS ORDER BY flavour", "Field 'flavour' does not exist"],
      ["project ~ OPS", "Error in the JQL Query"],
      ["project in (OPS", "Error in the JQL Query"],
      ["project = OPS OR project = CHG", "Error in the JQL Query"],
      ['project = "OPS', "Error in the JQL Query"],
    ];
    for (const [jql, message] of refusals) {
      const { status, body } = await search({ jql });
      expect(status, jql).to.equal(400);
      expect(String(at(body, "errorMessages", "0")), jql).to.contain(message);
    }
  });

  it("says that the old search is gone", async () => {
    for (const method of ["GET", "POST"]) {
      const { status, body } = await callJira(sim, "/rest/api/3/search", { method });
      expect(status).to.equal(410);
      expect(at(body, "errorMessages", "0")).to.match(/^The requested API has been removed/);
    }
  });

  it("counts", async () => {
    incident();
    const { body } = await callJira(sim, "/rest/api/3/search/approximate-count", {
      method: "POST",
      body: { jql: "project = OPS" },
    });
    expect(body).to.deep.equal({ count: 1 });
  });
});
