import { instant } from "../clock.ts";
import type { Step } from "./step.ts";

/** Caps in micros; a length of time that is not named has none. */
export interface Caps {
  hour?: number | undefined;
  day?: number | undefined;
}

export interface Budgets extends Caps {
  steps: Partial<Record<Step, Caps>>;
  connections: Readonly<Record<string, Caps>>;
  /** Assignment group of the ticket → caps. */
  teams: Readonly<Record<string, Caps>>;
}

/** What a question is booked on. */
export interface Spender {
  step: Step;
  connection: string;
  /** Assignment group of the ticket; empty where it has none. */
  team: string;
  /** The rule of autonomy.yaml that holds for the ticket, with the most it may cost a day, in micros. */
  autonomy?: { rule: string; dayMax: number } | undefined;
}

/** One account in one span of time, with the most that may be booked on it; null: counted, not limited. */
export interface SpendLine {
  /** `all`, `step/classify`, `connection/snow`, `team/Network`, `autonomy/incidents`. */
  scope: string;
  /** UTC: `2026-01-31T09` for an hour, `2026-01-31` for a day. */
  span: string;
  capMicros: number | null;
}

const HOUR_LETTERS = "2026-01-31T09".length;
const DAY_LETTERS = "2026-01-31".length;

/** The span of an hour or a day that a moment lies in, by UTC. */
export function spanAt(nowMs: number, length: "hour" | "day"): string {
  return instant(nowMs).slice(0, length === "hour" ? HOUR_LETTERS : DAY_LETTERS);
}

/**
 * Every account that a question is booked on, in an order that is the same for all, so that two bookings never wait for
 * each other. Hour and day of everything are always among them: what is spent is counted also where nothing limits it.
 */
export function spendLines(budgets: Budgets, spender: Spender, nowMs: number): SpendLine[] {
  const lines: SpendLine[] = [];
  const book = (scope: string, caps: Caps, always: boolean): void => {
    for (const length of ["hour", "day"] as const) {
      const capMicros = caps[length];
      if (capMicros !== undefined || always)
        lines.push({ scope, span: spanAt(nowMs, length), capMicros: capMicros ?? null });
    }
  };
  book("all", budgets, true);
  book(`step/${spender.step}`, budgets.steps[spender.step] ?? {}, true);
  book(`connection/${spender.connection}`, budgets.connections[spender.connection] ?? {}, true);
  if (spender.team !== "") book(`team/${spender.team}`, budgets.teams[spender.team] ?? {}, false);
  if (spender.autonomy) book(`autonomy/${spender.autonomy.rule}`, { day: spender.autonomy.dayMax }, false);
  return lines.sort((a, b) => (`${a.scope} ${a.span}` < `${b.scope} ${b.span}` ? -1 : 1));
}
