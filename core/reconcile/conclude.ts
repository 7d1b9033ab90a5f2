import { afterWrites, type FieldChange } from "../act/plan.ts";
import { ConnectorError, describeError } from "../errors.ts";
import type { GateMemory } from "../gates/gate.ts";
import type { FieldWrite, MarkerQuery, Write, WriteResult } from "../ports.ts";
import type { Claim, Receipt, ReceiptOutcome } from "../store/store.ts";
import type { Desk, ReconcileDeps } from "./deps.ts";
import { handleFailure, isolated, tryAgain } from "./failure.ts";
import { askedDraft } from "./gate-entries.ts";
import { OVERWROTE_PERSON } from "./give-back.ts";
import { type EditsBetween, editsBetween, HISTORY_UNREADABLE } from "./look-back.ts";

import type { MarkerState } from "./recover.ts";
import { endsAfter } from "./take-back.ts";
import type { Work } from "./work.ts";

/** A write that the vendor accepted. */
export interface Written {
  claim: Claim;
  work: Work;
  result: WriteResult;
}

/** Reads the notes back in bulk, then records receipts and ends the claims. */
export async function conclude(deps: ReconcileDeps, desk: Desk, written: readonly Written[]): Promise<void> {
  const doubtful = written.flatMap(({ work, result }) => queriesFor(work, result));
  let markers = new Map<string, MarkerState>();
  if (doubtful.length > 0) {
    try {
      markers = await desk.connector.confirm(doubtful);
    } catch (error) {
      // The vendor accepted the notes; not being able to read them back now is no reason to write them again.
      deps.log.warn("notes could not be read back", {
        connection: desk.connector.connection,
        notes: doubtful.length,
        error: error instanceof ConnectorError ? error.kind : "internal",
      });
    }
  }
  const edits = await editsOf(deps, desk, written);
  const ends = written.map((done) => isolated(deps, done.claim, () => concludeOne(deps, done, { markers, edits })));
  await Promise.all(ends);
}

/** `edits` is the failure where the history could not be asked. */
interface Findings {
  markers: ReadonlyMap<string, MarkerState>;
  edits: EditsBetween | { failed: unknown };
}

async function concludeOne(deps: ReconcileDeps, { claim, work, result }: Written, findings: Findings): Promise<void> {
  const receipts = work.actions.map((action) => receiptFor(action.id, action.marker, result, findings.markers));
  const dropped = receipts.filter(({ outcome }) => outcome === "dropped");
  if (result.raced && (await isUnclear(deps, { claim, work, result }, findings.edits, dropped))) return;
  const noteId = work.write.note?.actionId;
  const told = receipts.some(({ actionId, outcome }) => actionId === noteId && outcome !== "dropped");
  const applied = work.changes.filter((_, index) => receipts[index]?.outcome === "applied");
  const held: FieldChange[] = work.held ? [{ field: "onHold", before: "false", after: "true" }] : [];
  const fields = afterWrites(work.fields, [...applied, ...held], deps.clock.now());
  const detail = dropped
    .map((receipt) => receipt.detail)
    .join("; ")
    .slice(0, 400);
  const park = dropped.length > 0 ? { reason: work.givesBack ? OVERWROTE_PERSON : "dropped", detail } : undefined;
  const closed = [...work.earlier, ...receipts, ...(told ? work.owedReceipts : [])];
  const settlement = {
    ...work.settlement,
    ...(work.asked.length > 0 && { gates: withAsked(work) }),
    ...(work.gates && { gates: work.gates }),
    ...(work.revokes && { revoked: endsAfter(work.revokes, receipts) }),
    ...(told && work.suggests !== undefined && { suggestedDigest: work.suggests }),
    fields,
    receipts: closed,
    entries: work.asked.map((memory) => askedDraft(claim.ticket, memory, work.requester)),
    ...(park && { park }),
  };
  const settled = await deps.store.settle(claim, settlement, deps.limits.restMs);
  if (settled) await deps.watch?.look(settlement.outcomes ?? []);
  if (settled && work.givesBack) countGivenBack(deps, claim, work, receipts);
}

/** A round that was asked takes the place of the one before it. */
function withAsked({ settlement, asked }: Work): GateMemory[] {
  const rules = new Set(asked.map(({ rule }) => rule));
  return [...(settlement.gates ?? []).filter(({ rule }) => !rules.has(rule)), ...asked];
}

function countGivenBack({ meter }: ReconcileDeps, { connection }: Claim, work: Work, receipts: Receipt[]): void {
  const sets = new Set(work.write.fields.map(({ actionId }) => actionId));
  const given = receipts.filter(({ actionId, outcome }) => sets.has(actionId) && outcome === "applied").length;
  if (given > 0) meter.count("interlock_given_back_total", { connection }, given);
}

/**
 * A write that may have replaced a person's edit is not concluded here: its actions stay open, and the next look at the
 * ticket asks the history and puts back, as it does after a crash. Answers whether the claim was ended so.
 */
async function isUnclear(
  deps: ReconcileDeps,
  { claim, work, result }: Written,
  edits: Findings["edits"],
  dropped: readonly Receipt[],
): Promise<boolean> {
  const asked = askedFields(work, result).map(({ actionId }) => actionId);
  if (asked.length === 0) return false;
  const failed = "failed" in edits;
  const found = !failed && asked.some((id) => edits.found.has(id));
  if (!failed && !found && !asked.some((id) => edits.unknown.has(id))) return false;
  if (dropped.length > 0) await deps.store.receive(claim, dropped);
  if (failed) {
    await handleFailure(deps, claim, edits.failed, HISTORY_UNREADABLE);
    return true;
  }
  deps.meter.count("interlock_overwrites_total", { connection: claim.connection, known: String(found) });
  deps.log.info("a person may have edited a ticket at the moment of our write; its history decides", {
    ticket: claim.ticket,
    known: found,
  });
  const detail = "edited by others at the moment of our write; look at the ticket's history";
  const reason = found ? OVERWROTE_PERSON : HISTORY_UNREADABLE;
  await tryAgain(deps, claim, { counts: "attempt", reason, detail });
  return true;
}

/** The fields of a write whose history must be asked: what the vendor dropped has replaced nothing. */
function askedFields({ write }: Work, result: WriteResult): FieldWrite[] {
  return result.raced ? write.fields.filter(({ actionId }) => result.applied.includes(actionId)) : [];
}

async function editsOf(deps: ReconcileDeps, desk: Desk, written: readonly Written[]): Promise<Findings["edits"]> {
  const writes = written
    .map(({ work, result }): Write => ({ ...work.write, fields: askedFields(work, result) }))
    .filter(({ fields }) => fields.length > 0);
  try {
    return await editsBetween(desk.connector, writes);
  } catch (failed) {
    const fields = { connection: desk.connector.connection, writes: writes.length, error: describeError(failed) };
    deps.log.warn("edits at the same moment could not be looked for", fields);
    return { failed };
  }
}

function receiptFor(
  actionId: string,
  marker: string,
  result: WriteResult,
  markers: ReadonlyMap<string, MarkerState>,
): Receipt {
  const dropped = result.dropped.find((drop) => drop.actionId === actionId);
  const outcome = (kind: ReceiptOutcome, detail: string): Receipt => ({ actionId, outcome: kind, detail });
  if (dropped) return outcome("dropped", dropped.reason);
  if (result.applied.includes(actionId)) return outcome("applied", "");
  const state = markers.get(marker);
  if (state === "present") return outcome("applied", "read back");
  if (state === "absent")
    return outcome(
      "dropped",
      "the note was accepted but does not stand in the journal: check the write rule of work_notes",
    );
  return outcome("unconfirmed", "accepted, but the journal cannot be read");
}

function queriesFor(work: Work, result: WriteResult): MarkerQuery[] {
  const note = work.write.note;
  return note && result.unconfirmed.includes(note.actionId) ? [{ ref: work.write.ref, marker: note.marker }] : [];
}
