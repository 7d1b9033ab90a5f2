import { type Judged, SCORE_MAX } from "../score.ts";
import type { Calibration, Evidence } from "./calibration.ts";
import { BP_MAX } from "./clopper-pearson.ts";
import { stepsOf } from "./steps.ts";

/** How sure a bound is, unless somebody asks for more: 95 %. */
export const CONFIDENCE_BP = 9_500;
/** Answers that are counted at once. */
const TICKETS_MAX = 1_000_000;

export interface CalibrateOptions extends Pick<Calibration, "method" | "modelDigest" | "dataDigest" | "calibratedAt"> {
  confidenceBp?: number;
}

/**
 * Counts, label by label, how wrong a model's answers were beyond a few scores, and how wrong they may be at worst. The
 * answers come from tickets that the model was not trained on, and count as independent of each other: give each text
 * once. Throws a RangeError for scores that are none and for more than a million answers.
 */
export function calibrate(judged: readonly Judged[], options: CalibrateOptions): Calibration {
  if (judged.length > TICKETS_MAX) throw new RangeError(`${judged.length} answers; ${TICKETS_MAX} can be counted`);
  const { method, modelDigest, dataDigest, calibratedAt, confidenceBp = CONFIDENCE_BP } = options;
  const alpha = (BP_MAX - confidenceBp) / BP_MAX;
  const byLabel = new Map<string, Judged[]>();
  for (const answer of judged) {
    const { label, score } = answer;
    if (!Number.isSafeInteger(score) || score < 0 || score > SCORE_MAX) throw new RangeError(`${score} is not a score`);
    const known = byLabel.get(label);
    if (known) known.push(answer);
    else byLabel.set(label, [answer]);
  }
  const labels = [...byLabel].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    format: "interlock-calibration-1",
    method,
    modelDigest,
    dataDigest,
    calibratedAt,
    confidenceBp,
    overall: evidenceOf(judged, alpha),
    classes: labels.map(([label, answers]) => ({ label, ...evidenceOf(answers, alpha) })),
  };
}

function evidenceOf(answers: readonly Judged[], alpha: number): Evidence {
  const errors = answers.filter(({ correct }) => !correct).length;
  return { tickets: answers.length, errors, steps: answers.length === 0 ? [] : stepsOf(answers, alpha) };
}
