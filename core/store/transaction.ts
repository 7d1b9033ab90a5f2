import { sql, type Transaction } from "kysely";
import { StoreUnavailableError } from "../errors.ts";
import { seal } from "../ledger/chain.ts";
import type { Draft, Head } from "../ledger/entry.ts";
import type { StoreDriver } from "./driver.ts";
import type { Database } from "./schema.ts";

export type Trx = Transaction<Database>;

/** Rows per INSERT: below the parameter limits of both databases for the widest table. */
const ROWS_MAX = 1_000;

/** Rows in pieces that one INSERT can carry. */
export function* inChunks<T>(rows: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < rows.length; start += ROWS_MAX) yield rows.slice(start, start + ROWS_MAX);
}

/** The most characters of a text that the ledger takes. */
const LEDGER_TEXT_MAX = 400;

/** A text as both databases take it: no NUL, no half of a surrogate pair. What a sender wrote must not fail a commit. */
export function storable(text: string): string {
  return text.replaceAll("\0", "\u{fffd}").toWellFormed();
}

/** The same, cut to what the ledger takes. */
export function ledgerText(text: string): string {
  return storable(text.slice(0, LEDGER_TEXT_MAX));
}

/** Runs a piece of work in one commit. Trouble of the database itself becomes a StoreUnavailableError. */
export async function inTransaction<T>(driver: StoreDriver, work: (trx: Trx) => Promise<T>): Promise<T> {
  try {
    return await driver.db.transaction().execute(work);
  } catch (error) {
    throw asStoreError(driver, error);
  }
}

/** The same for a single read. */
export async function guarded<T>(driver: StoreDriver, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw asStoreError(driver, error);
  }
}

function asStoreError(driver: StoreDriver, error: unknown): unknown {
  if (error instanceof StoreUnavailableError || !driver.isUnavailable(error)) return error;
  return new StoreUnavailableError("the store cannot take a write now; check its disk or its server", { cause: error });
}

/** In the order of the INSERT. */
const ENTRY_COLUMNS = {
  seq: "bigint",
  at: "text",
  kind: "text",
  ticket: "text",
  body: "text",
  prev: "text",
  hash: "text",
  salt: "text",
} as const;

/** Seals drafts onto the end of the ledger, in the transaction of what they tell of. Answers the new end. */
export async function appendEntries(
  driver: StoreDriver,
  trx: Trx,
  drafts: readonly Draft[],
): Promise<Head | undefined> {
  await driver.lockLedger(trx);
  const head = await trx
    .selectFrom("ledger")
    .select(["seq", "hash"])
    .orderBy("seq", "desc")
    .limit(1)
    .executeTakeFirst();
  if (drafts.length === 0) return head;
  const entries = seal(head, drafts, await driver.nowMs(trx), driver.salts);
  const rows = entries.map(({ commitment: _, ...entry }) => entry);
  await driver.writeRows(trx, ENTRY_COLUMNS, rows, (table) =>
    trx
      .insertInto("ledger")
      .columns(["seq", "at", "kind", "ticket", "body", "prev", "hash", "salt"])
      .expression(sql`select * from ${table} as entries where true`),
  );
  const last = entries.at(-1);
  return last && { seq: last.seq, hash: last.hash };
}
