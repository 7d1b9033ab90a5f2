import type { Clock } from "../core/clock.ts";
import { describeError } from "../core/errors.ts";
import type { Log } from "../core/ports.ts";
import type { Store } from "../core/store/store.ts";

const LOOK_EVERY_MS = 5_000;
/** Clocks are slewed by less than this between two looks; what is more was set. */
const JUMP_MIN_MS = 3_000;

export interface ClockWatchDeps {
  clock: Clock;
  /** Milliseconds that only ever pass, from any beginning. */
  monotonic: () => number;
  store: Pick<Store, "append">;
  worker: string;
  log: Log;
}

/** Notes on the ledger when the wall clock is set while the process runs, until `signal` aborts. */
export async function watchClock(
  { clock, monotonic, store, worker, log }: ClockWatchDeps,
  signal: AbortSignal,
): Promise<void> {
  let offMs = clock.now() - monotonic();
  while (!signal.aborted) {
    await clock.sleep(LOOK_EVERY_MS, signal);
    const nowOffMs = clock.now() - monotonic();
    const jumpMs = Math.round(nowOffMs - offMs);
    if (Math.abs(jumpMs) < JUMP_MIN_MS) {
      offMs = nowOffMs;
      continue;
    }
    if (signal.aborted) return;
    log.warn("the clock of this machine was set; hours before and after cannot be held against each other", { jumpMs });
    try {
      await store.append([{ kind: "clock", ticket: null, body: { worker, jumpMs } }]);
      offMs = nowOffMs; // what could not be recorded is found again at the next look
    } catch (error) {
      log.error("the jump of the clock could not be recorded", { error: describeError(error) });
    }
  }
}
