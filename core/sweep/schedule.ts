import type { Clock, Rng } from "../clock.ts";
import { ConnectorError, describeError, type FaultKind } from "../errors.ts";
import type { ChangeFeed, Log } from "../ports.ts";
import type { Store } from "../store/store.ts";
import type { Identities } from "./identity.ts";
import { type SweepRun, type SweepTypeDeps, sweepType } from "./sweep.ts";

/** A connection with the record types to sweep. */
export interface Swept {
  feed: ChangeFeed;
  recordTypes: readonly string[];
}

export interface SweepsDeps extends Omit<SweepTypeDeps, "stopping" | "clock"> {
  store: Store;
  swept: ReadonlyMap<string, Swept>;
  identities: Pick<Identities, "check">;
  clock: Clock;
  rng: Rng;
  log: Log;
}

/** A sweep of one record type that ended in a fault, or that was not begun. */
export interface SweepFault {
  connection: string;
  recordType: string;
  kind: FaultKind | "internal" | "not_asked";
  message: string;
}

/** One sweep of everything. */
export interface SweepRound {
  runs: SweepRun[];
  faults: SweepFault[];
}

/** The running sweeps. */
export interface Sweeps {
  /** Sweeps everything now. What is under way may have looked already, so that a round of its own follows it. */
  now(): Promise<SweepRound>;
  /** Ends them after the page in hand, and waits for that as long as work is drained. */
  stop(): Promise<void>;
}

/** Starts sweeping: at once, then every `sweepEveryMs`, until stopped. */
export function startSweeps(deps: SweepsDeps): Sweeps {
  return new RunningSweeps(deps);
}

/** After these the system itself is in trouble, or wants to be left alone: its other record types can wait too. */
const LEAVE_ALONE: readonly SweepFault["kind"][] = ["rate_limited", "unavailable"];

class RunningSweeps implements Sweeps {
  readonly #deps: SweepsDeps;
  readonly #ending = new AbortController();
  readonly #running: Promise<void>;
  /** The last fault of each record type, so that it is told when it begins and not with every sweep. */
  readonly #faulty = new Map<string, string>();
  #round: Promise<SweepRound> | undefined;
  #following: Promise<SweepRound> | undefined;

  constructor(deps: SweepsDeps) {
    this.#deps = deps;
    this.#running = this.#run();
  }

  now(): Promise<SweepRound> {
    if (!this.#round) return this.#begin();
    this.#following ??= this.#round.then(() => {
      this.#following = undefined;
      return this.#begin();
    });
    return this.#following;
  }

  async stop(): Promise<void> {
    const { clock, limits } = this.#deps;
    this.#ending.abort();
    const late = new AbortController();
    await Promise.race([this.#running, clock.sleep(limits.drainMs, late.signal)]);
    late.abort();
  }

  async #run(): Promise<void> {
    const { clock, rng, limits } = this.#deps;
    while (!this.#ending.signal.aborted) {
      await this.now();
      // Not all installations at the same second of the minute.
      await clock.sleep(limits.sweepEveryMs * (0.9 + 0.2 * rng.next()), this.#ending.signal);
    }
  }

  #begin(): Promise<SweepRound> {
    const round = this.#sweepAll().finally(() => {
      if (this.#round === round) this.#round = undefined;
    });
    this.#round = round;
    return round;
  }

  async #sweepAll(): Promise<SweepRound> {
    const rounds = await Promise.all([...this.#deps.swept].map(([name, swept]) => this.#sweepConnection(name, swept)));
    return { runs: rounds.flatMap(({ runs }) => runs), faults: rounds.flatMap(({ faults }) => faults) };
  }

  /** One record type after the other. Never rejects: a fault ends its own sweep, is told, and is tried again. */
  async #sweepConnection(connection: string, { feed, recordTypes }: Swept): Promise<SweepRound> {
    const runs: SweepRun[] = [];
    const faults: SweepFault[] = [];
    const trouble = await this.#unfit(connection);
    for (const recordType of recordTypes) {
      if (this.#ending.signal.aborted) break;
      const last = faults.at(-1);
      if (trouble) faults.push({ connection, recordType, ...trouble });
      else if (last && LEAVE_ALONE.includes(last.kind)) faults.push({ ...last, recordType, kind: last.kind });
      else {
        const swept = await this.#sweepOne(feed, recordType);
        if ("kind" in swept) faults.push(swept);
        else runs.push(swept);
      }
    }
    return { runs, faults };
  }

  /** Why a connection is not swept now: a clone's hours would move the marks past changes of the right instance. */
  async #unfit(connection: string): Promise<Pick<SweepFault, "kind" | "message"> | undefined> {
    try {
      const { state } = await this.#deps.identities.check(connection, this.#deps.limits.sweepEveryMs / 2);
      if (state !== "contradicted") return undefined;
      return { kind: "not_asked", message: "another instance answers than the one this connection was made for" };
    } catch (error) {
      this.#deps.log.error("the identity of an instance could not be held against its pin", {
        connection,
        error: describeError(error),
      });
      return { kind: "internal", message: "the store could not be asked which instance is the right one" };
    }
  }

  async #sweepOne(feed: ChangeFeed, recordType: string): Promise<SweepRun | SweepFault> {
    const { meter, log, limits } = this.#deps;
    const { connection } = feed;
    try {
      const run = await sweepType({ ...this.#deps, stopping: () => this.#ending.signal.aborted }, feed, recordType);
      const outcome = run.complete ? "complete" : "cut";
      meter.count("interlock_sweeps_total", { connection, type: recordType, outcome });
      this.#told(run, limits.sweepFirstMs);
      return run;
    } catch (error) {
      const kind = error instanceof ConnectorError ? error.kind : "internal";
      const message = describeError(error);
      // What a stop cuts off is no fault.
      if (this.#ending.signal.aborted) return { connection, recordType, kind: "not_asked", message };
      meter.count("interlock_sweeps_total", { connection, type: recordType, outcome: kind });
      const known = this.#faulty.get(`${connection}/${recordType}`) === kind;
      this.#faulty.set(`${connection}/${recordType}`, kind);
      const level = known ? "debug" : kind === "auth" || kind === "internal" ? "error" : "warn";
      log[level]("a sweep failed; the next one begins where the last good one ended", {
        ...{ connection, recordType, kind, error: message },
      });
      return { connection, recordType, kind, message };
    }
  }

  #told(run: SweepRun, sweepFirstMs: number): void {
    const { log } = this.#deps;
    const { connection, recordType, signalled, changed, complete } = run;
    if (this.#faulty.delete(`${connection}/${recordType}`)) log.info("sweeps work again", { connection, recordType });
    if (run.first) {
      log.info("a record type is swept for the first time; what changed longer ago is not looked for", {
        ...{ connection, recordType, lookedBackMs: sweepFirstMs },
      });
    }
    if (signalled > 0)
      log.info("a sweep found changes that nothing had told of", { connection, recordType, signalled, changed });
    if (!complete) log.info("a sweep left the rest to the next one", { connection, recordType, pages: run.pages });
  }
}
