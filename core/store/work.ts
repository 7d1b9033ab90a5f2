import { sql } from "kysely";
import { z } from "zod";
import { Action } from "../decision.ts";
import type { Draft } from "../ledger/entry.ts";
import type { StoreDriver } from "./driver.ts";
import { memoryOf } from "./rows.ts";
import type { ActionsTable } from "./schema.ts";
import { UNLOCATED } from "./signals.ts";
import type { Claim, OpenAction, Receipt, Settlement } from "./store.ts";
import { appendEntries, inTransaction, ledgerText, storable, type Trx } from "./transaction.ts";

const Because = z.array(z.string());

/** See `Store.claim`. A row whose lease ran out was in the hands of a worker that died: that counts as a try. */
export async function claimWork(driver: StoreDriver, owner: string, limit: number, leaseMs: number): Promise<Claim[]> {
  return inTransaction(driver, async (trx) => {
    const nowMs = await driver.nowMs(trx);
    let due = trx
      .selectFrom("work")
      .select("ticket")
      .where("parked_at", "is", null)
      .where("due_at", "<=", nowMs)
      .where((where) => where.or([where("lease_until", "is", null), where("lease_until", "<=", nowMs)]))
      .orderBy("due_at")
      .limit(limit);
    if (driver.skipLocked) due = due.forUpdate().skipLocked();
    const rows = await trx
      .updateTable("work")
      .set({
        attempts: sql`case when lease_until is null then attempts else attempts + 1 end`,
        lease_until: nowMs + leaseMs,
        lease_owner: owner,
        fence: sql`fence + 1`,
      })
      .where("ticket", "in", due)
      .returning([
        "ticket",
        "connection",
        "type",
        "record_id",
        "record_key",
        "due_at",
        "generation",
        "fence",
        "attempts",
        "outages",
      ])
      .execute();
    if (rows.length === 0) return [];
    // Neither database gives rows back in the order in which they were chosen.
    rows.sort((a, b) => Number(a.due_at) - Number(b.due_at));
    const tickets = rows.map((row) => row.ticket);
    const memories = new Map(
      (await trx.selectFrom("tickets").selectAll().where("ticket", "in", tickets).execute()).map((row) => [
        row.ticket,
        row,
      ]),
    );
    const open = await trx
      .selectFrom("actions")
      .selectAll()
      .where("state", "=", "open")
      .where("ticket", "in", tickets)
      .orderBy("intent_at")
      .execute();
    return rows.map((row) => {
      const memory = memories.get(row.ticket);
      return {
        ticket: row.ticket,
        connection: row.connection,
        type: row.type,
        recordId: row.record_id,
        recordKey: row.record_key,
        generation: row.generation,
        fence: row.fence,
        attempts: row.attempts,
        outages: row.outages,
        claimedAtMs: nowMs,
        memory: memory && memoryOf(memory),
        open: open.filter((action) => action.ticket === row.ticket).map(openAction),
      };
    });
  });
}

/** Leases that a worker of this process left behind: with a store of one process, at its start, all of them. */
export async function releaseAllLeases(driver: StoreDriver): Promise<void> {
  await inTransaction(driver, async (trx) => {
    await trx
      .updateTable("work")
      .set({ lease_until: null, lease_owner: null, attempts: sql`attempts + 1` })
      .where("lease_until", "is not", null)
      .execute();
  });
}

/** See `Store.nextDueMs`. */
export async function nextDueMs(driver: StoreDriver): Promise<number | undefined> {
  const row = await driver.db
    .selectFrom("work")
    .select((select) => select.fn.min("due_at").as("due"))
    .where("parked_at", "is", null)
    .where("due_at", "is not", null)
    .where("lease_until", "is", null)
    .executeTakeFirst();
  if (row?.due === null || row?.due === undefined) return undefined;
  return Math.max(0, Number(row.due) - (await driver.nowMs(driver.db)));
}

/** See `Store.intend`. */
export async function recordIntents(
  driver: StoreDriver,
  claim: Claim,
  actions: readonly Action[],
  entries: readonly Draft[],
): Promise<boolean> {
  return withFence(driver, claim, async (trx) => {
    const nowMs = await driver.nowMs(trx);
    const rows = actions.map((action) => ({
      id: action.id,
      ticket: claim.ticket,
      decision_id: action.decisionId,
      kind: action.kind,
      field: action.field,
      before: JSON.stringify(action.before),
      after: JSON.stringify(action.after),
      because: JSON.stringify(action.because),
      marker: action.marker,
      state: "open" as const,
      intent_at: nowMs,
      receipt_at: null,
      detail: "",
    }));
    if (rows.length > 0) await trx.insertInto("actions").values(rows).execute();
    const intents: Draft[] = actions.map((action) => ({ kind: "action", ticket: claim.ticket, body: action }));
    await appendEntries(driver, trx, [...entries, ...intents]);
  });
}

/** See `Store.receive`. */
export async function recordReceipts(
  driver: StoreDriver,
  claim: Claim,
  receipts: readonly Receipt[],
): Promise<boolean> {
  return withFence(driver, claim, async (trx) => {
    await appendEntries(driver, trx, await closeActions(driver, trx, claim, receipts));
  });
}

/** Closes open actions. Answers the entries that tell of it. */
async function closeActions(
  driver: StoreDriver,
  trx: Trx,
  claim: Claim,
  receipts: readonly Receipt[],
): Promise<Draft[]> {
  if (receipts.length === 0) return [];
  const nowMs = await driver.nowMs(trx);
  for (const { actionId, outcome, detail } of receipts) {
    await trx
      .updateTable("actions")
      .set({ state: outcome, receipt_at: nowMs, detail: storable(detail) })
      .where("id", "=", actionId)
      .where("state", "=", "open")
      .execute();
  }
  return receipts.map(({ actionId, outcome, detail }): Draft => {
    return { kind: "receipt", ticket: claim.ticket, body: { actionId, outcome, detail: ledgerText(detail) } };
  });
}

/** See `Store.doubt`. */
export async function doubtActions(driver: StoreDriver, claim: Claim): Promise<boolean> {
  return withFence(driver, claim, async (trx) => {
    const intent_at = await driver.nowMs(trx);
    await trx
      .updateTable("actions")
      .set({ intent_at })
      .where("ticket", "=", claim.ticket)
      .where("state", "=", "open")
      .execute();
  });
}

/** See `Store.settle`. */
export async function settleWork(
  driver: StoreDriver,
  claim: Claim,
  settlement: Settlement,
  restMs = 0,
): Promise<boolean> {
  return withFence(driver, claim, async (trx) => {
    const receipts = await closeActions(driver, trx, claim, settlement.receipts ?? []);
    await rememberTicket(driver, trx, claim, settlement);
    await trx
      .updateTable("work")
      .set({ record_key: settlement.recordKey })
      .where("ticket", "=", claim.ticket)
      .execute();
    const parked = settlement.park && (await parkRow(driver, trx, claim, settlement.park));
    if (!parked)
      await trx
        .updateTable("work")
        .set(endOfClaim(claim, settlement.wakeAtMs, (await driver.nowMs(trx)) + restMs))
        .where("ticket", "=", claim.ticket)
        .execute();
    const parkedDrafts = settlement.park && parked ? [parkedDraft(claim, settlement.park)] : [];
    const drafts = [...receipts, ...settlement.entries, ...parkedDrafts];
    if (drafts.length > 0) await appendEntries(driver, trx, drafts);
  });
}

async function rememberTicket(driver: StoreDriver, trx: Trx, claim: Claim, settlement: Settlement): Promise<void> {
  const { recordKey, revision, decided, fields, wakeAtMs } = settlement;
  const seen = {
    record_key: recordKey,
    revision,
    fields: JSON.stringify(fields),
    wake_at: wakeAtMs,
    settled_at: await driver.nowMs(trx),
  };
  if (!decided) {
    await trx.updateTable("tickets").set(seen).where("ticket", "=", claim.ticket).execute();
    return;
  }
  const { decision, outcomeDigest } = decided;
  const remembered = {
    ...seen,
    decision_id: decision.id,
    outcome_digest: outcomeDigest,
    decision: JSON.stringify(decision),
  };
  await trx
    .insertInto("tickets")
    .values({
      ticket: claim.ticket,
      connection: claim.connection,
      type: claim.type,
      record_id: claim.recordId,
      gates: "[]",
      ...remembered,
    })
    .onConflict((conflict) => conflict.column("ticket").doUpdateSet(remembered))
    .execute();
}

/** See `Store.finish`. */
export async function finishWork(driver: StoreDriver, claim: Claim, restMs = 0): Promise<boolean> {
  return withFence(driver, claim, async (trx) => {
    await trx
      .updateTable("work")
      .set(endOfClaim(claim, null, (await driver.nowMs(trx)) + restMs))
      .where("ticket", "=", claim.ticket)
      .execute();
  });
}

/** See `Store.retry`. */
export async function retryWork(
  driver: StoreDriver,
  claim: Claim,
  delayMs: number,
  counts: "attempt" | "outage" | "neither",
): Promise<boolean> {
  return withFence(driver, claim, async (trx) => {
    const nowMs = await driver.nowMs(trx);
    await trx
      .updateTable("work")
      .set({
        due_at: nowMs + delayMs,
        // A hint must not cut the back-off short, or a busy ticket of a system that is down burns all its tries.
        rest_until: nowMs + delayMs,
        lease_until: null,
        lease_owner: null,
        attempts: counts === "attempt" ? claim.attempts + 1 : claim.attempts,
        outages: counts === "outage" ? claim.outages + 1 : claim.outages,
      })
      .where("ticket", "=", claim.ticket)
      .execute();
  });
}

/** See `Store.park`. A hint that came while the ticket was in work keeps it due instead. */
export async function parkWork(driver: StoreDriver, claim: Claim, reason: string, detail: string): Promise<boolean> {
  return withFence(driver, claim, async (trx) => {
    const parked = await parkRow(driver, trx, claim, { reason, detail });
    if (parked) await appendEntries(driver, trx, [parkedDraft(claim, { reason, detail })]);
    else
      await trx
        .updateTable("work")
        .set({ lease_until: null, lease_owner: null })
        .where("ticket", "=", claim.ticket)
        .execute();
  });
}

/** Parks the row unless hints came meanwhile. Answers whether it is parked now. */
async function parkRow(
  driver: StoreDriver,
  trx: Trx,
  claim: Claim,
  why: { reason: string; detail: string },
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable("work")
    .set({
      due_at: null,
      lease_until: null,
      lease_owner: null,
      parked_at: await driver.nowMs(trx),
      parked_reason: why.reason,
      parked_detail: storable(why.detail),
    })
    .where("ticket", "=", claim.ticket)
    .where("generation", "=", claim.generation)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

function parkedDraft(claim: Claim, { reason, detail }: { reason: string; detail: string }): Draft {
  return { kind: "parked", ticket: claim.ticket, body: { reason, detail: ledgerText(detail) } };
}

/** See `Store.release`. */
export async function releaseClaims(driver: StoreDriver, claims: readonly Claim[]): Promise<number> {
  return inTransaction(driver, async (trx) => {
    let released = 0;
    // In the order in which intake takes them, so that the two cannot wait for each other.
    for (const claim of claims.toSorted((a, b) => (a.ticket < b.ticket ? -1 : 1))) {
      const { numUpdatedRows } = await trx
        .updateTable("work")
        .set({ lease_until: null, lease_owner: null })
        .where("ticket", "=", claim.ticket)
        .where("fence", "=", claim.fence)
        .where("lease_until", "is not", null)
        .executeTakeFirstOrThrow();
      released += Number(numUpdatedRows);
    }
    return released;
  });
}

/** See `Store.redrive`. */
export async function redriveWork(driver: StoreDriver, connection: string, key: string, by: string): Promise<boolean> {
  return inTransaction(driver, async (trx) => {
    const nowMs = await driver.nowMs(trx);
    const rows = await trx
      .updateTable("work")
      .set({
        due_at: nowMs,
        generation: sql`generation + 1`,
        rest_until: null,
        attempts: 0,
        outages: 0,
        parked_at: null,
        parked_reason: null,
        parked_detail: null,
      })
      .where("connection", "=", connection)
      .where("parked_at", "is not", null)
      .where("type", "!=", UNLOCATED)
      .where((where) => where.or([where("record_key", "=", key), where("record_id", "=", key)]))
      .returning("ticket")
      .execute();
    await appendEntries(
      driver,
      trx,
      rows.map(({ ticket }): Draft => ({ kind: "redrive", ticket, body: { by } })),
    );
    return rows.length > 0;
  });
}

/** Runs `work` only while the claim is still ours; a stale fence changes nothing and answers false. */
async function withFence(driver: StoreDriver, claim: Claim, work: (trx: Trx) => Promise<void>): Promise<boolean> {
  return inTransaction(driver, async (trx) => {
    let held = trx
      .selectFrom("work")
      .select("fence")
      .where("ticket", "=", claim.ticket)
      .where("fence", "=", claim.fence)
      .where("lease_until", "is not", null);
    if (driver.skipLocked) held = held.forUpdate();
    if ((await held.executeTakeFirst()) === undefined) return false;
    await work(trx);
    return true;
  });
}

/** A claim's end. Hints that came meanwhile keep the row due, after a rest. */
function endOfClaim(claim: Claim, wakeAtMs: number | null, restUntilMs: number) {
  return {
    due_at: sql<number | null>`case
      when generation = ${claim.generation} then ${wakeAtMs}
      when due_at > ${restUntilMs} then due_at
      else ${restUntilMs} end`,
    rest_until: restUntilMs,
    lease_until: null,
    lease_owner: null,
    attempts: 0,
    outages: 0,
  };
}

function openAction(row: ActionsTable): OpenAction {
  return { ...actionOf(row), intentAtMs: row.intent_at };
}

/** A row of `actions` as the action it records. */
export function actionOf(row: ActionsTable): Action {
  return Action.parse({
    id: row.id,
    kind: row.kind,
    field: row.field,
    before: row.before === null ? null : JSON.parse(row.before),
    after: row.after === null ? null : JSON.parse(row.after),
    because: Because.parse(JSON.parse(row.because)),
    decisionId: row.decision_id,
    marker: row.marker,
  });
}
