import { z } from "zod";
import { Instant } from "../../ticket.ts";
import { SCORE_MAX } from "../score.ts";
import { BP_MAX } from "./clopper-pearson.ts";
import { STEPS_MAX } from "./steps.ts";

const count = z.int().nonnegative();
const digest = z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal characters");

/** How the answers came about that were counted. held_out: the model never saw those tickets. cross_fitted: each was answered by a model of the same kind that was trained without it. outcomes: people closed the tickets, and had seen the answers as suggestions. */
export const METHODS = ["held_out", "cross_fitted", "outcomes"] as const;

const Step = z
  .strictObject({
    scoreMin: count.max(SCORE_MAX),
    tickets: z.int().positive(),
    errors: count,
    boundBp: count.max(BP_MAX),
  })
  .refine(({ tickets, errors, boundBp }) => boundBp * tickets >= errors * BP_MAX, "a bound below what was counted");

const Evidence = z
  .strictObject({ tickets: count, errors: count, steps: z.array(Step).max(STEPS_MAX) })
  .refine(({ tickets, errors, steps }) => isFalling([{ tickets, errors }, ...steps]), "counts that cannot be");

/**
 * What a model's answers were worth on tickets of the past: for each label a few score thresholds, each with the highest
 * error rate that is to be feared beyond it. All thresholds of a label hold at the same time with the confidence that is
 * stated, so a target may be chosen, and moved, afterwards. Whole numbers; no text but labels.
 */
export const Calibration = z
  .strictObject({
    format: z.literal("interlock-calibration-1"),
    method: z.enum(METHODS),
    /** Of the model whose scores these are; of no other do they say anything. */
    modelDigest: digest,
    /** Of the tickets that were counted. */
    dataDigest: digest,
    calibratedAt: Instant,
    confidenceBp: z
      .int()
      .min(5_001)
      .max(BP_MAX - 1),
    /** All answers together, whatever their label. */
    overall: Evidence,
    /** By the label that was answered, in the order of the labels. */
    classes: z.array(Evidence.safeExtend({ label: z.string().min(1).max(200) })).max(10_000),
  })
  .refine(({ classes }) => isSorted(classes.map(({ label }) => label)), "labels twice, or out of order")
  .refine(
    ({ overall, classes }) => sum(classes, "tickets") === overall.tickets && sum(classes, "errors") === overall.errors,
    {
      error: "classes that do not add up to the whole",
    },
  );
export type Calibration = z.infer<typeof Calibration>;
export type Evidence = z.infer<typeof Evidence>;

/**
 * The lowest error rate in basis points that is shown for this answer and all that score higher; null where nothing is
 * shown. The answer may act by itself if and only if that is at most the target error: a lower score never has a lower
 * bound.
 */
export function boundOf(calibration: Calibration, label: string, score: number): number | null {
  const steps = calibration.classes.find((each) => each.label === label)?.steps ?? [];
  const shown = steps.filter(({ scoreMin }) => scoreMin <= score).map(({ boundBp }) => boundBp);
  return shown.length === 0 ? null : Math.min(...shown);
}

/** Every higher threshold leaves fewer tickets, and no more errors. */
function isFalling(steps: readonly { scoreMin?: number; tickets: number; errors: number }[]): boolean {
  return steps.every(({ scoreMin = -1, tickets, errors }, at) => {
    const next = steps[at + 1];
    if (errors > tickets) return false;
    if (!next) return true;
    const fits = next.tickets <= tickets && next.errors <= errors && tickets - next.tickets >= errors - next.errors;
    return fits && (next.scoreMin ?? 0) > scoreMin;
  });
}

function isSorted(labels: readonly string[]): boolean {
  return labels.every((label, at) => at === 0 || (labels[at - 1] ?? "") < label);
}

function sum(classes: readonly { tickets: number; errors: number }[], of: "tickets" | "errors"): number {
  return classes.reduce((all, each) => all + each[of], 0);
}
