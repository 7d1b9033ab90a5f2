import { sha256Hex } from "../canonical.ts";
import type { Hold } from "../decision.ts";
import type { Ticket } from "../ticket.ts";
import { durationText } from "./duration.ts";
import type { Facts } from "./facts.ts";
import type { FreezeRule } from "./freezes.ts";
import type { AskedGate } from "./gate-states.ts";
import type { Bindable } from "./gates.ts";
import { wasAsked } from "./rollback.ts";
import type { Judgement } from "./rule.ts";
import type { Span } from "./window.ts";

/** What a freeze keeps a change from. */
const FROZEN = ["schedule", "implement"] as const;
/** A change in one of these is on its way: that it says no window is no reason to let it pass. */
const UNDER_WAY = new Set(["scheduled", "in_progress"]);
/** A change in one of these has been made, or never will be. */
export const OVER: ReadonlySet<Ticket["status"]> = new Set(["review", "resolved", "closed", "canceled"]);

/** The digest of the fields an approval is bound to: change one of them and it is another. `known` stands for texts that are not there any more. */
export function boundDigest(
  ticket: Ticket,
  binds: readonly Bindable[],
  known: Readonly<Record<string, string>> = {},
): string {
  return sha256Hex(JSON.stringify(binds.map((path) => [path, known[path] ?? boundValue(ticket, path)])));
}

const TEXTS: ReadonlySet<string> = new Set(["title", "description", "assignee", "change.backoutPlan"]);

/** Whether a bindable field is text or a person, which are kept as a digest only. */
export function isText(path: string): path is Bindable {
  return TEXTS.has(path);
}

/** What an approval is bound to in one field: its value, or the digest of its text. */
export function boundValue(ticket: Ticket, path: Bindable): string {
  const value = bound(ticket, path);
  return TEXTS.has(path) ? sha256Hex(String(value)) : String(value);
}

/** Whether nothing stands in a bindable field. */
export function isBlank(ticket: Ticket, path: Bindable): boolean {
  const value = bound(ticket, path);
  return value === null || String(value).trim() === "";
}

function bound(ticket: Ticket, path: Bindable): string | number | null {
  switch (path) {
    case "assignee":
      return ticket.assignee.id;
    case "change.type":
      return ticket.change.type;
    case "change.risk":
      return ticket.change.risk;
    case "change.plannedStart":
      return ticket.change.plannedStart ?? null;
    case "change.plannedEnd":
      return ticket.change.plannedEnd ?? null;
    case "change.backoutPlan":
      return ticket.change.backoutPlan;
    case "request.item":
      return ticket.request.item;
    case "request.quantity":
      return ticket.request.quantity;
    case "request.price":
      return ticket.request.price;
    default:
      return ticket[path];
  }
}

/**
 * Whether a ticket is in a freeze's scope and its planned window in the freeze; its own condition is judged apart. What
 * is no change has no planned window: what counts for it is now.
 */
export function judgeScope(rule: FreezeRule, ticket: Ticket, facts: Facts, nowMs: number): Judgement {
  const no = { verdict: "not_matched" } as const;
  if (!rule.kinds.has(ticket.kind) || OVER.has(ticket.status) || wasAsked(ticket, facts)) return no;
  if (rule.cis && !rule.cis.has(ticket.ci.toLowerCase()) && !rule.cis.has(ticket.ciId.toLowerCase())) return no;
  if (rule.services && !rule.services.has(ticket.service.toLowerCase())) return no;
  const planned = spanOf(ticket, nowMs);
  // A freeze that is over for good keeps nobody any more.
  const over = rule.window.lastMs !== undefined && rule.window.lastMs <= nowMs;
  if (!planned && (over || !UNDER_WAY.has(ticket.status))) return no;
  const hit = planned && rule.window.overlapping(planned);
  if (planned && !hit) return no;
  if (rule.environments) {
    if (facts.ci === undefined) return { needs: ["ci"] };
    if (facts.ci === null) return { verdict: "errored", message: "ci is not known" };
    if (!rule.environments.has(facts.ci.environment.toLowerCase())) return no;
  }
  if (!planned) return { verdict: "errored", message: "the change has no planned window" };
  if (hit === "unknown")
    return { verdict: "errored", message: "the planned window is too far from the freeze's start" };
  return { verdict: "matched" };
}

/** What a freeze that a change runs into asks for. */
export function judgeFreeze(
  rule: FreezeRule,
  ticket: Ticket,
  nowMs: number,
): { endsAtMs: number } & ({ gate: AskedGate } | { hold: Hold }) {
  const planned = spanOf(ticket, nowMs) ?? { fromMs: nowMs, toMs: nowMs };
  const found = rule.window.overlapping(planned);
  const hit = found === undefined || found === "unknown" ? planned : found;
  const { override } = rule;
  if (!override) {
    const reason = `${rule.why}: the planned window runs into the freeze ${rule.id}; move it, or ask for the freeze to be lifted`;
    return { endsAtMs: hit.toMs, hold: { rule: rule.id, reason, before: [...FROZEN] } };
  }
  const binds: Bindable[] = ["change.plannedStart", "change.plannedEnd", "ci", "service"];
  return {
    endsAtMs: hit.toMs,
    gate: {
      rule: rule.id,
      why: `${rule.why}; an override is needed within ${durationText(override.expiresMs)}`,
      groups: [...override.groups],
      people: [...override.people],
      need: override.need,
      before: [...FROZEN],
      binds,
      expiresMs: override.expiresMs,
      fallbackGroup: null,
      sideDoor: "undo",
    },
  };
}

/** A change's own window; undefined while it has none. One without an end is a moment. Anything else is asked about now. */
function spanOf({ kind, change }: Ticket, nowMs: number): Span | undefined {
  if (kind !== "change") return { fromMs: nowMs, toMs: nowMs };
  if (change.plannedStart === undefined) return undefined;
  const fromMs = Date.parse(change.plannedStart);
  const toMs = change.plannedEnd === undefined ? fromMs : Date.parse(change.plannedEnd);
  return { fromMs: Math.min(fromMs, toMs), toMs: Math.max(fromMs, toMs) };
}
