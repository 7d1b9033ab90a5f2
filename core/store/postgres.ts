import { Kysely, PostgresDialect, sql } from "kysely";
import pg from "pg";
import type { Salts } from "../ledger/chain.ts";
import { randomSalts } from "../ledger/salt.ts";
import type { StoreDriver } from "./driver.ts";
import type { Database } from "./schema.ts";

const POOL_MAX = 8;
const CONNECT_TIMEOUT_MS = 5_000;
const STATEMENT_TIMEOUT_MS = 30_000;
/** A worker that freezes half way through a transaction holds locks that all others wait for: the server ends it. */
const IDLE_TRANSACTION_TIMEOUT_MS = 30_000;
/** The advisory locks that serialise intake and appends to the ledger over all workers: "ILCI" and "ILCK" in ASCII. */
const INTAKE_LOCK = 0x494c4349;
const LEDGER_LOCK = 0x494c434b;

export interface PostgresOptions {
  /** Added to the database's clock; tests move it to let leases expire without waiting. */
  skewMs?: () => number;
  /** Salts of ledger entries; random ones where none are given. */
  salts?: Salts;
  /** Told about a broken idle connection; the pool replaces it by itself. */
  onIdleError?: (error: Error) => void;
}

/** Opens a PostgreSQL database as a store for any number of processes. Leases are measured by the database's clock. */
export function openPostgres(url: string, options: PostgresOptions = {}): StoreDriver {
  const types = { getTypeParser: parserFor };
  const pool = new pg.Pool({
    connectionString: url,
    max: POOL_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_TRANSACTION_TIMEOUT_MS,
    application_name: "interlock",
    types,
  });
  // Without listeners the loss of a connection would end the process, whether it is idle or in the middle of something;
  // there its queries are rejected, which is how their caller learns of it.
  pool.on("error", (error) => options.onIdleError?.(error));
  pool.on("connect", (client) => client.on("error", () => {}));
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  return {
    db,
    nowMs: async (trx) => {
      const { rows } = await sql<{
        now: number;
      }>`select (extract(epoch from clock_timestamp()) * 1000)::bigint as now`.execute(trx);
      return (rows[0]?.now ?? Number.NaN) + (options.skewMs?.() ?? 0);
    },
    lockIntake: async (trx) => {
      await sql`select pg_advisory_xact_lock(${INTAKE_LOCK})`.execute(trx);
    },
    lockLedger: async (trx) => {
      await sql`select pg_advisory_xact_lock(${LEDGER_LOCK})`.execute(trx);
    },
    salts: options.salts ?? randomSalts(),
    skipLocked: true,
    // The list is one parameter, so the statement's text stays the same however long it is.
    async writeRows(trx, columns, records, statement) {
      const fields = Object.entries(columns).map(([name, type]) => sql`${sql.ref(name)} ${sql.raw(type)}`);
      const table = sql`(select * from json_to_recordset(${JSON.stringify(records)}::json) as records(${sql.join(fields)}))`;
      return (await trx.executeQuery(statement(table).compile())).rows;
    },
    isUnavailable,
    close: () => db.destroy(),
  };
}

/** Counters and times are bigint in the database and stay far below 2^53. */
function parserFor(oid: number, format?: "text" | "binary") {
  if (oid === pg.types.builtins.INT8) return Number;
  return format === "binary" ? pg.types.getTypeParser(oid, "binary") : pg.types.getTypeParser(oid, "text");
}

/** SQLSTATE classes 08 connection, 40 rolled back, 53 resources, 57 shut-down, 58 system, XX internal; 25006 read-only, 25P03 idle too long, 55P03 locked. */
const UNAVAILABLE_STATES = /^(08|40|53|57|58|XX|25006$|25P03$|55P03$)/;

/** Errors of the system on the way to the server: refused, reset, unreachable, not found, or out of handles. */
const UNAVAILABLE_CODES =
  /^(ECONN[A-Z]+|E(HOST|NET)(UNREACH|DOWN)|ENETRESET|ENOTFOUND|EAI_[A-Z]+|ETIMEDOUT|EPIPE|EADDRNOTAVAIL|ENOENT|EMFILE|ENFILE|ENOBUFS)$/;

/** The driver and its pool report lost and late connections as plain errors without a code: these are their words. */
const UNAVAILABLE_WORDS =
  /^(Connection terminated|timeout exceeded when trying to connect$|timeout expired$|Query read timeout$|Client (has encountered a connection error|was closed) and is not queryable$|There was an error establishing an SSL connection$|Cannot use a pool after calling end on the pool$)/;

/** Only trouble on the way to the database or of the database itself: a fault of ours must not pass for an outage. */
function isUnavailable(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return UNAVAILABLE_STATES.test(error.code ?? "");
  if (!(error instanceof Error)) return false;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  return code === "" ? UNAVAILABLE_WORDS.test(error.message) : UNAVAILABLE_CODES.test(code);
}
