import { existsSync, statSync } from "node:fs";
import { access, constants, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { InvalidArgumentError } from "commander";
import { type Corpus, gatherCorpus, type LabelledText } from "../core/advice/local/corpus.ts";
import { type Training, trainClassifier } from "../core/advice/local/training.ts";
import { LABEL_FIELDS, type LabelField } from "../core/advice/step.ts";
import { sha256Hex } from "../core/canonical.ts";
import { didYouMean } from "../core/nearest.ts";
import type { CommonOptions } from "./config.ts";
import { csvTickets, type TicketColumns } from "./csv-tickets.ts";
import { startProgress } from "./progress.ts";
import { systemClock } from "./system.ts";
import { trainingReport } from "./training-report.ts";

const HOLD_OUT_PERCENT_MAX = 50;
const SEED_MAX = 2 ** 32 - 1;

export interface TrainOptions extends CommonOptions {
  from: string;
  text: string;
  label: string[];
  out: string;
  holdOut: string;
  seed: string;
}

/** What is trained on, and how; wherever the tickets come from. */
interface Plan {
  source: string;
  columns: TicketColumns;
  out: string;
  percent: number;
  seed: number;
}

/** `interlock train`. Exit code 1 when there is nothing to learn; what is wrong with the options is thrown, for 2. */
export async function train(options: TrainOptions): Promise<0 | 1> {
  const startedMs = performance.now();
  const plan = planFrom(options);
  await makeRoom(plan.out);
  const reading = startProgress("train", `reading ${plan.source}`);
  const corpus = await gatherCorpus(ticketsOf(plan, reading.at)).finally(reading.end);
  if (corpus.tickets.length === 0) {
    console.error(`interlock: ${nothingIn(plan, corpus)}`);
    return 1;
  }
  const learning = startProgress("train", "learning");
  const { percent, seed } = plan;
  const trainedAt = new Date(systemClock.now()).toISOString();
  const training = trainClassifier(corpus, { percent, seed, trainedAt, onProgress: learning.at });
  learning.end();
  if (training.file) await writeWhole(plan.out, training.file);
  print({ plan, corpus, training, startedMs }, options.json === true);
  return training.file ? 0 : 1;
}

/** One closed ticket after the other, wherever they come from: nothing behind this knows. */
function ticketsOf({ source, columns }: Plan, onRead: (share: number) => void): AsyncIterable<LabelledText> {
  return csvTickets(source, columns, onRead);
}

function planFrom({ from, text, label, out, holdOut, seed }: TrainOptions): Plan {
  if (!existsSync(from))
    throw new InvalidArgumentError(
      `there is no file ${from}; export closed tickets as CSV. Training from a connection is not built yet`,
    );
  if (!statSync(from).isFile()) throw new InvalidArgumentError(`${from} is no file; name a CSV file`);
  const columns = { text: columnsIn(text), labels: labelsIn(label) };
  for (const [field, column] of columns.labels)
    if (columns.text.includes(column))
      throw new InvalidArgumentError(
        `the column ${column} is in --text and is what ${field} is learnt from; a model would only read its own answer`,
      );
  return {
    source: from,
    columns,
    out,
    percent: wholeNumber("--hold-out", holdOut, HOLD_OUT_PERCENT_MAX),
    seed: wholeNumber("--seed", seed, SEED_MAX),
  };
}

function columnsIn(text: string): string[] {
  const columns = text.split(",").map((column) => column.trim());
  if (columns.includes("")) throw new InvalidArgumentError(`--text ${text} names no column; write it as one,two`);
  return columns;
}

function labelsIn(given: readonly string[]): Map<LabelField, string> {
  const labels = new Map<LabelField, string>();
  for (const label of given) {
    const [name = "", column = ""] = label.split(/=(.*)/s).map((part) => part.trim());
    const field = LABEL_FIELDS.find((each) => each === name);
    if (field === undefined)
      throw new InvalidArgumentError(
        `--label ${label}: there is no field ${name}. ${didYouMean(name, LABEL_FIELDS)}There are: ${LABEL_FIELDS.join(", ")}`,
      );
    if (column === "") throw new InvalidArgumentError(`--label ${label} names no column; write it as ${field}=column`);
    if (labels.has(field))
      throw new InvalidArgumentError(`--label names ${field} twice; one column can be learnt from`);
    labels.set(field, column);
  }
  return labels;
}

function wholeNumber(option: string, given: string, max: number): number {
  const number = Number(given);
  if (/^\d+$/.test(given) && number <= max) return number;
  throw new InvalidArgumentError(`${option} ${given} is not a whole number from 0 to ${max}`);
}

function nothingIn({ source, columns }: Plan, { read }: Corpus): string {
  if (read === 0) return `${source} holds no ticket below the names of its columns; export some`;
  const labels = [...columns.labels.values()].join(", ");
  return `none of the ${read} tickets of ${source} has both a text (${columns.text.join(", ")}) and a label (${labels}); name the columns that are filled`;
}

/** Nobody should wait for a model that cannot be written then. */
async function makeRoom(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await access(dirname(path), constants.W_OK);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new InvalidArgumentError(`--out ${path} cannot be written: ${why}. Name a file in a folder that can be`);
  }
  if (existsSync(path) && !statSync(path).isFile())
    throw new InvalidArgumentError(`--out ${path} is no file; name one that is not there yet, or the model to replace`);
}

/** Whoever reads the model meanwhile sees the old one or the new one, never a part. */
async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const part = `${path}.${process.pid}.part`;
  try {
    const file = await open(part, "w");
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}

function print(
  { plan, corpus, training, startedMs }: { plan: Plan; corpus: Corpus; training: Training; startedMs: number },
  json: boolean,
): void {
  const { file, heads, tickets, heldOutTickets } = training;
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
    withoutLabels: [...plan.columns.labels.keys()].filter((each) => !heads.some(({ field }) => field === each)),
    seconds: Math.round((performance.now() - startedMs) / 100) / 10,
  };
  if (json) console.log(JSON.stringify(made));
  else console.log(trainingReport(made));
  if (!file) console.error("interlock: there is nothing to learn; no model was written");
}
