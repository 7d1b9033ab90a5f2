import { accessSync, constants, existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Clock } from "../core/clock.ts";
import { StoreUnavailableError } from "../core/errors.ts";
import type { Log } from "../core/ports.ts";
import { openPostgres } from "../core/store/postgres.ts";
import { openStore, storeOver } from "../core/store/sql-store.ts";
import { openSqlite } from "../core/store/sqlite.ts";
import type { Store } from "../core/store/store.ts";
import { openThreadedSqlite } from "../core/store/threaded.ts";

/** A store that does not open by then will not open: nothing that opening waits for takes longer. */
const OPEN_WITHIN_MS = 60_000;

/**
 * Opens the store that `store:` names, to write in. Rejects with a message that says what to do when it cannot be had,
 * or not within a minute.
 */
export async function openStoreUrl(url: string, clock: Clock, log: Log): Promise<Store> {
  const over = new AbortController();
  const late = clock.sleep(OPEN_WITHIN_MS, over.signal).then(() => undefined);
  try {
    const store = await Promise.race([openNow(url, clock, log), late]);
    if (store) return store;
  } finally {
    over.abort();
  }
  const seconds = OPEN_WITHIN_MS / 1_000;
  throw new Error(`the store ${nameOf(url)} did not open within ${seconds} s; look at its disk or its server`);
}

async function openNow(url: string, clock: Clock, log: Log): Promise<Store> {
  if (url.startsWith("file:")) return openThreadedSqlite(filePath(url), clock);
  const onIdleError = (error: Error): void => log.warn("a database connection was lost", { error: error.message });
  try {
    return await openStore(openPostgres(url, { onIdleError }));
  } catch (error) {
    throw unreachable(url, error);
  }
}

/** Opens it to look at while its server may be running. Throws when there is none. */
export function viewStoreUrl(url: string, clock: Clock): Store {
  if (!url.startsWith("file:")) return storeOver(openPostgres(url));
  const path = resolve(filePath(url));
  refuseMissing(path);
  return storeOver(openSqlite(path, { clock, readOnly: true }));
}

/** Opens the store, looks, and closes it again. A store that fails is named, with what to do about it. */
export async function lookAt<T>(url: string, clock: Clock, look: (store: Store) => Promise<T>): Promise<T> {
  const store = viewStoreUrl(url, clock);
  try {
    return await look(store);
  } catch (error) {
    throw error instanceof StoreUnavailableError ? unreachable(url, error.cause ?? error) : error;
  } finally {
    await store.close();
  }
}

function unreachable(url: string, cause: unknown): Error {
  const fix = url.startsWith("file:")
    ? "look at its disk and at the rights of this user"
    : "start the database, or correct store: in interlock.yaml (host, port, user, password, database)";
  return new Error(`the store ${nameOf(url)} cannot be used; ${fix}`, { cause: firstOf(cause) });
}

/** A name with several addresses fails with a list of errors whose own message is empty. */
function firstOf(cause: unknown): unknown {
  return cause instanceof AggregateError && cause.message === "" ? cause.errors[0] : cause;
}

/** A store as it may be shown: where it is, and never how to log in. */
function nameOf(url: string): string {
  if (url.startsWith("file:")) return resolve(filePath(url));
  if (!URL.canParse(url)) return "postgres://...";
  const { host, pathname } = new URL(url);
  return `postgres://${host}${pathname}`;
}

/** SQLite's own word for all of these is "unable to open database file". */
function refuseMissing(path: string): void {
  if (!existsSync(path)) {
    throw new Error(
      `there is no store at ${path} yet; start the server first (interlock serve), or, where it runs with another configuration or from another folder, go there or name its configuration with --config`,
    );
  }
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    throw new Error(`the store ${path} may not be read by this user; run the command as the server's user`, {
      cause: error,
    });
  }
  if (!statSync(path).isFile()) throw new Error(`the store ${path} is not a file; correct store in interlock.yaml`);
}

/** The file of a `file:` store, as it is written. */
export function filePath(url: string): string {
  return url.slice("file:".length);
}
