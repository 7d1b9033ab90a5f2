/** The demo's adviser: the local model alone, trained here and now, and what it was found to be worth. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CalibrationFile } from "../../core/advice/calibration/file.ts";
import { writeCalibrations } from "../../core/advice/calibration/file.ts";
import { calibrateFields, crossFittedAnswers } from "../../core/advice/calibration/local.ts";
import { gatherCorpus, type LabelledText } from "../../core/advice/local/corpus.ts";
import { openClassify } from "../../core/advice/local/model.ts";
import { trainClassifier } from "../../core/advice/local/training.ts";
import { instant } from "../../core/clock.ts";

const SEED = 1;

export interface Trained {
  /** `ai:` of the demo's interlock.yaml. */
  ai: Record<string, unknown>;
  calibrations: CalibrationFile;
  tickets: number;
}

/** Trains and calibrates as `interlock train --calibrate` does, and writes both files into `folder`. */
export async function trainAdviser(closed: readonly LabelledText[], folder: string, nowMs: number): Promise<Trained> {
  const corpus = await gatherCorpus(closed);
  const { file } = trainClassifier(corpus, { seed: SEED, percent: 0, trainedAt: instant(nowMs) });
  if (!file) throw new Error("the closed tickets of the demo teach nothing");
  const opened = openClassify(file);
  if ("fault" in opened) throw new Error(opened.message);
  const calibrations = calibrateFields(crossFittedAnswers(corpus, { seed: SEED }), {
    method: "cross_fitted",
    modelDigest: opened.checksum,
    dataDigest: corpus.digest,
    calibratedAt: instant(nowMs),
  });
  const model = join(folder, "models", "classify.model");
  const calibration = `${model}.calibration.json`;
  mkdirSync(join(folder, "models"), { recursive: true });
  writeFileSync(model, file);
  writeFileSync(calibration, writeCalibrations(calibrations));
  const labels = { category: labelsOf(closed, "category"), assignment_group: labelsOf(closed, "assignment_group") };
  return {
    ai: {
      currency: "EUR",
      local: { model, calibration },
      labels: { ...labels, security_categories: ["security"] },
      steps: { classify: { chain: ["local", "person"] } },
    },
    calibrations,
    tickets: closed.length,
  };
}

function labelsOf(closed: readonly LabelledText[], field: "category" | "assignment_group"): string[] {
  return [...new Set(closed.flatMap(({ labels }) => labels[field] ?? []))].sort();
}
