import type { Clock } from "../core/clock.ts";
import type { Log } from "../core/ports.ts";
import { openPostgres } from "../core/store/postgres.ts";
import { openStore, storeOver } from "../core/store/sql-store.ts";
import { openSqlite } from "../core/store/sqlite.ts";
import type { Store } from "../core/store/store.ts";

/** Opens the store that `store:` names, to write in. */
export function openStoreUrl(url: string, clock: Clock, log: Log): Promise<Store> {
  if (url.startsWith("file:")) return openStore(openSqlite(filePath(url), { clock }));
  const onIdleError = (error: Error): void => log.warn("a database connection was lost", { error: error.message });
  return openStore(openPostgres(url, { onIdleError }));
}

/** Opens it to look at while its server may be running. Throws when there is none. */
export function viewStoreUrl(url: string, clock: Clock): Store {
  return storeOver(url.startsWith("file:") ? openSqlite(filePath(url), { clock, readOnly: true }) : openPostgres(url));
}

function filePath(url: string): string {
  return url.slice("file:".length);
}
