import { instant } from "../clock.ts";
import type { Policy } from "../policy/policy.ts";
import { type Course, decidedGroup, type Figures, Tally } from "./figures.ts";
import { type Findings, Replay, type Replayable, replayable } from "./replay.ts";
import type { StateReading, StateSource, TicketState } from "./states.ts";

/** Tickets that are kept at once; of a history that is not grouped, all are kept until its end. */
const TICKETS_MAX = 200_000;
const STATES_MAX = 20_000_000;
/** Kinds of unreadable states that are told apart. */
const UNREADABLE_MAX = 50;

/** A policy under the name people know it by, such as its folder. */
export interface NamedPolicy {
  name: string;
  policy: Policy;
}

/** What a backtest came to. Counts of tickets unless a name says otherwise. */
export interface Report {
  history: {
    /** How the file was read (its mapping), or the connection. */
    source: string;
    /** States of tickets; in a file, its rows. */
    rows: number;
    tickets: number;
    /** Of them with a known final group: what every agreement is a share of. */
    known: number;
    /** Those whose first group is the final one: how well people, or the rules of then, routed. */
    agreeBefore: number;
    /** Rows earlier than the one before them; decided on at that one's hour. */
    rowsOutOfOrder: number;
    /** States that could not be read, by what stood there; in production such a ticket is parked. */
    unreadable: { rows: number; byReason: Record<string, number> };
    /** Left out because they were opened before `--since`. */
    before: number;
    /** What else there is to know of how the history was read. */
    remarks: readonly string[];
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
 * Replays a history through the engine, once under each policy. History is taken as it was: what people would have done
 * otherwise under another policy is not guessed at.
 *
 * Throws what its source throws, and an Error where the history is larger than a run may be, or a ticket comes back in
 * one that is said to be grouped.
 */
export async function backtest(
  source: StateSource,
  policies: readonly NamedPolicy[],
  options: BacktestOptions = {},
): Promise<Report> {
  const run = new Run(source, policies, options);
  for await (const reading of source.states) {
    const settled = run.take(reading);
    if (settled) await options.onTicket?.(settled);
  }
  for (const settled of run.rest()) await options.onTicket?.(settled);
  return run.report();
}

class Run {
  readonly #source: StateSource;
  readonly #tallies: readonly Tally[];
  readonly #ready: readonly Replayable[];
  readonly #sinceMs: number;
  readonly #lives = new Map<string, Life>();
  readonly #passedOver = new Set<string>();
  /** Tickets of a grouped history that are done with. */
  readonly #settled = new Set<string>();
  readonly #unreadable = new Map<string, number>();
  #last: Life | undefined;
  #rows = 0;
  #rowsOutOfOrder = 0;
  #tickets = 0;
  #known = 0;
  #agreeBefore = 0;
  #differ = 0;
  #fromMs = Number.POSITIVE_INFINITY;
  #toMs = Number.NEGATIVE_INFINITY;

  constructor(source: StateSource, policies: readonly NamedPolicy[], { sinceMs }: BacktestOptions) {
    this.#source = source;
    this.#ready = policies.map(({ policy }) => replayable(policy));
    this.#tallies = policies.map(({ name, policy }) => new Tally(name, policy.version));
    this.#sinceMs = sinceMs ?? Number.NEGATIVE_INFINITY;
  }

  /** Takes in one state. Returns the ticket before it where the history is grouped and nothing more can happen to that one. */
  take(reading: StateReading): Replayed | undefined {
    this.#rows += 1;
    if (this.#rows > STATES_MAX)
      throw new Error(`the history has more than ${STATES_MAX} states; split it by months, or use --since`);
    if ("unreadable" in reading) {
      const reason = this.#unreadable.size < UNREADABLE_MAX ? reading.unreadable : "(others)";
      this.#unreadable.set(reason, (this.#unreadable.get(reason) ?? 0) + 1);
      return undefined;
    }
    const { id, atMs, ticket } = reading.state;
    if (this.#passedOver.has(id)) return undefined;
    const before = this.#last?.course.id === id ? undefined : this.#last;
    const life = this.#lives.get(id) ?? this.#born(reading.state);
    if (!life) return undefined;
    this.#last = life;
    if (atMs < life.lastMs) this.#rowsOutOfOrder += 1;
    life.lastMs = Math.max(life.lastMs, atMs);
    this.#fromMs = Math.min(this.#fromMs, life.lastMs);
    this.#toMs = Math.max(this.#toMs, life.lastMs);
    life.resolved = ticket.status === "resolved" || ticket.status === "closed";
    if (life.resolved) life.course.finalGroup = ticket.assignmentGroup;
    for (const replay of life.replays) replay.row(ticket, life.lastMs);
    const grouped = this.#source.grouped && before?.replays.every((replay) => replay.atRest);
    return grouped && before ? this.#settle(before) : undefined;
  }

  /** Every ticket that is left, with its clocks run to the end of history: one that is still open may miss a target. */
  *rest(): Generator<Replayed> {
    this.#toMs = Math.max(this.#toMs, this.#source.knownUntilMs ?? Number.NEGATIVE_INFINITY);
    for (const life of this.#lives.values()) {
      for (const replay of life.replays) replay.until(this.#toMs);
      yield this.#settle(life);
    }
  }

  report(): Report {
    const any = this.#tickets > 0;
    return {
      history: {
        source: this.#source.name,
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
        remarks: this.#source.remarks(),
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

  #born({ id, atMs, ticket, free }: TicketState): Life | undefined {
    if (this.#settled.has(id))
      throw new Error(`ticket ${id} comes back after others; take grouped: true out of ${this.#source.name}.yaml`);
    const openedMs = Date.parse(ticket.createdAt);
    if (openedMs < this.#sinceMs) {
      this.#passedOver.add(id);
      return undefined;
    }
    if (this.#lives.size === TICKETS_MAX)
      throw new Error(`more than ${TICKETS_MAX} tickets are open at once; split the history by months, or use --since`);
    const firstGroup = ticket.assignmentGroup;
    const life: Life = {
      course: { id, openedMs, firstGroup, free, finalGroup: undefined },
      lastMs: atMs,
      resolved: false,
      replays: this.#ready.map((ready) => new Replay(ready)),
    };
    this.#lives.set(id, life);
    return life;
  }
}
