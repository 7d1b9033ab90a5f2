import { instant } from "../clock.ts";
import type { Policy } from "../policy/policy.ts";
import type { Ticket } from "../ticket.ts";
import { type Course, decidedGroup, type Figures, Tally } from "./figures.ts";
import { type History, type RowReading, rowReader } from "./history.ts";
import { type Findings, Replay, type Replayable, replayable } from "./replay.ts";

/** Tickets that are kept at once; of a file that is not grouped, all are kept until its end. */
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
  /** Is given every ticket once nothing more can happen to it. */
  onTicket?: (ticket: Replayed) => void | Promise<void>;
}

interface Life {
  course: Course;
  lastMs: number;
  /** In its last row. */
  resolved: boolean;
  replays: readonly Replay[];
}

/**
 * Replays a history through the engine, once under each policy. The first of `rows` is the header; the rows of one
 * ticket stand in the order in which they happened, and tickets may be mixed. History is taken as it was: what people
 * would have done otherwise under another policy is not guessed at.
 *
 * Throws an Error where columns are missing, the file is larger than a run may be, or a ticket comes back in a file that
 * is said to be grouped.
 */
export async function backtest(
  rows: AsyncIterable<readonly string[]>,
  history: History,
  policies: readonly NamedPolicy[],
  options: BacktestOptions = {},
): Promise<Report> {
  const run = new Run(history, policies, options);
  let read: ReturnType<typeof rowReader> | undefined;
  for await (const cells of rows) {
    if (!read) {
      read = rowReader(history, cells);
      continue;
    }
    const settled = run.row(read(cells));
    if (settled) await options.onTicket?.(settled);
  }
  if (!read) throw new Error("the history is empty: not even a header stands in it");
  for (const settled of run.rest()) await options.onTicket?.(settled);
  return run.report();
}

class Run {
  readonly #history: History;
  readonly #tallies: readonly Tally[];
  readonly #ready: readonly Replayable[];
  readonly #sinceMs: number;
  readonly #lives = new Map<string, Life>();
  readonly #passedOver = new Set<string>();
  /** Tickets of a grouped file that are done with. */
  readonly #settled = new Set<string>();
  readonly #unreadable = new Map<string, number>();
  readonly #intake: ReadonlySet<string>;
  #last: Life | undefined;
  #rows = 0;
  #rowsOutOfOrder = 0;
  #tickets = 0;
  #known = 0;
  #agreeBefore = 0;
  #differ = 0;
  #fromMs = Number.POSITIVE_INFINITY;
  #toMs = Number.NEGATIVE_INFINITY;

  constructor(history: History, policies: readonly NamedPolicy[], { sinceMs }: BacktestOptions) {
    this.#history = history;
    this.#ready = policies.map(({ policy }) => replayable(policy));
    this.#tallies = policies.map(({ name, policy }) => new Tally(name, policy.version));
    this.#sinceMs = sinceMs ?? Number.NEGATIVE_INFINITY;
    this.#intake = new Set(["", ...history.mapping.intake("assignmentGroup").map(String)]);
  }

  /** Takes in one row. Returns the ticket before it where the file is grouped and nothing more can happen to that one. */
  row(reading: RowReading): Replayed | undefined {
    this.#rows += 1;
    if (this.#rows > ROWS_MAX) throw new Error(`the history has more than ${ROWS_MAX} rows; split it by months`);
    if ("unreadable" in reading) {
      const reason = this.#unreadable.size < UNREADABLE_MAX ? reading.unreadable : "(others)";
      this.#unreadable.set(reason, (this.#unreadable.get(reason) ?? 0) + 1);
      return undefined;
    }
    const { id, atMs, ticket } = reading.row;
    if (this.#passedOver.has(id)) return undefined;
    const before = this.#last?.course.id === id ? undefined : this.#last;
    const life = this.#lives.get(id) ?? this.#born(id, atMs, ticket);
    if (!life) return undefined;
    this.#last = life;
    if (atMs < life.lastMs) this.#rowsOutOfOrder += 1;
    life.lastMs = Math.max(life.lastMs, atMs);
    this.#fromMs = Math.min(this.#fromMs, life.lastMs);
    this.#toMs = Math.max(this.#toMs, life.lastMs);
    life.resolved = ticket.status === "resolved" || ticket.status === "closed";
    if (life.resolved) life.course.finalGroup = ticket.assignmentGroup;
    for (const replay of life.replays) replay.row(ticket, life.lastMs);
    const grouped = this.#history.csv.grouped && before?.replays.every((replay) => replay.atRest);
    return grouped && before ? this.#settle(before) : undefined;
  }

  /** Every ticket that is left, with its clocks run to the end of history: one that is still open may miss a target. */
  *rest(): Generator<Replayed> {
    for (const life of this.#lives.values()) {
      for (const replay of life.replays) replay.until(this.#toMs);
      yield this.#settle(life);
    }
  }

  report(): Report {
    const any = this.#tickets > 0;
    return {
      history: {
        mapping: this.#history.name,
        rows: this.#rows,
        tickets: this.#tickets,
        known: this.#known,
        agreeBefore: this.#agreeBefore,
        rowsOutOfOrder: this.#rowsOutOfOrder,
        unreadable: {
          rows: [...this.#unreadable.values()].reduce((sum, count) => sum + count, 0),
          byReason: Object.fromEntries(this.#unreadable),
        },
        before: this.#passedOver.size,
        from: any ? instant(this.#fromMs) : null,
        to: any ? instant(this.#toMs) : null,
      },
      policies: this.#tallies.map((tally) => tally.figures()),
      policiesDiffer: this.#tallies.length > 1 ? this.#differ : null,
    };
  }

  #settle({ course, replays, resolved }: Life): Replayed {
    this.#lives.delete(course.id);
    this.#settled.add(course.id);
    if (!resolved || course.finalGroup === "") course.finalGroup = undefined;
    const findings = replays.map((replay) => replay.findings);
    findings.forEach((each, at) => {
      this.#tallies[at]?.add(course, each);
    });
    this.#tickets += 1;
    this.#known += Number(course.finalGroup !== undefined);
    this.#agreeBefore += Number(course.finalGroup === course.firstGroup);
    const [first, second] = findings;
    if (first && second) this.#differ += Number(decidedGroup(course, first) !== decidedGroup(course, second));
    return { course, findings };
  }

  #born(id: string, atMs: number, ticket: Ticket): Life | undefined {
    if (this.#settled.has(id))
      throw new Error(`ticket ${id} comes back after others; take grouped: true out of ${this.#history.name}.yaml`);
    const openedMs = Date.parse(ticket.createdAt);
    if (openedMs < this.#sinceMs) {
      this.#passedOver.add(id);
      return undefined;
    }
    if (this.#lives.size === TICKETS_MAX)
      throw new Error(`more than ${TICKETS_MAX} tickets are open at once; split the history by months, or use --since`);
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
