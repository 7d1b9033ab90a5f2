import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import type { Clock } from "../../core/clock.ts";
import type { StoreDriver } from "../../core/store/driver.ts";
import { openStore } from "../../core/store/sql-store.ts";
import { openSqlite } from "../../core/store/sqlite.ts";
import type { Store } from "../../core/store/store.ts";
import { dumpOf, START_MS, type StoreRig } from "./store-rig.ts";

export interface SqliteRig extends StoreRig {
  /** The database behind the store, for what the contract does not show. */
  readonly driver: StoreDriver;
  readonly file: string;
  readonly clock: Clock;
}

/** A clock that only moves when told. */
export function stoppedClock(startMs = START_MS): Clock & { advance(ms: number): void } {
  let nowMs = startMs;
  return {
    now: () => nowMs,
    sleep: () => Promise.resolve(),
    advance: (ms) => {
      nowMs += ms;
    },
  };
}

/**
 * A store in a file of its own, on a clock that only moves when told. `unsynced` spares the disk where thousands of
 * commits are about anything but durability.
 */
export async function openSqliteRig({ unsynced = false } = {}): Promise<SqliteRig> {
  const folder = mkdtempSync(join(tmpdir(), "interlock-store-"));
  const file = join(folder, "interlock.db");
  const clock = stoppedClock();
  const start = async (): Promise<{ driver: StoreDriver; store: Store }> => {
    const driver = openSqlite(file, { clock });
    if (unsynced) await sql`pragma synchronous = off`.execute(driver.db);
    return { driver, store: await openStore(driver) };
  };
  let { driver, store } = await start();
  return {
    file,
    clock,
    now: clock.now,
    advance: clock.advance,
    get store() {
      return store;
    },
    get driver() {
      return driver;
    },
    async reopen() {
      await store.close();
      ({ driver, store } = await start());
    },
    async close() {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
    dump: () => dumpOf(driver.db),
  };
}
