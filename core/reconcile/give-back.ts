import { giveBackText, markerOf } from "../act/note.ts";
import type { Action } from "../decision.ts";
import type { Draft } from "../ledger/entry.ts";
import { readPath } from "../mapping/path.ts";
import type { FieldWrite, Write } from "../ports.ts";
import { GIVEN_BACK } from "../revocation.ts";
import type { Settlement } from "../store/store.ts";
import type { SettableField } from "../ticket.ts";
import { retryDelayMs } from "./backoff.ts";
import { modeOf, type ReconcileDeps } from "./deps.ts";
import { HISTORY_UNREADABLE } from "./look-back.ts";
import type { Next, Plain, Prepared } from "./prepare.ts";
import type { Lost } from "./recover.ts";
import type { Work } from "./work.ts";

/** The reason under which a ticket waits whose person's value could not be put back. */
export const OVERWROTE_PERSON = "overwrote_person";

/** What earlier writes leave to be done before anything new: what they took from people goes back first. */
export function nextOfDoubts(
  deps: ReconcileDeps,
  prepared: Prepared,
  { plain, entries, settle }: { plain: Plain; entries: Draft[]; settle: (rest: Partial<Settlement>) => Next },
): Next | undefined {
  const { claim, recovery, receipts, owedReceipts } = prepared;
  const { lost, ungiven, unread } = recovery;
  if (lost.length > 0 && modeOf(deps, claim.connection) === "act") {
    // Once it is done the ticket is looked at again, for all else that is to be done about it.
    const settlement = { ...plain, wakeAtMs: claim.claimedAtMs };
    return { kind: "write", work: { ...giveBackWork(deps, prepared, lost), entries, settlement } };
  }
  if (lost.length > 0) {
    const detail = lostText(
      lost.map(({ field }) => field),
      "the mode does not allow it to be put back",
    );
    return settle({ park: { reason: OVERWROTE_PERSON, detail } });
  }
  if (ungiven.length > 0) {
    const detail = lostText(ungiven, "could not be put back");
    return settle({ receipts, park: { reason: OVERWROTE_PERSON, detail } });
  }
  if (unread.length === 0) return undefined;
  // The history may be late with what we have just written.
  if (claim.attempts + 1 < deps.limits.attemptsMax)
    return { kind: "wait", ms: retryDelayMs(claim.attempts, undefined, deps.rng, deps.limits), counts: "attempt" };
  return settle({
    receipts: [...receipts, ...owedReceipts],
    park: { reason: HISTORY_UNREADABLE, detail: unreadText(unread) },
  });
}

/** A person who redrives the ticket says that nothing of theirs was lost. */
function unreadText(fields: readonly SettableField[]): string {
  return `${fields.join(", ")} was written by us, and the history does not show what stood there just before; give the integration account the right to read it, look whether somebody's edit was lost, then redrive`;
}

function lostText(fields: readonly SettableField[], why: string): string {
  return `${fields.join(", ")} was set by a person at the same moment, and ${why}; look at the ticket's history`;
}

/**
 * The write that puts people's values back, planned like any other: with an intent, a note, receipts, and a look into
 * the history afterwards, so that an edit at that very moment is found and given back in turn. The actions it undoes
 * stay open until it is done; a crash on the way leads here again.
 */
function giveBackWork(
  deps: ReconcileDeps,
  prepared: Prepared,
  lost: readonly Lost[],
): Omit<Work, "settlement" | "entries"> {
  const { ticket, decision, found, readAtMs } = prepared;
  const shared = { because: [GIVEN_BACK], decisionId: decision.id };
  const fields = lost.map(({ field, overwrite: { patch, value } }): FieldWrite => {
    const seen = Object.fromEntries(Object.keys(patch).map((path) => [path, readPath(found.record, path)]));
    return { actionId: deps.ids.short(), field, after: value, patch, seen };
  });
  const sets = fields.map(({ actionId, field, after }, index): Action => {
    return { id: actionId, kind: "set", field, before: lost[index]?.ours ?? null, after, marker: "", ...shared };
  });
  const noteId = deps.ids.short();
  const marker = markerOf(noteId);
  const names = lost.map(({ field }) => field);
  const write: Write = {
    ref: ticket.ref,
    recordType: found.recordType,
    revision: ticket.revision,
    readAtMs,
    fields,
    note: { actionId: noteId, marker, text: giveBackText(names, decision, marker) },
  };
  return {
    write,
    actions: [...sets, { id: noteId, kind: "note", field: "note", before: null, after: null, marker, ...shared }],
    // What is put back is not ours: nothing of it is remembered as our own value.
    changes: [],
    ...{ approvals: { asks: [], cancels: [], undos: [] }, asked: [], held: false, requester: ticket.requester.id },
    mode: modeOf(deps, prepared.claim.connection),
    earlier: prepared.receipts,
    owedReceipts: [],
    fields: prepared.planned.fields,
    givesBack: true,
  };
}
