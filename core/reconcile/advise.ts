import type { Spender } from "../advice/budget.ts";
import { MICROS_PER_CENT } from "../advice/money.ts";
import type { AdviceOutcome, Advised } from "../advice/remembered.ts";
import { CLASSIFY_FIELDS, LABEL_FIELDS, type LabelField, type Step } from "../advice/step.ts";
import { outcomesOf } from "../advice/watch.ts";
import type { Decision } from "../decision.ts";
import type { Draft } from "../ledger/entry.ts";
import { autonomyFor } from "../policy/decide.ts";
import type { Facts } from "../policy/facts.ts";
import type { Policy } from "../policy/policy.ts";
import type { TicketMemory } from "../store/store.ts";
import type { Ticket } from "../ticket.ts";
import type { ReconcileDeps } from "./deps.ts";

/** What was fetched for a decision, with what the ledger is to hold beside it. */
export interface Fetched {
  facts: Facts;
  entries: readonly Draft[];
  /** A model's own words, for the note that is written now and for nothing else. */
  words?: string;
}

/**
 * Asks for advice about a ticket, on the fields that some rule reads. Whatever comes of it, the rules go on; only the
 * store's own trouble is thrown.
 */
export async function fetchAdvice(
  { adviser, clock }: Pick<ReconcileDeps, "adviser" | "clock">,
  ticket: Ticket,
  facts: Facts,
  rules: Policy,
): Promise<Fetched> {
  if (!adviser) return { facts: { advice: null, unadvised: "disabled" }, entries: [] };
  const spender = spenderOf("classify", ticket, { facts, rules, nowMs: clock.now() });
  const read = new Set(rules.paths.map(({ name }) => name));
  const wanted = CLASSIFY_FIELDS.filter((field) => read.has("advice") || read.has(`advice.${field}`));
  const { fact, unadvised, entry, words } = await adviser.classify(ticket, { wanted, spender });
  const known = { advice: fact, ...(unadvised && { unadvised }) };
  return { facts: known, entries: entry ? [entry] : [], ...(words !== undefined && { words }) };
}

/**
 * Asks what makes a change risky. Whatever comes of it, the rules go on; only the store's own trouble is thrown. The model's
 * own words about it are left out: what it named is all that counts.
 */
export async function fetchAssessment(
  { adviser, clock }: Pick<ReconcileDeps, "adviser" | "clock">,
  ticket: Ticket,
  facts: Facts,
  rules: Policy,
): Promise<Fetched> {
  if (!adviser) return { facts: { assessment: null }, entries: [] };
  const spender = spenderOf("assess_change", ticket, { facts, rules, nowMs: clock.now() });
  const { fact, entry } = await adviser.assess(ticket, spender);
  return { facts: { assessment: fact }, entries: entry ? [entry] : [] };
}

/** Has a ticket summed up for those who are about to be asked; `""` where nobody does that. */
export async function fetchSummary(
  { adviser, clock }: Pick<ReconcileDeps, "adviser" | "clock">,
  ticket: Ticket,
  facts: Facts,
  rules: Policy,
): Promise<{ summary: string; entries: readonly Draft[] }> {
  if (!adviser) return { summary: "", entries: [] };
  const spender = spenderOf("summarise_for_approver", ticket, { facts, rules, nowMs: clock.now() });
  const { words = "", entry } = await adviser.summarise(ticket, spender);
  return { summary: words, entries: entry ? [entry] : [] };
}

/** What a question is booked on. */
function spenderOf(
  step: Step,
  ticket: Ticket,
  { facts, rules, nowMs }: { facts: Facts; rules: Policy; nowMs: number },
): Spender {
  const rule = autonomyFor(ticket, facts, rules, nowMs);
  const cents = rule?.centsPerDayMax ?? null;
  const capped = [...rules.autonomy.rules, rules.autonomy.fallback].some(
    ({ centsPerDayMax }) => centsPerDayMax !== null,
  );
  // Where it cannot be told yet which rule holds, nothing is spent that one of them might forbid.
  const unknown = rule === undefined && capped ? { rule: "(not known yet)", dayMax: 0 } : undefined;
  const autonomy = rule && cents !== null ? { rule: rule.id, dayMax: cents * MICROS_PER_CENT } : unknown;
  return { step, connection: ticket.ref.connection, team: ticket.assignmentGroup, autonomy };
}

const OVER: ReadonlySet<Ticket["status"]> = new Set(["resolved", "closed", "canceled"]);

/**
 * What is remembered of the labels that advice gave a ticket, and what they turned out to be once it is over. `acts`: the
 * decision is written, in the mode that holds.
 */
export function labelsAfter(
  ticket: Ticket,
  { advice }: Decision,
  { memory, acts }: { memory: TicketMemory | undefined; acts: boolean },
): { advised?: Advised[]; outcomes?: AdviceOutcome[] } {
  const before = memory?.advised ?? [];
  if (OVER.has(ticket.status)) {
    if (before.length === 0) return {};
    // What was cancelled tells nothing about where it would have gone.
    return { advised: [], outcomes: ticket.status === "canceled" ? [] : outcomesOf(before, ticket) };
  }
  if (!advice || advice.absent !== null) return {};
  const { moved, limit, relied, targetBp } = advice;
  const advised = advice.answers.flatMap(({ field, label, by }): Advised[] => {
    if (!isLabelField(field) || label === "") return [];
    // What acted once, or was drawn, stays so: that our own echo, or a person's hand, moves the ticket on changes nothing.
    const known = before.find((each) => each.field === field && each.label === label && each.by === by);
    if (known && (known.automatic || known.audited)) return [known];
    const counts = moved && relied.includes(field);
    const automatic = counts && limit === null && acts;
    return [{ field, label, by, automatic, audited: counts && limit === "audit", targetBp }];
  });
  return JSON.stringify(advised) === JSON.stringify(before) ? {} : { advised };
}

function isLabelField(field: string): field is LabelField {
  return (LABEL_FIELDS as readonly string[]).includes(field);
}
