import type { FieldChange } from "../act/plan.ts";
import { afterWrites, standsAlready } from "../act/plan.ts";
import type { Claim, OpenAction, Receipt, TicketMemory } from "../store/store.ts";
import type { Ticket } from "../ticket.ts";

export type MarkerState = "present" | "absent" | "unreadable";

export interface Recovery {
  /** What is certain now. */
  receipts: Receipt[];
  /** Effects that stand although their note was never written: the next note must tell them. */
  owed: FieldChange[];
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
 * the note that tells of them, so a note that stands proves its fields.
 */
export function recover(input: RecoveryInput): Recovery {
  const { claim, ticket, nowMs } = input;
  const receipts: Receipt[] = [];
  const owed: FieldChange[] = [];
  const applied: FieldChange[] = [];
  let waitMs: number | undefined;
  for (const actions of byDecision(claim.open).values()) {
    const note = actions.find((action) => action.kind === "note");
    const told = note !== undefined && wasTold(note, actions, ticket, input.markers);
    for (const action of actions) {
      const stands = told || (action.kind === "set" && standsAlready(action, ticket));
      const leftMs = action.intentAtMs + input.unknownOutcomeWaitMs - nowMs;
      if (stands) receipts.push(foundReceipt(action, input.markers));
      else if (leftMs > 0) waitMs = Math.max(waitMs ?? 0, leftMs);
      else receipts.push({ actionId: action.id, outcome: "abandoned", detail: "not found on reading back" });
      const change = changeOf(action);
      if (!stands || !change) continue;
      applied.push(change);
      if (!told) owed.push(change);
    }
    if (waitMs !== undefined) return { receipts: [], owed: [], fields: claim.memory?.fields ?? {}, waitMs };
  }
  return { receipts, owed, fields: afterWrites(claim.memory?.fields ?? {}, applied, nowMs), waitMs };
}

/** A journal that cannot be read says nothing; there the fields that were written in the same call speak for the note. */
function wasTold(
  note: OpenAction,
  actions: readonly OpenAction[],
  ticket: Ticket,
  markers: ReadonlyMap<string, MarkerState>,
): boolean {
  const state = markers.get(note.marker) ?? "absent";
  if (state !== "unreadable") return state === "present";
  const sets = actions.filter((action) => action.kind === "set");
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

function byDecision(actions: readonly OpenAction[]): Map<string, OpenAction[]> {
  const groups = new Map<string, OpenAction[]>();
  for (const action of actions) groups.set(action.decisionId, [...(groups.get(action.decisionId) ?? []), action]);
  return groups;
}
