import { existsSync, readFileSync, statSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import { CONFIDENCE_BP } from "../core/advice/calibration/calibrate.ts";
import { BP_MAX } from "../core/advice/calibration/clopper-pearson.ts";
import { writeCalibrations } from "../core/advice/calibration/file.ts";
import { answersOf, calibrateFields } from "../core/advice/calibration/local.ts";
import { fewestTickets } from "../core/advice/calibration/steps.ts";
import { type Corpus, gatherCorpus } from "../core/advice/local/corpus.ts";
import { type ClassifyModel, openClassify } from "../core/advice/local/model.ts";
import type { LabelField } from "../core/advice/step.ts";
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
import { csvTickets } from "./csv-tickets.ts";
import { startProgress } from "./progress.ts";
import { systemClock } from "./system.ts";
import { nothingIn, type TicketOptions, type TicketSource, ticketSource } from "./ticket-source.ts";
import { makeRoom, writeWhole } from "./whole-file.ts";

const ALPHA = (BP_MAX - CONFIDENCE_BP) / BP_MAX;

export interface CalibrateOptions extends CommonOptions, TicketOptions {
  model: string;
  out?: string;
  html?: string;
  target: string;
}

/** What is measured, on what, and where the result goes. */
interface Plan {
  source: TicketSource;
  modelPath: string;
  model: ClassifyModel;
  checksum: string;
  path: string;
  html: string | undefined;
  targetBp: number;
}

/** `interlock calibrate`. Exit code 1 when the tickets cannot show anything; what is wrong with the options is thrown. */
export async function calibrate(options: CalibrateOptions): Promise<0 | 1> {
  const plan = planFrom(options);
  await makeRoom("--out", plan.path);
  if (plan.html !== undefined) await makeRoom("--html", plan.html);
  const reading = startProgress("calibrate", `reading ${plan.source.path}`);
  const corpus = await gatherCorpus(csvTickets(plan.source, reading.at)).finally(reading.end);
  const unseen = corpus.tickets.filter(({ text }) => !plan.model.hasSeen(text));
  const calibrations = calibrateFields(answersOf(plan.model, unseen), {
    method: "held_out",
    modelDigest: plan.checksum,
    dataDigest: corpus.digest,
    calibratedAt: instant(systemClock.now()),
  });
  const measured = measuredOf(calibrations, { ...plan, tickets: unseen });
  const faults = corpus.tickets.length === 0 ? [nothingIn(plan.source, corpus)] : faultsOf(plan, corpus, measured);
  if (faults.length > 0) {
    for (const fault of faults) console.error(`interlock: ${fault}`);
    return 1;
  }
  await writeWhole(plan.path, writeCalibrations(calibrations));
  if (plan.html !== undefined) await writeWhole(plan.html, htmlReport(measured, plan));
  print({ plan, corpus, leftOut: corpus.tickets.length - unseen.length, measured }, options.json === true);
  return 0;
}

function planFrom(options: CalibrateOptions): Plan {
  const source = ticketSource(options);
  const { model: modelPath, target, html } = options;
  const targetBp = targetIn(target);
  if (!existsSync(modelPath) || !statSync(modelPath).isFile())
    throw new InvalidArgumentError(`there is no model ${modelPath}; train one with interlock train, or name its file`);
  const opened = openClassify(readFileSync(modelPath));
  if ("fault" in opened) throw new Error(`${modelPath} cannot be used: ${opened.message}`);
  const { model, checksum } = opened;
  const learnt = model.header.heads.map(({ field }) => field);
  for (const field of source.labels.keys())
    if (!learnt.includes(field))
      throw new InvalidArgumentError(`${modelPath} does not answer ${field}; it answers ${learnt.join(", ")}`);
  return { source, modelPath, model, checksum, path: options.out ?? calibrationPath(modelPath), html, targetBp };
}

/** Why nothing should be believed of what was measured, and what to do; none where all is well. */
function faultsOf({ model, modelPath, source }: Plan, corpus: Corpus, measured: readonly FieldMeasured[]): string[] {
  const { path } = source;
  if (corpus.digest === model.header.dataDigest && model.header.holdOutPercent === 0)
    return [
      `${modelPath} was trained on all tickets of ${path}, so they say nothing about it; bring others, or run interlock train --calibrate, which needs none`,
    ];
  if (corpus.tickets.every(({ text }) => model.hasSeen(text)))
    return [`${modelPath} was trained on every text of ${path}; bring tickets that were closed since`];
  return [...source.labels.keys()].flatMap((field) => faultsIn(field, path, measured));
}

function faultsIn(field: LabelField, path: string, measured: readonly FieldMeasured[]): string[] {
  const its = measured.find((each) => each.field === field);
  const answers = its?.calibration.overall.tickets ?? 0;
  const fewest = fewestTickets(1_000, ALPHA);
  if (!its || answers < fewest)
    return [
      `${field}: ${path} holds ${answers} answers that can be counted; fewer than ${fewest} cannot even show an error of ≤ 10 %. Bring more tickets`,
    ];
  const unknown = its.unknownLabels.reduce((sum, { tickets }) => sum + tickets, 0);
  if (unknown * 2 <= answers) return [];
  return [
    `${field}: ${unknown} of ${answers} tickets have labels that the model does not know, such as ${its.unknownLabels[0]?.label}; name the column it was trained on, or train it again`,
  ];
}

function print(
  { plan, corpus, leftOut, measured }: { plan: Plan; corpus: Corpus; leftOut: number; measured: FieldMeasured[] },
  json: boolean,
): void {
  const { read, unusable, digest: dataDigest } = corpus;
  if (json) {
    const { checksum: modelDigest } = plan;
    console.log(
      JSON.stringify({ modelDigest, dataDigest, read, unusable, leftOut, ...measuredFigures(measured, plan) }),
    );
    return;
  }
  console.log(measuredReport(measured, plan));
  console.log(
    `Read ${read} tickets: ${unusable} without text or label, and ${leftOut} different ones left out whose text the model was trained on.`,
  );
}
