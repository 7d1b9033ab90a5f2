import type { Clock, Rng } from "../core/clock.ts";
import type { Mode } from "../core/config/settings.ts";
import { describeError, StoreUnavailableError } from "../core/errors.ts";
import type { Limits } from "../core/limits.ts";
import type { Log, Meter } from "../core/ports.ts";
import type { Store } from "../core/store/store.ts";
import { completenessReport } from "../core/sweep/completeness.ts";
import { Identities } from "../core/sweep/identity.ts";
import { type Sweeps, type Swept, startSweeps } from "../core/sweep/schedule.ts";
import type { SweepApi } from "../routes/sweep-api.ts";

export interface SweepingDeps {
  store: Store;
  limits: Limits;
  clock: Clock;
  rng: Rng;
  log: Log;
  meter: Meter;
  wake: () => void;
}

/** The sweeps of a server, from before they start until after they have ended. */
export interface Sweeping {
  api: SweepApi;
  /** `mode`, or observe for a connection whose instance is not known to be the one it was made for. */
  modeOf(connection: string, mode: Mode): Mode;
  /** False while another instance answers than the one a connection was made for. */
  mayRead(connection: string): boolean;
  /** Asks every instance who it is, so that nothing is written before that is known; no longer than one call may take. */
  checkIdentities(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

/** How long a start waits for the vendors to say who they are: one that hangs must not keep webhooks of the others waiting. */
const IDENTITY_WAIT_MS = 5_000;

export function openSweeping(swept: ReadonlyMap<string, Swept>, deps: SweepingDeps): Sweeping {
  const { store, limits, clock, wake } = deps;
  const feeds = new Map([...swept].map(([connection, { feed }]) => [connection, feed]));
  const identities = new Identities({ ...deps, feeds });
  let sweeps: Sweeps | undefined;
  const types = [...swept].map(([connection, { recordTypes }]) => [connection, recordTypes] as const);
  return {
    api: {
      now: clock.now,
      sweep: () =>
        sweeps ? sweeps.now() : Promise.reject(new StoreUnavailableError("the server is not sweeping yet, or no more")),
      completeness: (sinceMs) => completenessReport({ store, limits, swept: types }, { sinceMs, nowMs: clock.now() }),
      identities: () => identities.list(),
      confirm: async (connection, by) => {
        const confirmed = await identities.confirm(connection, by);
        wake();
        return confirmed;
      },
    },
    modeOf: (connection, mode) => (identities.mayWrite(connection) ? mode : "observe"),
    mayRead: (connection) => !identities.isContradicted(connection),
    async checkIdentities() {
      const late = new AbortController();
      // What cannot be settled now is left to the first sweep; until then nothing is written without a pin.
      const asked = Promise.all([...feeds.keys()].map((connection) => identities.check(connection))).catch(
        (error: unknown) =>
          deps.log.error("the store could not be asked for identities", { error: describeError(error) }),
      );
      await Promise.race([asked, clock.sleep(Math.min(IDENTITY_WAIT_MS, limits.callTimeoutMs), late.signal)]);
      late.abort();
    },
    start() {
      sweeps = startSweeps({ ...deps, swept, identities });
    },
    async stop() {
      const running = sweeps;
      sweeps = undefined;
      await running?.stop();
    },
  };
}
