import type { Clock } from "../../core/clock.ts";
import { ConnectorError } from "../../core/errors.ts";

/** What Jira takes of writes to one issue. */
const WINDOWS = [
  { writes: 20, withinMs: 2_000 },
  { writes: 100, withinMs: 30_000 },
] as const;
const WRITES_MAX = 100;
const REMEMBERED_MS = 30_000;
const ISSUES_MAX = 2_000;
/** Longer than this nobody waits with a call in hand: the ticket comes back later instead. */
const WAIT_MAX_MS = 5_000;

/** Keeps writes to one issue below what Jira takes; other issues are not held up. */
export class IssuePace {
  readonly #connection: string;
  readonly #clock: Clock;
  /** When writes to an issue start, in order; those to come included. The issue written last stands last. */
  readonly #starts = new Map<string, number[]>();
  /** Until when Jira asked us to leave an issue alone. */
  readonly #rests = new Map<string, number>();

  constructor(connection: string, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /**
   * Runs a write when the issue's turn has come. Throws a ConnectorError `rate_limited`, without a call, where that is
   * more than 5 s away.
   */
  async turn<T>(issueId: string, write: () => Promise<T>): Promise<T> {
    const nowMs = this.#clock.now();
    this.#forget(nowMs);
    const starts = this.#starts.get(issueId) ?? [];
    const startMs = Math.max(nowMs, this.#rests.get(issueId) ?? 0, ...WINDOWS.map((window) => freeAt(starts, window)));
    if (startMs - nowMs > WAIT_MAX_MS) throw this.#tooMany(startMs - nowMs);
    this.#starts.delete(issueId);
    this.#starts.set(issueId, [...starts, startMs].slice(-WRITES_MAX));
    if (startMs > nowMs) await this.#clock.sleep(startMs - nowMs);
    try {
      return await write();
    } catch (error) {
      if (error instanceof ConnectorError && error.kind === "rate_limited" && error.retryAfterMs !== undefined)
        this.#rest(issueId, this.#clock.now() + error.retryAfterMs);
      throw error;
    }
  }

  #rest(issueId: string, untilMs: number): void {
    if (this.#rests.size >= ISSUES_MAX) this.#rests.clear();
    this.#rests.set(issueId, untilMs);
  }

  #tooMany(retryAfterMs: number): ConnectorError {
    const message = `${this.#connection} takes no more writes to this issue just now; see what else edits it`;
    return new ConnectorError({ kind: "rate_limited", connection: this.#connection, message, retryAfterMs });
  }

  /** Drops what no window reaches any more; the oldest issues too, where there are too many. */
  #forget(nowMs: number): void {
    for (const [issueId, starts] of this.#starts) {
      const idle = (starts.at(-1) ?? 0) <= nowMs - REMEMBERED_MS;
      if (!idle && this.#starts.size < ISSUES_MAX) break;
      this.#starts.delete(issueId);
    }
    for (const [issueId, untilMs] of this.#rests) if (untilMs <= nowMs) this.#rests.delete(issueId);
  }
}

function freeAt(starts: readonly number[], { writes, withinMs }: (typeof WINDOWS)[number]): number {
  const before = starts.at(-writes);
  return before === undefined ? 0 : before + withinMs;
}
