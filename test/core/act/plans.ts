import { afterWrites, type FieldChange, type Plan, type PlanInput, plan } from "../../../core/act/plan.ts";
import type { Decision } from "../../../core/decision.ts";
import { suggestionDigest } from "../../../core/policy/decide.ts";
import type { FieldMemory, TicketMemory } from "../../../core/store/store.ts";
import { isGuardField, SETTABLE_FIELDS, type SettableField, type Ticket } from "../../../core/ticket.ts";
import { TICKET } from "../support/tickets.ts";

export const NOW_MS = Date.parse("2026-03-02T09:00:00Z");
export const LIMITS = { convergeWritesMax: 5, convergeWindowMs: 600_000 };

export function decisionOf(set: Decision["set"], rest: Partial<Decision> = {}): Decision {
  const because = [{ rule: "network", why: "Network trouble goes to Network" }];
  return {
    id: "0123456789abcdef",
    because,
    set,
    suggests: {},
    advice: null,
    takeOver: [],
    gates: [],
    holds: [],
    sla: [],
    escalations: [],
    wakeAt: null,
    mode: "act",
    risk: null,
    rollback: null,
    trace: { verdicts: "", reads: {}, messages: {} },
    inputsDigest: "ff",
    policyVersion: "p1",
    ...rest,
  };
}

/** A mapping that writes every field but those that are named, with these intake values. */
export function mappingThat(
  intake: Partial<Record<SettableField, readonly (string | number)[]>> = {},
  not: readonly SettableField[] = [],
): PlanInput["mapping"] {
  return {
    canWrite: (field) => !not.includes(field),
    toVendor: (field, value) => (not.includes(field) ? undefined : { [field]: String(value) }),
    intake: (field) => intake[field] ?? [],
  };
}

export function memoryOf(fields: TicketMemory["fields"], digest = ""): TicketMemory {
  return {
    revision: "3",
    decisionId: "d",
    outcomeDigest: digest,
    suggestedDigest: digest,
    fields,
    clocks: {},
    gates: [],
    advised: [],
  };
}

/** A field that we wrote, and since when. */
export function wrote(value: string | number, writes: number[] = [NOW_MS - 1_000]): FieldMemory {
  return { wrote: value, theirs: false, writes };
}

export function planOf(input: Partial<PlanInput>): Plan {
  const decision = input.decision ?? decisionOf({});
  return plan({
    ticket: TICKET,
    mapping: mappingThat(),
    memory: undefined,
    mode: "act",
    owed: [],
    toldSteps: new Set(),
    nowMs: NOW_MS,
    limits: LIMITS,
    ...input,
    decision,
    suggestionDigest: input.suggestionDigest ?? suggestionDigest(decision),
  });
}

/** The ticket as the vendor holds it once changes are made. */
export function applied(ticket: Ticket, changes: readonly FieldChange[]): Ticket {
  const next = structuredClone(ticket);
  for (const { field, after } of changes) {
    if (field === "assignee") next.assignee = { id: String(after), name: "", email: "" };
    else if (field === "changeRisk") Object.assign(next.change, { risk: after });
    else if (isGuardField(field)) next.change[field] = after === "true";
    else Object.assign(next, { [field]: after });
  }
  return next;
}

/** What is remembered after a plan was carried out. */
export function remembered(planned: Plan, decision: Decision, nowMs = NOW_MS): TicketMemory {
  return memoryOf(afterWrites(planned.fields, planned.changes, nowMs), suggestionDigest(decision));
}

export const FIELDS: readonly SettableField[] = SETTABLE_FIELDS;
