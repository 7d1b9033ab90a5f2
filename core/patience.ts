import type { Clock, Rng } from "./clock.ts";
import { ConnectorError, FAULT_RETRY } from "./errors.ts";
import type { Limits } from "./limits.ts";
import type { Patience } from "./ports.ts";
import { retryDelayMs } from "./reconcile/backoff.ts";

const TRIES_MAX = 8;
/** Whoever is asked to wait longer is better off to come back himself. */
const WAIT_MAX_MS = 900_000;

export interface PatienceDeps {
  clock: Clock;
  rng: Rng;
  limits: Pick<Limits, "retryBaseMs" | "retryCapMs">;
  /** Is told of every wait before it begins. */
  onWait?: (waitMs: number, fault: ConnectorError) => void;
}

/**
 * Patience for questions, which change nothing and so may be asked again: a system that is down or limits us is asked
 * up to 8 times, as long as it does not want us to wait for more than a quarter of an hour. Not for writes.
 */
export function patience({ clock, rng, limits, onWait }: PatienceDeps): Patience {
  return async (ask) => {
    for (let tries = 1; ; tries += 1) {
      try {
        return await ask();
      } catch (error) {
        const passes = error instanceof ConnectorError && FAULT_RETRY[error.kind] === "outage";
        if (!passes || tries === TRIES_MAX) throw error;
        const waitMs = retryDelayMs(tries, error.retryAfterMs, rng, limits);
        if (waitMs > WAIT_MAX_MS) throw error;
        onWait?.(waitMs, error);
        await clock.sleep(waitMs);
      }
    }
  };
}
