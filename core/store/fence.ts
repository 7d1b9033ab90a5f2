import type { StoreDriver } from "./driver.ts";
import type { Claim } from "./store.ts";
import { inTransaction, type Trx } from "./transaction.ts";

/** Runs `work` only while the claim is still ours; a stale fence changes nothing and answers false. */
export async function withFence(
  driver: StoreDriver,
  claim: Claim,
  work: (trx: Trx) => Promise<void>,
): Promise<boolean> {
  return inTransaction(driver, async (trx) => {
    let held = trx
      .selectFrom("work")
      .select("fence")
      .where("ticket", "=", claim.ticket)
      .where("fence", "=", claim.fence)
      .where("lease_until", "is not", null);
    if (driver.skipLocked) held = held.forUpdate();
    if ((await held.executeTakeFirst()) === undefined) return false;
    await work(trx);
    return true;
  });
}
