import { percent } from "../../backtest/lines.ts";
import type { Calibration, Evidence } from "./calibration.ts";
import { BP_MAX } from "./clopper-pearson.ts";
import { fewestTickets } from "./steps.ts";

/** The targets that a table shows, in basis points. */
export const TARGETS_BP = [100, 200, 300, 500, 800, 1_000] as const;

/** What happens by itself at a target error: counts of the tickets that were calibrated on. */
export interface Coverage {
  targetBp: number;
  /** Answered by itself, and how many of them wrong. */
  tickets: number;
  errors: number;
  /** The error that is to be feared of all of them, from the bounds of their labels; null where there are none. */
  boundBp: number | null;
  classes: ClassCoverage[];
}

export interface ClassCoverage {
  label: string;
  /** From this score on it happens by itself; null where it never does. */
  scoreMin: number | null;
  tickets: number;
  errors: number;
  boundBp: number | null;
}

/** What an admin gets for a target error: every label down to its lowest threshold whose bound is within the target. */
export function coverageAt(calibration: Calibration, targetBp: number): Coverage {
  const classes = calibration.classes.map(({ label, steps }): ClassCoverage => {
    const step = steps.find(({ boundBp }) => boundBp <= targetBp);
    return step ? { label, ...step } : { label, scoreMin: null, tickets: 0, errors: 0, boundBp: null };
  });
  const sum = (of: (each: ClassCoverage) => number): number => classes.reduce((all, each) => all + of(each), 0);
  const tickets = sum((each) => each.tickets);
  const feared = sum((each) => each.tickets * (each.boundBp ?? 0));
  const boundBp = tickets === 0 ? null : Math.ceil(feared / tickets);
  return { targetBp, tickets, errors: sum((each) => each.errors), boundBp, classes };
}

/** Targets at which more happens by itself than at any lower one, lowest first: the corners of the curve. */
export function corners(calibration: Calibration): Coverage[] {
  const bounds = calibration.classes.flatMap(({ steps }) => steps.map(({ boundBp }) => boundBp));
  const all = [...new Set(bounds)].sort((a, b) => a - b).map((targetBp) => coverageAt(calibration, targetBp));
  return all.filter(({ tickets }, at) => tickets > (all[at - 1]?.tickets ?? 0));
}

/** `5 %`, `0.5 %`. */
export function percentOf(bp: number): string {
  return `${Number((bp / 100).toFixed(2))} %`;
}

/** What an operations lead reads: `At ≤ 2 % error the desk handles 31.0 % of tickets by itself, at ≤ 5 % 48.2 %.` */
export function coverageSentence(calibration: Calibration, targetsBp: readonly number[]): string {
  const parts = targetsBp.map((targetBp, at) => {
    const { tickets } = coverageAt(calibration, targetBp);
    const share = percent(tickets, calibration.overall.tickets);
    const target = `at ≤ ${percentOf(targetBp)}`;
    if (at > 0) return `${target} ${tickets === 0 ? "none" : share}`;
    return `${target} error the desk handles ${tickets === 0 ? "no ticket" : `${share} of tickets`} by itself`;
  });
  const text = parts.join(", ");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** Labels that never act by themselves at a target, each with the reason and what would change it. */
export function withoutEvidence(calibration: Calibration, targetBp: number): string[] {
  const alpha = (BP_MAX - calibration.confidenceBp) / BP_MAX;
  const fewest = fewestTickets(targetBp, alpha);
  return calibration.classes
    .filter(({ steps }) => !steps.some(({ boundBp }) => boundBp <= targetBp))
    .map((each) => lacking(each, targetBp, fewest));
}

function lacking({ label, tickets, errors, steps }: Evidence & { label: string }, targetBp: number, fewest: number) {
  const target = `≤ ${percentOf(targetBp)}`;
  const counted = `${label}: ${tickets} answers, ${errors} of them wrong`;
  if (tickets < fewest) return `${counted}; ${target} is shown from ${fewest} answers without a miss on.`;
  const best = Math.min(BP_MAX, ...steps.map(({ boundBp }) => boundBp));
  return `${counted}; even the best-scored may be wrong in ${percentOf(best)}, so ${target} is not shown.`;
}
