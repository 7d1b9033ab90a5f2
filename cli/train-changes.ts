import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { InvalidArgumentError } from "commander";
import { sha256Hex } from "../core/canonical.ts";
import { RISK_FEATURES } from "../core/risk/features.ts";
import { knownHistory } from "../core/risk/history.ts";
import { MILLION, RISK_MODEL_NAME, type WeighedFeature, writeRiskModel } from "../core/risk/model.ts";
import { CHANGES_MIN, FAILED_MIN, type RiskRefusal, type RiskTraining, trainRisk } from "../core/risk/train.ts";
import { closedChanges, type ReadChanges, type Unusable } from "./closed-changes.ts";
import { type CommonOptions, connectionNames, foldersFrom } from "./config.ts";
import { startProgress } from "./progress.ts";
import { makeRoom, writeWhole } from "./whole-file.ts";

const PERCENT = 100;
const NAME_WIDTH = 16;
const ERRORS_95 = 1.96;

/** The options of `train`, of which only these and those that all commands take are for changes. */
export interface ChangesOptions extends CommonOptions {
  file?: string;
  from?: string;
  out?: string;
}
const FITTING: ReadonlySet<string> = new Set(["file", "from", "out", "json", "config", "mappings"]);

const RULES_STAY = "The factors of change-risk.yaml stay in use.";

const UNUSABLE: Readonly<Record<Unusable, string>> = {
  outcome: "with an outcome other than successful, successful_issues, unsuccessful",
  plannedStart: "without a plannedStart such as 2026-01-31T09:15:30Z",
  closedAt: "without a closedAt such as 2026-01-31T09:15:30Z",
  early: "closed before they were to begin",
  incidents: "with incidents that are no number",
  twice: "with a number that came before",
};

/**
 * `interlock train --changes`: learns what makes a change go wrong from closed ones. Exit code 1 where they do not suffice;
 * what is wrong with the options is thrown, for 2.
 */
export async function trainChanges(options: ChangesOptions): Promise<0 | 1> {
  const strange = Object.keys(options).find((option) => !FITTING.has(option));
  if (strange !== undefined)
    throw new InvalidArgumentError(`--${dashed(strange)} is for tickets; leave it away with --changes`);
  const path = sourceOf(options);
  const out = options.out ?? join(foldersFrom(options).config, "policy", RISK_MODEL_NAME);
  await makeRoom("--out", out);
  const reading = startProgress({ command: "train", what: `reading ${path}`, unit: "share" });
  const read = await closedChanges(path, reading.at).finally(reading.end);
  const { cases, first } = knownHistory(read.changes);
  const training = trainRisk(cases, RISK_FEATURES);
  const { model } = training;
  const made = { ...(await written(model, out)), first };
  if (options.json === true) console.log(JSON.stringify(figuresOf(read, training, made)));
  else console.log(reportOf(read, training, made).join("\n"));
  if (typeof model === "string") console.error(`interlock: ${refusalOf(model, training)} ${RULES_STAY}`);
  return typeof model === "string" ? 1 : 0;
}

async function written(model: RiskTraining["model"], out: string): Promise<Pick<Made, "out" | "sha256">> {
  if (typeof model === "string") return { out: null, sha256: null };
  const text = writeRiskModel(model);
  await writeWhole(out, text);
  return { out, sha256: sha256Hex(text) };
}

/** The file that is read. What cannot be read yet is refused. */
function sourceOf({ file, from, ...options }: ChangesOptions): string {
  const path = file ?? from;
  if (path === undefined) throw new InvalidArgumentError("--file names no closed changes; name a CSV file");
  if (file !== undefined && from !== undefined)
    throw new InvalidArgumentError("--file and --from name closed changes twice; name one file");
  if (existsSync(path)) {
    if (statSync(path).isFile()) return path;
    throw new InvalidArgumentError(`${path} is no file; name a CSV file`);
  }
  if (from !== undefined && connectionNames(options).includes(from))
    throw new InvalidArgumentError(
      `closed changes cannot be read from a connection yet; export those of ${from} as CSV and name the file with --file`,
    );
  throw new InvalidArgumentError(`there is no file ${path}; name a CSV file of closed changes`);
}

interface Made {
  out: string | null;
  sha256: string | null;
  /** Changes of the first 90 days. */
  first: number;
}

/** What --json prints. */
function figuresOf(read: ReadChanges, training: RiskTraining, made: Made) {
  const { changes, failed, validation, model } = training;
  return {
    ...{ file: made.out, sha256: made.sha256, read: read.read, unusable: Object.fromEntries(read.unusable) },
    ...{ first: made.first, changes, failed },
    validation: validation
      ? {
          changes: validation.cases,
          failed: validation.bad,
          auc: validation.auc ?? null,
          error: validation.error ?? null,
        }
      : null,
    refused: typeof model === "string" ? model : null,
  };
}

function reportOf(read: ReadChanges, training: RiskTraining, { out, sha256, first }: Made): string[] {
  const { changes, failed, model } = training;
  const left = [...read.unusable].map(([why, count]) => `  ${count} ${UNUSABLE[why]}`);
  return [
    `Read ${read.read} changes; ${read.changes.length} can be learnt from.`,
    ...(left.length > 0 ? ["Left out:", ...left] : []),
    `The ${first} of the first 90 days only count as history of the others, as their own is not known.`,
    `Of ${changes} changes, ${failed} went wrong (${percent(failed, changes)}).`,
    ...measured(training),
    ...(typeof model === "string" ? [] : weightLines(model.features)),
    ...(out === null ? [] : [`Written: ${out}, sha256 ${sha256}`]),
  ];
}

function measured({ validation }: RiskTraining): string[] {
  if (!validation) return [];
  const { cases, bad, auc, error } = validation;
  const head = `Measured on the last fifth by time, ${cases} changes of which ${bad} went wrong (${percent(bad, cases)})`;
  if (auc === undefined || error === undefined) return [`${head}: nothing can be told apart there.`];
  const [low, high] = [Math.max(0, auc - ERRORS_95 * error), Math.min(1, auc + ERRORS_95 * error)];
  return [
    `${head}: AUC ${auc.toFixed(3)} (95 %: ${low.toFixed(3)} to ${high.toFixed(3)}).`,
    "So often a change that went wrong is taken for riskier than one that did not; .5 is a coin.",
  ];
}

/** The heaviest first. */
function weightLines(features: readonly Pick<WeighedFeature, "name" | "weight">[]): string[] {
  const told = features.toSorted((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  const silent = RISK_FEATURES.filter(({ name }) => !features.some((each) => each.name === name));
  return [
    "Weights, the heaviest first, in log-odds for each deviation from the usual:",
    ...told.map(({ name, weight }) => `  ${name.padEnd(NAME_WIDTH)} ${(weight / MILLION).toFixed(2).padStart(6)}`),
    ...(silent.length > 0
      ? [`Always the same, or not known, and so left out: ${silent.map(({ name }) => name).join(", ")}.`]
      : []),
  ];
}

function refusalOf(why: RiskRefusal, { changes, failed, validation }: RiskTraining): string {
  const none = "no model was written";
  if (why === "few_changes")
    return `${changes} closed changes are too few to learn from, ${CHANGES_MIN} are needed; ${none}.`;
  if (why === "few_failed")
    return `${failed} changes that went wrong are too few to learn from, ${FAILED_MIN} are needed; ${none}.`;
  return `on the last ${validation?.cases ?? 0} changes the model is not shown to be better than chance; ${none}.`;
}

/** As an option is written: `hold-out`. */
function dashed(option: string): string {
  return option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function percent(part: number, whole: number): string {
  return `${whole === 0 ? "0.0" : ((PERCENT * part) / whole).toFixed(1)} %`;
}
