import { expect } from "chai";
import { installDispatcher } from "../../../connectors/jira/http.ts";
import { Connection, type JiraConnection } from "../../../core/config/settings.ts";
import { type JiraSim, startJiraSim } from "../../sim/jira.ts";
import { CALL_TIMEOUT_MS, faultOf, type OpenedJira, openJira, writeOf } from "../open.ts";

const ABEL = { by: "5b10-abel" };
const CLOUD_ID = "11223344-a1b2-3b33-c444-def123456789";

describe("Jira connector: logins and deployments", () => {
  let dispatcher: ReturnType<typeof installDispatcher>;
  let sim: JiraSim;
  let opened: OpenedJira | undefined;
  let id: string;

  beforeEach(async () => {
    dispatcher = installDispatcher(CALL_TIMEOUT_MS);
    sim = await startJiraSim();
    id = sim.create("OPS", { summary: "Printer on fire", issuetype: "Incident" }, ABEL).id;
  });
  afterEach(async () => {
    await opened?.connector.close();
    opened = undefined;
    await sim.close();
    await dispatcher.close();
  });

  const bearer = (token = sim.integration.apiToken) => ({ type: "bearer", token }) as const;
  const open = (settings: Partial<JiraConnection>): OpenedJira => {
    sim.about.deployment = settings.deployment ?? "cloud";
    opened = openJira(sim, { settings });
    return opened;
  };
  const routed = (
    { clock }: OpenedJira,
    fields: Record<string, Record<string, { group: string } | { user: string }>>,
  ) =>
    writeOf(clock, "jira", { type: "issue", recordType: "OPS", id, revision: "", fields, note: "Routed. [il:note]" });
  const sent = (): string[] => sim.requests.map(({ method, path }) => `${method} ${path.split("?")[0]}`);

  describe("an OAuth token", () => {
    it("goes through the gateway, behind the cloud id, with every call", async () => {
      sim.about.cloudId = CLOUD_ID;
      const { connector } = open({ baseUrl: `${sim.url}/ex/jira/${CLOUD_ID}`, auth: bearer() });
      expect(await connector.read("issue", [id])).to.have.nested.property("0.found", true);
      expect(await connector.identity()).to.equal(`cloud:${CLOUD_ID}`);
      expect((await connector.changed("OPS", 0)).records).to.have.length(1);
      expect(sent().every((call) => call.includes(` /ex/jira/${CLOUD_ID}/rest/api/3/`))).to.equal(true);
    });

    it("that has run out is a login that is not accepted, for reads and writes alike", async () => {
      const unit = open({ auth: bearer() });
      for (let n = 0; n < 3; n += 1) sim.faults.add({ path: /rest/, kind: "status", status: 401 });
      expect(await faultOf(unit.connector.read("issue", [id]))).to.include({ kind: "auth" });
      const write = routed(unit, { group: { customfield_10101: { group: "Network" } } });
      expect(await faultOf(unit.connector.write(write))).to.include({ kind: "auth", outcome: "not_applied" });
      expect(await faultOf(unit.connector.changed("OPS", 0))).to.include({ kind: "auth" });
    });
  });

  describe("the identity", () => {
    it("of a Cloud site is its cloud id, and a clone under the same address has another", async () => {
      const { connector } = open({});
      const mine = await connector.identity();
      expect(mine).to.equal(`cloud:${sim.about.cloudId}`);
      sim.about.cloudId = CLOUD_ID;
      expect(await connector.identity()).to.not.equal(mine);
    });

    it("is never made up", async () => {
      const { connector } = open({});
      for (const spec of [{ kind: "html" }, { kind: "status", status: 200, body: { cloudId: "" } }] as const) {
        sim.faults.add({ path: /tenant_info/, ...spec });
        expect(await faultOf(connector.identity()), spec.kind).to.include({ kind: "unavailable" });
      }
      sim.faults.add({ path: /tenant_info/, kind: "status", status: 503 });
      expect(await faultOf(connector.identity())).to.include({ kind: "unavailable", status: 503 });
    });
  });

  describe("a Data Center with a personal access token", () => {
    const datacenter = (): OpenedJira => open({ deployment: "datacenter", auth: bearer() });

    it("is read over v2, in bulk, whatever is missing among what was asked for", async () => {
      const { connector } = datacenter();
      const outcomes = await connector.read("issue", ["999999", id]);
      expect(outcomes.map(({ found }) => found)).to.deep.equal([false, true]);
      expect(outcomes[1]).to.have.nested.property("record.summary", "Printer on fire");
      expect(sent()).to.deep.equal(["POST /rest/api/2/search"]);
    });

    it("takes fields, person by name, and plain note in one call", async () => {
      const unit = datacenter();
      const fields = {
        group: { customfield_10101: { group: "Network" } },
        who: { assignee: { user: "beth.anglin@example.com" } },
      };
      const planned = routed(unit, fields);
      await unit.connector.read("issue", [id]);
      const { applied } = await unit.connector.write({ ...planned, ref: { ...planned.ref, key: "OPS-1" } });
      expect(applied).to.deep.equal(["group", "who", "note"]);
      expect(sent().slice(1)).to.deep.equal(["GET /rest/api/2/user/search", `PUT /rest/api/2/issue/${id}`]);
      expect(sim.comments(id)[0]?.text).to.equal("Routed. [il:note]");
      expect(sim.get(id)?.fields["assignee"]).to.include({ name: "beth.anglin" });
      const ref = { connection: "jira", type: "issue", id, key: "OPS-1" };
      expect(await unit.connector.confirm([{ ref, marker: "[il:note]" }])).to.deep.equal(
        new Map([["[il:note]", "present"]]),
      );
    });

    it("tells from its history what a write replaced, people by the name that a write takes", async () => {
      const unit = datacenter();
      const fields = {
        group: { customfield_10101: { group: "Network" } },
        who: { assignee: { user: "beth.anglin" } },
      };
      sim.update(id, { assignee: "5b10-abel", customfield_10101: "Service Desk" }, ABEL);
      const write = routed(unit, fields);
      await unit.connector.write(write);
      const { found, unknown } = await unit.connector.overwritten([write]);
      expect(unknown).to.be.empty;
      expect(found).to.deep.equal([
        { actionId: "group", patch: { customfield_10101: { group: "Service Desk" } }, value: "Service Desk" },
        { actionId: "who", patch: { assignee: { user: "abel.tuter" } }, value: "abel.tuter" },
      ]);
    });

    it("that does not take the token shows an empty site: that is a dead token, not a missing issue", async () => {
      const { connector } = open({ deployment: "datacenter", auth: bearer("a-token-that-was-revoked") });
      expect(await faultOf(connector.read("issue", [id]))).to.include({ kind: "auth" });
      expect(sim.requests[0], "the search was answered").to.include({ status: 200, user: "" });
    });

    it("is known by what it says of itself", async () => {
      expect(await datacenter().connector.identity()).to.equal(`server:${sim.url} Jira`);
    });
  });

  describe("settings", () => {
    const problems = (settings: Record<string, unknown>): string[] => {
      const sound = { type: "jira", auth: bearer("token"), webhookSecrets: ["long-enough"], records: {} };
      const read = Connection.safeParse({ ...sound, ...settings });
      return read.success ? [] : read.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`);
    };
    const gateway = `https://api.atlassian.com/ex/jira/${CLOUD_ID}`;

    it("take a site, the gateway with a cloud id, and a Data Center", () => {
      expect(problems({ baseUrl: "https://acme.atlassian.net" })).to.be.empty;
      expect(problems({ baseUrl: gateway })).to.be.empty;
      expect(problems({ baseUrl: "https://jira.acme.com", deployment: "datacenter" })).to.be.empty;
    });

    it("take no other path, no gateway without its site, and no gateway's path elsewhere", () => {
      for (const baseUrl of [
        "https://api.atlassian.com",
        "https://api.atlassian.com/ex/jira/acme",
        `${gateway}/rest`,
        `${gateway}?a=b`,
        `https://acme.atlassian.net/ex/jira/${CLOUD_ID}`,
        `https://api.atlassian.com.evil.example/ex/jira/${CLOUD_ID}`,
        "https://acme.atlassian.net/jira",
      ])
        expect(problems({ baseUrl }), baseUrl).to.have.length(1);
      expect(problems({ baseUrl: `https://127.0.0.1/ex/jira/${CLOUD_ID}` })).to.have.length(1);
    });

    it("take no e-mail login and no gateway for a Data Center", () => {
      const auth = { type: "basic", email: "bot@acme.com", apiToken: "token" };
      const deployment = "datacenter";
      expect(problems({ baseUrl: "https://jira.acme.com", deployment, auth })).to.deep.equal([
        "auth is no login for Data Center",
      ]);
      expect(problems({ baseUrl: gateway, deployment })).to.deep.equal(["baseUrl is the gateway of Jira Cloud"]);
    });
  });
});
