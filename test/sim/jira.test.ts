import { expect } from "chai";
import { adfFromText } from "./adf.ts";
import type { JiraSim } from "./jira.ts";
import { startJiraSim } from "./jira.ts";
import type { WireAnswer } from "./wire.ts";
import { at, callJira } from "./wire.ts";

const ABEL = { by: "5b10-abel" };

describe("Jira simulator: issues", () => {
  let sim: JiraSim;
  let nowMs: number;

  beforeEach(async () => {
    nowMs = Date.UTC(2026, 0, 31, 10, 15, 30, 123);
    sim = await startJiraSim({ now: () => nowMs });
    sim.create("OPS", { summary: "Printer on fire", issuetype: "Incident", description: "It burns.\nBadly." }, ABEL);
  });
  afterEach(() => sim.close());

  const put = (body: unknown, path = "/rest/api/3/issue/OPS-1"): Promise<WireAnswer> =>
    callJira(sim, path, { method: "PUT", body });
  const post = (path: string, body: unknown): Promise<WireAnswer> => callJira(sim, path, { method: "POST", body });
  const field = (name: string): unknown => at(sim.get("OPS-1")?.fields, name);

  describe("reading", () => {
    it("gives documents in v3, text in v2, and times in Jira's form", async () => {
      const v3 = await callJira(sim, "/rest/api/3/issue/OPS-1");
      expect(at(v3.body, "fields", "description")).to.deep.equal(adfFromText("It burns.\nBadly."));
      expect(at(v3.body, "fields", "created")).to.equal("2026-01-31T10:15:30.123+0000");
      expect(at(v3.body, "fields", "status", "name")).to.equal("Open");
      expect(at(v3.body, "fields", "comment", "total")).to.equal(0);
      const v2 = await callJira(sim, `/rest/api/2/issue/${sim.get("OPS-1")?.id}?fields=description`);
      expect(at(v2.body, "fields")).to.deep.equal({ description: "It burns.\nBadly." });
      expect(at(v2.body, "self")).to.contain("/rest/api/2/issue/");
      expect(v3.headers.get("server")).to.equal("AtlassianEdge");
      expect(v3.headers.get("atl-traceid")).to.match(/^[0-9a-f]{32}$/);
    });

    it("honours fields, exclusions, properties and the history", async () => {
      await put({ value: 1 }, "/rest/api/3/issue/OPS-1/properties/mark");
      sim.update("OPS-1", { summary: "Printer smoulders" }, ABEL);
      const query = "?fields=summary,status&properties=mark&expand=changelog";
      const { body } = await callJira(sim, `/rest/api/3/issue/OPS-1${query}`);
      expect(at(body, "fields")).to.have.all.keys("summary", "status");
      expect(at(body, "properties")).to.deep.equal({ mark: { value: 1 } });
      expect(at(body, "changelog", "histories", "0", "items", "0")).to.include({
        field: "summary",
        toString: "Printer smoulders",
      });
      const less = await callJira(sim, "/rest/api/3/issue/OPS-1?fields=*all,-comment,-description");
      expect(at(less.body, "fields")).to.include.keys("summary").and.not.have.any.keys("comment", "description");
    });

    it("fetches in bulk, sorted by id, and leaves out what it could not find", async () => {
      sim.create("CHG", { summary: "New router", issuetype: "Change" }, ABEL);
      const ids = ["CHG-1", sim.get("OPS-1")?.id, "OPS-1", "OPS-99"];
      const { body } = await post("/rest/api/3/issue/bulkfetch", { issueIdsOrKeys: ids, fields: ["summary"] });
      const issues = at(body, "issues");
      expect(issues).to.have.lengthOf(2);
      expect(at(issues, "0", "key")).to.equal("OPS-1");
      expect(at(issues, "0", "fields")).to.deep.equal({ summary: "Printer on fire" });
      expect(at(body, "issueErrors")).to.deep.equal([]);
      const tooMany = Array.from({ length: 101 }, (_, i) => `OPS-${i}`);
      expect((await post("/rest/api/3/issue/bulkfetch", { issueIdsOrKeys: tooMany })).status).to.equal(400);
    });

    it("answers 404 in Jira's words, and unknown routes as a problem", async () => {
      const missing = await callJira(sim, "/rest/api/3/issue/OPS-99");
      expect(missing.status).to.equal(404);
      expect(missing.body).to.deep.equal({
        errorMessages: ["Issue does not exist or you do not have permission to see it."],
        errors: {},
      });
      const route = await callJira(sim, "/rest/api/3/isue/OPS-1");
      expect(route.status).to.equal(404);
      expect(route.headers.get("content-type")).to.contain("application/problem+json");
      expect(at(route.body, "detail")).to.equal("No endpoint GET /rest/api/3/isue/OPS-1.");
    });
  });

  describe("writing", () => {
    it("creates with 201, defaults and properties", async () => {
      const fields = {
        project: { key: "OPS" },
        issuetype: { name: "Incident" },
        summary: "Second",
        description: adfFromText("x"),
      };
      const { status, body } = await post("/rest/api/3/issue", { fields, properties: [{ key: "mark", value: "m1" }] });
      expect(status).to.equal(201);
      expect(body).to.deep.equal({
        id: sim.get("OPS-2")?.id,
        key: "OPS-2",
        self: `${sim.url}/rest/api/3/issue/${sim.get("OPS-2")?.id}`,
      });
      expect(sim.get("OPS-2")?.properties).to.deep.equal({ mark: "m1" });
      expect(at(sim.get("OPS-2")?.fields, "priority", "name")).to.equal("Medium");
      expect(at(sim.get("OPS-2")?.fields, "creator", "accountId")).to.equal(sim.integration.accountId);
    });

    it("names what a creation lacks", async () => {
      const issuetype = { name: "Incident" };
      const lacking: [Record<string, unknown>, string][] = [
        [{ summary: "x", issuetype }, "project"],
        [{ project: { key: "OPS" }, summary: "x" }, "issuetype"],
        [{ project: { key: "OPS" }, issuetype: { name: "Change" }, summary: "x" }, "issuetype"],
        [{ project: { key: "OPS" }, issuetype }, "summary"],
        [{ project: { key: "OPS" }, issuetype, summary: "x", flavour: "sweet" }, "flavour"],
      ];
      for (const [fields, name] of lacking) {
        const { status, body } = await post("/rest/api/3/issue", { fields });
        expect(status, name).to.equal(400);
        expect(at(body, "errors"), name).to.have.all.keys(name);
      }
    });

    it("sets every kind of field", async () => {
      const fields = {
        customfield_10101: { name: "Network" },
        customfield_10102: { value: "Extensive / Widespread" },
        customfield_10103: { id: "1010302" },
        customfield_10107: "2026-02-01T08:00:00.000+0100",
        customfield_10109: "router-1",
        assignee: { accountId: "5b10-beth" },
        priority: { name: "Highest" },
        labels: ["b", "a"],
      };
      expect(await put({ fields })).to.include({ status: 204, text: "" });
      expect(field("customfield_10101")).to.have.property("name", "Network");
      expect(field("customfield_10101")).to.have.all.keys("name", "groupId", "self");
      expect(field("customfield_10102")).to.have.all.keys("self", "id", "value");
      expect(field("customfield_10103")).to.include({ value: "High" });
      expect(field("customfield_10107")).to.equal("2026-02-01T07:00:00.000+0000");
      expect(field("assignee")).to.include({ accountId: "5b10-beth", displayName: "Beth Anglin" });
      expect(field("labels")).to.deep.equal(["b", "a"]);
      await put({ fields: { customfield_10101: null, assignee: null } });
      expect(field("customfield_10101")).to.equal(null);
      expect(field("assignee")).to.equal(null);
    });

    it("refuses the whole edit for one bad value, in the errors envelope", async () => {
      const bad: Record<string, unknown> = {
        flavour: "sweet",
        status: { name: "Closed" },
        resolution: { name: "Done" },
        description: "plain text",
        customfield_10101: { name: "Nobody" },
        customfield_10102: { value: "Huge" },
        customfield_10107: "tomorrow",
        assignee: { accountId: "nobody" },
        labels: ["two words"],
        summary: "",
      };
      for (const [name, value] of Object.entries(bad)) {
        const { status, body } = await put({ fields: { priority: { name: "Low" }, [name]: value } });
        expect(status, name).to.equal(400);
        expect(at(body, "errorMessages"), name).to.deep.equal([]);
        expect(at(body, "errors"), name).to.have.all.keys(name);
      }
      const unknown = await put({ fields: { flavour: "sweet" } });
      expect(at(unknown.body, "errors", "flavour")).to.equal(
        "Field 'flavour' cannot be set. It is not on the appropriate screen, or unknown.",
      );
      expect(field("priority")).to.include({ name: "Medium" });
    });

    it("takes update operations", async () => {
      await put({ update: { labels: [{ add: "one" }, { add: "two" }, { remove: "one" }], summary: [{ set: "New" }] } });
      expect(field("labels")).to.deep.equal(["two"]);
      expect(field("summary")).to.equal("New");
      const body = adfFromText("noted");
      await put({ update: { comment: [{ add: { body, properties: [{ key: "mark", value: "m1" }] } }] } });
      expect(sim.comments("OPS-1")).to.have.lengthOf(1);
      expect(sim.comments("OPS-1")[0]).to.deep.include({ text: "noted", properties: { mark: "m1" } });
    });

    it("assigns, unassigns, and answers broken JSON", async () => {
      const path = "/rest/api/3/issue/OPS-1/assignee";
      expect((await put({ accountId: "5b10-abel" }, path)).status).to.equal(204);
      expect(field("assignee")).to.include({ accountId: "5b10-abel" });
      expect((await put({ accountId: null }, path)).status).to.equal(204);
      expect(field("assignee")).to.equal(null);
      const broken = await put("{", path);
      expect(broken.status).to.equal(400);
      expect(at(broken.body, "errorMessages", "0")).to.match(/^There was an error parsing JSON/);
    });

    it("moves `updated` and keeps a history only when something changed", async () => {
      nowMs += 1000;
      await put({ fields: { summary: "Printer on fire" } });
      expect(field("updated")).to.equal("2026-01-31T10:15:30.123+0000");
      await put({ fields: { customfield_10104: { value: "Hardware" } } });
      expect(field("updated")).to.equal("2026-01-31T10:15:31.123+0000");
      const { body } = await callJira(sim, "/rest/api/3/issue/OPS-1/changelog");
      expect(at(body, "total")).to.equal(1);
      expect(at(body, "values", "0", "author", "accountId")).to.equal(sim.integration.accountId);
      expect(at(body, "values", "0", "items")).to.deep.equal([
        {
          field: "Category",
          fieldtype: "custom",
          fieldId: "customfield_10104",
          from: null,
          fromString: null,
          to: "1010403",
          toString: "Hardware",
        },
      ]);
    });

    it("deletes with 204, and then 404", async () => {
      expect((await callJira(sim, "/rest/api/3/issue/OPS-1", { method: "DELETE" })).status).to.equal(204);
      expect((await put({ fields: {} })).status).to.equal(404);
      expect(sim.get("OPS-1")).to.equal(undefined);
    });
  });
});
