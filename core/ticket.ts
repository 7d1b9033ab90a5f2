import { z } from "zod";

/** An instant in UTC, RFC 3339 with milliseconds: `2026-01-31T09:15:30.000Z`. Never a local time. */
export const Instant = z.iso.datetime({ precision: 3 });
export type Instant = z.infer<typeof Instant>;

/** Where a ticket lives. `connection/key` is how people name it; `connection/type/id` is how the work set does. */
export const TicketRef = z.strictObject({
  connection: z.string(),
  /** The vendor's record type: a ServiceNow table, or `issue` for Jira. */
  type: z.string(),
  /** The vendor's unchanging id: sys_id, or the numeric issue id. */
  id: z.string(),
  /** What people call it: INC0010001, OPS-12. */
  key: z.string(),
});
export type TicketRef = z.infer<typeof TicketRef>;

/** A person as the vendor knows them. Empty strings where nobody is set or the vendor hides it. */
export const Person = z.strictObject({ id: z.string(), name: z.string(), email: z.string() });
export type Person = z.infer<typeof Person>;

export const NOBODY: Person = { id: "", name: "", email: "" };

export const TICKET_KINDS = ["incident", "change", "request", "problem"] as const;
export const TICKET_STATUSES = [
  "new",
  "assess",
  "awaiting_approval",
  "scheduled",
  "in_progress",
  "on_hold",
  "review",
  "resolved",
  "closed",
  "canceled",
] as const;
export const CHANGE_TYPES = ["", "standard", "normal", "emergency"] as const;
export const CHANGE_RISKS = ["", "very_high", "high", "moderate", "low"] as const;
/** How a change ended, as people who closed it said; `""` while nobody has. */
export const CHANGE_OUTCOMES = ["", "successful", "successful_issues", "unsuccessful"] as const;

/** What only changes have. Empty strings and absent instants on every other kind. */
export const ChangeFacet = z.strictObject({
  type: z.enum(CHANGE_TYPES),
  risk: z.enum(CHANGE_RISKS),
  plannedStart: Instant.optional(),
  plannedEnd: Instant.optional(),
  /** When its implementation ended, where the platform says so. */
  actualEnd: Instant.optional(),
  backoutPlan: z.string(),
  /** The platform says that its board must see the change. */
  cabRequired: z.boolean().default(false),
  /** The platform keeps the change from going on. */
  onHold: z.boolean().default(false),
  outcome: z.enum(CHANGE_OUTCOMES).default(""),
});

/** What only catalogue requests have. */
export const RequestFacet = z.strictObject({
  item: z.string(),
  /** Pieces. */
  quantity: z.int(),
  /** Price of the request in whole units of the instance's own currency, rounded up; 0 when it has none. */
  price: z.int(),
});

/** A value of a field that the customer's own mapping declares. Whole numbers only. */
export const CustomValue = z.union([z.string(), z.int(), z.boolean()]);
export type CustomValue = z.infer<typeof CustomValue>;

/**
 * The canonical ticket: one shape for incidents, changes and requests of both vendors. Text fields are read when
 * needed and never stored. Absent text is `""`; absent instants are absent.
 */
export const Ticket = z.strictObject({
  ref: TicketRef,
  kind: z.enum(TICKET_KINDS),
  title: z.string(),
  /** Plain text, whatever markup the vendor keeps. */
  description: z.string(),
  status: z.enum(TICKET_STATUSES),
  /** 1 critical ... 5 planning. */
  priority: z.int().min(1).max(5),
  /** 1 high ... 3 low. */
  impact: z.int().min(1).max(3),
  /** 1 high ... 3 low. */
  urgency: z.int().min(1).max(3),
  category: z.string(),
  subcategory: z.string(),
  /** Name of the group; `""` when none. */
  assignmentGroup: z.string(),
  assignee: Person,
  requester: Person,
  /** Name of the configuration item; `""` when none. */
  ci: z.string(),
  ciId: z.string(),
  /** Name of the business service; `""` when none. */
  service: z.string(),
  labels: z.array(z.string()),
  /** UTC. */
  createdAt: Instant,
  /** UTC. */
  updatedAt: Instant,
  /** Changes with every edit of the record: the vendor's own counter, or its update time where it keeps none. */
  revision: z.string(),
  change: ChangeFacet,
  request: RequestFacet,
  custom: z.record(z.string(), CustomValue),
});
export type Ticket = z.infer<typeof Ticket>;

/** Fields a decision may set, and so a mapping may write. */
export const SETTABLE_FIELDS = [
  "assignmentGroup",
  "assignee",
  "category",
  "subcategory",
  "priority",
  "impact",
  "urgency",
  "changeRisk",
  "cabRequired",
  "onHold",
] as const;
export type SettableField = (typeof SETTABLE_FIELDS)[number];

/**
 * Of those, the ones that tell the platform what guards have found: its own approval policy reads them. No routing rule
 * sets them, and no gate stands before them.
 */
export const GUARD_FIELDS = ["changeRisk", "cabRequired", "onHold"] as const;
export type GuardField = (typeof GUARD_FIELDS)[number];

export function isGuardField(field: SettableField): field is GuardField {
  return (GUARD_FIELDS as readonly string[]).includes(field);
}

/** What a rule may set each field to; an assignee is named by e-mail or vendor id, and yes and no are `true` and `false`. */
export type FieldValue = string | number;

/** What the writing of a field counts as, for what guards it; undefined for those that nothing guards. */
export function effectOf(field: SettableField): "assign" | "set" | undefined {
  if (isGuardField(field)) return undefined;
  return field === "assignmentGroup" || field === "assignee" ? "assign" : "set";
}

/** The present value of a settable field, in the form in which it is compared and recorded. */
export function fieldValue(ticket: Ticket, field: SettableField): FieldValue {
  switch (field) {
    case "assignee":
      return ticket.assignee.id;
    case "changeRisk":
      return ticket.change.risk;
    case "cabRequired":
    case "onHold":
      return String(ticket.change[field]);
    default:
      return ticket[field];
  }
}

/** The name of a ticket's row in the work set. */
export function ticketId(ref: Pick<TicketRef, "connection" | "type" | "id">): string {
  return `${ref.connection}/${ref.type}/${ref.id}`;
}

/** Vendor ids of a ticket's people, each once; nobody's is none. */
export function ticketPeople({ requester, assignee }: Pick<Ticket, "requester" | "assignee">): string[] {
  return [...new Set([requester.id, assignee.id])].filter((id) => id !== "");
}
