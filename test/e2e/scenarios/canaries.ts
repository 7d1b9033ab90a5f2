/** A day at a desk on which every text is a word that stands nowhere else, and everything happens that can happen to tickets. */
import { expect } from "chai";
import { send } from "../../routes/client.ts";
import { AI_KEY, type AiSim } from "../../sim/ai.ts";
import { jiraDelivery, servicenowDelivery } from "../../support/deliveries.ts";
import { ADMIN_TOKEN, JIRA_SECRET, type RigOptions, rigConfig, SNOW_SECRET } from "../../support/rig.ts";
import { type Desk, type Filed, MINUTE, type Name, PEOPLE, type Ticket } from "./desk.ts";

/** What people write, by where they write it; `vendor` is what a system says when it refuses. */
const WRITTEN = [
  ...["title", "description", "edited", "comment", "note", "backout", "label", "custom", "price", "closing"],
  ...["approval", "refusal", "payload", "vendor"],
];
/** What a model says. */
const SAID = ["rationale", "assessment", "summary", "invented"];
const canary = (name: string): string => `canary${name}quolt`;

const givenName = (name: Name): string => `${name}zebulon`;
const mailbox = (name: Name): string => `${name}.privatemailbox`;
/** How the people of this desk are entered in both systems. */
export const entered = (name: Name): { name: string; email: string } => ({
  ...{ name: `${givenName(name)} Quaggafield`, email: `${mailbox(name)}@example.com` },
});

const basic = (login: string): string => Buffer.from(login).toString("base64");
export const TEXTS: readonly string[] = [
  ...[...WRITTEN, ...SAID].map(canary),
  ...[...PEOPLE.flatMap((name) => [givenName(name), mailbox(name)]), "Quaggafield"],
];
export const SECRETS: readonly string[] = [
  ...["interlock-password", "interlock-token", SNOW_SECRET, SNOW_SECRET.slice("whsec_".length), JIRA_SECRET],
  ...["a secret of thirty-two characters", AI_KEY, ADMIN_TOKEN],
  ...[basic("interlock.bot:interlock-password"), basic("interlock@example.com:interlock-token")],
];
/** No text: a value of a closed set that the mapping does not know is shown to whoever has to map it. */
export const UNKNOWN_VALUE = "canaryunknownvalue";

const ROUTING = `rules:
  - { id: vpn, why: It says so, when: 'ticket.title.contains("vpn")', then: { assign: { group: Network Operations } } }
  - { id: ai-network, why: A model sees the network, when: 'advice.category == "Network"', then: { assign: { group: Network Operations } } }
default: { id: rest, why: Everything else, then: { assign: { group: Senior Engineers } } }
`;
const gate = (id: string, when: string): string =>
  `- { id: ${id}, why: It needs a person, when: '${when}', then: { gate: { approvers: { group: Security Operations }, before: [assign, resolve], binds: [title, description, priority], expires: 72h } } }`;
/** The last ones cannot answer, and each of their errors could name the text that they stumble over. */
const GATES = [
  gate("security", 'ticket.category.lowerAscii() == "security"'),
  gate("number", 'ticket.title.contains("odd") && int(ticket.description) > 3'),
  gate("time", 'ticket.title.contains("odd") && timestamp(ticket.description) > now'),
  gate("fraction", 'ticket.title.contains("odd") && double(ticket.description) > 3.0'),
].join("\n");
const RISK = `factors:
  - { id: risky, why: It says so, when: 'ticket.title.contains("risky")', then: { points: 900 } }
tiers: { moderate: 500, high: 800, very_high: 1000 }
cab: { from: high, approvers: { group: Change Advisory Board }, leadTime: 48h }
advice: { points: 5, max: 15 }
rollback:
  - id: back
    why: Something is wrong since the change
    when: ticket.change.type != "standard"
    then: { watch: 4h, ask: { group: Change Advisory Board }, expires: 2h, on: { failedCheck: true } }
`;
const FREEZES = `- id: books
  why: The books are closed
  window: { zone: Etc/UTC, start: "2026-03-20T00:00", end: "2026-03-22T00:00" }
  scope: { when: ticket.change.type != "emergency" }
  severity: hard
`;
const NONE = "[]\n";
const POLICY = {
  ...{ "gates.yaml": GATES, "freezes.yaml": FREEZES, "change-risk.yaml": RISK },
  ...{ "gates.test.yaml": NONE, "freezes.test.yaml": NONE, "change-risk.test.yaml": NONE },
};

/** Rules and advice of this desk, with a store at a place of its own. */
export function settingsOf(ai: AiSim, store: string): RigOptions {
  const main = {
    ...{ type: "openai-compatible", baseUrl: `${ai.url}/v1`, allowPrivateAddress: true, model: "qwen3:8b" },
    ...{ apiKey: `\${file:ai-key}`, prices: { inputPerMillion: "1", outputPerMillion: "5" } },
  };
  const chain = ["main", "person"];
  const labels = {
    ...{ category: ["Network", "Security"], security_categories: ["Security"] },
    risk_factors: [{ id: "no-test", means: "Nobody says how it is tested" }],
  };
  const steps = { classify: { chain }, assess_change: { chain }, summarise_for_approver: { chain } };
  return {
    policy: POLICY,
    routing: ROUTING,
    store,
    ai: { providers: { main }, labels, steps, budgets: { day: "10" } },
  };
}

/** A model that puts a word of its own wherever there is room for one. */
export function talkative({ prompt, schema }: { prompt: string; schema: unknown }): string {
  const asked = JSON.stringify(schema ?? prompt);
  if (asked.includes("summary")) return JSON.stringify({ summary: canary("summary") });
  if (asked.includes("factors")) return JSON.stringify({ factors: ["no-test"], rationale: canary("assessment") });
  if (prompt.includes("invent")) return JSON.stringify({ category: canary("invented"), [canary("invented")]: 1 });
  return JSON.stringify({ category: "Network", security_related: false, rationale: canary("rationale") });
}

/** Plays it all. Answers the change that was risky. */
export async function everythingHappens(desk: Desk, ai: AiSim, options: RigOptions): Promise<Ticket> {
  const { rig } = desk;
  const people = atTheirDesks(desk);
  await people.askForApproval();
  await people.fileWhatFails();
  await systemsRefuse(desk, ai, people);
  const change = await people.change();

  const routing = ROUTING.replace("It says so", "It says so in its title");
  const next = rigConfig(rig.snow.url, rig.jira.url, { ...options, routing, folder: rig.folder });
  expect(await rig.server.current.adopt(next, [])).to.have.length(1);
  const admin = { method: "POST", headers: { authorization: `Bearer ${ADMIN_TOKEN}` } };
  const revoking = await send(`${rig.server.url}/api/revocations?rule=vpn`, admin);
  expect(revoking.status, revoking.text).to.equal(202);
  await desk.pass(MINUTE);
  await rig.restart();
  await desk.pass(MINUTE);
  await rig.server.checkpoints?.make();
  return change;
}

interface People {
  /** Granted, refused, void, and by the one who asked. */
  askForApproval(): Promise<void>;
  /** Rules that cannot answer, a model that invents labels, records that no mapping can read. */
  fileWhatFails(): Promise<void>;
  /** From a draft past the board to the question whether it goes back; and one in a freeze. */
  change(): Promise<Ticket>;
  file(what?: Partial<Filed>): Ticket;
}

function atTheirDesks(desk: Desk): People {
  const { rig, system } = desk;
  const { snow, jira } = rig;
  const isJira = system === "Jira";
  const own = isJira
    ? { description: canary("description") }
    : { description: canary("description"), contact_type: canary("custom") };
  const file = (what: Partial<Filed> = {}): Ticket => {
    const ticket = desk.file({ kind: "incident", title: canary("title"), own, ...what });
    if (isJira) jira.update(ticket.key, { labels: [canary("label")] }, { by: "acc-rita" });
    return ticket;
  };
  const comment = ({ key }: Ticket): void => {
    if (isJira) jira.comment(key, `${canary("comment")} ${canary("note")}`, { by: "acc-rita" });
    else {
      const words = { comments: canary("comment"), work_notes: canary("note") };
      snow.update("incident", incidentOf(key), words, { by: "rita" });
    }
  };
  const incidentOf = (key: string): string => snow.rows("incident").find(({ number }) => number === key)?.sys_id ?? "";
  const close = ({ key }: Ticket): void => {
    if (!isJira)
      snow.update(
        ...(["incident", incidentOf(key)] as const),
        { state: "7", close_code: "Solved", close_notes: canary("closing"), category: "network" },
        { by: "ben" },
      );
  };
  return {
    file,
    async askForApproval() {
      const [granted, refused, edited, ofRita] = [1, 2, 3, 4].map(() => file({ category: "security" }));
      if (!granted || !refused || !edited || !ofRita) throw new Error("four were filed");
      const routed = file({ title: `vpn ${canary("title")}`, priority: 2 });
      await desk.settle();
      await desk.pass(4_000);
      granted.answer("ann", "approved", canary("approval"));
      refused.answer("ben", "rejected", canary("refusal"));
      edited.answer("ann", "approved", canary("approval"));
      edited.edit({ title: canary("edited") });
      // In ServiceNow whoever wants it is not asked, and so another of the group says it.
      ofRita.answer(isJira ? "rita" : "ann", "approved", canary("approval"));
      for (const ticket of [granted, routed]) comment(ticket);
      await desk.pass(61_000);
      for (const ticket of [granted, refused, edited, ofRita])
        expect((await ticket.entries()).filter(({ kind }) => kind === "gate").length, ticket.key).to.be.above(1);
      close(granted);
      close(routed);
      await desk.pass(MINUTE);
    },
    async fileWhatFails() {
      const odd = file({ title: `odd ${canary("title")}` });
      file({ title: `invent ${canary("title")}` });
      if (!isJira) {
        const by = { by: "rita" };
        snow.insert("sc_req_item", { short_description: canary("title"), price: canary("price") }, by);
        snow.insert("change_request", { short_description: canary("title"), type: UNKNOWN_VALUE }, by);
      }
      await desk.settle();
      expect((await odd.decision()).holds, "guards that cannot answer").to.not.be.empty;
    },
    async change() {
      const words = { ...own, ...(isJira ? {} : { justification: canary("custom"), contact_type: "" }) };
      const plan = { kind: "change", backoutPlan: canary("backout"), item: "fw-01", own: words } as const;
      desk.item("fw-01");
      const frozen = file({ ...plan, start: "2026-03-20T20:00:00Z", end: "2026-03-20T22:00:00Z" });
      const [start, end] = [72 * 60, 73 * 60].map((inMin) => new Date(desk.nowMs() + inMin * MINUTE).toISOString());
      const ticket = file({ ...plan, title: `risky ${canary("title")}`, ...(start && end && { start, end }) });
      await desk.settle();
      frozen.submit();
      ticket.submit();
      await desk.settle();
      for (let step = 0; step < 10 && !ticket.asked().includes("ann"); step += 1) await desk.pass(4_000);
      ticket.answer("ann", "approved", canary("approval"));
      await desk.pass(61_000);
      for (let step = 0; step < 6; step += 1) {
        ticket.agree();
        await desk.pass(4_000);
      }
      await desk.pass(72 * 60 * MINUTE);
      ticket.begin();
      await desk.pass(61 * MINUTE);
      ticket.end();
      await desk.settle();
      expect(await desk.report(ticket, "smoke-test", false)).to.equal(202);
      expect(await ticket.gate()).to.include("rollback/back: requested");
      await desk.pass(4_000);
      ticket.answer("ben", "rejected", canary("refusal"));
      await desk.pass(61_000);
      expect(await ticket.gate()).to.include("rollback/back: refused");
      return ticket;
    },
  };
}

/** Both systems and the model refuse and repeat what they were told; somebody else sends what looks like their hints. */
async function systemsRefuse({ rig, system, settle }: Desk, ai: AiSim, people: People): Promise<void> {
  const words = `${canary("vendor")} ${canary("description")}`;
  const body = { error: { message: words, detail: words }, errorMessages: [words], errors: { summary: words } };
  for (const path of [/incident|bulkfetch/, /user|member/]) {
    for (const sim of [rig.snow, rig.jira]) sim.faults.add({ path, kind: "status", status: 403, body });
    people.file();
    await settle();
  }
  const write = system === "Jira" ? { sim: rig.jira, method: "PUT" } : { sim: rig.snow, method: "PATCH" };
  write.sim.faults.add({ method: write.method, path: /./, kind: "status", status: 400, body });
  people.file({ title: `vpn ${canary("title")}`, priority: 2 });
  await settle();
  write.sim.faults.add({ path: /incident|bulkfetch/, kind: "html", body: `<h1>${words}</h1>` });
  ai.faults.add({ path: /./, kind: "status", status: 400 });
  people.file({ title: `another ${canary("title")}` });
  await settle();
  // What nobody ran into is not left for what comes.
  for (const sim of [rig.snow, rig.jira, ai]) sim.faults.clear();

  const id = "f".repeat(32);
  const [snow, jira] = [
    servicenowDelivery("delivery-1", { table: "incident", sysId: id, modCount: 1 }),
    jiraDelivery("delivery-2", { id: "99999", key: "OPS-999", timestamp: Date.now() }),
  ];
  for (const { path, headers, body: sent } of [snow, jira])
    for (const text of [sent, sent.replace(/^\{/, `{"note":"${canary("payload")}",`), canary("payload")])
      await send(`${rig.server.url}${path}`, { method: "POST", headers, body: text });
  const authorization = `Bearer ${canary("payload")}`;
  await send(`${rig.server.url}/api/parked?${canary("payload")}=1`, { headers: { authorization } });
  await settle();
}
