import type { StoreDriver } from "../../core/store/driver.ts";
import { openPostgres } from "../../core/store/postgres.ts";
import { openStore } from "../../core/store/sql-store.ts";
import type { Store } from "../../core/store/store.ts";
import { dumpOf, type StoreRig, wipe } from "./store-rig.ts";

export interface PostgresRig extends StoreRig {
  readonly second: Store;
  /** The database behind the store, for what the contract does not show. */
  readonly driver: StoreDriver;
}

/** Two handles on one database for a whole suite, since opening them takes longer than most of its tests. */
export interface PostgresRigs {
  /** The handles, over an emptied database. */
  open(): Promise<PostgresRig>;
  end(): Promise<void>;
}

/** Opens two handles on one database at the same time; both go by its clock, moved by what `advance` was told. */
export async function postgresRigs(url: string): Promise<PostgresRigs> {
  let skewMs = 0;
  const connect = (): StoreDriver => openPostgres(url, { skewMs: () => skewMs });
  let driver = connect();
  const [first, second] = await Promise.all([openStore(driver), openStore(connect())]);
  let store: Store = first;
  const rig: PostgresRig = {
    second,
    get store() {
      return store;
    },
    get driver() {
      return driver;
    },
    // The server stands on this machine.
    now: () => Date.now() + skewMs,
    advance: (ms) => {
      skewMs += ms;
    },
    async reopen() {
      await store.close();
      driver = connect();
      store = await openStore(driver);
    },
    close: () => Promise.resolve(),
    dump: () => dumpOf(driver.db),
  };
  return {
    async open() {
      skewMs = 0;
      await wipe(driver.db);
      return rig;
    },
    async end() {
      await Promise.all([store.close(), second.close()]);
    },
  };
}
