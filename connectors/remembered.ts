import NodeCache from "node-cache";
import type { Clock } from "../core/clock.ts";

const AGE_MAX_MS = 600_000;
const ENTRIES_MAX = 2_000;

/** What a vendor answered to a question, kept for a while. */
export interface Remembered<Answer> {
  /** The answer to the question of that key: the one that is kept, or what `ask` brings. A failure is not kept. */
  get(key: string, ask: () => Promise<Answer>): Promise<Answer>;
}

export interface Kept {
  ageMaxMs?: number;
  entriesMax?: number;
}

/** Keeps up to 2,000 answers for ten minutes, unless told otherwise; one more and all are forgotten. */
export function remembered<Answer>(
  clock: Clock,
  { ageMaxMs = AGE_MAX_MS, entriesMax = ENTRIES_MAX }: Kept = {},
): Remembered<Answer> {
  // Promises are kept, not values: calls that need the same answer at the same time share one question.
  const cache = new NodeCache({ maxKeys: entriesMax, useClones: false, checkperiod: 0 });
  return {
    get(key, ask) {
      const known = cache.get<{ answer: Promise<Answer>; untilMs: number }>(key);
      if (known && known.untilMs > clock.now()) return known.answer;
      if (cache.keys().length >= entriesMax) cache.flushAll();
      const entry = { answer: ask(), untilMs: clock.now() + ageMaxMs };
      cache.set(key, entry);
      entry.answer.catch(() => {
        if (cache.get(key) === entry) cache.del(key);
      });
      return entry.answer;
    },
  };
}
