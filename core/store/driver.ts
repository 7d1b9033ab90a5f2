import type { Kysely, RawBuilder, Transaction } from "kysely";
import type { Database } from "./schema.ts";

/** What differs between the two databases; everything else is written once, in `sql-store.ts`. */
export interface StoreDriver {
  db: Kysely<Database>;
  /** The hour that leases and due times are measured by: one clock for all workers of a store. */
  nowMs(trx: Transaction<Database> | Kysely<Database>): Promise<number>;
  /**
   * Lets one intake at a time record deliveries until this transaction ends: two that bring the same ones in different
   * orders would wait for each other. Taken before any row, and before the ledger.
   */
  lockIntake(trx: Transaction<Database>): Promise<void>;
  /** Makes sure that nobody else appends to the ledger until this transaction ends. */
  lockLedger(trx: Transaction<Database>): Promise<void>;
  /**
   * A list of records as a table to select from, passed as one parameter: the statement's text stays the same however
   * long the list is, so it is prepared once.
   */
  table(
    columns: Readonly<Record<string, "text" | "bigint">>,
    records: readonly Readonly<Record<string, string | number | null>>[],
  ): RawBuilder<unknown>;
  /** Whether claiming must step over rows that another worker is claiming. */
  skipLocked: boolean;
  /** Whether an error means that the database cannot take writes now, rather than that we asked for nonsense. */
  isUnavailable(error: unknown): boolean;
  close(): Promise<void>;
}
