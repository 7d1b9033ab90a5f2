import { ConnectorError, describeError, FAULT_RETRY, StoreUnavailableError } from "../errors.ts";
import type { Claim } from "../store/store.ts";
import { retryDelayMs } from "./backoff.ts";
import type { ReconcileDeps } from "./deps.ts";

/**
 * Ends a claim that failed, by the kind of the fault: try again later on the vendor's terms, or wait for a person, whom
 * `parkedAs` tells what matters more than the kind.
 */
export async function handleFailure(
  deps: ReconcileDeps,
  claim: Claim,
  error: unknown,
  parkedAs?: string,
): Promise<void> {
  const { store, log, meter } = deps;
  const fields = { ticket: claim.ticket, attempts: claim.attempts, outages: claim.outages };
  if (error instanceof StoreUnavailableError) {
    // Nothing can be recorded now; the lease runs out and the ticket is taken up again.
    log.warn("the store is unavailable; the ticket stays leased until its lease runs out", fields);
    return;
  }
  if (!(error instanceof ConnectorError)) {
    log.error("a ticket failed for a reason of our own", { ...fields, error: describeError(error) });
    meter.count("interlock_failures_total", { kind: "internal", connection: claim.connection });
    const turn = { counts: "attempt", reason: parkedAs ?? "internal", detail: describeError(error) } as const;
    await tryAgain(deps, claim, turn);
    return;
  }
  meter.count("interlock_failures_total", { kind: error.kind, connection: error.connection });
  const turn = FAULT_RETRY[error.kind];
  if (turn === "park") {
    const reason = parkedAs ?? error.kind;
    log.warn("a ticket is parked", { ...fields, reason, detail: error.message });
    await store.park(claim, reason, error.message);
    return;
  }
  const { retryAfterMs, kind, message } = error;
  const seen = { kind, status: error.status, host: deps.desks.get(error.connection)?.host };
  await tryAgain(deps, claim, { counts: turn, retryAfterMs, reason: parkedAs ?? kind, detail: message }, seen);
}

export interface Turn {
  counts: "attempt" | "outage";
  retryAfterMs?: number | undefined;
  /** Under which it waits for a person after its last try. */
  reason: string;
  detail: string;
}

/** Ends a claim for another try, or for a person after its last one. `seen` goes into the log line. */
export async function tryAgain(
  { store, log, limits, rng }: ReconcileDeps,
  claim: Claim,
  { counts, retryAfterMs, reason, detail }: Turn,
  seen: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const tries = counts === "attempt" ? claim.attempts : claim.outages;
  const most = counts === "attempt" ? limits.attemptsMax : limits.outageAttemptsMax;
  if (tries + 1 >= most) {
    log.warn("a ticket is parked after its last try", {
      ...seen,
      ticket: claim.ticket,
      reason,
      detail,
      tries: tries + 1,
    });
    await store.park(claim, reason, `${detail} (gave up after ${tries + 1} tries)`);
    return;
  }
  const nextTryInMs = retryDelayMs(tries, retryAfterMs, rng, limits);
  await store.retry(claim, nextTryInMs, counts, { reason, detail });
  const counted = { tries: tries + 1, triesMax: most, nextTryInMs };
  log.info("a ticket will be tried again", { ...seen, ticket: claim.ticket, reason, detail, ...counted });
}

/** Runs one ticket's work; whatever fails in it ends that ticket's claim only. */
export async function isolated(deps: ReconcileDeps, claim: Claim, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    try {
      await handleFailure(deps, claim, error);
    } catch (second) {
      // The store would not even take the failure: the lease runs out by itself.
      deps.log.error("a failure could not be recorded", {
        ticket: claim.ticket,
        error: second instanceof Error ? second.name : "unknown",
      });
    }
  }
}
