import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqlite } from "../../core/store/sqlite.ts";
import type { Store } from "../../core/store/store.ts";
import { openThreadedSqlite } from "../../core/store/threaded.ts";
import { stoppedClock } from "./sqlite-rig.ts";
import { dumpOf, type StoreRig } from "./store-rig.ts";

/** A store in a file of its own, held by the thread, as `serve` has it. */
export async function openThreadedRig(): Promise<StoreRig & { file: string }> {
  const folder = mkdtempSync(join(tmpdir(), "interlock-thread-"));
  const file = join(folder, "interlock.db");
  const clock = stoppedClock();
  let store: Store = await openThreadedSqlite(file, clock);
  return {
    file,
    now: clock.now,
    advance: clock.advance,
    get store() {
      return store;
    },
    async reopen() {
      await store.close();
      store = await openThreadedSqlite(file, clock);
    },
    async close() {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
    async dump() {
      const view = openSqlite(file, { clock, readOnly: true });
      try {
        return await dumpOf(view.db);
      } finally {
        await view.close();
      }
    },
  };
}
