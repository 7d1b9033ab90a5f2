import type { Compilable, Kysely, RawBuilder, Transaction } from "kysely";
import type { Salts } from "../ledger/chain.ts";
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
   * Runs a statement that takes its rows from a table it is handed: for all records at once, or for one after the other,
   * whichever costs this database less. Answers what it returned, in no order that the caller may rely on.
   */
  writeRows<R>(
    trx: Transaction<Database>,
    columns: Readonly<Record<string, "text" | "bigint">>,
    records: readonly Readonly<Record<string, string | number | null>>[],
    statement: (rows: RawBuilder<unknown>) => Compilable<R>,
  ): Promise<R[]>;
  /** Salts of new entries of the ledger. */
  salts: Salts;
  /** Whether claiming must step over rows that another worker is claiming. */
  skipLocked: boolean;
  /** Whether an error means that the database cannot take writes now, rather than that we asked for nonsense. */
  isUnavailable(error: unknown): boolean;
  close(): Promise<void>;
}
