import type { Selectable } from "kysely";
import type { Entry } from "../ledger/entry.ts";
import { actionOf } from "./actions.ts";
import type { StoreDriver } from "./driver.ts";
import { rulesAt } from "./policies.ts";
import { decisionOf, memoryOf, skipsOf } from "./rows.ts";
import type { TicketsTable, WorkTable } from "./schema.ts";
import type { Counts, Parked, TicketView } from "./store.ts";
import { guarded } from "./transaction.ts";

const ACTIONS_MAX = 200;

/** See `Store.parked`. */
export async function listParked(driver: StoreDriver, limit: number): Promise<Parked[]> {
  const rows = await guarded(driver, () =>
    driver.db
      .selectFrom("work")
      .selectAll()
      .where("parked_at", "is not", null)
      .orderBy("parked_at", "desc")
      .limit(limit)
      .execute(),
  );
  return rows.map((row) => ({
    ticket: row.ticket,
    connection: row.connection,
    key: row.record_key ?? row.record_id,
    reason: row.parked_reason ?? "",
    detail: row.parked_detail ?? "",
    parkedAtMs: row.parked_at ?? 0,
    attempts: row.attempts,
  }));
}

/** See `Store.view`. A ticket is found by what people call it, or by the vendor's id. */
export async function viewTicket(
  driver: StoreDriver,
  connection: string,
  key: string,
): Promise<TicketView | undefined> {
  return guarded(driver, async () => {
    const work = await driver.db
      .selectFrom("work")
      .selectAll()
      .where("connection", "=", connection)
      .where((where) => where.or([where("record_key", "=", key), where("record_id", "=", key)]))
      .limit(1)
      .executeTakeFirst();
    if (!work) return undefined;
    const ticket = await driver.db
      .selectFrom("tickets")
      .selectAll()
      .where("ticket", "=", work.ticket)
      .executeTakeFirst();
    const actions = await driver.db
      .selectFrom("actions")
      .selectAll()
      .where("ticket", "=", work.ticket)
      .orderBy("intent_at", "desc")
      .limit(ACTIONS_MAX)
      .execute();
    const decision = ticket && decisionOf(ticket);
    return {
      ticket: work.ticket,
      connection,
      key: work.record_key ?? work.record_id,
      revision: ticket?.revision ?? "",
      decision,
      rules: decision && (await rulesAt(driver, decision.policyVersion)),
      skips: ticket ? skipsOf(ticket) : [],
      ...rememberedOf(ticket),
      actions: actions.reverse().map((row) => ({
        ...actionOf(row),
        state: row.state,
        intentAtMs: row.intent_at,
        receiptAtMs: row.receipt_at,
        detail: row.detail,
      })),
      dueAtMs: work.due_at,
      parked:
        work.parked_at === null
          ? undefined
          : { reason: work.parked_reason ?? "", detail: work.parked_detail ?? "", atMs: work.parked_at },
      failing: failingOf(work),
      settledAtMs: ticket?.settled_at,
    };
  });
}

function rememberedOf(ticket: Selectable<TicketsTable> | undefined): Pick<TicketView, "fields" | "gates"> {
  if (!ticket) return { fields: {}, gates: [] };
  const { fields, gates } = memoryOf(ticket);
  return { fields, gates };
}

function failingOf(work: Selectable<WorkTable>): TicketView["failing"] {
  const { parked_at, parked_reason: reason, parked_detail: detail, attempts, outages } = work;
  if (parked_at !== null || reason === null) return undefined;
  return { reason, detail: detail ?? "", attempts, outages };
}

/** See `Store.counts`. */
export async function countRows(driver: StoreDriver): Promise<Counts> {
  return guarded(driver, async () => {
    const nowMs = await driver.nowMs(driver.db);
    const work = await driver.db
      .selectFrom("work")
      .leftJoin("tickets", "tickets.ticket", "work.ticket")
      .select((select) => [
        select.fn.count<number>("work.ticket").filterWhere("parked_at", "is not", null).as("parked"),
        select.fn.count<number>("work.ticket").filterWhere("lease_until", "is not", null).as("leased"),
        select.fn
          .count<number>("work.ticket")
          .filterWhere((where) =>
            where.and([
              where("parked_at", "is", null),
              where.or([
                where("lease_until", "is not", null),
                where("due_at", "<=", nowMs),
                // What waits for an hour that its rules named, such as the next step of a clock, is no work yet.
                where("due_at", "!=", where.fn.coalesce("wake_at", where.lit(-1))),
              ]),
            ]),
          )
          .as("pending"),
      ])
      .executeTakeFirstOrThrow();
    const signals = await driver.db
      .selectFrom("signals")
      .select((select) => select.fn.countAll<number>().as("count"))
      .executeTakeFirstOrThrow();
    const ledger = await driver.db
      .selectFrom("ledger")
      .select((select) => select.fn.max("seq").as("seq"))
      .executeTakeFirstOrThrow();
    return {
      signals: Number(signals.count),
      pending: Number(work.pending),
      parked: Number(work.parked),
      leased: Number(work.leased),
      ledger: Number(ledger.seq ?? 0),
    };
  });
}

/** See `Store.entries`. */
export async function readEntries(driver: StoreDriver, afterSeq: number, limit: number): Promise<Entry[]> {
  return guarded(driver, () =>
    driver.db.selectFrom("ledger").selectAll().where("seq", ">", afterSeq).orderBy("seq").limit(limit).execute(),
  );
}
