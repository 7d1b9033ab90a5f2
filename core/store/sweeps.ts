import { type Selectable, sql } from "kysely";
import type { StoreDriver } from "./driver.ts";
import type { SweptTable, WorkTable } from "./schema.ts";
import type { Sighting, SweepMark, SweptChange, SweptRecord } from "./store.ts";
import { guarded, inChunks, inTransaction } from "./transaction.ts";

/** Before a record type's name in `watermarks`, where other marks of a connection stand too. */
export const SWEEP_MARK = "sweep:";

/** So far apart the clocks of two well-kept machines may be; the vendors' times are rounded down to a second besides. */
export const CLOCKS_APART_MS = 2_000;
/** How many of the latest deliveries are searched for the first webhook of a change. */
const LOOK_BACK_DELIVERIES = 50_000;
/** Tickets that are taken up again in one commit, and how much later the next of them come: news goes before. */
const TAKE_UP_MAX = 500;
const TAKE_UP_APART_MS = 5_000;
/** What is due within this is as good as due now: a timer further off is no reason to keep a change waiting. */
export const SOON_MS = 10_000;

type WorkState = Pick<WorkTable, "ticket" | "due_at" | "rest_until" | "lease_until" | "parked_at">;

/** See `Store.sightings`. */
export async function readSightings(
  driver: StoreDriver,
  records: readonly SweptRecord[],
  openWriteMs: number,
): Promise<Sighting[]> {
  const sightings: Sighting[] = [];
  for (const chunk of inChunks(records))
    sightings.push(...(await guarded(driver, () => sightingsOf(driver, chunk, openWriteMs))));
  return sightings;
}

async function sightingsOf(
  driver: StoreDriver,
  records: readonly SweptRecord[],
  openWriteMs: number,
): Promise<Sighting[]> {
  const { db } = driver;
  const tickets = records.map(({ ticket }) => ticket);
  const nowMs = await driver.nowMs(db);
  const work = await db
    .selectFrom("work")
    .select(["ticket", "due_at", "rest_until", "lease_until", "parked_at"])
    .where("ticket", "in", tickets)
    .execute();
  const remembered = await db
    .selectFrom("tickets")
    .select(["ticket", "revision"])
    .where("ticket", "in", tickets)
    .execute();
  const before = await db
    .selectFrom("swept")
    .selectAll()
    .where("ticket", "in", tickets)
    .where(
      "revision",
      "in",
      records.map(({ revision }) => revision),
    )
    .execute();
  const works = new Map(work.map((row) => [row.ticket, row]));
  const revisions = new Map(remembered.map(({ ticket, revision }) => [ticket, revision]));
  const befores = new Map(before.map((row) => [stateKey(row.ticket, row.revision, row.updated_at), changeOf(row)]));
  const earlier = (record: SweptRecord) => befores.get(stateKey(record.ticket, record.revision, record.updatedAtMs));
  const untold = records.filter((record) => (earlier(record)?.webhookAtMs ?? null) === null);
  const webhooks = await firstWebhooks(driver, untold);
  const ours = await nearOwnWrites(driver, untold, openWriteMs);
  return records.map((record): Sighting => {
    return {
      remembered: revisions.get(record.ticket),
      state: stateOf(works.get(record.ticket), nowMs),
      before: earlier(record),
      webhookAtMs: webhooks.get(record.ticket),
      nearOwnWrite: ours.has(record.ticket),
    };
  });
}

function stateKey(...parts: (string | number)[]): string {
  return JSON.stringify(parts);
}

function stateOf(row: WorkState | undefined, nowMs: number): Sighting["state"] {
  if (!row) return "idle";
  if (row.parked_at !== null) return "parked";
  if (row.lease_until !== null && row.lease_until > nowMs) return "in_work";
  if (row.due_at === null) return "idle";
  return row.due_at <= Math.max(nowMs + SOON_MS, row.rest_until ?? 0) ? "waiting" : "idle";
}

/** When the first webhook of each change came, of those that came at or after it, among the deliveries of late. */
async function firstWebhooks(driver: StoreDriver, records: readonly SweptRecord[]): Promise<Map<string, number>> {
  if (records.length === 0) return new Map();
  const wanted = records.map(
    ({ ticket, updatedAtMs }) => sql`(cast(${ticket} as text), cast(${updatedAtMs - CLOCKS_APART_MS} as bigint))`,
  );
  // By the number of the delivery: they have no index on the ticket, which would cost every delivery.
  const { rows } = await sql<{ ticket: string; first: number }>`
    with wanted(ticket, since) as (values ${sql.join(wanted)})
    select signals.ticket as ticket, min(signals.received_at) as first
    from signals join wanted on wanted.ticket = signals.ticket
    where signals.id > (select coalesce(max(id), 0) from signals) - ${LOOK_BACK_DELIVERIES}
      and signals.cause = 'webhook' and signals.received_at >= wanted.since
    group by signals.ticket`.execute(driver.db);
  return new Map(rows.map(({ ticket, first }) => [ticket, Number(first)]));
}

/**
 * Tickets whose change came between the intent and the receipt of a write of ours, or the time until which one without
 * an answer may still be applied: an action may stand open for days, and the edits of those days are not ours.
 */
async function nearOwnWrites(
  driver: StoreDriver,
  records: readonly SweptRecord[],
  openWriteMs: number,
): Promise<Set<string>> {
  if (records.length === 0) return new Set();
  const changedAt = new Map(records.map(({ ticket, updatedAtMs }) => [ticket, updatedAtMs]));
  const rows = await driver.db
    .selectFrom("actions")
    .select(["ticket", "intent_at", "doubt_at", "receipt_at"])
    .where("ticket", "in", [...changedAt.keys()])
    .where("state", "!=", "abandoned")
    .execute();
  const near = rows.filter(({ ticket, intent_at, doubt_at, receipt_at }) => {
    const atMs = changedAt.get(ticket) ?? Number.NaN;
    const untilMs = receipt_at ?? (doubt_at ?? intent_at) + openWriteMs;
    return atMs >= intent_at - CLOCKS_APART_MS && atMs <= untilMs + CLOCKS_APART_MS;
  });
  return new Set(near.map(({ ticket }) => ticket));
}

function changeOf(row: Selectable<SweptTable>): SweptChange {
  return {
    ticket: row.ticket,
    revision: row.revision,
    updatedAtMs: row.updated_at,
    seenAtMs: row.seen_at,
    foundBy: row.found_by,
    webhookAtMs: row.webhook_at,
    signalAtMs: row.signal_at,
    signals: row.signals,
    nearOwnWrite: row.near_own_write === 1,
  };
}

/** See `Store.recordSwept`. */
export async function recordSwept(
  driver: StoreDriver,
  changes: readonly SweptChange[],
  { connection, recordType, value }: SweepMark,
): Promise<void> {
  const rows = changes.map((change) => ({
    ticket: change.ticket,
    revision: change.revision,
    updated_at: change.updatedAtMs,
    connection,
    record_type: recordType,
    seen_at: change.seenAtMs,
    found_by: change.foundBy,
    webhook_at: change.webhookAtMs,
    signal_at: change.signalAtMs,
    signals: change.signals,
    near_own_write: change.nearOwnWrite ? 1 : 0,
  }));
  await inTransaction(driver, async (trx) => {
    for (const chunk of inChunks(rows))
      await trx
        .insertInto("swept")
        .values(chunk)
        .onConflict((conflict) =>
          conflict.columns(["ticket", "revision", "updated_at"]).doUpdateSet((next) => ({
            found_by: next.ref("excluded.found_by"),
            webhook_at: next.ref("excluded.webhook_at"),
            signal_at: next.ref("excluded.signal_at"),
            signals: next.ref("excluded.signals"),
            near_own_write: next.ref("excluded.near_own_write"),
          })),
        )
        .execute();
    const mark = { value, updated_at: await driver.nowMs(trx) };
    await trx
      .insertInto("watermarks")
      .values({ connection, type: `${SWEEP_MARK}${recordType}`, ...mark })
      .onConflict((conflict) => conflict.columns(["connection", "type"]).doUpdateSet(mark))
      .execute();
  });
}

/** See `Store.forgetSwept`. */
export async function forgetSwept(driver: StoreDriver, beforeMs: number, limit: number): Promise<number> {
  return inTransaction(driver, async (trx) => {
    const old = await trx
      .selectFrom("swept")
      .select(["ticket", "revision", "updated_at"])
      .where("seen_at", "<", beforeMs)
      .limit(limit)
      .execute();
    for (const { ticket, revision, updated_at } of old)
      await trx
        .deleteFrom("swept")
        .where("ticket", "=", ticket)
        .where("revision", "=", revision)
        .where("updated_at", "=", updated_at)
        .execute();
    return old.length;
  });
}

/** See `Store.takeUpAgain`. What is parked stays with whoever it waits for. */
export async function takeUpAgain(driver: StoreDriver, connection: string, sinceMs: number): Promise<number> {
  await keepDue(driver, connection);
  let taken = 0;
  let after = "";
  // Ends: every page begins behind the last ticket of the one before it.
  for (let page = 0; ; page += 1) {
    const settled = await guarded(driver, () =>
      driver.db
        .selectFrom("tickets")
        .select("ticket")
        .where("connection", "=", connection)
        .where("settled_at", ">=", sinceMs - CLOCKS_APART_MS)
        .where("ticket", ">", after)
        .orderBy("ticket")
        .limit(TAKE_UP_MAX)
        .execute(),
    );
    const tickets = settled.map(({ ticket }) => ticket);
    if (tickets.length > 0) taken += await makeDue(driver, tickets, page * TAKE_UP_APART_MS);
    const last = tickets.at(-1);
    if (last === undefined || tickets.length < TAKE_UP_MAX) return taken;
    after = last;
  }
}

/** Makes tickets due after `delayMs`, or sooner where they are due sooner. Answers how many. */
async function makeDue(driver: StoreDriver, tickets: readonly string[], delayMs: number): Promise<number> {
  return inTransaction(driver, async (trx) => {
    // In the order in which intake takes them, so that the two cannot wait for each other.
    const rows = trx.selectFrom("work").select("ticket").where("ticket", "in", tickets).orderBy("ticket");
    if (driver.skipLocked) await rows.forUpdate().execute();
    const dueMs = (await driver.nowMs(trx)) + delayMs;
    const { numUpdatedRows } = await trx
      .updateTable("work")
      .set({
        due_at: sql<number>`case when due_at < ${dueMs} then due_at else ${dueMs} end`,
        rest_until: null,
        generation: sql`generation + 1`,
      })
      .where("ticket", "in", tickets)
      .where("parked_at", "is", null)
      .executeTakeFirstOrThrow();
    return Number(numUpdatedRows);
  });
}

/** What is in work may have been decided before and be settled after this: it stays due then. */
async function keepDue(driver: StoreDriver, connection: string): Promise<void> {
  await inTransaction(driver, async (trx) => {
    const inWork = trx
      .selectFrom("work")
      .select("ticket")
      .where("connection", "=", connection)
      .where("lease_until", "is not", null)
      .orderBy("ticket");
    const rows = await (driver.skipLocked ? inWork.forUpdate() : inWork).execute();
    for (const chunk of inChunks(rows))
      await trx
        .updateTable("work")
        .set({ generation: sql`generation + 1` })
        .where(
          "ticket",
          "in",
          chunk.map(({ ticket }) => ticket),
        )
        .execute();
  });
}
