/** The fields of an issue: what a write may say, what a read shows, and what the changelog records. */

import type { AdfDocument } from "./adf.ts";
import { adfFromText, adfToText, isAdf } from "./adf.ts";
import { badField } from "./jira-errors.ts";
import type { JiraSite } from "./jira-site.ts";
import { apiUrl, issueTypeId, nameOf, showGroup, showIssueType, showUser, userKeyOf } from "./jira-site.ts";

export type FieldKind =
  | "text"
  | "adf"
  | "select"
  | "group"
  | "user"
  | "users"
  | "priority"
  | "labels"
  | "datetime"
  | "issuetype"
  | "resolution";

export interface JiraField {
  id: string;
  name: string;
  kind: FieldKind;
  /** Only for selects; ids follow from the place. */
  options?: readonly string[];
  /** Set by the workflow, not on the edit screen. */
  transitionOnly?: boolean;
}

/** What the store keeps: names and ids, nothing printed. */
export type FieldValue = string | string[] | AdfDocument | null;

/** v2 takes and gives plain text where v3 has documents; people in the simulator may also write bare names. */
export interface Dialect {
  version: 2 | 3;
  bareNames: boolean;
}

const PRIORITIES = ["Highest", "High", "Medium", "Low", "Lowest"];
const RESOLUTIONS = ["Done", "Won't Do", "Declined"];
const CRITICALITY = ["Critical", "High", "Medium", "Low"];

/** System fields first, then the custom fields with the ids this site gave them. */
export function fieldsOf(site: JiraSite): JiraField[] {
  const impacts = ["Extensive / Widespread", "Significant / Large", "Moderate / Limited", "Minor / Localized"];
  return [
    { id: "summary", name: "Summary", kind: "text" },
    { id: "description", name: "Description", kind: "adf" },
    { id: "issuetype", name: "Issue Type", kind: "issuetype" },
    { id: "priority", name: "Priority", kind: "priority" },
    { id: "assignee", name: "Assignee", kind: "user" },
    { id: "reporter", name: "Reporter", kind: "user" },
    { id: "labels", name: "Labels", kind: "labels" },
    { id: "resolution", name: "Resolution", kind: "resolution", transitionOnly: true },
    { id: "customfield_10003", name: "Approvers", kind: "users" },
    { id: "customfield_10101", name: "Assignment group", kind: "group" },
    { id: "customfield_10102", name: "Impact", kind: "select", options: impacts },
    { id: "customfield_10103", name: "Urgency", kind: "select", options: CRITICALITY },
    { id: "customfield_10104", name: "Category", kind: "select", options: site.categories },
    { id: "customfield_10105", name: "Change type", kind: "select", options: ["Standard", "Normal", "Emergency"] },
    { id: "customfield_10106", name: "Change risk", kind: "select", options: CRITICALITY },
    { id: "customfield_10107", name: "Planned start", kind: "datetime" },
    { id: "customfield_10108", name: "Planned end", kind: "datetime" },
    { id: "customfield_10109", name: "Affected CI", kind: "text" },
    { id: "customfield_10110", name: "Board required", kind: "select", options: ["Yes", "No"] },
    { id: "customfield_10111", name: "On hold", kind: "select", options: ["Yes", "No"] },
    { id: "customfield_10112", name: "Backout plan", kind: "adf" },
    {
      ...{ id: "customfield_10113", name: "Outcome of the change", kind: "select" },
      options: ["Successful", "Successful with issues", "Unsuccessful"],
    },
    { id: "customfield_10114", name: "Actual end", kind: "datetime" },
  ];
}

const SCHEMAS: Record<FieldKind, { type: string; custom: string; items?: string }> = {
  text: { type: "string", custom: "textfield" },
  adf: { type: "string", custom: "textarea" },
  select: { type: "option", custom: "select" },
  group: { type: "group", custom: "grouppicker" },
  user: { type: "user", custom: "userpicker" },
  users: { type: "array", items: "user", custom: "multiuserpicker" },
  priority: { type: "priority", custom: "" },
  labels: { type: "array", items: "string", custom: "labels" },
  datetime: { type: "datetime", custom: "datetime" },
  issuetype: { type: "issuetype", custom: "" },
  resolution: { type: "resolution", custom: "" },
};

/** A field as GET /field describes it. */
export function describeField(field: JiraField): Record<string, unknown> {
  const { type, custom, items } = SCHEMAS[field.kind];
  const customId = /^customfield_(\d+)$/.exec(field.id)?.[1];
  const schema =
    customId === undefined
      ? { type, system: field.id }
      : { type, custom: `com.atlassian.jira.plugin.system.customfieldtypes:${custom}`, customId: Number(customId) };
  return {
    id: field.id,
    key: field.id,
    name: field.name,
    custom: customId !== undefined,
    orderable: true,
    navigable: true,
    searchable: true,
    clauseNames: customId === undefined ? [field.id] : [`cf[${customId}]`, field.name],
    schema: items === undefined ? schema : { ...schema, items },
  };
}

/** Reads one written value, or refuses it in Jira's words. */
export function readField(site: JiraSite, field: JiraField, input: unknown, dialect: Dialect): FieldValue {
  if (input === null || input === undefined) return emptyOf(field);
  switch (field.kind) {
    case "text":
      return readText(field, input);
    case "adf":
      return readDocument(field, input, dialect);
    case "datetime":
      return readTime(field, input);
    case "labels":
      return readLabels(field, input);
    case "user":
      return readUser(site, field, input, dialect);
    case "users":
      return readUsers(site, field, input, dialect);
    case "group":
      return readGroup(site, field, input, dialect);
    case "select":
      return readNamed(field, {
        input,
        dialect,
        names: field.options ?? [],
        key: "value",
        idOf: (name) => optionId(field, name),
      });
    case "priority":
      return readNamed(field, { input, dialect, names: PRIORITIES, key: "name", idOf: priorityId });
    case "issuetype":
      return readNamed(field, {
        input,
        dialect,
        names: site.issueTypes,
        key: "name",
        idOf: (name) => issueTypeId(site, name),
      });
    case "resolution":
      return readNamed(field, { input, dialect, names: RESOLUTIONS, key: "name", idOf: resolutionId });
  }
}

function emptyOf(field: JiraField): FieldValue {
  if (field.id === "summary") throw badField("summary", "You must specify a summary of the issue.");
  if (field.kind === "priority" || field.kind === "issuetype") throw badField(field.id, `${field.name} is required.`);
  return field.kind === "labels" ? [] : null;
}

function readText(field: JiraField, input: unknown): string {
  if (typeof input !== "string") throw badField(field.id, "Operation value must be a string");
  if (field.id === "summary" && input.trim() === "")
    throw badField(field.id, "You must specify a summary of the issue.");
  if (input.length > 255) throw badField(field.id, `${field.name} can't exceed 255 characters.`);
  return input;
}

function readDocument(field: JiraField, input: unknown, { version, bareNames }: Dialect): AdfDocument {
  if (typeof input === "string" && (version === 2 || bareNames)) return adfFromText(input);
  if (isAdf(input)) return input;
  throw badField(field.id, "Operation value must be an Atlassian Document (see the Atlassian Document Format)");
}

function readTime(field: JiraField, input: unknown): string {
  const parsed = typeof input === "string" ? Date.parse(input) : Number.NaN;
  if (Number.isNaN(parsed)) {
    throw badField(field.id, "Operation value must be a datetime of the format 'yyyy-MM-dd'T'HH:mm:ss.SSSZ'");
  }
  return new Date(parsed).toISOString().replace("Z", "+0000");
}

function readLabels(field: JiraField, input: unknown): string[] {
  if (!Array.isArray(input)) throw badField(field.id, "data was not an array");
  return input.map((label: unknown) => {
    if (typeof label !== "string" || label === "") throw badField(field.id, "string expected");
    if (/\s/.test(label)) throw badField(field.id, `The label '${label}' contains spaces which is invalid.`);
    return label;
  });
}

function readUser(site: JiraSite, field: JiraField, input: unknown, { bareNames }: Dialect): string | null {
  const accountId = typeof input === "string" && bareNames ? input : accountOf(site, input);
  if (accountId === null) return null;
  if (typeof accountId === "string" && site.users.has(accountId)) return accountId;
  throw badField(field.id, `Specify a valid value for ${field.id}`);
}

function readUsers(site: JiraSite, field: JiraField, input: unknown, dialect: Dialect): string[] | null {
  if (!Array.isArray(input)) throw badField(field.id, "data was not an array");
  const accounts = input.flatMap((each: unknown) => readUser(site, field, each, dialect) ?? []);
  return accounts.length === 0 ? null : [...new Set(accounts)];
}

function accountOf(site: JiraSite, input: unknown): unknown {
  if (site.about.deployment === "cloud") return part(input, "accountId");
  const name = part(input, "name");
  return name === null ? null : [...site.users.keys()].find((accountId) => nameOf(site, accountId) === name);
}

function readGroup(site: JiraSite, field: JiraField, input: unknown, { bareNames }: Dialect): string {
  const name = typeof input === "string" && bareNames ? input : part(input, "name");
  const groupId = part(input, "groupId");
  const group = site.groups.find((candidate) => candidate.groupId === groupId || candidate.name === name);
  if (group !== undefined) return group.groupId;
  throw badField(field.id, `The group '${String(groupId ?? name)}' does not exist.`);
}

interface NamedInput {
  input: unknown;
  dialect: Dialect;
  names: readonly string[];
  /** Where the name stands in what the API takes. */
  key: "name" | "value";
  idOf(name: string): string;
}

function readNamed(field: JiraField, { input, dialect, names, key, idOf }: NamedInput): string {
  const wanted = typeof input === "string" && dialect.bareNames ? input : part(input, key);
  const id = part(input, "id");
  const found = names.find((name) => name === wanted || (id !== undefined && idOf(name) === String(id)));
  if (found !== undefined) return found;
  const what = id === undefined ? `${key} '${String(wanted)}'` : `id '${String(id)}'`;
  throw badField(
    field.id,
    field.kind === "select" ? `Option ${what} is not valid` : `${field.name} ${what} is not valid`,
  );
}

function part(input: unknown, key: string): unknown {
  // Own keys only: the vendor's JSON must not reach the prototype.
  return typeof input === "object" && input !== null && Object.hasOwn(input, key) ? Reflect.get(input, key) : undefined;
}

/** Options count up from a hundred times the field's number, as far apart as no list is long. */
function optionId(field: JiraField, value: string): string {
  const number = Number(/\d+$/.exec(field.id)?.[0] ?? 0);
  return String(number * 100 + 1 + (field.options ?? []).indexOf(value));
}

function priorityId(name: string): string {
  return String(1 + PRIORITIES.indexOf(name));
}

function resolutionId(name: string): string {
  return String(10_000 + RESOLUTIONS.indexOf(name));
}

/** A stored value as the API prints it. */
export function showField(site: JiraSite, field: JiraField, value: FieldValue, version: 2 | 3): unknown {
  if (value === null) return null;
  if (field.kind === "users" && Array.isArray(value)) return value.map((each) => showUser(site, each, version));
  if (typeof value !== "string") return isAdf(value) && version === 2 ? adfToText(value) : value;
  const api = apiUrl(site, version);
  switch (field.kind) {
    case "select":
      return { self: `${api}/customFieldOption/${optionId(field, value)}`, value, id: optionId(field, value) };
    case "group":
      return showGroup(site, value, version);
    case "user":
      return showUser(site, value, version);
    case "priority": {
      const id = priorityId(value);
      const iconUrl = `${site.url()}/images/icons/priorities/${value.toLowerCase()}.svg`;
      return { self: `${api}/priority/${id}`, iconUrl, name: value, id };
    }
    case "issuetype":
      return showIssueType(site, value, version);
    case "resolution": {
      const id = resolutionId(value);
      return { self: `${api}/resolution/${id}`, id, description: "", name: value };
    }
    default:
      return value;
  }
}

/** How the changelog writes a value: an id where there is one, and a text. */
export function changeSide(
  site: JiraSite,
  field: JiraField,
  value: FieldValue,
): { id: string | null; text: string | null } {
  if (value === null) return { id: null, text: null };
  if (field.kind === "users" && Array.isArray(value)) {
    const names = value.map((each) => site.users.get(each)?.displayName ?? each);
    return { id: `[${value.join(", ")}]`, text: names.join(", ") };
  }
  if (Array.isArray(value)) return { id: null, text: value.join(" ") };
  if (typeof value !== "string") return { id: null, text: adfToText(value) };
  switch (field.kind) {
    case "select":
      return { id: optionId(field, value), text: value };
    case "group":
      return { id: value, text: site.groups.find((group) => group.groupId === value)?.name ?? value };
    case "user":
      return {
        id: site.about.deployment === "cloud" ? value : userKeyOf(site, value),
        text: site.users.get(value)?.displayName ?? value,
      };
    case "priority":
      return { id: priorityId(value), text: value };
    case "issuetype":
      return { id: issueTypeId(site, value), text: value };
    case "resolution":
      return { id: resolutionId(value), text: value };
    default:
      return { id: null, text: value };
  }
}
