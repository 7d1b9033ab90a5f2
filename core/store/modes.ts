import { MODES } from "../config/settings.ts";
import type { StoreDriver } from "./driver.ts";
import { appendEntries, guarded, inTransaction } from "./transaction.ts";
import type { LoweredMode, ModeChange } from "./undoing.ts";

/** See `RevocationMemory.setMode`. */
export async function setMode(
  driver: StoreDriver,
  { connection, mode, configured, by }: ModeChange,
): Promise<number | null> {
  return inTransaction(driver, async (trx) => {
    const name = connection ?? "";
    const before = await trx.selectFrom("modes").selectAll().where("connection", "=", name).executeTakeFirst();
    const since = before ? Number(before.at) : null;
    if ((before?.mode ?? null) === mode) return since;
    const at = await driver.nowMs(trx);
    if (mode === null) await trx.deleteFrom("modes").where("connection", "=", name).execute();
    else
      await trx
        .insertInto("modes")
        .values({ connection: name, mode, by, at })
        // The first hour stays: what was held back since then is taken up again when it is lifted.
        .onConflict((conflict) => conflict.column("connection").doUpdateSet({ mode, by }))
        .execute();
    const body = { connection, mode: mode ?? "configured", configured, by };
    await appendEntries(driver, trx, [{ kind: "mode", ticket: null, body }]);
    return since;
  });
}

/** See `RevocationMemory.modes`. A word that this version does not know holds everything back. */
export async function loweredModes(driver: StoreDriver): Promise<LoweredMode[]> {
  const query = driver.db.selectFrom("modes").selectAll().orderBy("connection");
  const rows = await guarded(driver, () => query.execute());
  return rows.map(({ connection, mode, at }) => ({
    connection: connection === "" ? null : connection,
    mode: MODES.find((known) => known === mode) ?? "observe",
    atMs: Number(at),
  }));
}
