import type { FieldChange } from "../act/plan.ts";
import { afterWrites, GIVEN_BACK, ownedByPeople, standsAlready } from "../act/plan.ts";
import type { Claim, OpenAction, Receipt, TicketMemory } from "../store/store.ts";
import type { Ticket } from "../ticket.ts";

export type MarkerState = "present" | "absent" | "unreadable";

export interface Recovery {
  /** What is certain now, and told. */
  receipts: Receipt[];
  /** Effects that stand although their note was never written: the next note must tell them. */
  owed: FieldChange[];
  /** Their receipts, for when that note is written: until then they stay open, or a note that fails twice is lost. */
  owedReceipts: Receipt[];
  /** Notes that stand. */
  told: OpenAction[];
  fields: TicketMemory["fields"];
  /** Still in doubt: look again after so many milliseconds, and write nothing before. */
  waitMs: number | undefined;
}

export interface RecoveryInput {
  claim: Claim;
  ticket: Ticket;
  markers: ReadonlyMap<string, MarkerState>;
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
  const { claim, ticket, markers, nowMs } = input;
  const receipts: Receipt[] = [];
  const owed: FieldChange[] = [];
  const owedReceipts: Receipt[] = [];
  const applied: FieldChange[] = [];
  let waitMs: number | undefined;
  const toldNotes = new Set(claim.open.filter((action) => wasTold(action, claim.open, ticket, markers)));
  const toldUntilMs = Math.max(0, ...[...toldNotes].map(({ intentAtMs }) => intentAtMs));
  for (const action of claim.open) {
    const told = action.kind === "note" ? toldNotes.has(action) : action.intentAtMs <= toldUntilMs;
    const change = changeOf(action);
    if (!told && !standsAlready(action, ticket)) {
      const leftMs = action.intentAtMs + input.unknownOutcomeWaitMs - nowMs;
      if (leftMs > 0) waitMs = Math.max(waitMs ?? 0, leftMs);
      else receipts.push({ actionId: action.id, outcome: "abandoned", detail: "not found on reading back" });
      continue;
    }
    if (change) applied.push(change);
    if (change && !told) owed.push(change);
    (told ? receipts : owedReceipts).push(foundReceipt(action, markers));
  }
  const before = claim.memory?.fields ?? {};
  if (waitMs !== undefined) return { receipts: [], owed: [], owedReceipts: [], told: [], fields: before, waitMs };
  const theirs = claim.open.flatMap(({ field, because }) =>
    field !== "note" && because.includes(GIVEN_BACK) ? [field] : [],
  );
  const fields = ownedByPeople(afterWrites(before, applied, nowMs), theirs);
  return { receipts, owed, owedReceipts, told: [...toldNotes], fields, waitMs };
}

/** A journal that cannot be read says nothing; there the fields that were written in the same call speak for the note. */
function wasTold(
  note: OpenAction,
  open: readonly OpenAction[],
  ticket: Ticket,
  markers: ReadonlyMap<string, MarkerState>,
): boolean {
  if (note.kind !== "note") return false;
  const state = markers.get(note.marker) ?? "absent";
  if (state !== "unreadable") return state === "present";
  const sets = open.filter(({ kind, decisionId }) => kind === "set" && decisionId === note.decisionId);
  return sets.length === 0 || sets.some((action) => standsAlready(action, ticket));
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
  if (action.field === "note" || action.after === null) return undefined;
  return { field: action.field, before: action.before ?? "", after: action.after };
}
