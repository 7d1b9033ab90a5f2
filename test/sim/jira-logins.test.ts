import { expect } from "chai";
import type { JiraSim } from "./jira.ts";
import { startJiraSim } from "./jira.ts";
import { at, callJira } from "./wire.ts";

const ABEL = { by: "5b10-abel" };

describe("Jira simulator: logins", () => {
  let sim: JiraSim;

  beforeEach(async () => {
    sim = await startJiraSim();
    sim.create("OPS", { summary: "Printer on fire", issuetype: "Incident" }, ABEL);
  });
  afterEach(() => sim.close());

  it("that fail read on as anonymous, with a header that says so, and cannot write", async () => {
    const as = `${sim.integration.email}:wrong`;
    const reads: [string, number][] = [
      ["/rest/api/3/issue/OPS-1", 404],
      ["/rest/api/3/search/jql?jql=flavour=sweet", 200],
      ["/rest/api/3/user/search?query=abel", 200],
      ["/rest/api/3/myself", 401],
    ];
    for (const [path, status] of reads) {
      const answer = await callJira(sim, path, { as });
      expect(answer.status, path).to.equal(status);
      expect(answer.headers.get("x-seraph-loginreason"), path).to.equal("AUTHENTICATED_FAILED");
    }
    const found = await callJira(sim, "/rest/api/3/search/jql?jql=project=OPS", { as });
    expect(found.body).to.deep.equal({ issues: [], isLast: true });
    const bulk = await callJira(sim, "/rest/api/3/issue/bulkfetch", {
      method: "POST",
      as,
      body: { issueIdsOrKeys: ["OPS-1"] },
    });
    expect(at(bulk.body, "issues")).to.deep.equal([]);
    const write = await callJira(sim, "/rest/api/3/issue/OPS-1", {
      method: "PUT",
      as,
      body: { fields: { summary: "x" } },
    });
    expect(write).to.include({ status: 401, text: "Client must be authenticated to access this resource." });
    expect(at(sim.get("OPS-1")?.fields, "summary")).to.equal("Printer on fire");
  });

  it("may be missing, which is anonymous without the header, or a bearer token", async () => {
    const none = await callJira(sim, "/rest/api/3/issue/OPS-1", { as: "" });
    expect(none.status).to.equal(404);
    expect(none.headers.get("x-seraph-loginreason")).to.equal(null);
    const headers = { authorization: `Bearer ${sim.integration.apiToken}` };
    expect((await callJira(sim, "/rest/api/3/myself", { headers })).body).to.include({
      accountId: sim.integration.accountId,
      timeZone: "UTC",
    });
    expect(sim.requests.at(-1)).to.include({ user: sim.integration.accountId, status: 200 });
  });
});
