import { instant } from "../clock.ts";
import type { Policy } from "../policy/policy.ts";
import type { Ticket } from "../ticket.ts";
import { type Course, decidedGroup, type Figures, Tally } from "./figures.ts";
import { type History, rowReader } from "./history.ts";
import { type Findings, Replay, type Replayable, replayable } from "./replay.ts";

/** Tickets of one run: what is kept of each until the end must fit in memory. */
const TICKETS_MAX = 200_000;
const ROWS_MAX = 20_000_000;
/** Kinds of unreadable rows that are told apart. */
const UNREADABLE_MAX = 50;

/** A policy under the name people know it by, such as its folder. */
export interface NamedPolicy {
  name: string;
  policy: Policy;
}

/** What a backtest came to. Counts of tickets unless a name says otherwise. */
export interface Report {
  history: {
    mapping: string;
    rows: number;
    tickets: number;
    /** Of them with a known final group: what every agreement is a share of. */
    known: number;
    /** Those whose first group is the final one: how well people, or the rules of then, routed. */
    agreeBefore: number;
    /** Rows earlier than the one before them; decided on at that one's hour. */
    rowsOutOfOrder: number;
    /** Rows that could not be read, by what stood there; in production such a ticket is parked. */
    unreadable: { rows: number; byReason: Record<string, number> };
    /** Left out because they were opened before `--since`. */
    before: number;
    /** First and last hour; null in an empty history. */
    from: string | null;
    to: string | null;
  };
  policies: Figures[];
  /** Tickets that the first and the second policy send to different groups; null with one policy. */
  policiesDiffer: number | null;
}

/** One ticket with what each policy, in their order, said of it. */
export interface Replayed {
  course: Course;
  findings: readonly Findings[];
}

export interface BacktestOptions {
  /** Only tickets opened at that hour or later, in ms since 1970. */
  sinceMs?: number;
}

interface Life {
  course: Course;
  lastMs: number;
  resolved: boolean;
  replays: readonly Replay[];
}

/**
 * Replays a history through the engine, once under each policy. The first of `rows` is the header; the rows of one
 * ticket stand in the order in which they happened, and tickets may be mixed. History is taken as it was: what people
 * would have done otherwise under another policy is not guessed at.
 *
 * Throws an Error where columns are missing or the file is larger than a run may be.
 */
export async function backtest(
  rows: AsyncIterable<readonly string[]>,
  history: History,
  policies: readonly NamedPolicy[],
  options: BacktestOptions = {},
): Promise<{ report: Report; tickets: readonly Replayed[] }> {
  const run = new Run(history, policies, options);
  let read: ReturnType<typeof rowReader> | undefined;
  for await (const cells of rows) {
    if (read) run.row(read(cells));
    else read = rowReader(history, cells);
  }
  if (!read) throw new Error("the history is empty: not even a header stands in it");
  return run.end();
}

class Run {
  readonly #history: History;
  readonly #policies: readonly NamedPolicy[];
  readonly #ready: readonly Replayable[];
  readonly #sinceMs: number;
  readonly #lives = new Map<string, Life>();
  readonly #passedOver = new Set<string>();
  readonly #unreadable = new Map<string, number>();
  readonly #intake: ReadonlySet<string>;
  #rows = 0;
  #rowsOutOfOrder = 0;
  #fromMs = Number.POSITIVE_INFINITY;
  #toMs = Number.NEGATIVE_INFINITY;

  constructor(history: History, policies: readonly NamedPolicy[], { sinceMs }: BacktestOptions) {
    this.#history = history;
    this.#policies = policies;
    this.#ready = policies.map(({ policy }) => replayable(policy));
    this.#sinceMs = sinceMs ?? Number.NEGATIVE_INFINITY;
    this.#intake = new Set(["", ...history.mapping.intake("assignmentGroup").map(String)]);
  }

  row(reading: ReturnType<ReturnType<typeof rowReader>>): void {
    this.#rows += 1;
    if (this.#rows > ROWS_MAX) throw new Error(`the history has more than ${ROWS_MAX} rows; split it by months`);
    if ("unreadable" in reading) {
      const reason = this.#unreadable.size < UNREADABLE_MAX ? reading.unreadable : "(others)";
      this.#unreadable.set(reason, (this.#unreadable.get(reason) ?? 0) + 1);
      return;
    }
    const { id, atMs, ticket } = reading.row;
    if (this.#passedOver.has(id)) return;
    const life = this.#lives.get(id) ?? this.#born(id, atMs, ticket);
    if (!life) return;
    if (atMs < life.lastMs) this.#rowsOutOfOrder += 1;
    life.lastMs = Math.max(life.lastMs, atMs);
    this.#fromMs = Math.min(this.#fromMs, life.lastMs);
    this.#toMs = Math.max(this.#toMs, life.lastMs);
    life.resolved = ticket.status === "resolved" || ticket.status === "closed";
    if (life.resolved) life.course.finalGroup = ticket.assignmentGroup;
    for (const replay of life.replays) replay.row(ticket, life.lastMs);
  }

  end(): { report: Report; tickets: readonly Replayed[] } {
    const tallies = this.#policies.map(({ name, policy }) => new Tally(name, policy.version));
    const tickets: Replayed[] = [];
    let [known, agreeBefore, differ] = [0, 0, 0];
    for (const { course, replays, resolved } of this.#lives.values()) {
      // The clocks of a ticket that is still open run until history ends.
      for (const replay of replays) replay.until(this.#toMs);
      if (!resolved || course.finalGroup === "") course.finalGroup = undefined;
      const findings = replays.map((replay) => replay.findings);
      findings.forEach((each, at) => {
        tallies[at]?.add(course, each);
      });
      known += Number(course.finalGroup !== undefined);
      agreeBefore += Number(course.finalGroup === course.firstGroup);
      const [first, second] = findings;
      if (first && second) differ += Number(decidedGroup(course, first) !== decidedGroup(course, second));
      tickets.push({ course, findings });
    }
    const report: Report = {
      history: {
        mapping: this.#history.name,
        rows: this.#rows,
        tickets: tickets.length,
        known,
        agreeBefore,
        rowsOutOfOrder: this.#rowsOutOfOrder,
        unreadable: {
          rows: [...this.#unreadable.values()].reduce((sum, count) => sum + count, 0),
          byReason: Object.fromEntries(this.#unreadable),
        },
        before: this.#passedOver.size,
        from: tickets.length > 0 ? instant(this.#fromMs) : null,
        to: tickets.length > 0 ? instant(this.#toMs) : null,
      },
      policies: tallies.map((tally) => tally.figures()),
      policiesDiffer: this.#policies.length > 1 ? differ : null,
    };
    return { report, tickets };
  }

  #born(id: string, atMs: number, ticket: Ticket): Life | undefined {
    const openedMs = Date.parse(ticket.createdAt);
    if (openedMs < this.#sinceMs) {
      this.#passedOver.add(id);
      return undefined;
    }
    if (this.#lives.size === TICKETS_MAX)
      throw new Error(`the history has more than ${TICKETS_MAX} tickets; split it by months, or use --since`);
    const firstGroup = ticket.assignmentGroup;
    const life: Life = {
      course: { id, openedMs, firstGroup, free: this.#intake.has(firstGroup), finalGroup: undefined },
      lastMs: atMs,
      resolved: false,
      replays: this.#ready.map((ready) => new Replay(ready)),
    };
    this.#lives.set(id, life);
    return life;
  }
}
