import { InvalidArgumentError } from "commander";
import { writeCalibrations } from "../core/advice/calibration/file.ts";
import { calibrateFields, crossFittedAnswers } from "../core/advice/calibration/local.ts";
import { type Corpus, gatherCorpus } from "../core/advice/local/corpus.ts";
import { openClassify } from "../core/advice/local/model.ts";
import { type Training, trainClassifier } from "../core/advice/local/training.ts";
import { sha256Hex } from "../core/canonical.ts";
import { instant } from "../core/clock.ts";
import {
  calibrationPath,
  type FieldMeasured,
  htmlReport,
  measuredFigures,
  measuredOf,
  measuredReport,
  targetIn,
} from "./calibration-report.ts";
import type { CommonOptions } from "./config.ts";
import { startProgress } from "./progress.ts";
import { systemClock } from "./system.ts";
import { nothingIn, type TicketOptions, type TicketSource, ticketSource } from "./ticket-source.ts";
import { trainingReport } from "./training-report.ts";
import { makeRoom, writeWhole } from "./whole-file.ts";

const HOLD_OUT_PERCENT = "20";
const HOLD_OUT_PERCENT_MAX = 50;
const SEED_MAX = 2 ** 32 - 1;

const NOT_CALIBRATED =
  "Every answer is a suggestion until it is known what they are worth: run interlock calibrate on tickets closed since, or train with --calibrate.";

export interface TrainOptions extends CommonOptions, TicketOptions {
  out: string;
  /** Closed changes: not what this command learns from. */
  file?: string;
  holdOut?: string;
  seed?: string;
  calibrate?: boolean;
  html?: string;
  target?: string;
}

/** What is trained on, and how. */
interface Plan {
  source: TicketSource;
  out: string;
  percent: number;
  seed: number;
  /** What the calibration is reported for; undefined where none is wanted. */
  calibration: { path: string; html: string | undefined; targetBp: number } | undefined;
}

/** `interlock train`. Exit code 1 when there is nothing to learn; what is wrong with the options is thrown, for 2. */
export async function train(options: TrainOptions): Promise<0 | 1> {
  const startedMs = performance.now();
  const plan = planFrom(options);
  await makeRoom("--out", plan.out);
  if (plan.calibration?.html !== undefined) await makeRoom("--html", plan.calibration.html);
  const reading = startProgress({ command: "train", what: `reading ${plan.source.path}`, unit: "share" });
  const corpus = await gatherCorpus(plan.source.tickets(reading.at)).finally(reading.end);
  if (corpus.tickets.length === 0) {
    console.error(`interlock: ${nothingIn(plan.source, corpus)}`);
    return 1;
  }
  const learning = startProgress({ command: "train", what: "learning", unit: "share" });
  const { percent, seed } = plan;
  const trainedAt = instant(systemClock.now());
  const training = trainClassifier(corpus, { percent, seed, trainedAt, onProgress: learning.at });
  learning.end();
  if (training.file) await writeWhole(plan.out, training.file);
  const measured = training.file ? await calibrated(plan, corpus, training.file) : [];
  print({ plan, corpus, training, measured, startedMs }, options.json === true);
  return training.file ? 0 : 1;
}

/** Measures the model that was just trained, where that is wanted, by models that are trained on parts of its tickets. */
async function calibrated(plan: Plan, corpus: Corpus, file: Uint8Array): Promise<FieldMeasured[]> {
  if (!plan.calibration) return [];
  const opened = openClassify(file);
  if ("fault" in opened) throw new Error(`the model that was just trained is refused: ${opened.message}`);
  const measuring = startProgress({ command: "train", what: "calibrating", unit: "share" });
  const answers = crossFittedAnswers(corpus, { seed: plan.seed, onProgress: measuring.at });
  measuring.end();
  const calibrations = calibrateFields(answers, {
    method: "cross_fitted",
    modelDigest: opened.checksum,
    dataDigest: corpus.digest,
    calibratedAt: instant(systemClock.now()),
  });
  const { path, html, targetBp } = plan.calibration;
  await writeWhole(path, writeCalibrations(calibrations));
  const measured = measuredOf(calibrations, { model: opened.model, tickets: corpus.tickets });
  if (html !== undefined) await writeWhole(html, htmlReport(measured, { modelPath: plan.out, targetBp }));
  return measured;
}

function planFrom(options: TrainOptions): Plan {
  const { out, file, holdOut, seed = "1", calibrate = false, html, target } = options;
  if (file !== undefined)
    throw new InvalidArgumentError("--file is for closed changes; add --changes, or name tickets with --from");
  if (calibrate && holdOut !== undefined)
    throw new InvalidArgumentError("--calibrate measures every ticket and holds none out; leave --hold-out away");
  if (!calibrate && (html !== undefined || target !== undefined))
    throw new InvalidArgumentError("--html and --target are about what --calibrate measures; add it");
  return {
    source: ticketSource(options),
    out,
    percent: calibrate ? 0 : wholeNumber("--hold-out", holdOut ?? HOLD_OUT_PERCENT, HOLD_OUT_PERCENT_MAX),
    seed: wholeNumber("--seed", seed, SEED_MAX),
    calibration: calibrate ? { path: calibrationPath(out), html, targetBp: targetIn(target ?? "5%") } : undefined,
  };
}

function wholeNumber(option: string, given: string, max: number): number {
  const number = Number(given);
  if (/^\d+$/.test(given) && number <= max) return number;
  throw new InvalidArgumentError(`${option} ${given} is not a whole number from 0 to ${max}`);
}

interface Made {
  plan: Plan;
  corpus: Corpus;
  training: Training;
  measured: FieldMeasured[];
  startedMs: number;
}

function print({ plan, corpus, training, measured, startedMs }: Made, json: boolean): void {
  const { file, heads, tickets, heldOutTickets } = training;
  const { calibration } = plan;
  const made = {
    file: file ? plan.out : null,
    bytes: file?.length ?? 0,
    sha256: file ? sha256Hex(file) : null,
    dataDigest: corpus.digest,
    seed: plan.seed,
    holdOutPercent: plan.percent,
    read: corpus.read,
    unusable: corpus.unusable,
    beyond: corpus.beyond,
    tickets,
    heldOutTickets,
    heads,
    withoutLabels: [...plan.source.labels.keys()].filter((each) => !heads.some(({ field }) => field === each)),
    seconds: Math.round((performance.now() - startedMs) / 100) / 10,
  };
  if (json)
    console.log(JSON.stringify({ ...made, calibration: calibration ? measuredFigures(measured, calibration) : null }));
  else {
    console.log(trainingReport(made));
    if (file) console.log(calibration ? `\n${measuredReport(measured, calibration)}` : NOT_CALIBRATED);
  }
  if (!file) console.error("interlock: there is nothing to learn; no model was written");
}
