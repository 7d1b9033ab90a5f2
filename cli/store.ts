import { accessSync, constants, existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/ports.ts";
import { openPostgres } from "../core/store/postgres.ts";
import { openStore, storeOver } from "../core/store/sql-store.ts";
import { openSqlite } from "../core/store/sqlite.ts";
import type { Store } from "../core/store/store.ts";
import { openThreadedSqlite } from "../core/store/threaded.ts";

/** Opens the store that `store:` names, to write in. */
export function openStoreUrl(url: string, clock: Clock, log: Log): Promise<Store> {
  if (url.startsWith("file:")) return openThreadedSqlite(filePath(url), clock);
  const onIdleError = (error: Error): void => log.warn("a database connection was lost", { error: error.message });
  return openStore(openPostgres(url, { onIdleError }));
}

/** Opens it to look at while its server may be running. Throws when there is none. */
export function viewStoreUrl(url: string, clock: Clock): Store {
  if (!url.startsWith("file:")) return storeOver(openPostgres(url));
  const path = resolve(filePath(url));
  refuseMissing(path);
  return storeOver(openSqlite(path, { clock, readOnly: true }));
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

function filePath(url: string): string {
  return url.slice("file:".length);
}
