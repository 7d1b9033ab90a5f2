import { sql } from "kysely";
import { revisionReached } from "../sweep/revision.ts";
import type { Completeness, CompletenessQuery } from "./arrivals.ts";
import type { StoreDriver } from "./driver.ts";
import { SOON_MS } from "./sweeps.ts";
import { guarded } from "./transaction.ts";

/** Rows looked at in one statement for what is missing. */
const PAGE = 1_000;
const MISSING_NAMED_MAX = 20;

/** See `Store.completeness`. */
export async function countCompleteness(driver: StoreDriver, query: CompletenessQuery): Promise<Completeness> {
  return guarded(driver, async () => {
    const missing = await missingOf(driver, query);
    return { ...(await countsOf(driver, query)), ...missing };
  });
}

async function countsOf(driver: StoreDriver, { connection, recordType, sinceMs }: CompletenessQuery) {
  const row = await driver.db
    .selectFrom("swept")
    .select((select) => [
      select.fn.countAll<number>().as("changed"),
      select.fn.count<number>("ticket").filterWhere("found_by", "=", "webhook").as("webhook"),
      select.fn.count<number>("ticket").filterWhere("found_by", "=", "sweep").as("sweep"),
      select.fn.count<number>("ticket").filterWhere("found_by", "=", "known").as("known"),
      select.fn
        .count<number>("ticket")
        .filterWhere((where) => where.and({ found_by: "sweep", near_own_write: 1 }))
        .as("ours"),
      sql<number | null>`max(signal_at - updated_at)`.as("lag"),
    ])
    .where("connection", "=", connection)
    .where("record_type", "=", recordType)
    .where("updated_at", ">=", sinceMs)
    .executeTakeFirstOrThrow();
  return {
    changed: Number(row.changed),
    seenByWebhook: Number(row.webhook),
    foundOnlyBySweep: Number(row.sweep),
    nearOwnWrites: Number(row.ours),
    known: Number(row.known),
    worstLagMs: row.lag === null ? null : Math.max(0, Number(row.lag)),
  };
}

/** A later state of a record stands for the earlier ones: who has settled on it has seen them. */
async function missingOf(
  driver: StoreDriver,
  query: CompletenessQuery,
): Promise<Pick<Completeness, "missing" | "missingTickets">> {
  const missingTickets: string[] = [];
  let missing = 0;
  let counted = "";
  for (let after: Candidate | undefined; ; ) {
    const rows = await candidates(driver, query, after);
    for (const { ticket, revision, read } of rows) {
      if (ticket === counted || (read !== null && revisionReached(read, revision))) continue;
      counted = ticket;
      missing += 1;
      if (missingTickets.length < MISSING_NAMED_MAX) missingTickets.push(ticket);
    }
    if (rows.length < PAGE) return { missing, missingTickets };
    after = rows.at(-1);
  }
}

interface Candidate {
  ticket: string;
  revision: string;
  /** What was read last of it; null where nothing was. */
  read: string | null;
}

/** The latest state that was seen of each record, where it is neither what was read last, nor due, nor parked. */
async function candidates(
  driver: StoreDriver,
  { connection, recordType, sinceMs, missingBeforeMs }: CompletenessQuery,
  after: Candidate | undefined,
): Promise<Candidate[]> {
  const nowMs = await driver.nowMs(driver.db);
  const [ticket, revision] = [after?.ticket ?? "", after?.revision ?? ""];
  const { rows } = await sql<Candidate>`
    select swept.ticket as ticket, swept.revision as revision, tickets.revision as read
    from swept
    left join tickets on tickets.ticket = swept.ticket
    left join work on work.ticket = swept.ticket
    where swept.connection = ${connection} and swept.record_type = ${recordType}
      and swept.updated_at >= ${sinceMs} and swept.updated_at < ${missingBeforeMs}
      and (swept.ticket > ${ticket} or (swept.ticket = ${ticket} and swept.revision > ${revision}))
      and (tickets.revision is null or tickets.revision <> swept.revision)
      and (work.ticket is null or (
        work.parked_at is null and work.lease_until is null
        and (work.due_at is null or (work.due_at > ${nowMs + SOON_MS} and work.due_at > coalesce(work.rest_until, 0)))))
      and not exists (
        select 1 from swept as later where later.ticket = swept.ticket and later.updated_at > swept.updated_at)
    order by swept.ticket, swept.revision
    limit ${PAGE}`.execute(driver.db);
  return rows;
}
