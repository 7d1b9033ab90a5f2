import { ConnectorError, describeError, FAULT_RETRY, StoreUnavailableError } from "../errors.ts";
import type { Claim } from "../store/store.ts";
import { retryDelayMs } from "./backoff.ts";
import type { ReconcileDeps } from "./deps.ts";

/** Ends a claim that failed, by the kind of the fault: try again later on the vendor's terms, or wait for a person. */
export async function handleFailure(deps: ReconcileDeps, claim: Claim, error: unknown): Promise<void> {
  const { store, log, meter } = deps;
  const fields = { ticket: claim.ticket, attempts: claim.attempts, outages: claim.outages };
  if (error instanceof StoreUnavailableError) {
    // Nothing can be recorded now; the lease runs out and the ticket is taken up again.
    log.warn("the store is unavailable; the ticket stays leased until its lease runs out", fields);
    return;
  }
  if (!(error instanceof ConnectorError)) {
    log.error("a ticket failed for a reason of our own", { ...fields, error: describeError(error) });
    meter.count("interlock_failures_total", { kind: "internal" });
    await again(deps, claim, "attempt", undefined, "internal", describeError(error));
    return;
  }
  meter.count("interlock_failures_total", { kind: error.kind, connection: error.connection });
  const turn = FAULT_RETRY[error.kind];
  if (turn === "park") {
    log.warn("a ticket is parked", { ...fields, reason: error.kind, detail: error.message });
    await store.park(claim, error.kind, error.message);
    return;
  }
  await again(deps, claim, turn, error.retryAfterMs, error.kind, error.message);
  log.info("a ticket will be tried again", { ...fields, reason: error.kind, status: error.status });
}

async function again(
  { store, log, limits, rng }: ReconcileDeps,
  claim: Claim,
  counts: "attempt" | "outage",
  retryAfterMs: number | undefined,
  reason: string,
  detail: string,
): Promise<void> {
  const tries = counts === "attempt" ? claim.attempts : claim.outages;
  const most = counts === "attempt" ? limits.attemptsMax : limits.outageAttemptsMax;
  if (tries + 1 >= most) {
    log.warn("a ticket is parked after its last try", { ticket: claim.ticket, reason, tries: tries + 1 });
    await store.park(claim, reason, `${detail} (gave up after ${tries + 1} tries)`);
    return;
  }
  await store.retry(claim, retryDelayMs(tries, retryAfterMs, rng, limits), counts);
}
