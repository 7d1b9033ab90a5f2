import { z } from "zod";
import { CLASSIFY_FIELDS, UNANSWERED } from "../advice/step.ts";
import { ClockMemory } from "../decision.ts";
import type { CelType } from "../expression.ts";
import { GateMemory } from "../gates/gate.ts";
import { type Ticket, ticketPeople } from "../ticket.ts";
import { AftermathFact } from "./aftermath.ts";
import { IMPACT_TYPES, ImpactFact, impactContext } from "./impact.ts";

const text = z.string().default("");

/** What the CMDB says of the ticket's configuration item; empty texts where it says nothing. */
export const CiFact = z.strictObject({
  name: text,
  className: text,
  environment: text,
  criticality: text,
  owner: text,
});
export type CiFact = z.infer<typeof CiFact>;

/**
 * What the requester's catalogue requests of this calendar month in UTC cost together, in whole units of the currency,
 * rounded up. The ticket's own is among them, once.
 */
export const SpendFact = z.strictObject({ month: z.int().nonnegative() });
export type SpendFact = z.infer<typeof SpendFact>;

/** Vendor ids of the ticket's people → names of the groups they belong to. */
export const MembersFact = z.record(z.string(), z.array(z.string()));
export type MembersFact = z.infer<typeof MembersFact>;

/** Where an answer comes from and how far it can be relied on. */
export const AdviceEvidence = z.strictObject({
  /** Provider and model, with the digest of its file where it has one. */
  by: z.string(),
  /** The error it has at the most, with 95 % confidence, in hundredths of a percent; null where nothing certifies it. */
  boundBp: z.int().nonnegative().nullable(),
});
export type AdviceEvidence = z.infer<typeof AdviceEvidence>;

/** What a model answered: values of closed sets, never text of its own. Empty where it gave no answer. */
export const AdviceFact = z.strictObject({
  category: text,
  service: text,
  assignment_group: text,
  intent: text,
  security_related: z.boolean().default(false),
  urgency_signals: z.array(z.string()).default([]),
  /** Of every field that was answered; a field that is not here has no answer, whatever stands above. */
  evidence: z.partialRecord(z.enum(CLASSIFY_FIELDS), AdviceEvidence).default({}),
  /** Drawn for the audit sample: a person decides, though it could go by itself. */
  audited: z.boolean().default(false),
});
export type AdviceFact = z.infer<typeof AdviceFact>;

/** What a model says of a change: risk factors of a closed list, whoever named them first. No rule reads it. */
export const AssessmentFact = z.strictObject({
  factors: z.array(z.string().max(64)).max(50),
  /** Provider and model. */
  by: z.string(),
});
export type AssessmentFact = z.infer<typeof AssessmentFact>;

/** Clock name (`rule/clock`) → what is remembered of it. */
export const ClocksFact = z.record(z.string(), ClockMemory);
export type ClocksFact = z.infer<typeof ClocksFact>;

/** Rule → what is remembered of the last round of asking for it; nothing of who answered. */
export const GatesFact = z.record(
  z.string(),
  GateMemory.pick({
    ...{ bindsDigest: true, state: true, requestedAt: true, expiresAt: true, present: true, stood: true },
    ...{ evidence: true, automatic: true },
  }),
);
export type GatesFact = z.infer<typeof GatesFact>;

/**
 * What a decision may know beside the ticket. Absent: nobody was asked yet. Null: whoever was asked has no answer, or
 * could not be reached.
 */
export const Facts = z.strictObject({
  ci: CiFact.nullable().optional(),
  members: MembersFact.nullable().optional(),
  spend: SpendFact.nullable().optional(),
  impact: ImpactFact.nullable().optional(),
  aftermath: AftermathFact.nullable().optional(),
  advice: AdviceFact.nullable().optional(),
  assessment: AssessmentFact.nullable().optional(),
  /** Why there is no advice, where somebody was to be asked. */
  unadvised: z.enum(UNANSWERED).optional(),
  /** Our own memory of the ticket's clocks; it is known from the start. */
  clocks: ClocksFact.optional(),
  /** Our own memory of what was asked of people, likewise. */
  gates: GatesFact.optional(),
});
export type Facts = Readonly<z.infer<typeof Facts>>;

/** Facts that somebody outside must be asked for, the cheapest first. */
export const FACT_NAMES = ["ci", "members", "spend", "impact", "aftermath", "advice", "assessment"] as const;
export type FactName = (typeof FACT_NAMES)[number];

/** Each name can be asked for once, so that is the most rounds a decision can need. */
export const FACT_ROUNDS_MAX = FACT_NAMES.length + 1;

/**
 * A fact that needs no asking: a ticket that names no configuration item has one of empty texts, and nobody belongs to
 * no group. A rule about such things is not met then; for want of the fact its guard would hold the ticket for ever.
 */
export function factAboutNothing(name: FactName, ticket: Ticket): Facts | undefined {
  if (name === "ci" && ticket.ci === "" && ticket.ciId === "") return { ci: CiFact.parse({}) };
  if (name === "members" && ticketPeople(ticket).length === 0) return { members: {} };
  return undefined;
}

/** Facts about a ticket where there is nobody to ask. */
export function factsUnanswered(names: Iterable<FactName>, ticket: Ticket): Facts {
  const facts: Facts[] = [...names].map((name) => factAboutNothing(name, ticket) ?? { [name]: null });
  return Object.assign({}, ...facts) as Facts; // each of them is one
}

/** How rules see facts. `members` is not seen itself: `inGroup` asks it; nor is `aftermath`, which `on` of a rollback rule asks. */
export const FACT_TYPES = {
  ci: { name: "string", className: "string", environment: "string", criticality: "string", owner: "string" },
  spend: { month: "int" },
  impact: IMPACT_TYPES,
  advice: {
    category: "string",
    service: "string",
    assignment_group: "string",
    intent: "string",
    security_related: "bool",
    urgency_signals: "list<string>",
  },
} as const satisfies Record<string, CelType>;

/** Variables of a rule for the facts that are there; one that is not there is no variable, so reading it fails. */
export function factContext({ ci, spend, impact, advice }: Facts): Record<string, unknown> {
  return {
    ...(ci && { ci }),
    ...(spend && { spend: { month: BigInt(spend.month) } }),
    ...(impact && { impact: impactContext(impact) }),
    ...(advice && { advice }),
  };
}
