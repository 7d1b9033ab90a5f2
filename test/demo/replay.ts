/** What people did: the incidents of the public log with all their edits, and the hand-written tickets. */

import { groupName, type Site } from "./site.ts";
import type { DemoTicket, DemoTickets, JiraTicket, ServiceNowTicket } from "./tickets.ts";
import { type Changes, changes, type Incident, type IncidentEvent } from "./uci.ts";

/** One act of a person, at its hour. */
export interface Step {
  atMs: number;
  act(): void;
}

/** A ticket of the demo, once it exists. */
export interface Filed {
  connection: "snow" | "jira";
  table: string;
  /** sys_id, or issue key. */
  id: string;
  key: string;
  title: string;
  /** Group that people set last, by the replay; undefined while they set none after filing. */
  groupByPeople: string | undefined;
}

export interface Replay {
  steps: Step[];
  filed: Map<string, Filed>;
}

/** All acts of all people in the order in which they happened; hand-written tickets are spread between them. */
export function replayOf(site: Site, demo: DemoTickets, incidents: readonly Incident[]): Replay {
  const filed = new Map<string, Filed>();
  const people = demo.users.map(({ user_name }) => user_name);
  const steps = incidents.flatMap((incident) => incidentSteps(site, incident, filed, people));
  steps.sort((a, b) => a.atMs - b.atMs);
  const own = demo.tickets.flatMap((ticket) => ticketSteps(site, demo, ticket, filed));
  const [firstMs, lastMs] = [steps[0]?.atMs ?? 0, steps.at(-1)?.atMs ?? 0];
  own.forEach((step, index) => {
    step.atMs = firstMs + ((lastMs - firstMs) * (index + 1)) / (own.length + 1);
  });
  return { steps: [...steps, ...own].sort((a, b) => a.atMs - b.atMs), filed };
}

function incidentSteps(site: Site, incident: Incident, filed: Map<string, Filed>, people: readonly string[]): Step[] {
  const name = `log ${incident.number}`;
  return incident.events.map((event, index): Step => {
    const previous = incident.events[index - 1];
    const by = people[Number(event.updatedBy) % people.length] ?? "";
    return {
      atMs: Date.parse(event.updatedAt),
      act: () =>
        previous ? edit(site, name, changes(previous, event), filed, by) : file(site, name, event, filed, by),
    };
  });
}

function file(site: Site, name: string, event: IncidentEvent, filed: Map<string, Filed>, by: string): void {
  const title = `Category ${event.category ?? "unknown"}, subcategory ${event.subcategory ?? "unknown"}, symptom ${event.symptom ?? "unknown"}`;
  const row = site.snow.insert(
    "incident",
    {
      short_description: title,
      impact: String(event.impact),
      urgency: String(event.urgency),
      category: named("Category", event.category),
      subcategory: named("Subcategory", event.subcategory),
      assignment_group: group(site, event.assignmentGroup),
      contact_type: (event.contactType ?? "").toLowerCase(),
      ...stateFields(event.state),
    },
    { by },
  );
  filed.set(name, {
    connection: "snow",
    table: "incident",
    id: row.sys_id,
    key: row["number"] ?? "",
    title,
    groupByPeople: undefined,
  });
}

function edit(site: Site, name: string, edits: Changes, filed: Map<string, Filed>, by: string): void {
  const ticket = filed.get(name);
  if (!ticket) throw new Error(`${name} was edited before it was filed`);
  const fields: Record<string, string> = {};
  if (edits.impact) fields["impact"] = String(edits.impact);
  if (edits.urgency) fields["urgency"] = String(edits.urgency);
  if (edits.category !== undefined) fields["category"] = named("Category", edits.category ?? undefined);
  if (edits.subcategory !== undefined) fields["subcategory"] = named("Subcategory", edits.subcategory ?? undefined);
  if (edits.state) Object.assign(fields, stateFields(edits.state));
  if (edits.assignmentGroup !== undefined) {
    const chosen = group(site, edits.assignmentGroup ?? undefined);
    // To set what stands there already, say because Interlock was first, is no edit and leaves no trace in any history.
    if (site.snow.get("incident", ticket.id)?.["assignment_group"] !== chosen)
      ticket.groupByPeople = groupName(edits.assignmentGroup ?? undefined);
    fields["assignment_group"] = chosen;
  }
  // An event that changes nothing the log shows was a comment.
  if (Object.keys(fields).length === 0) fields["work_notes"] = "Looked at it, no change.";
  site.snow.update("incident", ticket.id, fields, { by });
}

/** The log's states in ServiceNow's numbers, with what the form demands for each. */
function stateFields(state: IncidentEvent["state"]): Record<string, string> {
  if (state === "New") return { state: "1" };
  if (state === "Active") return { state: "2" };
  const closing = { close_code: "Solution provided", close_notes: "Solved." };
  if (state === "Resolved") return { state: "6", ...closing };
  if (state === "Closed") return { state: "7", ...closing };
  const reasons: Record<string, string> = { "Awaiting Problem": "3", "Awaiting Vendor": "4" };
  const reason = reasons[state] ?? "1";
  return { state: "3", hold_reason: reason, ...(reason === "1" && { comments: "Please tell us more." }) };
}

function ticketSteps(site: Site, demo: DemoTickets, ticket: DemoTicket, filed: Map<string, Filed>): Step[] {
  const accounts = new Map(demo.users.map(({ user_name, accountId }) => [user_name, accountId]));
  const later =
    ticket.system === "servicenow" ? serviceNowLater(site, ticket, filed) : jiraLater(site, ticket, filed, accounts);
  const first =
    ticket.system === "servicenow"
      ? () => fileInServiceNow(site, ticket, filed)
      : () => fileInJira(site, ticket, filed, accounts);
  return [first, ...later].map((act) => ({ atMs: 0, act }));
}

function fileInServiceNow(site: Site, ticket: ServiceNowTicket, filed: Map<string, Filed>): void {
  const row = site.snow.insert(ticket.table, columns(site, ticket.fields), { by: ticket.by });
  filed.set(ticket.id, {
    connection: "snow",
    table: ticket.table,
    id: row.sys_id,
    key: row["number"] ?? "",
    title: ticket.fields.short_description,
    groupByPeople: undefined,
  });
}

function serviceNowLater(site: Site, ticket: ServiceNowTicket, filed: Map<string, Filed>): (() => void)[] {
  return (ticket.later ?? []).map((step) => () => {
    const known = filed.get(ticket.id);
    if (!known) return;
    const fields = "comment" in step ? { comments: step.comment } : columns(site, step.set);
    if ("set" in step && step.set.assignment_group_name !== undefined)
      known.groupByPeople = step.set.assignment_group_name;
    site.snow.update(ticket.table, known.id, fields, { by: step.by });
  });
}

/** `x_name` columns are references by name: groups exist, CIs and catalogue items are made when they are first named. */
function columns(site: Site, fields: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [column, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    if (column === "assignment_group_name") out["assignment_group"] = site.snow.group(value);
    else if (column === "cmdb_ci_name") out["cmdb_ci"] = recordNamed(site, "cmdb_ci", value);
    else if (column === "cat_item_name") out["cat_item"] = recordNamed(site, "sc_cat_item", value);
    else out[column] = value;
  }
  return out;
}

function recordNamed(site: Site, table: string, name: string): string {
  const known = site.snow.rows(table).find((row) => row["name"] === name);
  return (known ?? site.snow.insert(table, { name }, { by: "system" })).sys_id;
}

function fileInJira(
  site: Site,
  ticket: JiraTicket,
  filed: Map<string, Filed>,
  accounts: ReadonlyMap<string, string>,
): void {
  const issuetype = ticket.project === "OPS" ? "Incident" : "Change";
  const { key } = site.jira.create(
    ticket.project,
    { issuetype, ...jiraFields(ticket.fields, accounts) },
    { by: accounts.get(ticket.by) ?? "" },
  );
  filed.set(ticket.id, {
    connection: "jira",
    table: ticket.project,
    id: key,
    key,
    title: ticket.fields.summary,
    groupByPeople: undefined,
  });
}

function jiraLater(
  site: Site,
  ticket: JiraTicket,
  filed: Map<string, Filed>,
  accounts: ReadonlyMap<string, string>,
): (() => void)[] {
  return (ticket.later ?? []).map((step) => () => {
    const known = filed.get(ticket.id);
    const by = accounts.get(step.by) ?? "";
    if (!known) return;
    if ("comment" in step) site.jira.comment(known.id, step.comment, { by });
    else site.jira.update(known.id, jiraFields(step.set, accounts), { by });
  });
}

const JIRA_FIELDS: Readonly<Record<string, string>> = {
  impact: "customfield_10102",
  urgency: "customfield_10103",
  category: "customfield_10104",
  changeType: "customfield_10105",
  changeRisk: "customfield_10106",
  plannedStart: "customfield_10107",
  plannedEnd: "customfield_10108",
  ci: "customfield_10109",
};

function jiraFields(
  fields: Readonly<Record<string, string | undefined>>,
  accounts: ReadonlyMap<string, string>,
): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) out[JIRA_FIELDS[name] ?? name] = name === "assignee" ? (accounts.get(value) ?? "") : value;
  }
  return out;
}

function named(word: string, code: string | undefined): string {
  return code === undefined ? "" : `${word} ${code}`;
}

function group(site: Site, code: string | undefined): string {
  const name = groupName(code);
  return name === "" ? "" : site.snow.group(name);
}
