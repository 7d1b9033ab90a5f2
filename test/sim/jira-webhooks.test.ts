import { createHmac } from "node:crypto";
import { expect } from "chai";
import { adfFromText } from "./adf.ts";
import type { JiraSim } from "./jira.ts";
import { startJiraSim } from "./jira.ts";
import type { WebhookReceiver } from "./webhook-receiver.ts";
import { startWebhookReceiver } from "./webhook-receiver.ts";
import { at, callJira } from "./wire.ts";

const ABEL = { by: "5b10-abel" };
const SECRET = "It's a Secret to Everybody";

describe("Jira simulator: webhooks", () => {
  let sim: JiraSim;
  let receiver: WebhookReceiver;

  beforeEach(async () => {
    receiver = await startWebhookReceiver();
    sim = await startJiraSim({ webhook: { url: receiver.url, secret: SECRET }, retryDelayMs: 5 });
    sim.create("OPS", { summary: "Printer on fire", issuetype: "Incident", description: "It burns." }, ABEL);
    await sim.webhooks.idle();
  });
  afterEach(async () => {
    await sim.close();
    await receiver.close();
  });

  const bodies = async (): Promise<unknown[]> => {
    await sim.webhooks.idle();
    return receiver.received.map(({ body }): unknown => JSON.parse(body));
  };

  it("tell a creation in the v2 shape, with plain text and a changelog", async () => {
    const [body] = await bodies();
    expect(body).to.include({ webhookEvent: "jira:issue_created", issue_event_type_name: "issue_created" });
    expect(at(body, "timestamp")).to.be.a("number");
    expect(at(body, "user", "accountId")).to.equal("5b10-abel");
    expect(at(body, "issue")).to.have.all.keys("id", "self", "key", "fields");
    expect(at(body, "issue", "self")).to.contain("/rest/api/2/issue/");
    expect(at(body, "issue", "fields", "description")).to.equal("It burns.");
    expect(at(body, "changelog", "items", "0")).to.deep.equal({
      field: "summary",
      fieldtype: "jira",
      fieldId: "summary",
      from: null,
      fromString: null,
      to: null,
      toString: "Printer on fire",
    });
  });

  it("are signed over the raw body, under the vendor's headers", () => {
    const [delivery] = receiver.received;
    if (delivery === undefined) throw new Error("nothing came");
    const signature = createHmac("sha256", SECRET).update(delivery.body).digest("hex");
    expect(delivery.headers).to.include({
      "x-hub-signature": `sha256=${signature}`,
      "x-atlassian-webhook-flow": "Primary",
      "user-agent": "Atlassian Webhook HTTP Client",
      "content-type": "application/json; charset=UTF-8",
    });
    expect(delivery.headers).not.to.have.property("x-atlassian-webhook-retry");
    expect(delivery.headers["x-atlassian-webhook-identifier"]).to.equal(sim.webhooks.sent[0]?.deliveryId);
  });

  it("agree with the published signature vector", () => {
    const signature = createHmac("sha256", SECRET).update("Hello World!", "utf8").digest("hex");
    expect(signature).to.equal("a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9");
  });

  it("tell edits, assignments and transitions with their items", async () => {
    sim.update("OPS-1", { customfield_10101: "Network", labels: ["a", "b"] }, ABEL);
    sim.update("OPS-1", { assignee: "5b10-beth" }, ABEL);
    sim.transition("OPS-1", "In Progress", ABEL);
    const [, edited, assigned, moved] = await bodies();
    expect(at(edited, "issue_event_type_name")).to.equal("issue_updated");
    expect(at(edited, "changelog", "items", "0")).to.include({
      field: "Assignment group",
      fieldtype: "custom",
      toString: "Network",
    });
    expect(at(edited, "changelog", "items", "1")).to.include({
      field: "labels",
      from: null,
      to: null,
      toString: "a b",
    });
    expect(at(assigned, "issue_event_type_name")).to.equal("issue_assigned");
    expect(at(assigned, "changelog", "items", "0")).to.include({
      to: "5b10-beth",
      tmpToAccountId: "5b10-beth",
      toString: "Beth Anglin",
    });
    expect(at(moved, "issue_event_type_name")).to.equal("issue_generic");
    expect(at(moved, "changelog", "items")).to.deep.equal([
      {
        field: "status",
        fieldtype: "jira",
        fieldId: "status",
        from: "1",
        fromString: "Open",
        to: "3",
        toString: "In Progress",
      },
    ]);
  });

  it("tell a comment with a slim issue and no user of its own", async () => {
    sim.comment("OPS-1", "Please hurry", ABEL);
    const [, body] = await bodies();
    expect(body).to.have.all.keys("timestamp", "webhookEvent", "comment", "issue");
    expect(body).to.include({ webhookEvent: "comment_created" });
    expect(at(body, "comment")).to.include({ body: "Please hurry", jsdPublic: true });
    expect(at(body, "comment", "author", "accountId")).to.equal("5b10-abel");
    expect(at(body, "issue", "fields")).to.have.all.keys(
      "summary",
      "issuetype",
      "project",
      "assignee",
      "priority",
      "status",
    );
  });

  it("tell a transition with a comment twice, with one comment id", async () => {
    const body = { transition: { id: "31" }, update: { comment: [{ add: { body: adfFromText("done") } }] } };
    await callJira(sim, "/rest/api/3/issue/OPS-1/transitions", { method: "POST", body });
    const [, moved, commented] = await bodies();
    expect(at(moved, "webhookEvent")).to.equal("jira:issue_updated");
    expect(at(commented, "webhookEvent")).to.equal("comment_created");
    expect(at(moved, "comment", "id")).to.equal(at(commented, "comment", "id"));
  });

  it("tell a deletion without a changelog", async () => {
    sim.remove("OPS-1", ABEL);
    const [, body] = await bodies();
    expect(body).to.have.all.keys("timestamp", "webhookEvent", "user", "issue");
    expect(body).to.include({ webhookEvent: "jira:issue_deleted" });
  });

  it("echo the integration account's own writes", async () => {
    await callJira(sim, "/rest/api/3/issue/OPS-1", { method: "PUT", body: { fields: { summary: "Ours" } } });
    const [, body] = await bodies();
    expect(at(body, "user", "accountId")).to.equal(sim.integration.accountId);
    await callJira(sim, "/rest/api/3/issue/OPS-1", { method: "PUT", body: { fields: { summary: "Ours" } } });
    expect(await bodies()).to.have.lengthOf(2);
    const again = { method: "PUT", body: { accountId: null } };
    await callJira(sim, "/rest/api/3/issue/OPS-1/assignee", again);
    expect(at((await bodies())[2], "changelog", "items")).to.deep.equal([]);
  });

  it("are retried under one identifier, with the same bytes, until taken", async () => {
    receiver.answers.push(503, 0, 429);
    sim.update("OPS-1", { summary: "Printer smoulders" }, ABEL);
    await sim.webhooks.idle();
    const attempts = receiver.received.slice(1);
    expect(attempts).to.have.lengthOf(4);
    expect(attempts.map(({ headers }) => headers["x-atlassian-webhook-retry"])).to.deep.equal([
      undefined,
      "1",
      "2",
      "3",
    ]);
    expect(new Set(attempts.map(({ headers }) => headers["x-atlassian-webhook-identifier"]))).to.have.lengthOf(1);
    expect(new Set(attempts.map(({ body }) => body))).to.have.lengthOf(1);
    expect(sim.webhooks.sent.at(-1)).to.include({ status: 202, attempts: 4 });
  });

  it("are given up after five retries, and at once on another 4xx", async () => {
    receiver.answers.push(500, 500, 500, 500, 500, 500, 401);
    sim.update("OPS-1", { summary: "One" }, ABEL);
    await sim.webhooks.idle();
    sim.update("OPS-1", { summary: "Two" }, ABEL);
    await sim.webhooks.idle();
    expect(sim.webhooks.sent.slice(1).map(({ status, attempts }) => [status, attempts])).to.deep.equal([
      [500, 6],
      [401, 1],
    ]);
  });

  it("are retried when nobody answers in time", async () => {
    await sim.close();
    const webhook = { url: receiver.url, secret: SECRET };
    sim = await startJiraSim({ webhook, retryDelayMs: 1, answerTimeoutMs: 20 });
    receiver.answers.push(-1);
    sim.create("OPS", { summary: "x", issuetype: "Incident" }, ABEL);
    await sim.webhooks.idle();
    expect(sim.webhooks.sent.at(-1)).to.include({ status: 202, attempts: 2 });
  });

  it("are retried when nobody listens", async () => {
    await receiver.close();
    sim.update("OPS-1", { summary: "One" }, ABEL);
    await sim.webhooks.idle();
    expect(sim.webhooks.sent.at(-1)).to.include({ status: 0, attempts: 6 });
  });

  it("waiting for a retry do not outlive the simulator", async () => {
    await sim.close();
    sim = await startJiraSim({ webhook: { url: receiver.url, secret: SECRET }, retryDelayMs: 60_000 });
    receiver.answers.push(503);
    sim.create("OPS", { summary: "x", issuetype: "Incident" }, ABEL);
    while (receiver.received.length < 2) await new Promise((resolve) => setImmediate(resolve));
    expect(sim.webhooks.pending).to.equal(1);
    await sim.close();
    await sim.webhooks.idle();
  });
});
