import { sql } from "kysely";
import { sha256Hex } from "../canonical.ts";
import type { Draft } from "../ledger/entry.ts";
import { ticketId } from "../ticket.ts";
import type { StoreDriver } from "./driver.ts";
import type { NewSignal } from "./store.ts";
import { appendEntries, inChunks, inTransaction, ledgerText, storable, type Trx } from "./transaction.ts";

/** Record type under which deliveries that point at nothing are parked. */
export const UNLOCATED = "unlocated";

/** See `Store.accept`. */
export async function acceptSignals(
  driver: StoreDriver,
  signals: readonly NewSignal[],
  settleMs: number,
): Promise<("accepted" | "duplicate")[]> {
  if (signals.length === 0) return [];
  return inTransaction(driver, async (trx) => {
    await driver.lockIntake(trx);
    const nowMs = await driver.nowMs(trx);
    const fresh = await insertFresh(driver, trx, signals);
    const accepted = signals.filter((_, index) => fresh.has(index));
    await makeDue(driver, trx, accepted, nowMs + settleMs);
    await parkUnlocated(trx, accepted, nowMs);
    await appendEntries(driver, trx, accepted.flatMap(draftsOf));
    return signals.map((_, index) => (fresh.has(index) ? "accepted" : "duplicate"));
  });
}

/** See `Store.forgetSignals`. */
export async function forgetSignals(driver: StoreDriver, beforeMs: number, limit: number): Promise<number> {
  return inTransaction(driver, async (trx) => {
    // Ids rise with time, so the oldest are the first: no index on the hour is needed, and no scan.
    const oldest = trx.selectFrom("signals").select("id").orderBy("id").limit(limit);
    const { numDeletedRows } = await trx
      .deleteFrom("signals")
      .where("id", "in", oldest)
      .where("received_at", "<", beforeMs)
      .executeTakeFirstOrThrow();
    return Number(numDeletedRows);
  });
}

/** In the order of the INSERT. */
const SIGNAL_COLUMNS = {
  connection: "text",
  delivery_id: "text",
  body_digest: "text",
  ticket: "text",
  cause: "text",
  received_at: "bigint",
} as const;

/** Inserts what has not been seen by delivery id or by body. Answers the positions of the new ones. */
async function insertFresh(driver: StoreDriver, trx: Trx, signals: readonly NewSignal[]): Promise<Set<number>> {
  const rows = signals.map((signal) => ({
    connection: signal.connection,
    delivery_id: signal.deliveryId,
    body_digest: signal.bodyDigest,
    ticket: ticketOf(signal),
    cause: signal.cause,
    received_at: signal.receivedAtMs,
  }));
  // Rows come back without their position; every new one stands for the first signal that it equals.
  const waiting = new Map<string, number>();
  const inserted = await driver.writeRows(trx, SIGNAL_COLUMNS, rows, (table) =>
    trx
      .insertInto("signals")
      .columns(["connection", "delivery_id", "body_digest", "ticket", "cause", "received_at"])
      .expression(sql`select * from ${table} as fresh where true`)
      .onConflict((conflict) => conflict.doNothing())
      .returning(["connection", "delivery_id", "body_digest", "ticket"]),
  );
  for (const row of inserted) {
    const key = rowKey(row.connection, row.delivery_id, row.body_digest, row.ticket);
    waiting.set(key, (waiting.get(key) ?? 0) + 1);
  }
  const fresh = new Set<number>();
  rows.forEach((row, index) => {
    const key = rowKey(row.connection, row.delivery_id, row.body_digest, row.ticket);
    const left = waiting.get(key) ?? 0;
    if (left === 0) return;
    waiting.set(key, left - 1);
    fresh.add(index);
  });
  return fresh;
}

function rowKey(...parts: (string | null)[]): string {
  return JSON.stringify(parts);
}

function ticketOf(signal: NewSignal): string | null {
  const { target, connection } = signal;
  if (target === null) return null;
  if ("unlocated" in target) return ticketId({ connection, type: UNLOCATED, id: unlocatedId(target.unlocated) });
  return ticketId({ connection, type: target.type, id: target.recordId });
}

/** One row for each way in which a connection's deliveries point at nothing, not one for each delivery. */
function unlocatedId(reason: string): string {
  return sha256Hex(reason).slice(0, 16);
}

/** In the order of the INSERT. */
const HINT_COLUMNS = {
  ticket: "text",
  connection: "text",
  type: "text",
  record_id: "text",
  record_key: "text",
  generation: "bigint",
} as const;

interface Hint {
  connection: string;
  type: string;
  recordId: string;
  recordKey: string | null;
  count: number;
}

/** One row per ticket, however many hints: the earliest due time stands, and every hint raises the generation. */
async function makeDue(driver: StoreDriver, trx: Trx, signals: readonly NewSignal[], dueAtMs: number): Promise<void> {
  const hints = new Map<string, Hint>();
  for (const { connection, target } of signals) {
    if (target === null || "unlocated" in target) continue;
    const ticket = ticketId({ connection, type: target.type, id: target.recordId });
    const before = hints.get(ticket);
    const recordKey = target.recordKey ?? before?.recordKey ?? null;
    hints.set(ticket, {
      connection,
      type: target.type,
      recordId: target.recordId,
      recordKey,
      count: (before?.count ?? 0) + 1,
    });
  }
  if (hints.size === 0) return;
  // In one order everywhere, so that two workers' batches cannot wait for each other.
  const ordered = [...hints].sort(([a], [b]) => (a < b ? -1 : 1));
  const rows = ordered.map(([ticket, { connection, type, recordId, recordKey, count }]) => {
    return { ticket, connection, type, record_id: recordId, record_key: recordKey, generation: count };
  });
  await driver.writeRows(trx, HINT_COLUMNS, rows, (table) =>
    trx
      .insertInto("work")
      .columns([
        "ticket",
        "connection",
        "type",
        "record_id",
        "record_key",
        "generation",
        "due_at",
        "fence",
        "attempts",
        "outages",
      ])
      .expression(sql`select hints.*, cast(${dueAtMs} as bigint), 0, 0, 0 from ${table} as hints where true`)
      .onConflict((conflict) =>
        conflict.column("ticket").doUpdateSet({
          generation: sql`work.generation + excluded.generation`,
          // A rest holds the hint back, but never what was due before it ends: a hint must not put a wake hour off.
          due_at: sql`case
          when work.due_at <= excluded.due_at or work.due_at <= work.rest_until then work.due_at
          when work.rest_until > excluded.due_at then work.rest_until
          else excluded.due_at end`,
          record_key: sql`coalesce(excluded.record_key, work.record_key)`,
          // News of a parked ticket may be what it was waiting for.
          attempts: sql`case when work.parked_at is null then work.attempts else 0 end`,
          outages: sql`case when work.parked_at is null then work.outages else 0 end`,
          parked_at: null,
          parked_reason: sql`case when work.parked_at is null then work.parked_reason end`,
          parked_detail: sql`case when work.parked_at is null then work.parked_detail end`,
        }),
      ),
  );
}

/** A delivery that points at no record is kept where people look for trouble, instead of being an error to its sender. */
async function parkUnlocated(trx: Trx, signals: readonly NewSignal[], nowMs: number): Promise<void> {
  const rows = signals.flatMap((signal) => {
    if (signal.target === null || !("unlocated" in signal.target)) return [];
    const id = unlocatedId(signal.target.unlocated);
    return {
      ticket: ticketId({ connection: signal.connection, type: UNLOCATED, id }),
      connection: signal.connection,
      type: UNLOCATED,
      record_id: id,
      record_key: id,
      due_at: null,
      rest_until: null,
      generation: 1,
      lease_until: null,
      lease_owner: null,
      fence: 0,
      attempts: 0,
      outages: 0,
      parked_at: nowMs,
      parked_reason: UNLOCATED,
      parked_detail: storable(signal.target.unlocated),
    };
  });
  for (const chunk of inChunks(rows))
    await trx
      .insertInto("work")
      .values(chunk)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
}

function draftsOf(signal: NewSignal): Draft[] {
  const ticket = ticketOf(signal);
  const { connection, cause, deliveryId, bodyDigest, target } = signal;
  const drafts: Draft[] = [{ kind: "signal", ticket, body: { connection, cause, deliveryId, bodyDigest } }];
  if (target !== null && "unlocated" in target)
    drafts.push({ kind: "parked", ticket, body: { reason: UNLOCATED, detail: ledgerText(target.unlocated) } });
  return drafts;
}
