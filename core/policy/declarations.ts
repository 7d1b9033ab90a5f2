import type { CelType, Declarations } from "../expression.ts";
import type { Ticket } from "../ticket.ts";

const PERSON = { id: "string", name: "string", email: "string" } as const;

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
  assignee: PERSON,
  requester: PERSON,
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
  return { ticket: { ...TICKET, custom }, now: "timestamp" };
}

/** The context a rule is evaluated in: whole numbers as BigInt, instants as Date, as the expression library wants them. */
export function policyContext(
  ticket: Ticket,
  nowMs: number,
  custom: Readonly<Record<string, CelType>>,
): Record<string, unknown> {
  const { ref, change, request, ...rest } = ticket;
  return {
    now: new Date(nowMs),
    ticket: {
      ...rest,
      connection: ref.connection,
      key: ref.key,
      priority: BigInt(ticket.priority),
      impact: BigInt(ticket.impact),
      urgency: BigInt(ticket.urgency),
      createdAt: new Date(ticket.createdAt),
      updatedAt: new Date(ticket.updatedAt),
      change: {
        ...change,
        ...(change.plannedStart && { plannedStart: new Date(change.plannedStart) }),
        ...(change.plannedEnd && { plannedEnd: new Date(change.plannedEnd) }),
      },
      request: { ...request, quantity: BigInt(request.quantity), price: BigInt(request.price) },
      custom: customContext(ticket, custom),
    },
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

/** What a rule read, for its trace. Text fields are named without their value. */
export function recordedReads(reads: readonly string[], ticket: Ticket): Record<string, string> {
  return Object.fromEntries(
    reads.map((path) => [path, RECORDABLE.has(path) ? recorded(path, ticket) : withheld(path)]),
  );
}

function withheld(path: string): string {
  return path === "now" ? "(the hour of the decision)" : TEXT_NOT_KEPT;
}

function recorded(path: string, ticket: Ticket): string {
  if (path === "ticket.connection") return ticket.ref.connection;
  if (path === "ticket.key") return ticket.ref.key;
  let at: unknown = ticket;
  for (const part of path.split(".").slice(1)) {
    at =
      at !== null && typeof at === "object" && Object.hasOwn(at, part)
        ? (at as Record<string, unknown>)[part]
        : undefined; // own property
  }
  return at === undefined ? "(absent)" : String(at);
}
