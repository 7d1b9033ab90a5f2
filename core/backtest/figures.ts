import type { Findings } from "./replay.ts";

/** What history itself says of one ticket. */
export interface Course {
  id: string;
  openedMs: number;
  /** The group at the first row; `""` where there was none. */
  firstGroup: string;
  /** Whether nobody had chosen that group: it is empty, or stands under `intake` in the mapping. */
  free: boolean;
  /** The group that resolved it; undefined where nobody did, or nobody knows who. */
  finalGroup: string | undefined;
}

/** A routing rule's record. */
export interface RuleFigures {
  rule: string;
  tickets: number;
  /** Of those with a known final group. */
  known: number;
  /** The rule's group, or the first one where it names none, is the final group. */
  agree: number;
}

/** What one policy would have done with a history. Counts of tickets unless a name says otherwise. */
export interface Figures {
  name: string;
  version: string;
  /** Tickets whose decided group is the final group, of those whose final group is known. */
  agree: number;
  routedDifferently: number;
  /** Of those: the first group was free, so the sidecar could have written without taking it from a person. */
  differentlyAndFree: number;
  /** Of those: the policy named the final group and the first group was another; and the other way round. */
  better: number;
  worse: number;
  leftToPeople: number;
  heldAtFirst: number;
  held: number;
  /** First decisions by mode. */
  modes: Record<string, number>;
  gates: { tickets: number; asked: number; askedAgain: number; byRule: Record<string, number> };
  freezes: { tickets: number; byRule: Record<string, number> };
  escalations: { tickets: number; steps: number; byStep: Record<string, number> };
  /** Clocks, not tickets: a ticket may have two. Told: a step had fired when the clock stood at that share or before. */
  sla: { clocks: number; missed: number; told50: number; told75: number; told100: number };
  /** No model is asked in a backtest: calls and cost are 0, and `wanted` counts tickets whose rules asked for advice. */
  ai: { enabled: false; calls: 0; costCents: 0; wanted: number };
  /** Fact → tickets whose rules asked for it. History does not hold it, so it counts as unknown. */
  unknownFacts: Record<string, number>;
  rules: RuleFigures[];
}

/** The group a ticket would be with: what the rules name, or where it stood. */
export function decidedGroup({ firstGroup }: Course, { routedTo }: Findings): string {
  return routedTo ?? firstGroup;
}

/** Adds up what one policy said of each ticket. */
export class Tally {
  readonly #figures: Figures;
  readonly #rules = new Map<string, RuleFigures>();

  constructor(name: string, version: string) {
    this.#figures = {
      name,
      version,
      agree: 0,
      routedDifferently: 0,
      differentlyAndFree: 0,
      better: 0,
      worse: 0,
      leftToPeople: 0,
      heldAtFirst: 0,
      held: 0,
      modes: {},
      gates: { tickets: 0, asked: 0, askedAgain: 0, byRule: {} },
      freezes: { tickets: 0, byRule: {} },
      escalations: { tickets: 0, steps: 0, byStep: {} },
      sla: { clocks: 0, missed: 0, told50: 0, told75: 0, told100: 0 },
      ai: { enabled: false, calls: 0, costCents: 0, wanted: 0 },
      unknownFacts: {},
      rules: [],
    };
  }

  add(course: Course, findings: Findings): void {
    const sum = this.#figures;
    this.#route(course, findings);
    sum.heldAtFirst += Number(findings.heldAtFirst);
    sum.held += Number(findings.holds.size > 0);
    count(sum.modes, findings.mode);
    sum.gates.tickets += Number(findings.gates.size > 0);
    for (const [rule, times] of findings.gates) {
      sum.gates.asked += 1;
      sum.gates.askedAgain += times - 1;
      count(sum.gates.byRule, rule);
    }
    sum.freezes.tickets += Number(findings.freezes.size > 0);
    for (const rule of findings.freezes) count(sum.freezes.byRule, rule);
    sum.escalations.tickets += Number(findings.steps.length > 0);
    sum.escalations.steps += findings.steps.length;
    for (const step of findings.steps) count(sum.escalations.byStep, step);
    for (const { missed, firstStepAt = Number.POSITIVE_INFINITY } of findings.clocks.values()) {
      sum.sla.clocks += 1;
      if (!missed) continue;
      sum.sla.missed += 1;
      sum.sla.told50 += Number(within(firstStepAt, 50));
      sum.sla.told75 += Number(within(firstStepAt, 75));
      sum.sla.told100 += Number(within(firstStepAt, 100));
    }
    sum.ai.wanted += Number(findings.adviceWanted);
    for (const name of findings.unknown) count(sum.unknownFacts, name);
  }

  /** What it came to so far; rules that decided most tickets first. */
  figures(): Figures {
    const rules = [...this.#rules.values()].sort((a, b) => b.tickets - a.tickets || (a.rule < b.rule ? -1 : 1));
    return { ...this.#figures, rules };
  }

  #route(course: Course, findings: Findings): void {
    const sum = this.#figures;
    const { firstGroup, finalGroup, free } = course;
    const decided = decidedGroup(course, findings);
    const agrees = finalGroup !== undefined && decided === finalGroup;
    const rule = findings.heldAtFirst ? "(held)" : findings.rule;
    const record = this.#rules.get(rule) ?? { rule, tickets: 0, known: 0, agree: 0 };
    this.#rules.set(rule, record);
    record.tickets += 1;
    record.known += Number(finalGroup !== undefined);
    record.agree += Number(agrees);
    sum.agree += Number(agrees);
    sum.leftToPeople += Number(!findings.heldAtFirst && findings.routedTo === undefined);
    if (decided === firstGroup) return;
    sum.routedDifferently += 1;
    sum.differentlyAndFree += Number(free);
    sum.better += Number(agrees);
    sum.worse += Number(finalGroup !== undefined && firstGroup === finalGroup);
  }
}

/** A step at half of an odd number of milliseconds fires a hair after half. */
function within(share: number, percent: number): boolean {
  return share <= percent + 0.01;
}

function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
