import PQueue from "p-queue";
import { describeError } from "../errors.ts";
import type { Claim } from "../store/store.ts";
import { type Acting, reconcileBatch } from "./batch.ts";
import type { ReconcileDeps } from "./deps.ts";

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
  const { store, clock, limits, log } = deps;
  const queue = new PQueue({ concurrency: limits.actingMax });
  const lanes = new Map<string, PQueue>();
  const held = new Map<string, Claim>();
  const batches = new Set<Promise<void>>();
  let stopping = false;
  let rest = new AbortController();
  let restUntilMs = 0;
  const acting: Acting = { queue, stopping: () => stopping };

  function lane(connection: string): PQueue {
    const known = lanes.get(connection);
    if (known) return known;
    const made = new PQueue({ concurrency: limits.batchesMax });
    lanes.set(connection, made);
    return made;
  }

  async function run(): Promise<void> {
    while (!stopping) {
      let restMs = limits.pollMs;
      try {
        restMs = await takeUp();
      } catch (error) {
        log.error("the loop could not claim work; it will try again", { error: describeError(error) });
      }
      if (!stopping && restMs > 0) await pause(restMs);
    }
  }

  /** Claims what is due and sets it to work. Answers how long to rest before the next look. */
  async function takeUp(): Promise<number> {
    const room = Math.min(limits.claimMax, limits.inFlightMax - held.size);
    if (room <= 0) {
      await Promise.race(batches);
      return 0;
    }
    const claims = await store.claim(deps.worker, room, limits.leaseMs);
    for (const [desk, group] of grouped(claims)) begin(desk, group);
    if (claims.length === room) return 0;
    // A short rest lets more tickets become due, so that one read serves them all.
    const dueMs = (await store.nextDueMs()) ?? limits.pollMs;
    return Math.min(Math.max(dueMs, limits.settleMs), limits.pollMs);
  }

  function begin(connection: string, claims: Claim[]): void {
    for (const claim of claims) held.set(claim.ticket, claim);
    const desk = deps.desks.get(connection);
    const work = desk
      ? lane(connection).add(() => reconcileBatch(deps, desk, claims, acting))
      : Promise.all(
          claims.map((claim) =>
            store.park(claim, "no_connection", `connection ${connection} is not in the configuration any more`),
          ),
        ).then(() => {});
    const batch = work
      .catch((error: unknown) =>
        log.error("a batch failed; its tickets come back when their leases run out", {
          connection,
          error: describeError(error),
        }),
      )
      .finally(() => {
        // After its lease ran out, the same ticket may be held by a later claim.
        for (const claim of claims) if (held.get(claim.ticket) === claim) held.delete(claim.ticket);
        batches.delete(batch);
      });
    batches.add(batch);
  }

  /** Claims by connection and record type, in pieces that one read can carry. */
  function* grouped(claims: readonly Claim[]): Generator<[string, Claim[]]> {
    const groups = Map.groupBy(claims, ({ connection, type }) => `${connection}/${type}`);
    for (const group of groups.values()) {
      const connection = group[0]?.connection ?? "";
      const size = deps.desks.get(connection)?.connector.readMax ?? group.length;
      for (let start = 0; start < group.length; start += size) yield [connection, group.slice(start, start + size)];
    }
  }

  async function pause(ms: number): Promise<void> {
    rest = new AbortController();
    restUntilMs = clock.now() + ms;
    await clock.sleep(ms, rest.signal);
  }

  const running = run();
  return {
    wake() {
      // What was just accepted is due after `settleMs` at the earliest; a shorter rest is left alone.
      if (restUntilMs > clock.now() + limits.settleMs) rest.abort();
    },
    inFlight: () => held.size,
    async stop() {
      stopping = true;
      rest.abort();
      await running;
      const drained = Promise.all(batches);
      const late = new AbortController();
      await Promise.race([drained, clock.sleep(limits.drainMs, late.signal)]);
      late.abort();
      const left = [...held.values()];
      return left.length > 0 ? store.release(left) : 0;
    },
  };
}
