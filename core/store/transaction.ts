import type { Transaction } from "kysely";
import { StoreUnavailableError } from "../errors.ts";
import { seal } from "../ledger/chain.ts";
import type { Draft, Head } from "../ledger/entry.ts";
import type { StoreDriver } from "./driver.ts";
import type { Database } from "./schema.ts";

export type Trx = Transaction<Database>;

/** Rows per INSERT: far below the parameter limits of both databases. */
const ROWS_MAX = 1_000;

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
  const entries = seal(head, drafts, await driver.nowMs(trx));
  for (let start = 0; start < entries.length; start += ROWS_MAX) {
    await trx
      .insertInto("ledger")
      .values(entries.slice(start, start + ROWS_MAX))
      .execute();
  }
  const last = entries.at(-1);
  return last && { seq: last.seq, hash: last.hash };
}
