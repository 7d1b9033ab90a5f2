/** The answers must satisfy jira.js's schemas: a mismatch throws here. */
import { expect } from "chai";
import { createCloudClient } from "jira.js";
import { adfFromText } from "./adf.ts";
import type { JiraSim } from "./jira.ts";
import { startJiraSim } from "./jira.ts";
import { at } from "./wire.ts";

const ABEL = { by: "5b10-abel" };

function clientOf(sim: JiraSim) {
  const { email, apiToken } = sim.integration;
  return createCloudClient({ host: sim.url, auth: { type: "basic", email, apiToken }, onSchemaMismatch: "throw" });
}

describe("Jira simulator through jira.js", () => {
  let sim: JiraSim;
  let client: ReturnType<typeof clientOf>;

  beforeEach(async () => {
    sim = await startJiraSim();
    client = clientOf(sim);
    const fields = {
      issuetype: "Incident",
      description: "It burns.",
      customfield_10101: "Network",
      assignee: "5b10-beth",
    };
    sim.create("OPS", { summary: "Printer on fire", ...fields }, ABEL);
  });
  afterEach(() => sim.close());

  it("fetches in bulk and one by one", async () => {
    const fields = ["summary", "status", "customfield_10101", "updated"];
    const bulk = await client.issues.bulkFetchIssues({
      issueIdsOrKeys: ["OPS-1", "OPS-9"],
      fields,
      properties: ["mark"],
    });
    expect(bulk.issues?.map(({ key }) => key)).to.deep.equal(["OPS-1"]);
    expect(bulk.issueErrors).to.deep.equal([]);
    const issue = await client.issues.getIssue({ issueIdOrKey: "OPS-1", expand: "changelog" });
    expect(at(issue.fields, "customfield_10101", "name")).to.equal("Network");
    expect(at(issue.fields, "assignee", "displayName")).to.equal("Beth Anglin");
  });

  it("creates, edits, assigns and deletes", async () => {
    const fields = {
      project: { key: "CHG" },
      issuetype: { name: "Change" },
      summary: "New router",
      description: adfFromText("x"),
    };
    const created = await client.issues.createIssue({ fields });
    expect(created.key).to.equal("CHG-1");
    await client.issues.editIssue({ issueIdOrKey: "CHG-1", fields: { customfield_10101: { name: "Network" } } });
    await client.issues.assignIssue({ issueIdOrKey: "CHG-1", accountId: "5b10-abel" });
    expect(at(sim.get("CHG-1")?.fields, "assignee", "accountId")).to.equal("5b10-abel");
    const history = await client.issues.getChangeLogs({ issueIdOrKey: "CHG-1" });
    expect(history.values).to.have.lengthOf(2);
    expect(Object.hasOwn(history.values[0]?.items?.[0] ?? {}, "toString")).to.equal(true);
    await client.issues.deleteIssue({ issueIdOrKey: "CHG-1" });
    expect(sim.get("CHG-1")).to.equal(undefined);
  });

  it("comments with properties, and reads them back", async () => {
    const body = adfFromText("noted");
    const properties = [{ key: "mark", value: { id: 1 } }];
    const comment = await client.issueComments.addComment({
      issueIdOrKey: "OPS-1",
      body,
      properties,
      expand: "properties",
    });
    expect(comment.properties).to.deep.equal(properties);
    const page = await client.issueComments.getComments({
      issueIdOrKey: "OPS-1",
      orderBy: "-created",
      expand: "properties",
    });
    expect(page).to.include({ total: 1, startAt: 0 });
    await client.issueComments.addComment({ issueIdOrKey: "OPS-1", body: "plain text goes by way of v2" });
    expect(sim.comments("OPS-1")).to.have.lengthOf(2);
    const commentId = comment.id ?? "";
    await client.issueCommentProperties.setCommentProperty({ commentId, propertyKey: "mark", body: { id: 2 } });
    const property = await client.issueCommentProperties.getCommentProperty({ commentId, propertyKey: "mark" });
    expect(property.value).to.deep.equal({ id: 2 });
  });

  it("keeps issue properties", async () => {
    const mark = { issueIdOrKey: "OPS-1", propertyKey: "interlock" };
    await client.issueProperties.setIssueProperty({ ...mark, body: { action: "a1" } });
    expect((await client.issueProperties.getIssueProperty(mark)).value).to.deep.equal({ action: "a1" });
    expect((await client.issueProperties.getIssuePropertyKeys({ issueIdOrKey: "OPS-1" })).keys).to.have.lengthOf(1);
  });

  it("moves through transitions", async () => {
    const { transitions } = await client.issues.getTransitions({ issueIdOrKey: "OPS-1" });
    const resolve = transitions?.find(({ to }) => to?.name === "Resolved");
    await client.issues.doTransition({ issueIdOrKey: "OPS-1", transition: { id: resolve?.id ?? "" } });
    expect(at(sim.get("OPS-1")?.fields, "status", "name")).to.equal("Resolved");
  });

  it("searches, by GET and by POST", async () => {
    const jql = 'project in (OPS) AND updated >= "2026-01-01 00:00" ORDER BY updated ASC, key ASC';
    const got = await client.issueSearch.searchAndReconsileIssuesUsingJql({
      jql,
      fields: ["summary", "updated"],
      maxResults: 1,
    });
    expect(got.issues?.[0]?.key).to.equal("OPS-1");
    const posted = await client.issueSearch.searchAndReconsileIssuesUsingJqlPost({ jql });
    expect(posted).to.include({ isLast: true });
  });

  it("asks who, what and where", async () => {
    const me = await client.myself.getCurrentUser();
    expect(me).to.include({ accountId: sim.integration.accountId, timeZone: "UTC" });
    const server = await client.serverInfo.getServerInfo();
    expect(server.deploymentType).to.equal("Cloud");
    const fields = await client.issueFields.getFields();
    expect(fields.find(({ id }) => id === "customfield_10101")?.name).to.equal("Assignment group");
    const users = await client.userSearch.findUsers({ query: "abel" });
    expect(users.map(({ accountId }) => accountId)).to.deep.equal(["5b10-abel"]);
    const groups = await client.groups.findGroups({ query: "net" });
    expect(groups.groups?.map(({ name }) => name)).to.deep.equal(["Network"]);
  });
});
