import { existsSync, readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { expect } from "chai";
import { createServiceDeskClient } from "jira.js";
import { cloudRoutes } from "../../connectors/jira/cloud.ts";
import { type CallDispatcher, installDispatcher, recorded } from "../../connectors/jira/http.ts";
import { jiraInspection } from "../../connectors/jira/inspect.ts";
import { answerJira } from "../../connectors/jira/live.ts";
import type { JiraRoutes } from "../../connectors/jira/routes.ts";
import { type OpenedParts, openParts } from "../connectors/jira/parts.ts";
import { CALL_TIMEOUT_MS, type OpenedJira, openJira, writeOf } from "../connectors/open.ts";
import { type JiraSim, startJiraSim } from "./jira.ts";
import { ApiDocument } from "./openapi.ts";
import { type Exchange, tapWire, type WireTap } from "./wire-tap.ts";

const PLATFORM = "../shared/specs/jira-cloud-platform-v3.openapi.json";
const SERVICE_DESK = "../shared/specs/jsm-servicedesk.schemas.json";

const ABEL = { by: "5b10-abel" };
const BETH = { by: "5b10-beth" };
const PEOPLE = [
  { accountId: ABEL.by, displayName: "Abel Tuter", emailAddress: "abel.tuter@example.com" },
  { accountId: BETH.by, displayName: "Beth Anglin", emailAddress: "beth.anglin@example.com", memberOf: ["Network"] },
];

/** Where the document and what Jira really sends are known to part; each line stands in README.md beside this file. */
const KNOWN: readonly RegExp[] = [
  /^POST \S+issue\/bulkfetch: 200 \/ must NOT have additional properties \("expand"\)$/,
  /^POST \S+changelog\/bulkfetch: 200 \S+\/items\/\* must NOT have additional properties \("tmp(From|To)AccountId"\)$/,
  /^POST \S+changelog\/bulkfetch: 200 \S+\/items\/\*\/(from|to|fromString|toString) must be string$/,
  /^POST \S+changelog\/bulkfetch: 200 \/nextPageToken must be string$/,
];
/** The document describes one link; its own example is a list, and so is Jira's answer. */
const LISTS = ["GET /rest/api/3/issue/{issueIdOrKey}/remotelink"];

/** Says why, where the files are not beside this repository. */
function needs(context: Mocha.Context, path: string): void {
  if (existsSync(path)) return;
  process.stdout.write(`      skipped: ${path} is not beside this repository\n`);
  context.skip();
}

describe("Jira's own API document", () => {
  let document: ApiDocument;
  let dispatcher: CallDispatcher;
  let sim: JiraSim;
  let tap: WireTap;
  let opened: OpenedJira;
  let beside: OpenedParts;
  let routes: JiraRoutes;
  const used = new Set<string>();
  let incident: { id: string; key: string };

  before(async function (this: Mocha.Context) {
    needs(this, PLATFORM);
    document = new ApiDocument(readFileSync(PLATFORM, "utf8"), LISTS);
    dispatcher = installDispatcher(CALL_TIMEOUT_MS);
    sim = await startJiraSim({ users: PEOPLE });
    tap = await tapWire(sim.url);
    opened = openJira(sim, { baseUrl: tap.url });
    beside = openParts(sim, { baseUrl: tap.url });
    const { email, apiToken } = sim.integration;
    const config = { host: tap.url, auth: { type: "basic", email, apiToken }, onSchemaMismatch: "throw" } as const;
    routes = watched(cloudRoutes(config));
    const fields = { summary: "Printer on fire", description: "It burns.", issuetype: "Incident", labels: ["a"] };
    incident = sim.create("OPS", { ...fields, assignee: BETH.by, customfield_10101: "Service Desk" }, ABEL);
  });
  after(async () => {
    await opened?.connector.close();
    await beside?.close();
    await tap?.close();
    await sim?.close();
    await dispatcher?.close();
  });

  /** Notes which of the routes were called. */
  function watched(all: JiraRoutes): JiraRoutes {
    return new Proxy(all, {
      get(target, name, receiver) {
        used.add(String(name));
        return Reflect.get(target, name, receiver);
      },
    });
  }

  async function send<T>(call: () => Promise<T>): Promise<T> {
    const outcome = await recorded(call, true);
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  const platform = (): Exchange[] => tap.exchanges.filter(({ path }) => path.startsWith("/rest/api/"));
  const all = (): string[] => [...new Set(platform().flatMap((exchange) => document.differences(exchange)))];
  const differences = (): string[] => all().filter((difference) => !KNOWN.some((known) => known.test(difference)));

  it("describes what reading and writing a ticket sends and is answered", async () => {
    const { connector, clock } = opened;
    const [read] = await connector.read("issue", [incident.id]);
    expect(read).to.include({ found: true });
    const write = writeOf(clock, "jira", {
      ...{ type: "issue", recordType: "OPS", id: incident.id, key: incident.key },
      fields: {
        group: { customfield_10101: { group: "Network" } },
        person: { assignee: { user: "abel.tuter@example.com" } },
        text: { description: { adf: "It burns.\n\nStill." } },
      },
      note: "Routed. [il:note]",
    });
    expect((await connector.write(write)).applied).to.have.members(["group", "person", "text", "note"]);
    await connector.overwritten([write]);
    const marker = { ref: write.ref, marker: "[il:note]" };
    expect((await connector.confirm([marker])).get("[il:note]")).to.equal("present");
    expect((await connector.changed("OPS", 0)).records.map(({ id }) => id)).to.deep.equal([incident.id]);
    const note = writeOf(clock, "jira", { type: "issue", recordType: "OPS", id: incident.id, note: "Only this." });
    expect((await connector.write(note)).applied).to.deep.equal(["note"]);
    expect(differences()).to.deep.equal([]);
  });

  it("describes every call the connector can make", async () => {
    const { id } = incident;
    await send(() => routes.issues([id], ["summary", "updated", "project", "status", "assignee"]));
    await send(() => routes.issues([id], ["*all"]));
    await send(() => routes.issue(id, ["updated"]));
    await send(() =>
      routes.edit(id, { fields: { summary: "Out" }, note: { text: "Out. [il:two]", marker: "[il:two]" } }),
    );
    await send(() => routes.comment(id, { text: "Noted. [il:three]", marker: "[il:three]" }));
    await send(() => routes.comments(id, 100));
    await send(() => routes.comments(id, 100, 1));
    await send(() => routes.members("Network", 0, 50));
    expect(await send(() => routes.bearers([BETH.by]))).to.have.lengthOf(1);
    await send(() => routes.moves.getIssue({ issueIdOrKey: id, fields: ["status"] }));
    await send(() => routes.mark(id));
    await send(() => routes.users("abel.tuter@example.com"));
    expect(await send(() => routes.groups(BETH.by))).to.deep.equal(["Network"]);
    await send(() => routes.histories([id], ["assignee", "customfield_10101"], undefined));
    const jql = 'project = "OPS" AND updated >= "2020-01-01 00:00" ORDER BY updated ASC';
    await send(() => routes.search({ jql, fields: ["updated"], after: undefined }));
    expect(await send(() => routes.count('project = "OPS" AND created >= "2020-01-01 00:00"'))).to.equal(1);
    await send(() => routes.people("5b10-abel"));
    await send(() => routes.myself());
    const rest: readonly string[] = [
      "readMax",
      "bearersMax",
      "historyFieldsMax",
      "person",
      "written",
      "rich",
      "plain",
      "identity",
    ];
    const asking = Object.keys(routes).filter((name) => !rest.includes(name));
    expect([...used], "a route that is new has its line here").to.include.members(asking);
    expect(differences()).to.deep.equal([]);
  });

  it("describes moves and links", async () => {
    const { parts } = beside;
    expect(await parts.moveIssue({ ref: incident, seen: "Open", to: "Pending" })).to.equal("moved");
    const link = { globalId: "interlock:1", url: "https://acme.example/1", title: "INC1", relationship: "mirrored by" };
    expect(await parts.putLink(incident, link)).to.equal("created");
    expect(await parts.putLink(incident, { ...link, title: "INC1 closed", summary: "s" }, link)).to.equal("updated");
    const seen = new Set(platform().map((exchange) => document.operationOf(exchange)));
    expect([...seen]).to.include.members([
      "GET /rest/api/3/issue/{issueIdOrKey}/transitions",
      "POST /rest/api/3/issue/{issueIdOrKey}/transitions",
      "GET /rest/api/3/issue/{issueIdOrKey}/remotelink",
      "POST /rest/api/3/issue/{issueIdOrKey}/remotelink",
    ]);
    expect(differences()).to.deep.equal([]);
  });

  it("describes what is asked about the names of a configuration", async () => {
    const { email, apiToken } = sim.integration;
    const jira = jiraInspection(
      "jira",
      {
        ...{
          type: "jira",
          deployment: "cloud",
          baseUrl: tap.url,
          allowPrivateAddress: true,
          automation: [],
          records: {},
        },
        auth: { type: "basic", email, apiToken },
      },
      opened.clock,
    );
    const record = { record: "OPS", fields: ["summary"], lists: ["status.name", "priority.name"] };
    const people = ["5b10-abel", "abel.tutor@example.com"];
    await answerJira(jira, { groups: ["Network", "Nowhere"], people, mentions: ["Abel Tuter"], records: [record] });
    const seen = new Set(platform().map((exchange) => document.operationOf(exchange)));
    expect([...seen]).to.include.members(["GET /rest/api/3/group/bulk", "GET /rest/api/3/user/bulk"]);
    expect(differences()).to.deep.equal([]);
  });

  it("describes refusals: an unknown field, a hidden issue, nobody's credentials", async () => {
    const before = platform().length;
    const nobody = cloudRoutes({ host: tap.url, onSchemaMismatch: "silent" });
    for (const call of [
      () => routes.edit(incident.id, { fields: { customfield_99999: "x" } }),
      () => routes.issue("999999", ["updated"]),
      () => routes.comment("999999", { text: "x", marker: "y" }),
      () => nobody.edit(incident.id, { fields: { summary: "x" } }),
      () => nobody.myself(),
    ])
      expect(await recorded(call, true)).to.have.property("error");
    const statuses = platform()
      .slice(before)
      .map(({ status }) => status);
    expect(statuses).to.deep.equal([400, 404, 404, 401, 401]);
    expect(differences()).to.deep.equal([]);
  });

  it("parts from what Jira sends only where we know of it", () => {
    for (const known of KNOWN)
      expect(
        all().some((difference) => known.test(difference)),
        `${known.source} is no longer met: remove it`,
      ).to.equal(true);
  });

  it("is looked at closely: each kind of difference is found", () => {
    const base = { method: "GET", path: "/rest/api/3/issue/1/comment", requestBody: "", status: 200 };
    const json = { ...base, contentType: "application/json", responseBody: "{}" };
    const post = { ...json, method: "POST", path: "/rest/api/3/issue/1/remotelink", status: 201 };
    const sent = JSON.stringify({ object: { url: "https://a.example", title: "t" } });
    const cases: [Exchange, RegExp][] = [
      [{ ...json, path: "/rest/api/3/nowhere" }, /nowhere is not in the document/],
      [{ ...json, method: "PATCH" }, /PATCH .* is not in the document/],
      [{ ...json, path: `${base.path}?colour=red` }, /query colour is not in the document/],
      [{ ...json, path: `${base.path}?maxResults=many` }, /query maxResults .*must be/],
      [{ ...json, path: `${base.path}?orderBy=colour` }, /query orderBy .*allowed values/],
      [{ ...json, requestBody: "{}" }, /body that is not in the document/],
      [{ ...json, status: 418 }, /status 418 is not in the document/],
      [{ ...json, contentType: "text/html" }, /200 is text\/html/],
      [{ ...json, responseBody: "<html>" }, /200 is not JSON/],
      [{ ...json, responseBody: '{"comments":{}}' }, /200 \/comments must be array/],
      [{ ...json, responseBody: '{"comments":[{"author":{"colour":"red"}}]}' }, /comments\/\*\/author .*"colour"/],
      [{ ...post, requestBody: "" }, /the request has no body/],
      [{ ...post, requestBody: "{" }, /request's body is not JSON/],
      [{ ...post, requestBody: '{"object":{"url":"https://a.example"}}' }, /request .*required property 'title'/],
      [{ ...post, requestBody: sent.replace("object", "objects") }, /request \/objects is not in the document/],
      [{ ...json, status: 204, method: "PUT", path: "/rest/api/3/issue/1", requestBody: "{}" }, /204 has a body/],
    ];
    expect(document.differences(json)).to.deep.equal([]);
    expect(document.differences({ ...post, requestBody: sent })).to.deep.equal([]);
    for (const [exchange, expected] of cases)
      expect(document.differences(exchange).join("; "), String(expected)).to.match(expected);
  });
});

describe("The service desk's schemas", () => {
  let dispatcher: CallDispatcher;
  let sim: JiraSim;
  let tap: WireTap;
  let beside: OpenedParts;

  before(async function (this: Mocha.Context) {
    needs(this, SERVICE_DESK);
    dispatcher = installDispatcher(CALL_TIMEOUT_MS);
    sim = await startJiraSim({ users: PEOPLE });
    tap = await tapWire(sim.url);
    beside = openParts(sim, { baseUrl: tap.url });
  });
  after(async () => {
    await beside?.close();
    await tap?.close();
    await sim?.close();
    await dispatcher?.close();
  });

  it("describe a request, its approvals and its clocks", async () => {
    const schemas: Record<string, object> = JSON.parse(readFileSync(SERVICE_DESK, "utf8")); // each is a whole schema
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats.default(ajv);
    const change = sim.create("CHG", { summary: "Replace the printer", issuetype: "Change" }, ABEL);
    for (const to of ["Review", "Awaiting approval"]) sim.transition(change.id, to, ABEL);
    const { id } = sim.serviceDesk.ask(change.id, { name: "CAB", approvers: [ABEL.by, BETH.by] });
    sim.serviceDesk.answer(id, "declined", BETH);
    sim.serviceDesk.startSla(change.id, { name: "Response", goalMs: 1 });
    sim.serviceDesk.turnSla(change.id, "Response", "stop");
    sim.serviceDesk.startSla(change.id, { name: "Response", goalMs: 1 });
    await beside.parts.readRequest(change);
    await beside.parts.readApprovals(change);
    await beside.parts.readSlas(change);
    const names = ["CustomerRequest", "PagedApproval", "PagedSlaInformation"];
    expect(tap.exchanges).to.have.lengthOf(names.length);
    for (const [n, name] of names.entries()) {
      const validate = ajv.compile(schemas[name] ?? false);
      expect(
        validate(JSON.parse(tap.exchanges[n]?.responseBody ?? "")),
        `${name}: ${ajv.errorsText(validate.errors)}`,
      ).to.equal(true);
      expect(validate({ values: 1, _links: 1 }), name).to.equal(false);
    }
  });

  it("refusals come in this API's own envelope, and only a listed approver may answer", async () => {
    const { email, apiToken } = sim.integration;
    const auth = { type: "basic", email, apiToken } as const;
    const change = sim.create("CHG", { summary: "Replace the printer", issuetype: "Change" }, ABEL);
    const { id } = sim.serviceDesk.ask(change.id, { name: "CAB", approvers: [ABEL.by] });
    const { request } = createServiceDeskClient({ host: tap.url, auth });
    const answer = await recorded(
      () => request.answerApproval({ issueIdOrKey: change.key, approvalId: Number(id), decision: "approve" }),
      true,
    );
    expect(answer).to.have.property("error").that.includes({ status: 403 });
    expect(JSON.parse(tap.exchanges.at(-1)?.responseBody ?? "")).to.have.property("errorMessage");
    expect(await beside.parts.readApprovals(change)).to.have.nested.property("0.state", "requested");
  });
});
