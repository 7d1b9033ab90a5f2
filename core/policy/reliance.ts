import type { ClassifyField } from "../advice/step.ts";
import { CLASSIFY_FIELDS } from "../advice/step.ts";
import type { Reliance } from "../decision.ts";
import type { Ticket } from "../ticket.ts";
import type { AdviceFact, Facts } from "./facts.ts";
import type { Policy } from "./policy.ts";
import type { RoutingRule } from "./routing.ts";

/** What routing came to with advice, and what it would have come to without. */
export interface Routed {
  advised: RoutingRule | undefined;
  bare: RoutingRule | undefined;
  /** The largest error that the ticket's rule of autonomy.yaml allows, in hundredths of a percent; null where it names none. */
  targetBp: number | null;
}

/**
 * What advice had to do with a decision, and whether it may be followed without a person. Where advice alone moved the
 * routing, every answer on the way to it must be certified to err no more often than the policy allows; it must not
 * contradict a rule that the ticket meets by itself, nor make the ticket less urgent. What may not be followed is a
 * suggestion. Null where nobody was to be asked.
 */
export function relianceOf(ticket: Ticket, facts: Facts, policy: Policy, routed: Routed): Reliance | null {
  const { advice, unadvised } = facts;
  if (advice === undefined) return null;
  const open = routed.bare === policy.routing.fallback;
  if (advice === null) {
    const nothing = { answers: [], moved: false, relied: [], limit: null, targetBp: null, rule: null };
    return { absent: unadvised ?? "disabled", ...nothing, open };
  }
  const { advised, bare, targetBp } = routed;
  const moved = advised?.id !== bare?.id;
  const relied = moved && advised ? reliedOn(advice, policy, advised) : [];
  const limit = moved ? limitOf({ ticket, advice, policy, routed, relied }) : null;
  return {
    absent: null,
    answers: answersOf(advice),
    moved,
    relied,
    open,
    limit,
    targetBp,
    rule: moved && limit !== null && advised ? { id: advised.id, why: advised.why } : null,
  };
}

function answersOf(advice: AdviceFact): Reliance["answers"] {
  return CLASSIFY_FIELDS.flatMap((field) => {
    const evidence = advice.evidence[field];
    if (!evidence) return [];
    const { by, boundBp } = evidence;
    return [{ field, label: String(advice[field]), by, boundBp }];
  });
}

interface Moved {
  ticket: Ticket;
  advice: AdviceFact;
  policy: Policy;
  routed: Routed;
  relied: readonly ClassifyField[];
}

function limitOf({ ticket, advice, policy, routed, relied }: Moved): Reliance["limit"] {
  const { advised, bare, targetBp } = routed;
  // What the rules say by themselves is no ambiguity that a model could settle.
  if (!advised || (bare && bare !== policy.routing.fallback)) return "against_the_rules";
  if (lowersCare(ticket, advised, bare)) return "lowers_care";
  if (targetBp === null) return "no_target";
  const bounds = relied.map((field) => advice.evidence[field]?.boundBp ?? null);
  if (bounds.length === 0 || bounds.includes(null)) return "no_bound";
  // Each of them may be the one that is wrong.
  const together = bounds.reduce<number>((sum, bound) => sum + (bound ?? 0), 0);
  if (together > targetBp) return "over_target";
  return advice.audited ? "audit" : null;
}

/**
 * What the deciding rule reads must be answered; what the rules before it read, only where it is: they may have been
 * passed over by it.
 */
function reliedOn(advice: AdviceFact, policy: Policy, advised: RoutingRule): ClassifyField[] {
  const { deciding, before } = fieldsRead(policy, advised);
  return [...new Set([...deciding, ...before.filter((field) => advice.evidence[field])])];
}

/** A larger number is less urgent; what the rules alone would have raised is not left as it was. */
function lowersCare(ticket: Ticket, advised: RoutingRule, bare: RoutingRule | undefined): boolean {
  return (["priority", "impact", "urgency"] as const).some((field) => {
    const alone = Number(bare?.desired[field] ?? ticket[field]);
    return Number(advised.desired[field] ?? ticket[field]) > Math.min(alone, ticket[field]);
  });
}

/** Fields of advice that the deciding rule reads, and those that rules before it may have been passed over by. */
function fieldsRead({ routing }: Policy, advised: RoutingRule): { deciding: ClassifyField[]; before: ClassifyField[] } {
  const at = routing.rules.findIndex(({ id }) => id === advised.id);
  const upTo = at === -1 ? routing.rules : routing.rules.slice(0, at);
  return { deciding: fieldsOf(advised), before: [...new Set(upTo.flatMap(fieldsOf))] };
}

/** A rule that reads advice as a whole reads all of it. */
export function fieldsOf({ condition }: Pick<RoutingRule, "condition">): ClassifyField[] {
  const reads = condition?.expression.reads ?? [];
  return CLASSIFY_FIELDS.filter((field) => reads.includes("advice") || reads.includes(`advice.${field}`));
}
