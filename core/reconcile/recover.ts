import type { FieldChange } from "../act/plan.ts";
import { afterWrites, ownedByPeople, sameValue, standsAlready } from "../act/plan.ts";
import { readPath } from "../mapping/path.ts";
import type { Overwrite, VendorRecord } from "../ports.ts";
import { GIVEN_BACK, REVOKED } from "../revocation.ts";
import type { Claim, OpenAction, Receipt, TicketMemory } from "../store/store.ts";
import type { FieldValue, SettableField, Ticket } from "../ticket.ts";
import type { QueueView } from "./approvals.ts";
import type { LookBack } from "./look-back.ts";

export type MarkerState = "present" | "absent" | "unreadable";

/** A value of ours that stands where a person had set another that we never saw. */
export interface Lost {
  field: SettableField;
  ours: FieldValue;
  overwrite: Overwrite;
}

export interface Recovery {
  /** What is certain now, and told. */
  receipts: Receipt[];
  /** Effects that stand although their note was never written: the next note must tell them. */
  owed: FieldChange[];
  /** Their receipts, for when that note is written: until then they stay open, or a note that fails twice is lost. */
  owedReceipts: Receipt[];
  /** Of requests that stand: closed together with what is remembered of them. */
  askReceipts: Receipt[];
  /** Notes that stand. */
  told: OpenAction[];
  /** To be given back before anything else is done. */
  lost: Lost[];
  /** Our values that stand and of which the history does not tell what they replaced. */
  unread: SettableField[];
  /** Our values that stand where a person's was to be put back, and nothing tells any more what it was. */
  ungiven: SettableField[];
  fields: TicketMemory["fields"];
  /** Still in doubt: look again after so many milliseconds, and write nothing before. */
  waitMs: number | undefined;
}

export interface RecoveryInput extends LookBack {
  claim: Claim;
  ticket: Ticket;
  record: VendorRecord;
  queue: Pick<QueueView, "requests">;
  nowMs: number;
  /** How long a call may still be applied after we gave up on it. */
  unknownOutcomeWaitMs: number;
}

/**
 * Decides what became of writes whose answer we never saw. Nothing is written again before the ticket itself shows
 * that the first try had no effect and the vendor has had its time to apply it. Connectors write fields no later than
 * the note that tells of them, so a note that stands proves its fields. A note also tells whatever was owed before it.
 */
export function recover(input: RecoveryInput): Recovery {
  const { claim, nowMs } = input;
  const told = claim.open.filter((action) => wasTold(action, input));
  const found: Recovery = {
    ...{ receipts: [], owed: [], owedReceipts: [], askReceipts: [], told, lost: [], unread: [], ungiven: [] },
    ...{ fields: claim.memory?.fields ?? {}, waitMs: undefined },
  };
  const seen: Seen = { applied: [], theirs: [], lost: new Map(), ungiven: [] };
  for (const action of claim.open) judge(action, input, found, seen);
  if (found.waitMs !== undefined)
    return { ...found, ...{ receipts: [], owed: [], owedReceipts: [], askReceipts: [], told: [], unread: [] } };
  const fields = ownedByPeople(afterWrites(found.fields, seen.applied, nowMs), seen.theirs);
  const ungiven = seen.ungiven.filter((field) => !seen.lost.has(field));
  return { ...found, fields, lost: [...seen.lost.values()], ungiven };
}

interface Seen {
  applied: FieldChange[];
  theirs: SettableField[];
  lost: Map<SettableField, Lost>;
  ungiven: SettableField[];
}

function judge(action: OpenAction, input: RecoveryInput, found: Recovery, seen: Seen): void {
  if (action.field === "gate") {
    judgeApproval(action, input, found);
    return;
  }
  const { ticket, edits, nowMs } = input;
  const change = changeOf(action);
  const told = isTold(action, found.told);
  const stands = change !== undefined && standsNow(action, input);
  const overwrite = edits.found.get(action.id);
  const givesBack = action.because.includes(GIVEN_BACK);
  const takesBack = action.because[0] === REVOKED;
  if (change && (givesBack || overwrite)) seen.theirs.push(change.field);
  if (!told && !stands && !overwrite) {
    const leftMs = action.inDoubtSinceMs + input.unknownOutcomeWaitMs - nowMs;
    if (leftMs > 0) found.waitMs = Math.max(found.waitMs ?? 0, leftMs);
    else found.receipts.push({ actionId: action.id, outcome: "abandoned", detail: "not found on reading back" });
    if (change && givesBack && sameValue(change.field, ticket, change.before)) seen.ungiven.push(change.field);
    return;
  }
  // What was undone is left to people.
  if (change && takesBack) seen.theirs.push(change.field);
  if (change) {
    if (!takesBack) seen.applied.push(change);
    if (stands && edits.unknown.has(action.id)) found.unread.push(change.field);
    // The latest of several writes to a field says whose the value is.
    if (stands) seen.lost.delete(change.field);
    if (stands && overwrite) seen.lost.set(change.field, { field: change.field, ours: change.after, overwrite });
  }
  // What was put back or undone, or will be, is told by a note of its own.
  const owed = change !== undefined && !told && !givesBack && !takesBack && !overwrite;
  if (owed) found.owed.push(change);
  (owed ? found.owedReceipts : found.receipts).push(foundReceipt(action, input.markers));
}

/** A request that stands is one, whoever was to record it. Taking back and undoing are looked at anew, and done again. */
function judgeApproval({ id, kind, marker, inDoubtSinceMs }: OpenAction, input: RecoveryInput, found: Recovery): void {
  if (input.queue.requests.get(marker)?.state === "standing" && kind === "ask") {
    found.askReceipts.push({ actionId: id, outcome: "found", detail: "found on reading back" });
    return;
  }
  const leftMs = kind === "ask" ? inDoubtSinceMs + input.unknownOutcomeWaitMs - input.nowMs : 0;
  if (leftMs > 0) found.waitMs = Math.max(found.waitMs ?? 0, leftMs);
  else found.receipts.push({ actionId: id, outcome: "abandoned", detail: "not found on reading back" });
}

/** A note tells of its own fields and of those owed before it; one about what was put back or undone tells of nothing else. */
function isTold(action: OpenAction, notes: readonly OpenAction[]): boolean {
  if (action.kind === "note") return notes.includes(action);
  return notes.some((note) => matterOf(note) === matterOf(action) && action.intentAtMs <= note.intentAtMs);
}

/** What an action is about: a decision, what a person had set, or what is undone. */
function matterOf({ because }: OpenAction): "decision" | "given_back" | "revoked" {
  if (because.includes(GIVEN_BACK)) return "given_back";
  return because[0] === REVOKED ? "revoked" : "decision";
}

/** Whether the ticket shows a set of ours; what is put back is known in the vendor's own form only. */
function standsNow(action: OpenAction, { ticket, record }: Pick<RecoveryInput, "ticket" | "record">): boolean {
  if (standsAlready(action, ticket)) return true;
  const patch = Object.entries(action.basis?.patch ?? {});
  return patch.length > 0 && patch.every(([path, value]) => isPlain(value) && readPath(record, path) === value);
}

function isPlain(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number";
}

/** A journal that cannot be read says nothing; there the fields that were written in the same call speak for the note. */
function wasTold(note: OpenAction, input: RecoveryInput): boolean {
  if (note.kind !== "note") return false;
  const state = input.markers.get(note.marker) ?? "absent";
  if (state !== "unreadable") return state === "present";
  const sets = input.claim.open.filter(
    (action) => action.kind === "set" && action.decisionId === note.decisionId && matterOf(action) === matterOf(note),
  );
  return sets.length === 0 || sets.some((action) => standsNow(action, input) || input.edits.found.has(action.id));
}

function foundReceipt(action: OpenAction, markers: ReadonlyMap<string, MarkerState>): Receipt {
  if (action.kind === "note" && markers.get(action.marker) === "unreadable") {
    // Writing it again could say it twice; saying it once for certain is not ours to have without the right to read.
    return {
      actionId: action.id,
      outcome: "unconfirmed",
      detail: "the journal cannot be read, so the note is taken as written",
    };
  }
  return { actionId: action.id, outcome: "found", detail: "found on reading back" };
}

function changeOf(action: OpenAction): FieldChange | undefined {
  if (action.field === "note" || action.field === "gate" || action.after === null) return undefined;
  return { field: action.field, before: action.before ?? "", after: action.after };
}
