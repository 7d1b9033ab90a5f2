import { StoreUnavailableError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import type { NewSignal, Store } from "../store/store.ts";

export type Accepted = "accepted" | "duplicate";

/** Takes verified hints and answers once they are durable. */
export interface Intake {
  /**
   * Resolves after the commit that holds the signal. Rejects with StoreUnavailableError when it could not be made
   * durable, when too many are waiting, or after `close`.
   */
  submit(signal: NewSignal): Promise<Accepted>;
  /** Waits for what was submitted, and takes nothing more. */
  close(): Promise<void>;
}

interface Waiting {
  signal: NewSignal;
  resolve(outcome: Accepted): void;
  reject(error: unknown): void;
}

/** Commits on their way at the same time: one is written while the next is handed over, so the store never waits for us. */
const COMMITS_MAX = 2;

/**
 * Micro-batches: while commits are under way, what arrives waits and shares the next, so the cost of a commit is
 * divided by the load. `onAccepted` is told after every commit that brought something new.
 */
export function startIntake(store: Pick<Store, "accept">, limits: Limits, onAccepted: () => void): Intake {
  let waiting: Waiting[] = [];
  const committing = new Set<Promise<void>>();
  let gathering = false;
  let closed = false;

  function startCommit(): void {
    if (gathering || committing.size >= COMMITS_MAX || waiting.length === 0) return;
    gathering = true;
    const ended = gather()
      .then(commit)
      .finally(() => {
        committing.delete(ended);
        startCommit();
      });
    committing.add(ended);
  }

  async function gather(): Promise<readonly Waiting[]> {
    // A turn of the event loop lets every request that has already arrived join this batch.
    await new Promise((resolve) => setImmediate(resolve));
    const batch = waiting.slice(0, limits.intakeBatchMax);
    waiting = waiting.slice(limits.intakeBatchMax);
    gathering = false;
    startCommit();
    return batch;
  }

  async function commit(batch: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await store.accept(
        batch.map(({ signal }) => signal),
        limits.settleMs,
      );
      batch.forEach(({ resolve, reject }, index) => {
        const outcome = outcomes[index];
        if (outcome) resolve(outcome);
        else reject(new Error("the store answered for fewer signals than it was given"));
      });
      if (outcomes.includes("accepted")) onAccepted();
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  return {
    submit(signal) {
      if (closed) return Promise.reject(new StoreUnavailableError("the server is stopping"));
      if (waiting.length >= limits.intakeQueueMax) {
        return Promise.reject(
          new StoreUnavailableError(`${waiting.length} deliveries are waiting for a commit already`),
        );
      }
      return new Promise((resolve, reject) => {
        waiting.push({ signal, resolve, reject });
        startCommit();
      });
    },
    async close() {
      closed = true;
      while (committing.size > 0) await Promise.all(committing);
    },
  };
}
