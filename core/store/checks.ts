import { sql } from "kysely";
import { CHECKS_MAX } from "../policy/aftermath.ts";
import type { StoreDriver } from "./driver.ts";
import { UNLOCATED } from "./signals.ts";
import { appendEntries, guarded, inTransaction, type Trx } from "./transaction.ts";

/** How a check of a change went, as it was reported. */
export interface CheckReport {
  /** As in `CheckName`. */
  name: string;
  passed: boolean;
  /** In ms since 1970; an hour that is still to come counts as now. */
  atMs: number;
  /** Who reported it, for the ledger. */
  by: string;
}

/**
 * See `Store.recordCheck`. One commit; of one name the latest report counts. Nothing is kept where no signal has named
 * that ticket (`unknown`), or where it has too many checks.
 */
export async function recordCheck(
  driver: StoreDriver,
  connection: string,
  key: string,
  report: CheckReport,
): Promise<"recorded" | "unknown" | "full"> {
  return inTransaction(driver, async (trx) => {
    const nowMs = await driver.nowMs(trx);
    const ticket = await madeDue(trx, connection, key, nowMs);
    if (ticket === undefined) return "unknown";
    if (!(await hasRoom(trx, ticket, report.name))) return "full";
    await keep(trx, ticket, report, nowMs);
    const { name, passed, by } = report;
    await appendEntries(driver, trx, [{ kind: "check", ticket, body: { name, passed, by } }]);
    return "recorded";
  });
}

/** Like any hint: it is news, and may be what a parked ticket was waiting for. Its row is held until the end. */
async function madeDue(trx: Trx, connection: string, key: string, nowMs: number): Promise<string | undefined> {
  const due = await trx
    .updateTable("work")
    .set({
      generation: sql`generation + 1`,
      due_at: sql`case
        when due_at <= ${nowMs} or due_at <= rest_until then due_at
        when rest_until > ${nowMs} then rest_until
        else cast(${nowMs} as bigint) end`,
      attempts: sql`case when parked_at is null then attempts else 0 end`,
      outages: sql`case when parked_at is null then outages else 0 end`,
      parked_at: null,
      parked_reason: sql`case when parked_at is null then parked_reason end`,
      parked_detail: sql`case when parked_at is null then parked_detail end`,
    })
    .where("type", "!=", UNLOCATED)
    .where(sql<boolean>`connection = ${connection} and (record_key = ${key} or record_id = ${key})`)
    .returning("ticket")
    .execute();
  return due[0]?.ticket;
}

async function hasRoom(trx: Trx, ticket: string, name: string): Promise<boolean> {
  const { count } = await trx
    .selectFrom("checks")
    .select((select) => select.fn.countAll<number>().as("count"))
    .where("ticket", "=", ticket)
    .where("name", "!=", name)
    .executeTakeFirstOrThrow();
  return Number(count) < CHECKS_MAX;
}

/** Reports may come in another order than they were made in. */
async function keep(trx: Trx, ticket: string, { name, passed, atMs }: CheckReport, nowMs: number): Promise<void> {
  const row = { passed: Number(passed), at: Math.min(atMs, nowMs) };
  await trx
    .insertInto("checks")
    .values({ ticket, name, ...row })
    .onConflict((conflict) =>
      conflict.columns(["ticket", "name"]).doUpdateSet(row).where(sql<boolean>`checks.at <= ${row.at}`),
    )
    .execute();
}

/** See `Store.failedChecks`. */
export async function failedChecks(driver: StoreDriver, ticket: string, sinceMs: number): Promise<string[]> {
  const query = driver.db
    .selectFrom("checks")
    .select("name")
    .where("ticket", "=", ticket)
    .where("passed", "=", 0)
    .where("at", ">=", sinceMs)
    .limit(CHECKS_MAX);
  const rows = await guarded(driver, () => query.execute());
  return rows.map(({ name }) => name).sort();
}
