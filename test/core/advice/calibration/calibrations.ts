import { calibrate } from "../../../../core/advice/calibration/calibrate.ts";
import type { Calibration } from "../../../../core/advice/calibration/calibration.ts";
import type { Judged } from "../../../../core/advice/score.ts";

export const PROVENANCE = {
  method: "held_out",
  modelDigest: "a".repeat(64),
  dataDigest: "b".repeat(64),
  calibratedAt: "2026-01-31T09:15:30.000Z",
} as const;

/** A calibration of answers whose origin is not the point. */
export function calibrationOf(judged: readonly Judged[], confidenceBp = 9_500): Calibration {
  return calibrate(judged, { ...PROVENANCE, confidenceBp });
}

/** So many answers with one label and one score. */
export function answers(label: string, score: number, { right = 0, wrong = 0 }): Judged[] {
  return Array.from({ length: right + wrong }, (_, at) => ({ label, score, correct: at < right }));
}

/** So many right answers with one label, each with a score of its own, from `scoreMin` up. */
export function distinct(label: string, count: number, scoreMin = 500_000): Judged[] {
  return Array.from({ length: count }, (_, at) => ({ label, score: scoreMin + at, correct: true }));
}
