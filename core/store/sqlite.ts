import { existsSync, mkdirSync, statfsSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { dirname, resolve } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import {
  type Compilable,
  CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type RawBuilder,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  sql,
} from "kysely";
import type { Clock } from "../clock.ts";
import { instant } from "../clock.ts";
import type { Salts } from "../ledger/chain.ts";
import { randomSalts } from "../ledger/salt.ts";
import type { StoreDriver } from "./driver.ts";
import type { Database } from "./schema.ts";
import { type FileLock, lockFile } from "./sqlite-lock.ts";

/** Linux's numbers for file systems that live on another machine (statfs(2)): their locks and syncs cannot be relied on. */
const NETWORK_FILE_SYSTEMS: Readonly<Record<number, string>> = {
  26985: "NFS",
  20859: "SMB",
  4283649346: "CIFS",
  4266872130: "SMB2",
  1397113167: "AFS",
  12805120: "Ceph",
  1937076805: "Coda",
  198183888: "Lustre",
  1196443219: "GPFS",
};

const STATEMENTS_MAX = 300;

export interface SqliteOptions {
  clock: Clock;
  /** The file system's type number; injected so that the refusal can be tested without a network mount. */
  fileSystemType?: (folder: string) => number;
  /** Salts of ledger entries; random ones where none are given. */
  salts?: Salts;
  /** Opens without taking the store: for commands that look at it while the server runs. */
  readOnly?: boolean;
}

/** Opens an SQLite file as a store, durable from the first commit, or throws a message that says what to do. */
export function openSqlite(path: string, options: SqliteOptions): StoreDriver {
  const file = resolve(path);
  if (options.readOnly) return driverOf(openDatabase(file, true), undefined, options);
  makeFolder(dirname(file));
  refuseNetwork(file, options.fileSystemType ?? ((folder) => Number(statfsSync(folder).type)));
  const taken = orExplained(file, () =>
    lockFile(file, { pid: process.pid, host: hostname(), since: instant(options.clock.now()) }),
  );
  if ("heldBy" in taken) {
    const who = taken.heldBy
      ? `process ${taken.heldBy.pid} on ${taken.heldBy.host} since ${taken.heldBy.since}`
      : "another process";
    throw new Error(
      `the store ${file} is in use by ${who}; stop that one, or use a postgres:// store for several processes`,
    );
  }
  try {
    const database = orExplained(file, () => openDatabase(file, false));
    return driverOf(database, taken.lock, options);
  } catch (error) {
    taken.lock.release();
    throw error;
  }
}

const FOLDERS_MAX = 100;

/**
 * Makes a folder and those it stands in. Not by Node's own recursion, which never ends where a folder can neither be
 * made nor is missing for a reason it knows, as under /proc.
 */
function makeFolder(folder: string): void {
  const missing: string[] = [];
  for (let at = folder; !existsSync(at) && missing.length < FOLDERS_MAX; at = dirname(at)) missing.unshift(at);
  try {
    for (const each of missing) mkdirSync(each);
    if (!statSync(folder).isDirectory()) throw new Error(`${folder} is not a folder`);
  } catch (error) {
    throw new Error(
      `the folder ${folder} of the store cannot be made (${wordsOf(error)}); name another place under store: in interlock.yaml, or give this user the right to write there`,
      { cause: error },
    );
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** SQLite's own words for what keeps it from a file name neither the file nor what to do. */
function orExplained<T>(file: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (!(error instanceof Error && "errcode" in error)) throw error;
    throw new Error(
      `the store ${file} cannot be opened for writing (${wordsOf(error)}); see that it is an Interlock store and that this user may write it and its folder, or correct store: in interlock.yaml`,
      { cause: error },
    );
  }
}

function refuseNetwork(file: string, fileSystemType: (folder: string) => number): void {
  const name = NETWORK_FILE_SYSTEMS[fileSystemType(dirname(file)) >>> 0];
  if (name === undefined) return;
  throw new Error(
    `the store ${file} is on a network file system (${name}), where SQLite can lose data; use a local disk, or a postgres:// store`,
  );
}

function openDatabase(file: string, readOnly: boolean): DatabaseSync {
  const db = new DatabaseSync(file, { readOnly, timeout: 5_000 });
  if (readOnly) return db;
  db.exec("pragma journal_mode = wal");
  db.exec("pragma synchronous = full");
  db.exec("pragma foreign_keys = on");
  // The indexes that recognise deliveries are written at random places: they must stay in memory, and a checkpoint that
  // comes less often writes each page once for many commits.
  db.exec("pragma cache_size = -65536");
  db.exec("pragma wal_autocheckpoint = 4000");
  // A pragma that does not take is silent, and durability is not something to assume.
  const wanted = { journal_mode: "wal", synchronous: 2, foreign_keys: 1 };
  for (const [name, value] of Object.entries(wanted)) {
    const got = db.prepare(`pragma ${name}`).get()?.[name];
    if (got !== value)
      throw new Error(
        `SQLite did not take pragma ${name} = ${value} for ${file} (it is ${String(got)}); is the file system read-only?`,
      );
  }
  return db;
}

function driverOf(database: DatabaseSync, lock: FileLock | undefined, { clock, salts }: SqliteOptions): StoreDriver {
  const statements = adapt(database);
  const db = new Kysely<Database>({ dialect: new ImmediateSqliteDialect(database, statements) });
  return {
    db,
    nowMs: async () => clock.now(),
    lockIntake: async () => {},
    lockLedger: async () => {},
    salts: salts ?? randomSalts(),
    skipLocked: false,
    // One prepared statement for row after row: a list as JSON costs SQLite several times as much.
    async writeRows<R>(
      _trx: unknown,
      columns: Readonly<Record<string, string>>,
      records: readonly Readonly<Record<string, string | number | null>>[],
      statement: (rows: RawBuilder<unknown>) => Compilable<R>,
    ) {
      const places = new Map<unknown, string>(Object.keys(columns).map((name) => [Symbol(name), name]));
      const fields = [...places].map(([place, name]) => sql`${sql.val(place)} as ${sql.ref(name)}`);
      const { sql: text, parameters } = statement(sql`(select ${sql.join(fields)})`).compile();
      const prepared = statements.prepare(text);
      const returned: R[] = [];
      for (const record of records) {
        const values = parameters.map((value) => {
          const name = places.get(value);
          return name === undefined ? value : (record[name] ?? null);
        });
        if (prepared.reader)
          returned.push(...(prepared.all(values) as R[])); // rows have the shape that the statement was built for
        else prepared.run(values);
      }
      return returned;
    },
    isUnavailable: (error) =>
      error instanceof Error &&
      "errcode" in error &&
      typeof error.errcode === "number" &&
      UNAVAILABLE.has(error.errcode & 0xff),
    close: async () => {
      await db.destroy();
      lock?.release();
    },
  };
}

/** BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB: the file, not the statement, is the trouble. */
const UNAVAILABLE = new Set([5, 6, 8, 10, 11, 13, 14, 26]);

class ImmediateSqliteDialect extends SqliteDialect {
  readonly #database: DatabaseSync;
  readonly #statements: SqliteDatabase;

  constructor(database: DatabaseSync, statements: SqliteDatabase) {
    super({ database: statements });
    this.#database = database;
    this.#statements = statements;
  }

  override createDriver(): Driver {
    return new ImmediateSqliteDriver(this.#database, this.#statements);
  }
}

/** Takes the write lock at the start of a transaction, so none can fail half way for want of it. */
class ImmediateSqliteDriver extends SqliteDriver {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync, statements: SqliteDatabase) {
    super({ database: statements });
    this.#database = database;
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("begin immediate"));
  }

  /** A write that the disk refuses makes SQLite roll back by itself; a second rollback would hide why. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#database.isTransaction) await super.rollbackTransaction(connection);
  }
}

/** node:sqlite in the shape that Kysely expects, with prepared statements kept for reuse. */
function adapt(database: DatabaseSync) {
  const statements = new Map<string, ReturnType<typeof adaptStatement>>();
  return {
    close: () => database.close(),
    prepare(text: string) {
      const known = statements.get(text);
      if (known) return known;
      const statement = adaptStatement(database.prepare(text));
      if (statements.size >= STATEMENTS_MAX) statements.clear();
      statements.set(text, statement);
      return statement;
    },
  };
}

function adaptStatement(statement: StatementSync) {
  const bind = (parameters: readonly unknown[]): SQLInputValue[] => parameters as SQLInputValue[]; // the store binds texts, numbers and nulls only
  return {
    reader: statement.columns().length > 0,
    all: (parameters: readonly unknown[]): unknown[] => statement.all(...bind(parameters)),
    run: (parameters: readonly unknown[]) => statement.run(...bind(parameters)),
    iterate: (parameters: readonly unknown[]): IterableIterator<unknown> => statement.iterate(...bind(parameters)),
  };
}
