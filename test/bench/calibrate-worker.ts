import { parentPort, workerData } from "node:worker_threads";
import { calibrate } from "../../core/advice/calibration/calibrate.ts";
import { boundOf, type Calibration } from "../../core/advice/calibration/calibration.ts";
import { foldsOf } from "../../core/advice/calibration/folds.ts";
import { answersOf, crossFittedAnswers, type FieldAnswer } from "../../core/advice/calibration/local.ts";
import { type Corpus, type CorpusTicket, gatherCorpus } from "../../core/advice/local/corpus.ts";
import { type ClassifyModel, openClassify } from "../../core/advice/local/model.ts";
import { trainClassifier } from "../../core/advice/local/training.ts";
import type { Ticket } from "./judged.ts";

/** One part of so many is looked at in the end only. */
const PARTS = 5;
const NONE = "0".repeat(64);

export interface SplitsWanted {
  tickets: readonly Ticket[];
  seeds: readonly number[];
  heldOut?: number;
}

/** Answers on the untouched part that a target lets act by themselves. */
export interface AtTarget {
  automatic: number;
  wrong: number;
  /** More than the target are wrong. */
  broken: boolean;
  /** Labels of which any acted, and those of which more than the target are wrong. */
  labels: number;
  labelsBroken: number;
}

export interface SplitResult {
  tested: number;
  right: number;
  at2: AtTarget;
  at5: AtTarget;
  at10: AtTarget;
}

function resultOf(corpus: Corpus, seed: number, heldOut: number | undefined): SplitResult {
  const [test, rest] = dealt(corpus.tickets, PARTS, seed);
  // Seeds of other parts than the splits' own, so that no dealing repeats another.
  const { model, judged } = heldOut
    ? trainedBeside(corpus, dealt(rest, heldOut, seed + 1_000_000))
    : { model: trained(corpus, rest), judged: crossFittedAnswers({ ...corpus, tickets: rest }, { seed }) };
  const calibration = calibrate(judged, {
    method: heldOut ? "held_out" : "cross_fitted",
    modelDigest: NONE,
    dataDigest: NONE,
    calibratedAt: "2026-01-01T00:00:00.000Z",
  });
  const answers = answersOf(model, test);
  return {
    tested: test.length,
    right: answers.filter(({ correct }) => correct).length,
    at2: atTarget(answers, calibration, 200),
    at5: atTarget(answers, calibration, 500),
    at10: atTarget(answers, calibration, 1_000),
  };
}

/** The first of `count` parts, and all others. */
function dealt(tickets: readonly CorpusTicket[], count: number, seed: number): [CorpusTicket[], CorpusTicket[]] {
  const texts = tickets.map(({ text }) => text);
  const folds = foldsOf(texts, { count, seed });
  return [tickets.filter((_, at) => folds[at] === 0), tickets.filter((_, at) => folds[at] !== 0)];
}

function trainedBeside(corpus: Corpus, [unseen, known]: [CorpusTicket[], CorpusTicket[]]) {
  const model = trained(corpus, known);
  return { model, judged: answersOf(model, unseen) };
}

function trained(corpus: Corpus, tickets: readonly CorpusTicket[]): ClassifyModel {
  const settings = { seed: 1, percent: 0, trainedAt: "2026-01-01T00:00:00Z" };
  const { file } = trainClassifier({ ...corpus, tickets }, settings);
  const opened = file === undefined ? undefined : openClassify(file);
  if (!opened || "fault" in opened) throw new Error("there is nothing to learn in these tickets");
  return opened.model;
}

function atTarget(answers: readonly FieldAnswer[], calibration: Calibration, targetBp: number): AtTarget {
  const acting = answers.filter(({ label, score }) => (boundOf(calibration, label, score) ?? 10_001) <= targetBp);
  const labels = [...new Set(acting.map(({ label }) => label))];
  const isBroken = (some: readonly FieldAnswer[]): boolean => wrongOf(some) * 10_000 > some.length * targetBp;
  return {
    automatic: acting.length,
    wrong: wrongOf(acting),
    broken: isBroken(acting),
    labels: labels.length,
    labelsBroken: labels.filter((label) => isBroken(acting.filter((each) => each.label === label))).length,
  };
}

function wrongOf(answers: readonly FieldAnswer[]): number {
  return answers.filter(({ correct }) => !correct).length;
}

const { tickets, seeds, heldOut } = workerData as SplitsWanted; // what calibrate.ts hands over
const corpus = await gatherCorpus(tickets.map(({ text, label }) => ({ text, labels: { category: label } })));
parentPort?.postMessage(seeds.map((seed) => resultOf(corpus, seed, heldOut)));
