import { sql } from "kysely";
import { openAction } from "./actions.ts";
import type { StoreDriver } from "./driver.ts";
import { undoingOf } from "./revocations.ts";
import { memoryOf } from "./rows.ts";
import type { ActionsTable } from "./schema.ts";
import type { Claim } from "./store.ts";
import { inTransaction, type Trx } from "./transaction.ts";

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
    const open = await openOf(trx, tickets, nowMs);
    const undone = await undoingOf(trx, tickets);
    return rows.map((row) => {
      const memory = memories.get(row.ticket);
      const undoing = undone.get(row.ticket);
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
        ...(undoing && { undoing }),
      };
    });
  });
}

/**
 * The open actions of tickets that were just claimed. A worker that died said nothing of its last call, which may have
 * left at any moment after its intent: the time in which it may still be applied counts from when this is noticed.
 */
async function openOf(trx: Trx, tickets: readonly string[], nowMs: number): Promise<ActionsTable[]> {
  const open = await trx
    .selectFrom("actions")
    .selectAll()
    .where("state", "=", "open")
    .where("ticket", "in", tickets)
    .orderBy("intent_at")
    .execute();
  const unnoticed = open.filter(({ doubt_at }) => doubt_at === null).map(({ id }) => id);
  if (unnoticed.length > 0)
    await trx.updateTable("actions").set({ doubt_at: nowMs }).where("id", "in", unnoticed).execute();
  return open.map((action) => ({ ...action, doubt_at: action.doubt_at ?? nowMs }));
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

/** See `Store.renew`. */
export async function renewClaims(driver: StoreDriver, claims: readonly Claim[], leaseMs: number): Promise<number> {
  return inTransaction(driver, async (trx) =>
    updateHeld(trx, claims, { lease_until: (await driver.nowMs(trx)) + leaseMs }),
  );
}

/** See `Store.release`. */
export async function releaseClaims(driver: StoreDriver, claims: readonly Claim[]): Promise<number> {
  return inTransaction(driver, (trx) => updateHeld(trx, claims, { lease_until: null, lease_owner: null }));
}

/** Changes the leases that are still ours. Answers how many. */
async function updateHeld(
  trx: Trx,
  claims: readonly Claim[],
  lease: { lease_until: number | null; lease_owner?: null },
): Promise<number> {
  let held = 0;
  // In the order in which intake takes them, so that the two cannot wait for each other.
  for (const claim of claims.toSorted((a, b) => (a.ticket < b.ticket ? -1 : 1))) {
    const { numUpdatedRows } = await trx
      .updateTable("work")
      .set(lease)
      .where("ticket", "=", claim.ticket)
      .where("fence", "=", claim.fence)
      .where("lease_until", "is not", null)
      .executeTakeFirstOrThrow();
    held += Number(numUpdatedRows);
  }
  return held;
}
