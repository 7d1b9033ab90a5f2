import type { Ticket } from "../ticket.ts";
import { RISK_FEATURES, type RiskFacts } from "./features.ts";
import type { RiskCase } from "./train.ts";

const DAY_MS = 86_400_000;
/** How far back changes are counted; as for `impact`. */
const LOOK_BACK_MS = 90 * DAY_MS;

/** A change of the past that people closed. Names are only compared. */
export interface ClosedChange {
  number: string;
  /** Empty texts where there is none. */
  ci: string;
  group: string;
  model: string;
  type: Ticket["change"]["type"];
  /** Instants. */
  plannedStart: string;
  plannedEnd?: string;
  closedAt: string;
  failed: boolean;
  /** On the item in the 30 days before, where somebody has counted them. */
  incidents?: number;
}

/** What was known of each change when it began. */
export interface KnownHistory {
  cases: RiskCase[];
  /** Changes of the first 90 days: they are counted for those after them and not learnt from, as nobody knows theirs. */
  first: number;
}

/**
 * What could be known of each change when it began: of the others, only those that were closed by then. All of
 * them must have been closed after they were to begin, or a change would be counted as its own history.
 */
export function knownHistory(changes: readonly ClosedChange[]): KnownHistory {
  const byStart = changes.toSorted((a, b) => compare(a.plannedStart, b.plannedStart) || compare(a.number, b.number));
  const byClosing = changes.toSorted((a, b) => compare(a.closedAt, b.closedAt) || compare(a.number, b.number));
  const begin = Date.parse(byClosing[0]?.closedAt ?? "") + LOOK_BACK_MS;
  const [items, groups, models] = [new Tally(), new Tally(), new Tally()];
  const cases: RiskCase[] = [];
  let closed = 0;
  let first = 0;
  for (const change of byStart) {
    for (let next = byClosing[closed]; next && next.closedAt < change.plannedStart; next = byClosing[++closed]) {
      items.add(next.ci, next);
      groups.add(next.group, next);
      models.add(next.model, next);
    }
    const at = Date.parse(change.plannedStart);
    if (at < begin) {
      first++;
      continue;
    }
    const [item, group, model] = [items.at(change.ci, at), groups.at(change.group, at), models.at(change.model, at)];
    const facts: RiskFacts = {
      type: change.type,
      startsAt: change.plannedStart,
      ...(change.plannedEnd !== undefined && { endsAt: change.plannedEnd }),
      history: {
        ...{ changes: item.closed, failedChanges: item.failed, daysSinceChange: item.daysSince },
        ...{ groupChanges: group.closed, groupFailed: group.failed },
        ...{ modelChanges: model.closed, modelFailed: model.failed },
        ...(change.incidents !== undefined && { incidents: change.incidents }),
      },
    };
    const values = RISK_FEATURES.map((feature) => feature.read(facts));
    cases.push({ startsAt: change.plannedStart, values, failed: change.failed });
  }
  return { cases, first };
}

interface Counted {
  closed: number;
  failed: number;
  /** Whole days; -1 where there was none. */
  daysSince: number;
}

interface Closing {
  ms: number;
  failed: boolean;
}

/** What is closed under one name: of the last 90 days, and when the last was. */
interface Named {
  closings: Closing[];
  /** The first of them that is not too old, and how many went wrong from there on. */
  from: number;
  failed: number;
  last: number;
}

/** Closed changes by name, for a moment that only moves on. */
class Tally {
  readonly #named = new Map<string, Named>();

  add(name: string, { closedAt, failed }: ClosedChange): void {
    if (name === "") return;
    const ms = Date.parse(closedAt);
    const its = this.#named.get(name) ?? { closings: [], from: 0, failed: 0, last: ms };
    this.#named.set(name, its);
    its.closings.push({ ms, failed });
    its.failed += Number(failed);
    its.last = ms;
  }

  at(name: string, ms: number): Counted {
    const its = this.#named.get(name);
    if (!its) return { closed: 0, failed: 0, daysSince: -1 };
    for (let next = its.closings[its.from]; next && next.ms < ms - LOOK_BACK_MS; next = its.closings[++its.from])
      its.failed -= Number(next.failed);
    const closed = its.closings.length - its.from;
    return { closed, failed: its.failed, daysSince: Math.floor((ms - its.last) / DAY_MS) };
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
