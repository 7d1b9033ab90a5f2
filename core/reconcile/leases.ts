import { describeError } from "../errors.ts";
import type { Claim } from "../store/store.ts";
import type { ReconcileDeps } from "./deps.ts";

/**
 * Renews the leases of what is in work, so that a batch that takes long is not fenced off while its worker is well. Each
 * claim a bounded number of times: one that hangs for ever comes into other hands. Ends with the signal.
 */
export async function keepLeases(
  { store, clock, limits, log }: Pick<ReconcileDeps, "store" | "clock" | "limits" | "log">,
  held: ReadonlyMap<string, Claim>,
  over: AbortSignal,
): Promise<void> {
  const renewals = new WeakMap<Claim, number>();
  while (!over.aborted) {
    await clock.sleep(Math.ceil(limits.leaseMs / 3), over);
    const due = [...held.values()].filter((claim) => (renewals.get(claim) ?? 0) < limits.leaseRenewalsMax);
    if (over.aborted || due.length === 0) continue;
    try {
      await store.renew(due, limits.leaseMs);
      for (const claim of due) renewals.set(claim, (renewals.get(claim) ?? 0) + 1);
    } catch (error) {
      // Two more come before the lease is over.
      log.warn("leases could not be renewed", { claims: due.length, error: describeError(error) });
    }
  }
}
