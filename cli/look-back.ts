import type { ConnectorError } from "../core/errors.ts";
import type { Limits } from "../core/limits.ts";
import { patience } from "../core/patience.ts";
import type { Patience } from "../core/ports.ts";
import { systemClock, systemRng } from "./system.ts";

/** People work there, and the sidecar itself does: a look back takes what is left over. */
const CALLS_AT_ONCE_MAX = 2;
const CALL_SPACING_MIN_MS = 50;
/** Shorter waits are not worth a line. */
const WAIT_TOLD_MS = 2_000;

/** Limits for a command that reads much of a system of record. */
export function polite(limits: Limits): Limits {
  return {
    ...limits,
    callsAtOnceMax: Math.min(CALLS_AT_ONCE_MAX, limits.callsAtOnceMax),
    callsKeptMax: 0,
    callSpacingMs: Math.max(CALL_SPACING_MIN_MS, limits.callSpacingMs),
  };
}

/** Patience with a system that is down or limits us; says so where it takes a while. */
export function patientlyAs(command: string, limits: Limits): Patience {
  const onWait = (waitMs: number, { message }: ConnectorError): void => {
    if (waitMs >= WAIT_TOLD_MS) console.error(`${command}: ${message}; going on in ${Math.round(waitMs / 1_000)} s`);
  };
  return patience({ clock: systemClock, rng: systemRng, limits, onWait });
}
