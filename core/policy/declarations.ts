import type { CelType, Declarations } from "../expression.ts";
import { GROUPS } from "../expression-own.ts";
import type { Ticket } from "../ticket.ts";
import { FACT_TYPES, type Facts, factContext } from "./facts.ts";

/** What a rule may read of a ticket, beside the customer's own fields. */
const TICKET = {
  connection: "string",
  key: "string",
  kind: "string",
  title: "string",
  description: "string",
  status: "string",
  priority: "int",
  impact: "int",
  urgency: "int",
  category: "string",
  subcategory: "string",
  assignmentGroup: "string",
  assignee: "person",
  requester: "person",
  ci: "string",
  ciId: "string",
  service: "string",
  labels: "list<string>",
  createdAt: "timestamp",
  updatedAt: "timestamp",
  change: { type: "string", risk: "string", plannedStart: "timestamp", plannedEnd: "timestamp", backoutPlan: "string" },
  request: { item: "string", quantity: "int", price: "int" },
} as const satisfies Record<string, CelType>;

/** Variables of a policy rule. `custom` is the union of the custom fields of all mappings in use, or anything at all. */
export function policyDeclarations(custom: Readonly<Record<string, CelType>> | "record"): Declarations {
  return { ticket: { ...TICKET, custom }, ...FACT_TYPES, now: "timestamp" };
}

/** The context a rule is evaluated in: whole numbers as BigInt, instants as Date, as the expression library wants them. */
export function policyContext(
  ticket: Ticket,
  facts: Facts,
  nowMs: number,
  custom: Readonly<Record<string, CelType>>,
): Record<string, unknown> {
  const { ref, request } = ticket;
  return {
    ...factContext(facts),
    now: new Date(nowMs),
    // Named one by one: that is far quicker than copying the ticket, and what is not declared stays out.
    ticket: {
      connection: ref.connection,
      key: ref.key,
      kind: ticket.kind,
      title: ticket.title,
      description: ticket.description,
      status: ticket.status,
      priority: BigInt(ticket.priority),
      impact: BigInt(ticket.impact),
      urgency: BigInt(ticket.urgency),
      category: ticket.category,
      subcategory: ticket.subcategory,
      assignmentGroup: ticket.assignmentGroup,
      assignee: withGroups(ticket.assignee, facts),
      requester: withGroups(ticket.requester, facts),
      ci: ticket.ci,
      ciId: ticket.ciId,
      service: ticket.service,
      labels: ticket.labels,
      createdAt: new Date(ticket.createdAt),
      updatedAt: new Date(ticket.updatedAt),
      change: withDates(ticket.change),
      request: { item: request.item, quantity: BigInt(request.quantity), price: BigInt(request.price) },
      custom: customContext(ticket, custom),
    } satisfies Record<keyof typeof TICKET | "custom", unknown>,
  };
}

/** A person with the groups that `inGroup` looks into, where they are known. */
function withGroups(person: Ticket["assignee"], { members }: Facts): object {
  const groups = person.id === "" ? [] : members?.[person.id];
  return groups === undefined ? person : { ...person, [GROUPS]: groups };
}

/** A change as rules see it. What is no change, or not planned yet, has nothing to convert. */
function withDates(change: Ticket["change"]): object {
  const { plannedStart, plannedEnd } = change;
  if (!plannedStart && !plannedEnd) return change;
  return {
    ...change,
    ...(plannedStart && { plannedStart: new Date(plannedStart) }),
    ...(plannedEnd && { plannedEnd: new Date(plannedEnd) }),
  };
}

function customContext(ticket: Ticket, custom: Readonly<Record<string, CelType>>): Record<string, unknown> {
  const present = Object.entries(ticket.custom).map(([key, value]) => [
    key,
    typeof value === "number" ? BigInt(value) : value,
  ]);
  const absent = Object.entries(custom).map(([key, type]) => [key, type === "int" ? 0n : type === "bool" ? false : ""]);
  return { ...Object.fromEntries(absent), ...Object.fromEntries(present) };
}

const TEXT_NOT_KEPT = "(text, not kept)";

/** Fields whose values may stand in a trace: closed lists, numbers and names of groups, CIs and services. */
const RECORDABLE = new Set([
  "ticket.connection",
  "ticket.key",
  "ticket.kind",
  "ticket.status",
  "ticket.priority",
  "ticket.impact",
  "ticket.urgency",
  "ticket.category",
  "ticket.subcategory",
  "ticket.assignmentGroup",
  "ticket.ci",
  "ticket.service",
  "ticket.createdAt",
  "ticket.updatedAt",
  "ticket.change.type",
  "ticket.change.risk",
  "ticket.change.plannedStart",
  "ticket.change.plannedEnd",
  "ticket.request.item",
  "ticket.request.quantity",
  "ticket.request.price",
]);

/** A ticket and its facts as paths see them: `ticket.key`, `ci.environment`. */
export type Readable = Readonly<Record<string, unknown>>;

export function readable(ticket: Ticket, facts: Facts): Readable {
  return { ...facts, ticket: { ...ticket, connection: ticket.ref.connection, key: ticket.ref.key } };
}

/** A path that rules read, taken apart once. */
export interface ReadPath {
  /** As rules write it: `ticket.change.type`. */
  name: string;
  steps: readonly string[];
}

export function readPath(name: string): ReadPath {
  return { name, steps: name.split(".") };
}

/** Stands in a trace for a fact that was not asked for, or not to be had. */
export const NOT_ASKED = "(not asked)";

/** What rules read, for a trace. Text fields are named without their value. */
export function recordedReads(paths: readonly ReadPath[], from: Readable): Record<string, string> {
  const reads: Record<string, string> = {};
  for (const path of paths) reads[path.name] = recorded(path, from);
  return reads;
}

function recorded(path: ReadPath, from: Readable): string {
  if (path.name === "now") return "(the hour of the decision)";
  // Facts are closed values: names of the CMDB, sums, and what a model chose from lists of ours; but an owner is a person.
  if (path.name === "ci.owner") return valueAt(path, from) === undefined ? NOT_ASKED : TEXT_NOT_KEPT;
  if (!path.name.startsWith("ticket.")) return shown(valueAt(path, from), NOT_ASKED);
  return RECORDABLE.has(path.name) ? shown(valueAt(path, from), "(absent)") : TEXT_NOT_KEPT;
}

function shown(value: unknown, absent: string): string {
  return value === undefined || value === null ? absent : String(value);
}

/** A text or whole number at a path, as a rule's tests name it; undefined for all else. */
export function plainValue(path: ReadPath, from: Readable): string | undefined {
  const value = valueAt(path, from);
  if (typeof value === "string") return value;
  return typeof value === "number" ? String(value) : undefined;
}

function valueAt({ steps }: ReadPath, from: Readable): unknown {
  let at: unknown = from;
  for (const step of steps) {
    if (at === null || typeof at !== "object" || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string, unknown>)[step]; // an own property, just checked
  }
  return at;
}
