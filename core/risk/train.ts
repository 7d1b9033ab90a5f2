import { sha256Hex } from "../canonical.ts";
import { type Ranking, ranking } from "./auc.ts";
import type { RiskFeature } from "./features.ts";
import { learnLogistic } from "./logistic.ts";
import { AUC_MAX, MILLION, type RiskModelFile, type RiskWeights, type WeighedFeature } from "./model.ts";
import { deviation, riskChance, turned } from "./score.ts";

/** Fewer closed changes, or fewer that went wrong, teach less than the rules of an experienced desk know. */
export const CHANGES_MIN = 500;
export const FAILED_MIN = 30;
/** The share by time that weights are learnt from when they are measured on the rest. */
const EARLIER_SHARE = 0.8;
/** Of a bell curve, so many standard errors below the middle there is less than one in twenty. */
const ONE_SIDED_95 = 1.645;
const COIN = 0.5;

/** What a number is called and how it is weighed. */
export type Weighable = Pick<RiskFeature, "name" | "transform" | "rising">;

/** What was known of a closed change before it began, and how it came out. */
export interface RiskCase {
  /** When it was to begin; cases are ordered by it. */
  startsAt: string;
  /** In the order of the features; undefined where it is not known: it is taken for the usual. */
  values: readonly (number | undefined)[];
  failed: boolean;
}

/** Why nothing was learnt. Closed. */
export type RiskRefusal = "few_changes" | "few_failed" | "no_better_than_chance";

export interface RiskTraining {
  changes: number;
  failed: number;
  /** Of the last fifth by time; undefined where there was too little to learn from. */
  validation: Ranking | undefined;
  /** Without its version, which its writer adds; or why there is none. */
  model: Omit<RiskModelFile, "version"> | RiskRefusal;
}

/**
 * Learns how likely a change goes wrong. Weights are first learnt from the first four fifths by time and measured on the
 * rest; those of the model are learnt from all. What was always the same, or never known, is left out. The same cases in whatever order make the same model, to the last byte.
 */
export function trainRisk(cases: readonly RiskCase[], features: readonly Weighable[]): RiskTraining {
  const ordered = inOrder(cases);
  const failed = ordered.filter((each) => each.failed).length;
  const counts = { changes: ordered.length, failed };
  if (ordered.length < CHANGES_MIN) return { ...counts, validation: undefined, model: "few_changes" };
  if (failed < FAILED_MIN) return { ...counts, validation: undefined, model: "few_failed" };
  const { earlier, later } = splitByTime(ordered);
  const measured = learnWeights(earlier, features);
  const validation = ranking(
    later.map(({ values }) => riskChance(measured, values)),
    later.map((each) => each.failed),
  );
  const { auc, error } = validation;
  if (auc === undefined || error === undefined || auc - ONE_SIDED_95 * error <= COIN)
    return { ...counts, validation, model: "no_better_than_chance" };
  const figures = { changes: validation.cases, failed: validation.bad, auc: wholeAuc(auc), error: wholeAuc(error) };
  const span = { from: ordered[0]?.startsAt ?? "", until: ordered.at(-1)?.startsAt ?? "" };
  const learnt = { ...counts, ...span, digest: digestOf(ordered) };
  const { intercept, features: weighed } = learnWeights(ordered, features);
  const telling = weighed.filter(({ scale }) => scale > 0);
  return { ...counts, validation, model: { intercept, features: telling, learnt, validation: figures } };
}

/** The first four fifths by time, and the rest. */
export function splitByTime<C extends RiskCase>(cases: readonly C[]): { earlier: C[]; later: C[] } {
  const ordered = inOrder(cases);
  const at = Math.floor(EARLIER_SHARE * ordered.length);
  return { earlier: ordered.slice(0, at), later: ordered.slice(at) };
}

/**
 * Weights of each feature, whole millionths. Not by the trainer of texts, `trainLinear`: it steps at random through tens of
 * thousands of sparse columns and hardly holds weights back, while a history with thirty failures needs weights held back,
 * and twenty columns are few enough to find the one optimum, whatever the order of the cases. Its arithmetic is shared.
 */
export function learnWeights(cases: readonly RiskCase[], features: readonly Weighable[]): RiskWeights {
  const ordered = inOrder(cases);
  const scales = features.map(({ name, transform }, at) =>
    scaleOf(
      name,
      transform,
      ordered.map(({ values }) => values[at]),
    ),
  );
  const { bias, weights } = learnLogistic(
    {
      values: ordered.map(({ values }) => Float64Array.from(scales, (scale, at) => deviation(values[at], scale))),
      bad: ordered.map((each) => each.failed),
    },
    new Set(features.flatMap(({ rising }, at) => (rising ? [at] : []))),
  );
  return {
    intercept: millionths(bias),
    features: scales.map((scale, at) => ({ ...scale, weight: millionths(weights[at] ?? 0) })),
  };
}

type Scale = Omit<WeighedFeature, "weight">;

function scaleOf(name: string, transform: Scale["transform"], values: readonly (number | undefined)[]): Scale {
  const known = values.flatMap((value) =>
    value === undefined || !Number.isFinite(value) ? [] : [turned(value, transform)],
  );
  if (known.length === 0) return { name, transform, mean: 0, scale: 0 };
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const square = known.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / known.length;
  return { name, transform, mean: millionths(mean), scale: millionths(Math.sqrt(square)) };
}

/** By time, and then by what they are: cases that are still alike may change places without any difference. */
function inOrder<C extends RiskCase>(cases: readonly C[]): C[] {
  return cases
    .map((each) => ({ each, line: lineOf(each) }))
    .sort((a, b) => (a.line < b.line ? -1 : Number(a.line > b.line)))
    .map(({ each }) => each);
}

function digestOf(ordered: readonly RiskCase[]): string {
  return sha256Hex(ordered.map(lineOf).join("\n"));
}

function lineOf({ startsAt, values, failed }: RiskCase): string {
  return [startsAt, Number(failed), ...values.map((value) => value ?? "")].join(",");
}

function millionths(value: number): number {
  const whole = Math.round(value * MILLION);
  return whole === 0 ? 0 : whole; // canonical JSON knows no -0
}

function wholeAuc(value: number): number {
  return Math.round(value * AUC_MAX);
}
