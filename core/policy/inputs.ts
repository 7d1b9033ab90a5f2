import { z } from "zod";
import { canonicalJson, type Json, sha256Hex } from "../canonical.ts";
import { Instant, Ticket } from "../ticket.ts";
import { Facts } from "./facts.ts";
import type { Policy } from "./policy.ts";

/** Paths whose values are text or name people: a digest stands for them wherever something is kept. */
export const WITHHELD = [
  "title",
  "description",
  "labels",
  "assignee",
  "requester",
  "change.backoutPlan",
  "custom",
] as const;

/** Everything a decision was made from, without any text: enough to make it again. */
export const Inputs = z.strictObject({
  /** The ticket with its texts emptied and its people and custom fields left out. */
  ticket: Ticket,
  /** One digest over all that was left out, of the ticket and of its facts. */
  withheldDigest: z.string(),
  /** Digests of single texts that approvals may be bound to. */
  bound: z.record(z.string(), z.string()),
  /** `file/id` of every rule that reads what was left out → its verdict's letter, and its message behind a space. */
  verdicts: z.record(z.string(), z.string()),
  /** The same of the rules asked once more as if no advice had been given; empty where none was. */
  verdictsWithoutAdvice: z.record(z.string(), z.string()).default({}),
  /** Texts that evidence requires and that were empty. */
  missing: z.array(z.string()).default([]),
  facts: Facts,
  now: Instant,
  policyVersion: z.string(),
});
export type Inputs = z.infer<typeof Inputs>;

/** Who owns an item is a person like any other. */
const TEXT_PATHS = [...WITHHELD.map((path) => `ticket.${path}`), "ci.owner"];

/** Whether a rule reads something that is not kept. */
export function readsText(reads: readonly string[]): boolean {
  return reads.some((read) =>
    TEXT_PATHS.some((path) => read === path || read.startsWith(`${path}.`) || path.startsWith(`${read}.`)),
  );
}

/** The digest that stands for everything in a ticket and its facts that is not kept. */
export function withheldDigest(
  { title, description, labels, assignee, requester, change, custom }: Ticket,
  { members, ci }: Facts = {},
): string {
  const people = [assignee.id, assignee.name, assignee.email, requester.id, requester.name, requester.email];
  const own = Object.entries(custom).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([title, description, labels, people, change.backoutPlan, own]);
  return sha256Hex([text, ...(members ? [canonicalJson(members)] : []), ...(ci?.owner ? [ci.owner] : [])].join("\n"));
}

/** Facts as they may be kept: who belongs to which group, and who owns an item, is about people. */
export function withoutPeople(facts: Facts): Facts {
  const { members, ci } = facts;
  if (!members && !ci) return facts;
  return { ...facts, ...(members && { members: {} }), ...(ci && { ci: { ...ci, owner: "" } }) };
}

/** One text for one set of inputs: the kept fields stand in a fixed order, and a digest for those that are not kept. */
export function inputsDigest(
  ticket: Ticket,
  withheld: string,
  facts: Facts,
  { version }: Pick<Policy, "version">,
  nowMs: number,
): string {
  const { ref, change, request } = ticket;
  const kept = [
    [ref.connection, ref.type, ref.id, ref.key],
    [ticket.kind, ticket.status, ticket.priority, ticket.impact, ticket.urgency, ticket.category, ticket.subcategory],
    [ticket.assignmentGroup, ticket.ci, ticket.ciId, ticket.service],
    [ticket.createdAt, ticket.updatedAt, ticket.revision],
    [
      change.type,
      change.risk,
      change.plannedStart ?? null,
      change.plannedEnd ?? null,
      ...flagsOf(change),
      ...endOf(change),
    ],
    [request.item, request.quantity, request.price],
  ];
  const known = factsText(withoutPeople(facts));
  return sha256Hex(`${JSON.stringify(kept)}\n${withheld}\n${known}\n${version}\n${nowMs}`);
}

/** Named only where one is set: digests of before there were any stay what they are. */
function flagsOf({ cabRequired, onHold }: Ticket["change"]): boolean[] {
  return cabRequired || onHold ? [cabRequired, onHold] : [];
}

/** Likewise. */
function endOf({ actualEnd, outcome }: Ticket["change"]): string[] {
  return actualEnd === undefined && outcome === "" ? [] : [actualEnd ?? "", outcome];
}

function factsText(facts: Facts): string {
  for (const name in facts) if (name !== "") return canonicalJson(JSON.parse(JSON.stringify(facts)) as Json); // what JSON.parse returns is Json
  return "{}";
}

/** A ticket as it may be kept. */
export function withoutText(ticket: Ticket): Ticket {
  const nobody = { id: "", name: "", email: "" };
  return {
    ...ticket,
    title: "",
    description: "",
    labels: [],
    assignee: nobody,
    requester: nobody,
    change: { ...ticket.change, backoutPlan: "" },
    custom: {},
  };
}
