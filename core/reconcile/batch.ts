import type PQueue from "p-queue";
import { afterWrites, ownedByPeople } from "../act/plan.ts";
import { ConnectorError } from "../errors.ts";
import type { MarkerQuery, ReadOutcome, WriteResult } from "../ports.ts";
import type { Claim, Receipt, ReceiptOutcome } from "../store/store.ts";
import type { SettableField } from "../ticket.ts";
import type { Desk, ReconcileDeps } from "./deps.ts";
import { handleFailure } from "./failure.ts";
import { type EditsBetween, editsBetween, giveBack } from "./give-back.ts";
import { type Next, prepare, type Work } from "./prepare.ts";
import type { MarkerState } from "./recover.ts";

/** A write that the vendor accepted. */
export interface Written {
  claim: Claim;
  work: Work;
  result: WriteResult;
}

/** Shared by all batches of a loop. */
export interface Acting {
  queue: PQueue;
  /** True once the process is stopping: what has not begun is given back. */
  stopping: () => boolean;
}

/**
 * Takes claims of one connection and record type, at most `readMax` of them, through read, decide, act and remember.
 * Whatever fails for one ticket is that ticket's own affair; the others go on.
 */
export async function reconcileBatch(
  deps: ReconcileDeps,
  desk: Desk,
  claims: readonly Claim[],
  acting: Acting,
): Promise<void> {
  const first = claims[0];
  if (!first) return;
  if (acting.stopping()) {
    await deps.store.release(claims);
    return;
  }
  const readAtMs = deps.clock.now();
  let outcomes: Map<string, ReadOutcome>;
  let markers: ReadonlyMap<string, MarkerState>;
  try {
    outcomes = new Map(
      (
        await desk.connector.read(
          first.type,
          claims.map(({ recordId }) => recordId),
        )
      ).map((outcome) => [outcome.id, outcome]),
    );
    markers = await openMarkers(desk, claims, outcomes);
  } catch (error) {
    await each(claims, (claim) => handleFailure(deps, claim, error));
    return;
  }
  const written: Written[] = [];
  await each(claims, async (claim) => {
    deps.meter.count("interlock_reconciles_total", { connection: claim.connection });
    await isolated(deps, claim, async () => {
      const next = nextFor(deps, desk, claim, outcomes.get(claim.recordId), { readAtMs, markers });
      const work = await carryOut(deps, claim, next);
      if (!work) return;
      const result = await acting.queue.add(() => write(deps, desk, claim, work, acting));
      if (result) written.push({ claim, work, result });
    });
  });
  await conclude(deps, desk, written);
}

function nextFor(
  deps: ReconcileDeps,
  desk: Desk,
  claim: Claim,
  outcome: ReadOutcome | undefined,
  read: { readAtMs: number; markers: ReadonlyMap<string, MarkerState> },
): Next {
  if (claim.attempts >= deps.limits.attemptsMax) {
    return {
      kind: "park",
      reason: "crashing",
      detail: `${claim.attempts} tries ended with the worker's death or a fault; look at the log, then redrive`,
    };
  }
  if (!outcome?.found) {
    return { kind: "park", reason: "not_found", detail: "no such record, or the integration account may not read it" };
  }
  return prepare(deps, claim, outcome, desk.mappings.get(outcome.recordType), read);
}

/** Records everything that needs no call. Answers the work that does. */
async function carryOut(deps: ReconcileDeps, claim: Claim, next: Next): Promise<Work | undefined> {
  const { store, log } = deps;
  if (next.kind === "park") {
    log.warn("a ticket is parked", { ticket: claim.ticket, reason: next.reason });
    await store.park(claim, next.reason, next.detail);
    return undefined;
  }
  if (next.kind === "ignore") {
    deps.meter.count("interlock_unmapped_total", { connection: claim.connection });
    await store.finish(claim, deps.limits.restMs);
    return undefined;
  }
  if (next.kind === "wait") {
    await store.retry(claim, next.ms, "neither");
    return undefined;
  }
  if (next.kind === "settle") {
    const settled = await store.settle(claim, next.settlement, deps.limits.restMs);
    if (settled && next.settlement.park)
      log.warn("a ticket is parked", { ticket: claim.ticket, reason: next.settlement.park.reason });
    return undefined;
  }
  return next.work;
}

/** Intent, then effect. Answers undefined where the claim was lost or the process is stopping. */
async function write(
  deps: ReconcileDeps,
  desk: Desk,
  claim: Claim,
  work: Work,
  acting: Acting,
): Promise<WriteResult | undefined> {
  // What was planned under another mode is planned again.
  if (acting.stopping() || deps.mode() !== work.mode) {
    await deps.store.release([claim]);
    return undefined;
  }
  if (!(await deps.store.intend(claim, work.actions, work.entries))) {
    deps.log.info("a claim was lost before its write; the new holder goes on", { ticket: claim.ticket });
    return undefined;
  }
  try {
    const result = await desk.connector.write(work.write);
    deps.meter.count("interlock_writes_total", { connection: claim.connection });
    return result;
  } catch (error) {
    await recordFailedWrite(deps, claim, work, error);
    throw error;
  }
}

/** Writes that certainly did not happen are closed; the rest stay open, to be read back before anything is tried again. */
async function recordFailedWrite(deps: ReconcileDeps, claim: Claim, work: Work, error: unknown): Promise<void> {
  if (!(error instanceof ConnectorError) || error.outcome === "unknown") {
    await deps.store.doubt(claim);
    return;
  }
  const undone = work.actions.filter(({ id }) => !error.applied.includes(id));
  await deps.store.receive(
    claim,
    undone.map(({ id }): Receipt => ({ actionId: id, outcome: "abandoned", detail: `refused: ${error.kind}` })),
  );
}

/** Reads the notes back in bulk, then records receipts and ends the claims. */
async function conclude(deps: ReconcileDeps, desk: Desk, written: readonly Written[]): Promise<void> {
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
  const overwrites = await editsBetween(deps, desk, written);
  await each(written, (done) =>
    isolated(deps, done.claim, () => concludeOne(deps, desk, done, { markers, overwrites })),
  );
}

interface Findings {
  markers: ReadonlyMap<string, MarkerState>;
  overwrites: EditsBetween;
}

async function concludeOne(
  deps: ReconcileDeps,
  desk: Desk,
  { claim, work, result }: Written,
  { markers, overwrites }: Findings,
): Promise<void> {
  const receipts = work.actions.map((action) => receiptFor(action.id, action.marker, result, markers));
  for (const receipt of receipts) {
    if (overwrites.unknown.has(receipt.actionId))
      receipt.detail = "edited by others at the same moment; the history cannot be read";
  }
  const noteId = work.write.note?.actionId;
  const told = receipts.some(({ actionId, outcome }) => actionId === noteId && outcome !== "dropped");
  const dropped = receipts.filter(({ outcome }) => outcome === "dropped");
  const applied = work.changes.filter((_, index) => receipts[index]?.outcome === "applied");
  let fields = afterWrites(work.fields, applied, deps.clock.now());
  const droppedText = dropped
    .map(({ detail }) => detail)
    .join("; ")
    .slice(0, 400);
  let park = dropped.length > 0 ? { reason: "dropped", detail: droppedText } : undefined;
  const overwritten = work.write.fields
    .filter(({ actionId }) => overwrites.found.has(actionId))
    .map(({ field }) => field);
  if (overwritten.length > 0) {
    const given = await giveBack(deps, desk, { claim, work, found: overwrites.found });
    fields = ownedByPeople(fields, overwritten);
    if (!given) park = { reason: "overwrote_person", detail: lostText(overwritten) };
  }
  const closed = [...work.earlier, ...receipts, ...(told ? work.owedReceipts : [])];
  const settlement = { ...work.settlement, fields, receipts: closed, entries: [], ...(park && { park }) };
  await deps.store.settle(claim, settlement, deps.limits.restMs);
}

function lostText(fields: readonly SettableField[]): string {
  return `${fields.join(", ")} was set by a person at the same moment and could not be put back; look at the ticket's history`;
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

async function openMarkers(
  desk: Desk,
  claims: readonly Claim[],
  outcomes: ReadonlyMap<string, ReadOutcome>,
): Promise<ReadonlyMap<string, MarkerState>> {
  const queries = claims.flatMap((claim): MarkerQuery[] => {
    const outcome = outcomes.get(claim.recordId);
    if (!outcome?.found) return [];
    const ref = { connection: claim.connection, type: claim.type, id: claim.recordId, key: outcome.key };
    return claim.open.filter(({ kind }) => kind === "note").map(({ marker }) => ({ ref, marker }));
  });
  return queries.length > 0 ? desk.connector.confirm(queries) : new Map();
}

async function isolated(deps: ReconcileDeps, claim: Claim, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    try {
      await handleFailure(deps, claim, error);
    } catch (second) {
      // The store would not even take the failure: the lease runs out by itself.
      deps.log.error("a failure could not be recorded", {
        ticket: claim.ticket,
        error: second instanceof Error ? second.name : "unknown",
      });
    }
  }
}

async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  await Promise.all(items.map(work));
}
