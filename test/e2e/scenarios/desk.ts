/** One service desk in both systems, seen the same way: what people do in their own queues, and what they see there. */
import { systemClock } from "../../../cli/system.ts";
import type { Clock } from "../../../core/clock.ts";
import type { Decision } from "../../../core/decision.ts";
import type { Entry } from "../../../core/ledger/entry.ts";
import type { Log } from "../../../core/ports.ts";
import type { TicketView } from "../../../core/store/store.ts";
import { ADMIN_TOKEN, type Rig, type RigOptions, startRig } from "../../support/rig.ts";

export const HOUR = 3_600_000;
export const MINUTE = 60_000;

/** Ann, Ben and Cleo approve; Rita asks for things; Bot is the integration account. */
export const PEOPLE = ["ann", "ben", "cleo", "rita"] as const;
export type Name = (typeof PEOPLE)[number];
export const SYSTEMS = ["ServiceNow", "Jira"] as const;
/** The third asks by the approvals of Jira Service Management, which people answer in their portal. */
export type System = (typeof SYSTEMS)[number] | "Jira Service Management";

const MEMBERS: Readonly<Record<string, readonly Name[]>> = {
  "Security Operations": ["ann", "ben", "rita"],
  "Change Advisory Board": ["ann", "ben"],
  "Change Management": ["cleo"],
  "Senior Engineers": ["ben"],
};

/** What a scenario says of a ticket; each system has its own words for it. */
export interface Filed {
  kind: "incident" | "change";
  title?: string;
  category?: string;
  /** 1 to 4; of an incident. */
  priority?: number;
  type?: "normal" | "standard" | "emergency";
  risk?: "high" | "low";
  /** ISO, UTC. */
  start?: string;
  end?: string;
  backoutPlan?: string;
  /** Name of an item of the one CMDB. */
  item?: string;
  /** More of its fields, by the system's own names for them. */
  own?: Readonly<Record<string, string>>;
}

/** How somebody is entered in both systems. */
export interface Entered {
  name: string;
  email: string;
}

export interface Desk {
  readonly system: System;
  readonly rig: Rig;
  /** Rita files it. */
  file(ticket: Filed): Ticket;
  /** An item of the CMDB; both systems may name it. */
  item(name: string, dependsOn?: string): void;
  /** Somebody reports an incident on an item. */
  incident(item: string): void;
  /** A pipeline reports how a check went. */
  report(ticket: Ticket, name: string, passed: boolean): Promise<number>;
  /** Time passes, and everything that is due is done. */
  pass(ms: number): Promise<void>;
  /** Everything that is due now is done. */
  settle(): Promise<void>;
  nowMs(): number;
}

export interface Ticket {
  readonly key: string;
  group(): string;
  notes(): string[];
  /** In the system's own word. */
  state(): string;
  /** A field of a change, in the system's own word. */
  field(name: "changeRisk" | "cabRequired" | "onHold"): string;
  /** People who have a request in their queue that they could answer now. */
  asked(): Name[];
  /** The request as the approver reads it. */
  request(): string;
  /** What ServiceNow has room for beside an answer is the comment. */
  answer(by: Name, decision: "approved" | "rejected", comment?: string): void;
  edit(fields: { title?: string; start?: string; end?: string }, by?: Name): void;
  /** Moves a change on its way: submit it for assessment, begin it. Throws where the workflow refuses. */
  submit(): void;
  begin(by?: Name): void;
  /** Those whom the system's own way asks agree to its next step. */
  agree(): void;
  /** Its implementation is over, or it is closed so. */
  end(outcome?: "successful" | "unsuccessful"): void;
  /** The integration account itself answers, through the API. */
  answerAsBot(): Promise<number>;
  view(): Promise<TicketView>;
  decision(): Promise<Decision>;
  entries(): Promise<Entry[]>;
  /** Rule and state of each gate, as it is remembered. */
  gate(): Promise<string[]>;
}

export interface DeskOptions extends Pick<RigOptions, "policy" | "routing" | "ai" | "store"> {
  startAt?: string;
  entered?: (name: Name) => Entered;
  log?: Log;
}

const plainly = (name: Name): Entered => ({ name: name.toUpperCase(), email: `${name}@example.com` });

/** Opens a desk on one system, plays a scenario, and takes everything down again. */
export async function atDesk(
  system: System,
  { entered = plainly, log, ...options }: DeskOptions,
  play: (desk: Desk) => Promise<void>,
): Promise<void> {
  const clock = movableClock(Date.parse(options.startAt ?? "2026-03-02T09:00:00Z"));
  const users = PEOPLE.map((name) => ({ user_name: name, ...entered(name), password: `${name}-password` }));
  const rig = await startRig({
    ...options,
    limits: { callTimeoutMs: 10_000, leaseMs: 60_000 },
    groups: ["Change Advisory Board"],
    members: MEMBERS,
    snowSim: { users, now: clock.now, signedAt: Date.now, authorizeGroup: "Change Advisory Board" },
    ...(system === "Jira Service Management" && {
      jiraApprovals: { type: "jsm", status: "Awaiting approval", approvers: "customfield_10003" },
    }),
    jiraSim: {
      ...(system === "Jira Service Management" && SERVICE_DESK),
      now: clock.now,
      users: PEOPLE.map((name) => ({
        ...{ accountId: `acc-${name}`, displayName: entered(name).name, emailAddress: entered(name).email },
      })),
    },
    deps: { clock, ...(log && { log }) },
  });
  try {
    await play(deskOf(system, rig, clock));
  } finally {
    await rig.close();
  }
}

/** Real waiting, on a clock that can be set forward. */
function movableClock(startMs: number): Clock & { advance(ms: number): void } {
  let aheadMs = startMs - Date.now();
  return {
    now: () => Date.now() + aheadMs,
    sleep: systemClock.sleep,
    advance(ms) {
      aheadMs += ms;
    },
  };
}

function deskOf(system: System, rig: Rig, clock: ReturnType<typeof movableClock>): Desk {
  const settle = async (): Promise<void> => {
    await rig.settled();
  };
  return {
    system,
    rig,
    nowMs: clock.now,
    file: (ticket) =>
      system === "ServiceNow" ? inServiceNow(rig, ticket, clock.now) : inJira(rig, ticket, clock.now, system),
    settle,
    ...itemsOf(rig),
    async report({ key }, name, passed) {
      const path = `${system === "Jira" ? "jira" : "snow"}/${key}/checks`;
      const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": "application/json" };
      const body = JSON.stringify({ name, passed });
      const answer = await fetch(`${rig.server.url}/api/tickets/${path}`, { method: "POST", headers, body });
      await settle();
      return answer.status;
    },
    async pass(ms) {
      clock.advance(ms);
      // The platform's own flows run with the next request; what they change is told by a webhook.
      rig.snow.rows("sysapproval_group");
      await rig.server.sweeps.sweep();
      await settle();
    },
  };
}

function itemsOf({ snow }: Rig): Pick<Desk, "item" | "incident"> {
  const idOf = (name: string): string =>
    snow.rows("cmdb_ci_server").find((row) => row["name"] === name)?.sys_id ?? raise(`no item ${name}`);
  return {
    item(name, dependsOn) {
      const { sys_id } = snow.insert("cmdb_ci_server", { name }, { by: "rita" });
      const type = snow.rows("cmdb_rel_type").find((row) => row["name"] === "Depends on::Used by")?.sys_id ?? "";
      if (dependsOn !== undefined)
        snow.insert("cmdb_rel_ci", { parent: sys_id, child: idOf(dependsOn), type }, { by: "rita" });
    },
    incident: (item) =>
      void snow.insert(
        "incident",
        {
          short_description: "It is slow",
          cmdb_ci: idOf(item),
          impact: "2",
          urgency: "2",
          caller_id: snow.user("rita"),
        },
        { by: "rita" },
      ),
  };
}

const SERVICE_DESK = {
  projects: [
    { key: "OPS", name: "Operations", issueTypes: ["Incident"], type: "service_desk", approval: true },
    { key: "CHG", name: "Changes", issueTypes: ["Change"], type: "service_desk" },
  ],
  approvals: { status: "Awaiting approval", field: "customfield_10003", needed: 1 },
};

const RISKS = { snow: { high: "2", low: "4" }, jira: { high: "High", low: "Low" } };

function inServiceNow(rig: Rig, filed: Filed, nowMs: () => number): Ticket {
  const { snow } = rig;
  const table = filed.kind === "incident" ? "incident" : "change_request";
  const time = (iso: string | undefined): string => (iso ?? "").replace("T", " ").replace(/(\.\d+)?Z$/, "");
  const level = { 1: "1", 2: "2", 3: "2", 4: "3" }[filed.priority ?? 4] ?? "3";
  const fields: Record<string, string> = {
    short_description: filed.title ?? "VPN is down",
    ...(filed.category && { category: filed.category }),
    ...(filed.kind === "incident"
      ? { caller_id: snow.user("rita"), impact: level, urgency: filed.priority === 1 ? "1" : "2" }
      : {
          ...{
            requested_by: snow.user("rita"),
            type: filed.type ?? "normal",
            backout_plan: filed.backoutPlan ?? "Restore",
          },
          ...{
            ...(filed.risk && { risk: RISKS.snow[filed.risk] }),
            start_date: time(filed.start),
            end_date: time(filed.end),
          },
          assignment_group: snow.group("Change Management"),
          cmdb_ci: snow.rows("cmdb_ci_server").find((row) => row["name"] === filed.item)?.sys_id ?? "",
        }),
    ...filed.own,
  };
  const row = snow.insert(table, fields, { by: "rita" });
  const id = row.sys_id;
  const key = row["number"] ?? "";
  const ours = (): ReturnType<typeof snow.rows> =>
    snow.rows("sysapproval_approver").filter((each) => each["sysapproval"] === id && each["state"] === "requested");
  const nameOf = (userId: string): Name =>
    PEOPLE.find((name) => snow.user(name) === userId) ?? raise(`nobody has the id ${userId}`);
  return {
    key,
    ...lookedUp(rig, "snow", key, `snow/${table}/${id}`),
    group: () =>
      snow.rows("sys_user_group").find(({ sys_id }) => sys_id === snow.get(table, id)?.["assignment_group"])?.[
        "name"
      ] ?? "",
    notes: () =>
      snow
        .journal(id)
        .filter(({ element }) => element === "work_notes")
        .map(({ value }) => value),
    state: () => snow.get(table, id)?.["state"] ?? "",
    field: (name) =>
      snow.get(table, id)?.[{ changeRisk: "risk", cabRequired: "cab_required", onHold: "on_hold" }[name]] ?? "",
    asked: () => [...new Set(ours().map((each) => nameOf(each["approver"] ?? "")))].sort(),
    request: () => requestIn(snow, ours()),
    answer(by, decision, comment = "Because") {
      const mine = ours().filter((each) => each["approver"] === snow.user(by));
      if (mine.length === 0) raise(`${by} is not asked`);
      for (const each of mine)
        snow.update("sysapproval_approver", each.sys_id, { state: decision, comments: comment }, { by });
    },
    edit({ title, start, end }, by = "rita") {
      const changed = {
        ...(title && { short_description: title }),
        ...(start && { start_date: time(start) }),
        ...(end && { end_date: time(end) }),
      };
      snow.update(table, id, changed, { by });
    },
    submit: () =>
      void snow.update(
        table,
        id,
        { state: filed.type === "emergency" ? "-3" : filed.type === "standard" ? "-2" : "-4" },
        { by: "rita" },
      ),
    begin: (by = "rita") => void snow.update(table, id, { state: "-1" }, { by }),
    agree() {
      for (const { sys_id, approver = "" } of ours().slice(0, 1))
        snow.update("sysapproval_approver", sys_id, { state: "approved", comments: "-" }, { by: nameOf(approver) });
    },
    end(outcome) {
      const review = { state: "0", work_end: new Date(nowMs()).toISOString().slice(0, 19).replace("T", " ") };
      if (snow.get(table, id)?.["state"] === "-1") snow.update(table, id, review, { by: "rita" });
      if (outcome) snow.update(table, id, { state: "3", close_code: outcome, close_notes: "-" }, { by: "rita" });
    },
    async answerAsBot() {
      const [first] = ours();
      return patch(
        `${snow.url}/api/now/table/sysapproval_approver/${first?.sys_id}`,
        { state: "approved" },
        snow.integration,
      );
    },
  };
}

function requestIn(
  snow: Rig["snow"],
  rows: readonly { sys_id: string; [field: string]: string | undefined }[],
): string {
  const groups = snow.rows("sysapproval_group").filter(({ sys_id }) => rows.some((row) => row["group"] === sys_id));
  const texts = rows
    .flatMap(({ sys_id }) => snow.journal(sys_id))
    .concat(groups.flatMap(({ sys_id }) => snow.journal(sys_id)));
  return [
    ...texts.map(({ value }) => value),
    ...groups.map((group) => `${group["short_description"] ?? ""}\n${group["description"] ?? ""}`),
  ].join("\n");
}

async function patch(
  url: string,
  body: unknown,
  { user, password }: { user: string; password: string },
): Promise<number> {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  const answer = await fetch(url, {
    method: "PATCH",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return answer.status;
}

const PRIORITIES = { 1: "Highest", 2: "High", 3: "Medium", 4: "Low" } as const;

function inJira(rig: Rig, filed: Filed, nowMs: () => number, system: System): Ticket {
  const { jira } = rig;
  const option = (value: string): { value: string } => ({ value });
  const fields: Record<string, unknown> = {
    summary: filed.title ?? "VPN is down",
    ...(filed.category && { customfield_10104: option(filed.category === "security" ? "Security" : filed.category) }),
    ...(filed.kind === "incident"
      ? { issuetype: "Incident", priority: { name: PRIORITIES[(filed.priority ?? 4) as keyof typeof PRIORITIES] } } // of the four
      : {
          ...{
            issuetype: "Change",
            customfield_10105: option(
              { normal: "Normal", standard: "Standard", emergency: "Emergency" }[filed.type ?? "normal"],
            ),
          },
          ...(filed.risk && { customfield_10106: option(RISKS.jira[filed.risk]) }),
          ...(filed.start && { customfield_10107: jiraTime(filed.start) }),
          ...(filed.end && { customfield_10108: jiraTime(filed.end) }),
          ...(filed.item && { customfield_10109: filed.item }),
          ...(filed.backoutPlan && { customfield_10112: filed.backoutPlan }),
        }),
    ...filed.own,
  };
  const { id, key } = jira.create(filed.kind === "incident" ? "OPS" : "CHG", fields, { by: "acc-rita" });
  const state = (): string => nameIn(jira.get(id)?.fields["status"]);
  return {
    key,
    ...lookedUp(rig, "jira", key, `jira/issue/${id}`),
    group: () => nameIn(jira.get(id)?.fields["customfield_10101"]),
    notes: () => jira.comments(id).map(({ text }) => text),
    state,
    field: (name) => valueIn(jira.get(id)?.fields[JIRA_FIELDS[name]]),
    asked: () => (state() === "Awaiting approval" ? askedIn(jira.comments(id).map(({ text }) => text)) : []),
    request: () =>
      jira
        .comments(id)
        .map(({ text }) => text)
        .filter((text) => text.includes("asks for your approval"))
        .join("\n"),
    answer(by, decision) {
      const person = { by: `acc-${by}` };
      const { serviceDesk } = jira;
      if (system === "Jira Service Management") {
        serviceDesk.answer(serviceDesk.open(id).id, decision === "rejected" ? "declined" : "approved", person);
        return;
      }
      const approved = filed.kind === "incident" ? "In Progress" : "Scheduled";
      jira.transition(id, decision === "rejected" ? "Declined" : approved, person);
    },
    edit: ({ title, start, end }, by = "rita") =>
      jira.update(
        id,
        {
          ...(title && { summary: title }),
          ...(start && { customfield_10107: jiraTime(start) }),
          ...(end && { customfield_10108: jiraTime(end) }),
        },
        { by: `acc-${by}` },
      ),
    submit: () => jira.transition(id, "Review", { by: "acc-rita" }),
    begin: (by = "rita") => jira.transition(id, "Implementing", { by: `acc-${by}` }),
    agree() {
      const next = { Review: "Awaiting approval", "Awaiting approval": "Scheduled" }[state()];
      if (next !== undefined) jira.transition(id, next, { by: "acc-ann" });
    },
    end(outcome) {
      const ended = {
        customfield_10114: jiraTime(new Date(nowMs()).toISOString()),
        ...(outcome && { customfield_10113: option(outcome === "successful" ? "Successful" : "Unsuccessful") }),
      };
      jira.update(id, ended, { by: "acc-rita" });
      jira.transition(id, "Completed", { by: "acc-rita" });
    },
    async answerAsBot() {
      jira.transition(id, filed.kind === "incident" ? "In Progress" : "Scheduled", { by: jira.integration.accountId });
      return 204;
    },
  };
}

const JIRA_FIELDS = {
  changeRisk: "customfield_10106",
  cabRequired: "customfield_10110",
  onHold: "customfield_10111",
} as const;

function valueIn(field: unknown): string {
  const option: unknown = Array.isArray(field) ? field[0] : field;
  return option !== null && typeof option === "object" && "value" in option ? String(option.value) : "";
}

/** Members of the groups that the last request names: Jira shows the request in the issue, to all who see it. */
function askedIn(texts: readonly string[]): Name[] {
  const asked = texts.findLast((text) => text.includes("Asked for approval by")) ?? "";
  const groups = Object.entries(MEMBERS).filter(([group]) => asked.includes(`Asked for approval by ${group}`));
  return [...new Set(groups.flatMap(([, members]) => members))].sort();
}

function jiraTime(iso: string): string {
  return iso.replace(/(\.\d+)?Z$/, ".000+0000");
}

function nameIn(value: unknown): string {
  return value !== null && typeof value === "object" && "name" in value ? String(value.name) : "";
}

function lookedUp(
  rig: Rig,
  connection: "snow" | "jira",
  key: string,
  name: string,
): Pick<Ticket, "view" | "decision" | "entries" | "gate"> {
  const view = async (): Promise<TicketView> =>
    (await rig.server.store.view(connection, key)) ?? raise(`${key} is not known`);
  const decision = async (): Promise<Decision> => (await view()).decision ?? raise(`${key} was not decided on`);
  return {
    view,
    decision,
    entries: async () => (await rig.server.store.entries(0, 100_000)).filter(({ ticket }) => ticket === name),
    gate: async () => {
      const { gates, decision: decided } = await view();
      const stateOf = (rule: string, state: string): string =>
        gates.find((round) => round.rule === rule && round.state !== "void")?.state ?? state;
      return (decided?.gates ?? []).map(({ rule, state }) => `${rule}: ${stateOf(rule, state)}`);
    },
  };
}

function raise(message: string): never {
  throw new Error(message);
}
