import PQueue from "p-queue";
import { describeError } from "../errors.ts";
import type { Claim } from "../store/store.ts";
import { type Acting, reconcileBatch } from "./batch.ts";
import type { ReconcileDeps } from "./deps.ts";
import { keepLeases } from "./leases.ts";

/** The running loop. */
export interface Loop {
  /** Something may be due earlier than the loop thinks. */
  wake(): void;
  /** Tickets in work in this process. */
  inFlight(): number;
  /**
   * Takes no more work, waits up to `drainMs` for what is in work, and gives back every lease that is left. Answers how
   * many were given back unfinished.
   */
  stop(): Promise<number>;
}

/** Starts the loop that brings tickets from due to settled, for ever, until stopped. */
export function startLoop(deps: ReconcileDeps): Loop {
  return new RunningLoop(deps);
}

class RunningLoop implements Loop {
  readonly #deps: ReconcileDeps;
  readonly #lanes = new Map<string, PQueue>();
  readonly #held = new Map<string, Claim>();
  readonly #batches = new Set<Promise<void>>();
  readonly #acting: Acting;
  readonly #running: Promise<void>;
  readonly #keeping: Promise<void>;
  readonly #over = new AbortController();
  #stopping = false;
  #rest = new AbortController();
  #restUntilMs = 0;

  constructor(deps: ReconcileDeps) {
    this.#deps = deps;
    this.#acting = { queue: new PQueue({ concurrency: deps.limits.actingMax }), stopping: () => this.#stopping };
    this.#running = this.#run();
    this.#keeping = keepLeases(deps, this.#held, this.#over.signal);
  }

  wake(): void {
    // What was just accepted is due after `settleMs` at the earliest; a shorter rest is left alone.
    if (this.#restUntilMs > this.#deps.clock.now() + this.#deps.limits.settleMs) this.#rest.abort();
  }

  inFlight(): number {
    return this.#held.size;
  }

  async stop(): Promise<number> {
    const { store, clock, limits } = this.#deps;
    this.#stopping = true;
    this.#rest.abort();
    const late = new AbortController();
    // The loop itself may be waiting for a batch to make room, and a batch for a vendor that hangs.
    const drained = this.#running.then(() => Promise.all(this.#batches));
    await Promise.race([drained, clock.sleep(limits.drainMs, late.signal)]);
    late.abort();
    this.#over.abort();
    await this.#keeping;
    const left = [...this.#held.values()];
    return left.length > 0 ? store.release(left) : 0;
  }

  #lane(connection: string): PQueue {
    const known = this.#lanes.get(connection);
    if (known) return known;
    const made = new PQueue({ concurrency: this.#deps.limits.batchesMax });
    this.#lanes.set(connection, made);
    return made;
  }

  async #run(): Promise<void> {
    while (!this.#stopping) {
      let restMs = this.#deps.limits.pollMs;
      try {
        restMs = await this.#takeUp();
      } catch (error) {
        this.#deps.log.error("the loop could not claim work; it will try again", { error: describeError(error) });
      }
      if (!this.#stopping && restMs > 0) await this.#pause(restMs);
    }
  }

  /** Claims what is due and sets it to work. Answers how long to rest before the next look. */
  async #takeUp(): Promise<number> {
    const room = Math.min(this.#deps.limits.claimMax, this.#deps.limits.inFlightMax - this.#held.size);
    if (room <= 0) {
      await Promise.race(this.#batches);
      return 0;
    }
    const claims = await this.#deps.store.claim(this.#deps.worker, room, this.#deps.limits.leaseMs);
    for (const [desk, group] of this.#grouped(claims)) this.#begin(desk, group);
    if (claims.length === room) return 0;
    // A short rest lets more tickets become due, so that one read serves them all.
    const dueMs = (await this.#deps.store.nextDueMs()) ?? this.#deps.limits.pollMs;
    return Math.min(Math.max(dueMs, this.#deps.limits.settleMs), this.#deps.limits.pollMs);
  }

  #begin(connection: string, claims: Claim[]): void {
    for (const claim of claims) this.#held.set(claim.ticket, claim);
    const desk = this.#deps.desks.get(connection);
    const work = desk
      ? this.#lane(connection).add(() => reconcileBatch(this.#deps, desk, claims, this.#acting))
      : Promise.all(
          claims.map((claim) =>
            this.#deps.store.park(
              claim,
              "no_connection",
              `connection ${connection} is not in the configuration any more`,
            ),
          ),
        ).then(() => {});
    const batch = work
      .catch((error: unknown) =>
        this.#deps.log.error("a batch failed; its tickets come back when their leases run out", {
          connection,
          error: describeError(error),
        }),
      )
      .finally(() => {
        // After its lease ran out, the same ticket may be held by a later claim.
        for (const claim of claims) if (this.#held.get(claim.ticket) === claim) this.#held.delete(claim.ticket);
        this.#batches.delete(batch);
      });
    this.#batches.add(batch);
  }

  /** Claims by connection and record type, in pieces that one read can carry. */
  *#grouped(claims: readonly Claim[]): Generator<[string, Claim[]]> {
    const groups = Map.groupBy(claims, ({ connection, type }) => `${connection}/${type}`);
    for (const group of groups.values()) {
      const connection = group[0]?.connection ?? "";
      const size = this.#deps.desks.get(connection)?.connector.readMax ?? group.length;
      for (let start = 0; start < group.length; start += size) yield [connection, group.slice(start, start + size)];
    }
  }

  async #pause(ms: number): Promise<void> {
    this.#rest = new AbortController();
    this.#restUntilMs = this.#deps.clock.now() + ms;
    await this.#deps.clock.sleep(ms, this.#rest.signal);
  }
}
