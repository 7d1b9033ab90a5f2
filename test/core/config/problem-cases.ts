import {
  edited,
  JIRA,
  ROUTING,
  SETTINGS,
  SNOW,
  SOUND,
  secretRef,
  type Texts,
  without,
} from "../support/config-files.ts";

/** One way to get a configuration wrong, as an edit of a sound one. */
export interface ProblemCase {
  name: string;
  texts: Texts;
}

function edit(name: string, file: string, from: string, to: string): ProblemCase {
  return { name, texts: edited(SOUND, file, from, to) };
}

function whole(name: string, file: string, text: string): ProblemCase {
  return { name, texts: { ...SOUND, [file]: text } };
}

const SNOW_SECRETS = `webhookSecrets: ["${secretRef("SNOW_WEBHOOK")}"]`;
const JIRA_SECRETS = `webhookSecrets: ["${secretRef("JIRA_WEBHOOK")}"]`;
const URGENT = 'ticket.kind == "incident" && ticket.priority <= 2';

const settings: ProblemCase[] = [
  edit("unknown key", SETTINGS, "mode: act", "moode: act"),
  edit("two unknown keys", SETTINGS, "listen: { host", "listen: { hots: a, prot: 1, host"),
  edit("missing key", SETTINGS, "username: bot, ", ""),
  edit("wrong type", SETTINGS, "port: 8080", "port: eighty"),
  edit("out of bounds", SETTINGS, "port: 8080", "port: 80800"),
  edit("not a whole number", SETTINGS, "port: 8080", "port: 80.5"),
  edit("bad enum", SETTINGS, "mode: act", "mode: acting"),
  edit("bad discriminator", SETTINGS, "type: servicenow", "type: service-now"),
  edit("missing discriminator", SETTINGS, "type: basic, ", ""),
  edit(
    "a login by signature without its subject, with a key that is none",
    SETTINGS,
    `{ type: basic, username: bot, password: "${secretRef("SNOW_PASSWORD")}" }`,
    `{ type: jwt-bearer, clientId: a, clientSecret: b, keyId: c, privateKey: "${secretRef("SNOW_PASSWORD")}" }`,
  ),
  edit("bad connection name", SETTINGS, "  snow:\n", "  Snow:\n"),
  edit("bad record type", SETTINGS, "{ incident: snow }", '{ "inci dent": snow }'),
  edit("baseUrl with a path", SETTINGS, "https://acme.service-now.com", "https://acme.service-now.com/now"),
  edit("baseUrl without a scheme", SETTINGS, "https://acme.service-now.com", "acme.service-now.com"),
  edit("baseUrl with a login", SETTINGS, "https://acme.service-now.com", "https://bot:pass@acme.service-now.com"),
  edit("http without allowPrivateAddress", SETTINGS, "https://acme.service-now.com", "http://acme.service-now.com"),
  edit("https into a private network", SETTINGS, "https://acme.service-now.com", "https://10.0.0.7"),
  edit("no webhookSecrets and no webhookAuth", SETTINGS, `    ${SNOW_SECRETS}\n`, ""),
  edit(
    "webhookSecrets and webhookAuth",
    SETTINGS,
    `    ${SNOW_SECRETS}\n`,
    `    ${SNOW_SECRETS}\n    webhookAuth: { type: bearer, token: abcdefgh }\n`,
  ),
  edit("no webhook secret in the list", SETTINGS, SNOW_SECRETS, "webhookSecrets: []"),
  edit("three webhook secrets", SETTINGS, JIRA_SECRETS, "webhookSecrets: [aaaaaaaa, bbbbbbbb, cccccccc]"),
  edit("secret too short", SETTINGS, JIRA_SECRETS, "webhookSecrets: [abc]"),
  edit("secret not base64", SETTINGS, SNOW_SECRETS, "webhookSecrets: [this is not base64 at all!]"),
  edit("signing secret too short", SETTINGS, SNOW_SECRETS, "webhookSecrets: [whsec_c2l4dGVlbiBieXRlcw==]"),
  edit("store of another kind", SETTINGS, "file:./data/interlock.db", "mysql://root:secret@host/db"),
  edit("unresolved variable", SETTINGS, "SNOW_PASSWORD", "SNOW_PASWORD"),
  edit("unresolved file", SETTINGS, "/run/secrets/jira", "/run/secrets/gira"),
  edit(
    "limits that cannot hold together",
    SETTINGS,
    "mode: act",
    "mode: act\nlimits: { leaseMs: 1000, callTimeoutMs: 900, claimMax: 500, inFlightMax: 400 }",
  ),
  edit("limit that is no number", SETTINGS, "mode: act", 'mode: act\nlimits: { leaseMs: "120s" }'),
  edit("a password written out", SETTINGS, `"${secretRef("SNOW_PASSWORD")}"`, "hunter2"),
  edit(
    "a password in the address of the store",
    SETTINGS,
    "file:./data/interlock.db",
    "postgres://interlock:hunter2@db/interlock",
  ),
  edit("no connections", SETTINGS, SOUND[SETTINGS]?.slice(SOUND[SETTINGS].indexOf("connections:")) ?? "", ""),
  whole("connections that name no system", SETTINGS, "mode: act\nconnections: {}\n"),
];

const yaml: ProblemCase[] = [
  edit("duplicate key", SETTINGS, "mode: act", "mode: act\nmode: observe"),
  whole("tab indentation", SETTINGS, "listen:\n\thost: a\n"),
  edit("__proto__ as a key", SETTINGS, "mode: act", "__proto__: { mode: act }"),
  edit("constructor as a key", SNOW, "contactType:", "constructor:"),
  edit("an alias as a key", SNOW, "custom:\n", "custom:\n  label: &key { from: x }\n  *key : { from: y }\n"),
  whole("alias bomb", ROUTING, aliasBomb()),
  edit("unknown alias", SETTINGS, "mode: act", "mode: *act"),
  whole("larger than 1 MiB", ROUTING, `# ${"x".repeat(1_048_576)}`),
  whole("nested too deeply", ROUTING, `rules: ${"[".repeat(20_000)}`),
  whole("two documents", ROUTING, "a: 1\n---\nb: 2\n"),
  whole("half a character", ROUTING, 'a: "\\uD800"\n'),
  edit("unknown escape", SETTINGS, "mode: act", 'mode: "\\q"'),
  edit("unknown tag", SETTINGS, "mode: act", "mode: !!mode act"),
  edit("text after the header of a block", SETTINGS, "mode: act", "mode: |act"),
  whole("unclosed quote", ROUTING, 'a: "b\n'),
  whole("empty file", ROUTING, ""),
  whole("a list where a mapping is due", ROUTING, "- a\n"),
  { name: "missing settings", texts: without(SOUND, SETTINGS) },
  { name: "missing rules", texts: without(SOUND, ROUTING) },
];

/** Jira's records, with approvals above them. */
function approvals(name: string, text: string): ProblemCase {
  return edit(name, SETTINGS, "records: { OPS: jira }", `approvals: ${text}\n    records: { OPS: jira }`);
}

const inQueues: ProblemCase[] = [
  approvals("approvals of a kind that there is not", "{ type: email, status: Waiting }"),
  approvals("approvals of the service desk without its field", "{ type: jsm, status: Waiting }"),
  approvals("approvers in no custom field", "{ type: jsm, status: Waiting, approvers: Approvers }"),
  approvals("approvals that nobody can decline", "{ type: status, status: Waiting, approve: [Ready], decline: [] }"),
  approvals(
    "one status for yes and no",
    "{ type: status, status: Waiting, approve: [Ready, Done], decline: [No, Done] }",
  ),
  approvals(
    "an answer that is the question",
    "{ type: status, status: Waiting, approve: [Waiting], decline: [Waiting, No] }",
  ),
  edit(
    "approvals of the service desk in Data Center",
    SETTINGS,
    "records: { OPS: jira }",
    "deployment: datacenter\n    approvals: { type: jsm, status: Waiting, approvers: customfield_1 }\n    records: { OPS: jira }",
  ),
  edit(
    "approvals in ServiceNow, which has its own",
    SETTINGS,
    "records: { incident: snow }",
    "approvals: { type: status }\n    records: { incident: snow }",
  ),
  edit(
    "automation that is one account rather than a list",
    SETTINGS,
    "records: { incident: snow }",
    "automation: robot\n    records: { incident: snow }",
  ),
  edit(
    "automation with an account of no name",
    SETTINGS,
    "records: { incident: snow }",
    'automation: [robot, " "]\n    records: { incident: snow }',
  ),
];

const mappings: ProblemCase[] = [
  edit("unknown mapping", SETTINGS, "{ incident: snow }", "{ incident: snwo }"),
  edit("mapping of the other vendor", SETTINGS, "{ OPS: jira }", "{ OPS: snow }"),
  { name: "no mapping of the vendor", texts: without(SOUND, JIRA) },
  edit(
    "one custom field of two types",
    JIRA,
    "  updatedAt: { from: updated }\n",
    "  updatedAt: { from: updated }\ncustom:\n  contactType: { from: count, type: int }\n",
  ),
  {
    name: "a mapping and a rule that are both wrong",
    texts: edited(
      edited(SOUND, SNOW, "{ from: category }", "{ from: a-b }"),
      ROUTING,
      "ticket.priority <= 2",
      "ticket.prio <= 2",
    ),
  },
  edit("status that does not exist", SNOW, '"1": new,', '"1": neww,'),
  edit("priority that does not exist in values", SNOW, '"3": 3 }', '"3": 6 }'),
  edit("priority that is a text", SNOW, '"3": 3 }', '"3": "3" }'),
  edit(
    "priority that does not exist as default, intake and writeBack",
    JIRA,
    "default: 4 }",
    "default: 9, intake: [0] }",
  ),
  edit(
    "impact and urgency that do not exist",
    SNOW,
    "  category:",
    '  impact: { from: impact, values: { "1": 4 } }\n  urgency: { from: urgency, values: { "1": 1 }, write: { "5": { urgency: "5" } } }\n  category:',
  ),
  edit(
    "change type and risk that do not exist",
    SNOW,
    "  category:",
    "  changeType: { from: type, values: { n: normall } }\n  changeRisk: { from: risk, default: medium }\n  category:",
  ),
  { name: "no mappings folder and no configuration folder", texts: {} },
  edit("two vendor values with one meaning", SNOW, '"3": 3 }', '"3": 3, "4": 3 }'),
  edit("writeBack of an unknown value", SNOW, "default: 3 }", 'default: 3, writeBack: { "2": "9" } }'),
  edit("from and cel", SNOW, "{ from: category }", '{ from: category, cel: "record.category" }'),
  edit("field without a source", SNOW, "{ from: category }", "{ intake: [inquiry] }"),
  edit("bad path", SNOW, "{ from: category }", "{ from: u-category }"),
  edit("path through a prototype", SNOW, "{ from: category }", "{ from: category.constructor.name }"),
  edit("bad custom name", SNOW, "contactType:", "contact-type:"),
  edit("a computed reference", JIRA, "{ from: customfield_10101 }", '{ cel: "record.team" }'),
  edit("a default for a reference", JIRA, "{ from: customfield_10101 }", "{ from: team, default: Nobody }"),
  edit("bad transform", SNOW, "{ from: category }", "{ from: category, transform: datetimes }"),
  edit("field nobody knows", SNOW, "  category:", "  categories:"),
  edit("field that must be there", JIRA, "  title: { from: summary }\n", ""),
  edit("value that is neither text nor number", SNOW, "{ from: category }", "{ from: category, values: { a: [b] } }"),
  edit("a table of writes that is none", SNOW, "{ from: category }", "{ from: category, write: true }"),
  edit("cel of a mapping that gives another type", SNOW, "{ from: category }", '{ cel: "1 + 1" }'),
  edit("cel of a mapping over what is not there", SNOW, "{ from: category }", '{ cel: "ticket.title" }'),
];

const rules: ProblemCase[] = [
  edit("cel: unknown field", ROUTING, "ticket.priority <= 2", "ticket.prio <= 2"),
  edit("cel: unknown nested field", ROUTING, URGENT, 'ticket.requester.mail == "a"'),
  edit("cel: unknown custom field", ROUTING, "ticket.custom.contactType", "ticket.custom.contactTyp"),
  edit("cel: unknown variable", ROUTING, URGENT, "tickets.priority <= 2"),
  edit("cel: type error", ROUTING, "ticket.priority <= 2", 'ticket.priority <= "2"'),
  edit("cel: syntax error", ROUTING, URGENT, 'ticket.kind == "incident" && (ticket.priority <= 2'),
  edit("cel: unknown function", ROUTING, URGENT, 'ticket.title.contians("x")'),
  edit("cel: regular expression with look-ahead", ROUTING, URGENT, "ticket.title.matches('^(?=a)b')"),
  edit("cel: regular expression with a back-reference", ROUTING, URGENT, "ticket.title.matches(r'(a)\\1')"),
  edit("cel: computed pattern", ROUTING, URGENT, "ticket.title.matches(ticket.category)"),
  edit("cel: not a yes or no", ROUTING, URGENT, "ticket.priority"),
  {
    name: "two rules that are wrong in different ways",
    texts: edited(
      edited(SOUND, ROUTING, "id: phone", "id: Phone"),
      ROUTING,
      "ticket.priority <= 2",
      "ticket.prio <= 2",
    ),
  },
  edit("cel: time zone that does not exist", ROUTING, URGENT, 'now.getHours("Europe/Berln") > 17'),
  edit("cel: time without a zone", ROUTING, URGENT, 'now > timestamp("2026-01-31T09:15:30.000")'),
  edit("cel: too long", ROUTING, URGENT, `ticket.title == "${"x".repeat(4_000)}"`),
  edit("cel: empty", ROUTING, `when: ${URGENT}`, 'when: ""'),
  edit("duplicate rule id", ROUTING, "id: phone", "id: senior"),
  edit("rule id of the default", ROUTING, "id: phone", "id: the-rest"),
  edit("bad rule id", ROUTING, "id: phone", "id: Phone_Calls"),
  edit("rule that does nothing", ROUTING, "{ leave: true }", "{}"),
  edit("leave beside assign", ROUTING, "{ leave: true }", "{ leave: true, assign: { group: A } }"),
  edit("leave: false", ROUTING, "{ leave: true }", "{ leave: false }"),
  edit("missing default", ROUTING, SOUND[ROUTING]?.slice(SOUND[ROUTING].indexOf("default:")) ?? "", ""),
  edit("rule that sets what no mapping can write", ROUTING, "{ leave: true }", "{ set: { urgency: 1 } }"),
  edit("priority that does not exist", ROUTING, "{ leave: true }", "{ set: { priority: 6 } }"),
];

function both(name: string, ...edits: readonly (readonly [string, string, string])[]): ProblemCase {
  return { name, texts: edits.reduce<Texts>((texts, [file, from, to]) => edited(texts, file, from, to), SOUND) };
}

/** One problem does not hide another. */
const several: ProblemCase[] = [
  both(
    "a wrong type and an unknown mapping",
    [SETTINGS, "type: jira", "type: jura"],
    [SETTINGS, "{ OPS: jira }", "{ OPS: jiraa }"],
  ),
  both(
    "a schema error, a missing mapping and limits that cannot hold together",
    [SETTINGS, "mode: act", "mode: acting\nlimits: { leaseMs: 1000, callTimeoutMs: 900 }"],
    [SETTINGS, "{ incident: snow }", "{ incident: snwo }"],
  ),
  both(
    "a missing default and a duplicate rule id",
    [ROUTING, "id: phone", "id: senior"],
    [ROUTING, SOUND[ROUTING]?.slice(SOUND[ROUTING].indexOf("default:")) ?? "", ""],
  ),
  both(
    "a bad condition, a duplicate rule id and a field that no mapping can write",
    [ROUTING, "id: phone", "id: senior"],
    [ROUTING, "ticket.priority <= 2", "ticket.prio <= 2"],
    [ROUTING, "{ leave: true }", "{ set: { urgency: 1 } }"],
  ),
  both(
    "a wrong transform, a bad cel and a status that does not exist",
    [SNOW, "{ from: category }", '{ cel: "ticket.title", transform: datetimes }'],
    [SNOW, '"1": new,', '"1": neww,'],
  ),
  both(
    "a field that must be there and a bad cel",
    [SNOW, "  title: { from: short_description }\n", ""],
    [SNOW, "{ from: category }", '{ cel: "ticket.title" }'],
  ),
  both(
    "a wrong vendor and a value that does not exist",
    [JIRA, "vendor: jira", "vendor: gira"],
    [JIRA, "Open: new", "Open: nwe"],
  ),
];

export const PROBLEM_CASES: readonly ProblemCase[] = [
  ...settings,
  ...inQueues,
  ...yaml,
  ...mappings,
  ...rules,
  ...several,
];

/** Seven levels of eight: two million entries if it were written out. */
function aliasBomb(): string {
  const lines = ["a0: &a0 [x, x, x, x, x, x, x, x]"];
  for (let level = 1; level < 7; level += 1) {
    lines.push(
      `a${level}: &a${level} [${Array(8)
        .fill(`*a${level - 1}`)
        .join(", ")}]`,
    );
  }
  return `${lines.join("\n")}\n`;
}
