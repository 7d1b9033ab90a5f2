import type { Mode } from "../config/settings.ts";
import type { Action, Decision, Escalation, Skip } from "../decision.ts";
import type { Limits } from "../limits.ts";
import type { Mapping } from "../mapping/mapping.ts";
import type { FieldMemory, TicketMemory } from "../store/store.ts";
import {
  effectOf,
  type FieldValue,
  fieldValue,
  isGuardField,
  SETTABLE_FIELDS,
  type SettableField,
  type Ticket,
} from "../ticket.ts";

/** A field that should change, before it has an action's identity. */
export interface FieldChange {
  field: SettableField;
  before: FieldValue;
  after: FieldValue;
}

export interface Plan {
  changes: FieldChange[];
  /** What would be written if the mode allowed it. */
  suggested: FieldChange[];
  /** What advice alone asks for, where a note is to tell of it: a person decides. */
  advised: FieldChange[];
  /** What the note must tell, besides: effects of this decision that stand already but were never told. */
  owed: FieldChange[];
  note: "change" | "suggestion" | undefined;
  /** Steps of clocks that have come due and that people must be told of. */
  escalations: Escalation[];
  /** What the decision asks for and is not written, with the reason that people are shown. */
  skips: Skip[];
  /** Ownership as this look at the ticket shows it. */
  fields: TicketMemory["fields"];
  /** A field we have written so often lately that something is writing against us. */
  diverging: SettableField | undefined;
}

export interface PlanInput {
  ticket: Ticket;
  decision: Decision;
  /** Of what a note of suggestion would tell. */
  suggestionDigest: string;
  mapping: Pick<Mapping, "canWrite" | "toVendor" | "intake">;
  memory: TicketMemory | undefined;
  mode: Mode;
  /** Effects found applied by read-back whose note was never written. */
  owed: readonly FieldChange[];
  /** Steps of clocks (`rule/clock/step`) that a note tells of already, though they were never remembered. */
  toldSteps: ReadonlySet<string>;
  /** Something about approvals is to be told or done. */
  gateNews?: boolean;
  nowMs: number;
  limits: Pick<Limits, "convergeWritesMax" | "convergeWindowMs">;
}

/**
 * The smallest set of writes that makes a ticket what the decision says, or none. A field is written only while it is
 * empty, at an intake value, or still what we wrote last; a person's change ends our say in it for that ticket.
 */
export function plan(input: PlanInput): Plan {
  const { ticket, decision, mapping, memory, mode, nowMs, limits } = input;
  const changes: FieldChange[] = [];
  const skips: Skip[] = [];
  const fields: TicketMemory["fields"] = {};
  let diverging: SettableField | undefined;
  for (const field of SETTABLE_FIELDS) {
    const before = fieldValue(ticket, field);
    const remembered = lookedAt(memory?.fields[field], field, ticket, nowMs - limits.convergeWindowMs);
    if (remembered) fields[field] = remembered;
    const after = expressible(field, decision.set[field], mapping);
    if (after === undefined) continue;
    if (sameValue(field, ticket, after)) skips.push({ field, reason: "already_so" });
    else if (!mapping.canWrite(field) || mapping.toVendor(field, after) === undefined)
      skips.push({ field, reason: "not_writable" });
    else if (isAdviceGone(decision, remembered, { field, ticket, intake: mapping.intake(field) }))
      skips.push({ field, reason: "advice_gone" });
    else if (isGuarded(decision, field)) skips.push({ field, reason: "waits_for_approval" });
    else if (!mayTakeOver(decision, field, remembered) && !mayWrite(remembered, before, mapping.intake(field)))
      skips.push({ field, reason: "owned_by_person" });
    else if ((remembered?.writes.length ?? 0) >= limits.convergeWritesMax) diverging = field;
    else changes.push({ field, before, after });
  }
  const escalations = decision.escalations.filter((step) => !input.toldSteps.has(stepName(step)));
  const news = changes.length > 0 || input.owed.length > 0 || escalations.length > 0 || input.gateNews === true;
  // What was decided while nothing was to be told, as in observe, has not been suggested to anyone.
  const told = memory?.suggestedDigest === input.suggestionDigest;
  const advised = told ? [] : advisedChanges(input, fields);
  let note: Plan["note"];
  if (mode === "act" && advised.length > 0) note = "suggestion";
  if (mode === "act" && news) note = "change";
  // A step comes due once, so whatever was told before, it was not told yet.
  const asked = changes.length > 0 || advised.length > 0;
  if (mode === "suggest" && (escalations.length > 0 || (asked && !told))) note = "suggestion";
  const acting = mode === "act";
  return {
    changes: acting ? changes : [],
    suggested: acting ? [] : changes,
    advised: note === undefined ? [] : advised,
    owed: acting ? [...input.owed] : [],
    note,
    escalations: note === undefined ? [] : escalations,
    skips,
    fields,
    diverging,
  };
}

/** Not every platform has a risk above high: there, high says the most. */
function expressible(
  field: SettableField,
  wanted: FieldValue | undefined,
  { canWrite, toVendor }: PlanInput["mapping"],
): FieldValue | undefined {
  if (field !== "changeRisk" || wanted !== "very_high" || !canWrite(field)) return wanted;
  return toVendor(field, wanted) === undefined ? "high" : wanted;
}

/** What advice alone asks for, as far as it could be written at all and says something new. */
function advisedChanges({ ticket, decision, mapping }: PlanInput, fields: TicketMemory["fields"]): FieldChange[] {
  return SETTABLE_FIELDS.flatMap((field) => {
    const after = decision.suggests[field];
    if (after === undefined || sameValue(field, ticket, after) || !mapping.canWrite(field)) return [];
    const before = fieldValue(ticket, field);
    return mayWrite(fields[field], before, mapping.intake(field)) ? [{ field, before, after }] : [];
  });
}

/** A step as it is named in the evidence of the note that told of it. */
export function stepName({ clock, step }: Pick<Escalation, "clock" | "step">): string {
  return `${clock}/${step}`;
}

/**
 * Whether a default would take back a value of ours that people may be working by, for no other reason than that advice is
 * not to be had, or not to be followed, just now.
 */
function isAdviceGone(
  { advice }: Decision,
  memory: FieldMemory | undefined,
  { field, ticket, intake }: { field: SettableField; ticket: Ticket; intake: readonly FieldValue[] },
): boolean {
  const gone = advice?.open === true && (advice.absent !== null || advice.limit !== null);
  // Guards never follow advice alone.
  if (!gone || isGuardField(field) || memory?.wrote === undefined || memory.theirs) return false;
  return sameValue(field, ticket, memory.wrote) && !intake.includes(memory.wrote);
}

/** Whether a gate or a hold of the decision stands before the writing of a field. */
function isGuarded({ gates, holds }: Decision, field: SettableField): boolean {
  const effect = effectOf(field);
  const closed = gates.filter(({ state }) => state !== "granted");
  return effect !== undefined && [...closed, ...holds].some(({ before }) => before?.includes(effect));
}

/** A value is taken over once: a person who changes it after that has answered it. */
function mayTakeOver({ takeOver, set }: Decision, field: SettableField, memory: FieldMemory | undefined): boolean {
  return takeOver.includes(field) && memory?.wrote !== set[field];
}

/** Ownership after a set of changes was applied. */
export function afterWrites(
  fields: TicketMemory["fields"],
  applied: readonly FieldChange[],
  nowMs: number,
): TicketMemory["fields"] {
  const next = { ...fields };
  for (const { field, after } of applied)
    next[field] = { wrote: after, theirs: false, writes: [...(next[field]?.writes ?? []), nowMs] };
  return next;
}

/** These fields are people's from now on. */
export function ownedByPeople(
  fields: TicketMemory["fields"],
  theirs: readonly SettableField[],
): TicketMemory["fields"] {
  const next = { ...fields };
  for (const field of theirs) next[field] = { writes: [], ...next[field], theirs: true };
  return next;
}

/** Which actions of a ticket's open intents show in the ticket as it is now. */
export function standsAlready(action: Action, ticket: Ticket): boolean {
  return (
    action.field !== "note" &&
    action.field !== "gate" &&
    action.after !== null &&
    standsIn(action.field, ticket, action.after)
  );
}

/** Whether a written value stands. A field that was emptied is empty, also one that names people. */
export function standsIn(field: SettableField, ticket: Ticket, value: FieldValue): boolean {
  return value === "" ? fieldValue(ticket, field) === "" : sameValue(field, ticket, value);
}

/** Whether a ticket has a value. An assignee is named by a rule as an e-mail or a vendor id; everything else is compared as it is. */
export function sameValue(field: SettableField, ticket: Ticket, after: FieldValue): boolean {
  if (field === "assignee")
    return (
      ticket.assignee.id !== "" &&
      [ticket.assignee.id, ticket.assignee.email].some((name) => name.toLowerCase() === String(after).toLowerCase())
    );
  return fieldValue(ticket, field) === after;
}

/** Ownership as the present value shows it: one that is not what we wrote was put there by somebody else. */
function lookedAt(
  memory: FieldMemory | undefined,
  field: SettableField,
  ticket: Ticket,
  sinceMs: number,
): FieldMemory | undefined {
  if (!memory) return undefined;
  const writes = memory.writes.filter((ms) => ms >= sinceMs);
  const changedByOthers = memory.wrote !== undefined && !sameValue(field, ticket, memory.wrote);
  return { ...memory, writes, theirs: memory.theirs || changedByOthers };
}

/** `memory` is already what this look shows, so a value we wrote and that is not theirs is still ours. */
function mayWrite(memory: FieldMemory | undefined, present: FieldValue, intake: readonly FieldValue[]): boolean {
  if (memory?.theirs) return false;
  return present === "" || intake.includes(present) || memory?.wrote !== undefined;
}
