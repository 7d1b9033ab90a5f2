import { expect } from "chai";
import { installDispatcher } from "../../../connectors/jira/http.ts";
import type { JiraConnection } from "../../../core/config/settings.ts";
import { ticketWith } from "../../core/support/tickets.ts";
import { type JiraSim, startJiraSim } from "../../sim/jira.ts";
import { CALL_TIMEOUT_MS, faultOf, type OpenedJira, openJira } from "../open.ts";

const [ABEL, BETH, CARL] = ["5b10-abel", "5b10-beth", "5b10-carl"];
const GROUPS = ["Service Desk", "Board Office", "Network"];
const TEN_MINUTES = 600_000;

describe("Jira facts: members", () => {
  let dispatcher: ReturnType<typeof installDispatcher>;
  let sim: JiraSim;
  let opened: OpenedJira;

  beforeEach(async () => {
    dispatcher = installDispatcher(CALL_TIMEOUT_MS);
    const user = (accountId: string, ...memberOf: string[]) => {
      return { accountId, displayName: accountId, emailAddress: `${accountId}@example.com`, memberOf };
    };
    const users = [user(ABEL, "Network", "Board Office"), user(BETH, "Service Desk"), user(CARL)];
    sim = await startJiraSim({ groups: GROUPS, users });
    opened = openJira(sim);
  });
  afterEach(async () => {
    await opened.connector.close();
    await sim.close();
    await dispatcher.close();
  });

  const members = (requester: string, assignee = "") =>
    opened.connector.facts.members.ask(
      ticketWith({
        requester: { id: requester, name: "", email: "" },
        assignee: { id: assignee, name: "", email: "" },
      }),
    );
  const sent = (): string[] => sim.requests.map(({ method, path }) => `${method} ${path}`);

  it("are the groups of both people by name, each person's in one call", async () => {
    expect(await members(ABEL, BETH)).to.deep.equal({ [ABEL]: ["Board Office", "Network"], [BETH]: ["Service Desk"] });
    expect(sent()).to.have.members([
      `GET /rest/api/3/user/groups?accountId=${ABEL}`,
      `GET /rest/api/3/user/groups?accountId=${BETH}`,
    ]);
    expect(opened.calls).to.deep.equal(["read_groups", "read_groups"]);
    expect(await members(CARL)).to.deep.equal({ [CARL]: [] });
    expect(await members("")).to.deep.equal({});
  });

  it("are remembered for ten minutes, and asked for once however many tickets want them", async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => members(ABEL)));
    expect(all[19]).to.deep.equal({ [ABEL]: ["Board Office", "Network"] });
    expect(sent()).to.have.length(1);
    opened.clock.pass(TEN_MINUTES);
    await members(ABEL);
    expect(sent()).to.have.length(2);
  });

  it("of somebody who is not there, or whom we may not look up, are a fault that says so", async () => {
    const unknown = await faultOf(members("5b10-nobody"));
    expect(unknown).to.include({ kind: "not_found" });
    expect(unknown.message).to.contain("no such person");
    sim.admin.permissions.delete("USER_PICKER");
    const closed = await faultOf(members(ABEL));
    expect(closed).to.include({ kind: "rejected", status: 403 });
    expect(closed.message).to.contain("Browse users and groups");
    sim.admin.permissions.add("USER_PICKER");
    expect(await members(ABEL), "a failure is not remembered").to.have.keys(ABEL);
  });

  it("are none of an anonymous caller, whose answer is no answer", async () => {
    await opened.connector.close();
    opened = openJira(sim, { apiToken: "revoked" });
    expect(await faultOf(members(ABEL))).to.include({ kind: "auth" });
  });

  for (const [what, body] of [
    ["no list", { groups: [] }],
    ["a group without a name", [{ groupId: "1" }]],
    ["a web page", undefined],
  ] as const)
    it(`are a fault where the answer is ${what}`, async () => {
      const answer = body === undefined ? { kind: "html" as const } : { kind: "status" as const, status: 200, body };
      sim.faults.add({ path: /user\/groups/, ...answer });
      expect(await faultOf(members(ABEL))).to.include({ kind: "unavailable" });
    });

  it("wait where the site asks for it", async () => {
    sim.faults.add({ path: /user\/groups/, kind: "status", status: 429, headers: { "retry-after": "7" } });
    expect(await faultOf(members(ABEL))).to.include({ kind: "rate_limited", retryAfterMs: 7_000 });
  });

  describe("of a Data Center", () => {
    const settings: Partial<JiraConnection> = {
      deployment: "datacenter",
      auth: { type: "bearer", token: "interlock-token" },
    };
    beforeEach(async () => {
      await opened.connector.close();
      sim.about.deployment = "datacenter";
      opened = openJira(sim, { settings });
    });

    it("are those of the person with that key", async () => {
      expect(await members("JIRAUSER10100")).to.deep.equal({ JIRAUSER10100: ["Board Office", "Network"] });
      expect(sent()).to.deep.equal(["GET /rest/api/2/user?key=JIRAUSER10100&expand=groups"]);
      expect(await faultOf(members("JIRAUSER1"))).to.include({ kind: "not_found" });
    });

    it("are a fault where the answer holds fewer than it says there are", async () => {
      const groups = { size: 2, items: [{ name: "Network" }] };
      sim.faults.add({ path: /\/user\?/, kind: "status", status: 200, body: { key: "JIRAUSER10100", groups } });
      const fault = await faultOf(members("JIRAUSER10100"));
      expect(fault).to.include({ kind: "protocol" });
      expect(fault.message).to.contain("a person's groups are not all in the answer");
    });
  });
});
