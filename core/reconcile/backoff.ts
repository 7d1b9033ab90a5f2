import type { Rng } from "../clock.ts";
import type { Limits } from "../limits.ts";

/**
 * Full jitter: a delay drawn evenly between 0 and a bound that doubles with every try, so that a crowd of failed
 * tickets does not come back as a crowd. A server's own word on when to come back is the floor.
 */
export function retryDelayMs(
  tries: number,
  retryAfterMs: number | undefined,
  rng: Rng,
  limits: Pick<Limits, "retryBaseMs" | "retryCapMs">,
): number {
  const bound = Math.min(limits.retryCapMs, limits.retryBaseMs * 2 ** Math.min(tries, 30));
  return Math.round((retryAfterMs ?? 0) + rng.next() * bound);
}
