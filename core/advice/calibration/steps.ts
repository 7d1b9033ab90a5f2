import { SCORE_MAX } from "../score.ts";
import { ticketsWithoutMiss, upperBoundBp } from "./clopper-pearson.ts";

/** Most thresholds that are tried for one label. */
export const STEPS_MAX = 8;
/** Each threshold leaves four fifths of the answers that the one before it left. */
const KEPT = 4;
const OF = 5;
/** A threshold is only tried where answers without a miss would show an error of at most that. */
const WORTH_TRYING_BP = 500;

/** What is known of the answers with at least `scoreMin`. */
export interface Step {
  scoreMin: number;
  tickets: number;
  errors: number;
  /** No higher error rate is to be feared, in basis points. */
  boundBp: number;
}

/** One answer's score, and whether it was right. */
interface Scored {
  score: number;
  correct: boolean;
}

/**
 * How many of the best answers each threshold leaves, most first. It hangs on the number of answers alone, so that it is
 * chosen without a look at them: a small class spends its doubt on one threshold, a large one on up to STEPS_MAX.
 */
export function stepSizes(tickets: number, alpha: number): number[] {
  const sizes = [tickets];
  let [kept, of] = [1, 1];
  for (let steps = 2; steps <= STEPS_MAX; steps += 1) {
    kept *= KEPT;
    of *= OF;
    const size = Math.floor((tickets * kept) / of);
    if (size < ticketsWithoutMiss(WORTH_TRYING_BP, alpha / steps)) break;
    sizes.push(size);
  }
  return sizes;
}

/**
 * The thresholds of one label with their bounds, lowest first. With a probability of 1 - alpha all of them hold at the
 * same time, so whoever looks at them may choose any.
 *
 * A threshold stands above the best answer that it leaves out. Those beyond it are then a fair sample of all answers
 * beyond it; were the answer itself among them, they would not be.
 */
export function stepsOf(answers: readonly Scored[], alpha: number): Step[] {
  const best = [...answers].sort((a, b) => b.score - a.score);
  const errors = [0];
  for (const { correct } of best) errors.push((errors.at(-1) ?? 0) + Number(!correct));
  const sizes = stepSizes(best.length, alpha);
  const steps = new Map<number, Step>();
  for (const size of sizes) {
    const scoreMin = (best[size]?.score ?? -1) + 1;
    // Equal scores stand or fall together.
    let tickets = size;
    while (tickets > 0 && (best[tickets - 1]?.score ?? 0) < scoreMin) tickets -= 1;
    if (tickets === 0 || scoreMin > SCORE_MAX) continue;
    const wrong = errors[tickets] ?? 0;
    const boundBp = upperBoundBp(wrong, tickets, alpha / sizes.length);
    steps.set(scoreMin, { scoreMin, tickets, errors: wrong, boundBp });
  }
  return [...steps.values()].sort((a, b) => a.scoreMin - b.scoreMin);
}

/** From how many answers of a label on, none of them wrong, an error of at most `targetBp` is shown. */
export function fewestTickets(targetBp: number, alpha: number): number {
  let fewest = 1;
  for (let steps = 1; steps <= STEPS_MAX; steps += 1) {
    const enough = ticketsWithoutMiss(targetBp, alpha / steps);
    // One answer fewer is already tried at so many thresholds, and not enough for them.
    if (stepSizes(enough - 1, alpha).length >= steps) fewest = Math.max(fewest, enough);
  }
  return fewest;
}
