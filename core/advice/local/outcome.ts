import { z } from "zod";
import { SCORE_MAX } from "../score.ts";
import { softmax } from "./exact.ts";
import { type ModelRefused, openSealed, refusedModel, sealModel } from "./file.ts";
import { trainLinear } from "./linear.ts";
import { Rows } from "./rows.ts";

/** Measures of one case. */
export const MEASURES_MAX = 200;
/** Cases of each outcome; fewer teach nothing. */
export const CASES_PER_OUTCOME_MIN = 5;
/** A measure further from its mean than this many deviations says no more. */
const DEVIATIONS_MAX = 10;

/** A model of whether something comes out badly, from numbers that are known before. */
export const OutcomeModel = z.strictObject({
  trainedAt: z.iso.datetime(),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1),
  /** Cases that it was trained on, and those of them that came out badly. */
  cases: z.int().nonnegative(),
  bad: z.int().nonnegative(),
  bias: z.number(),
  measures: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(100),
        mean: z.number(),
        /** Standard deviation; 0 for a measure that was always the same and says nothing. */
        deviation: z.number().min(0),
        /** By how much the log-odds of a bad outcome rise with each deviation. */
        weight: z.number(),
      }),
    )
    .min(1)
    .max(MEASURES_MAX)
    .refine((measures) => new Set(measures.map(({ name }) => name)).size === measures.length),
});
export type OutcomeModel = z.infer<typeof OutcomeModel>;

/** What was known of a case, in the order of the measures, and how it came out. */
export interface OutcomeCase {
  /** NaN where a measure is not known: it is taken for its mean. */
  values: readonly number[];
  bad: boolean;
}

export interface OutcomeSettings {
  measures: readonly string[];
  seed: number;
  /** ISO 8601, in UTC. */
  trainedAt: string;
  /** Lets both outcomes count the same however rare one is: ranks alike, but scores are no frequencies then. */
  balanced?: boolean;
  onProgress?: (share: number) => void;
}

/** Learns from cases; undefined where one outcome has fewer than CASES_PER_OUTCOME_MIN. The order of the cases matters. */
export function trainOutcome(cases: readonly OutcomeCase[], settings: OutcomeSettings): OutcomeModel | undefined {
  const bad = cases.filter((each) => each.bad).length;
  const good = cases.length - bad;
  if (Math.min(bad, good) < CASES_PER_OUTCOME_MIN) return undefined;
  const scales = settings.measures.map((_, at) => scaleOf(cases.map(({ values }) => values[at] ?? Number.NaN)));
  const rows = new Rows();
  const columns = Uint16Array.from(settings.measures.keys());
  for (const { values } of cases) {
    const row = Float32Array.from(scales, (scale, at) => standardised(values[at] ?? Number.NaN, scale));
    rows.add({ columns, values: row, count: columns.length });
  }
  const { weights, bias } = trainLinear(
    rows.with(Int16Array.from(cases, (each) => (each.bad ? 1 : 0))),
    {
      columns: columns.length,
      classes: 2,
      seed: settings.seed,
      ...(settings.balanced && { classWeights: Float64Array.of(cases.length / (2 * good), cases.length / (2 * bad)) }),
    },
    settings.onProgress,
  );
  return {
    trainedAt: settings.trainedAt,
    seed: settings.seed,
    cases: cases.length,
    bad,
    bias: (bias[1] ?? 0) - (bias[0] ?? 0),
    measures: settings.measures.map((name, at) => ({
      name,
      ...(scales[at] ?? { mean: 0, deviation: 0 }),
      weight: (weights[2 * at + 1] ?? 0) - (weights[2 * at] ?? 0),
    })),
  };
}

/** How likely a bad outcome is by the model: 0 to SCORE_MAX, the same on every machine. */
export function outcomeScore({ bias, measures }: OutcomeModel, values: readonly number[]): number {
  const odds = measures.reduce(
    (sum, measure, at) => sum + measure.weight * standardised(values[at] ?? Number.NaN, measure),
    bias,
  );
  const shares = Float64Array.of(0, odds);
  softmax(shares);
  return Math.round((shares[1] ?? 0) * SCORE_MAX);
}

/** The bytes of its file. */
export function sealOutcome(model: OutcomeModel): Uint8Array {
  return sealModel("outcome", model, new Uint8Array());
}

/** A model from the bytes of a file, which may be anything; or why they are none, and what to do. */
export function openOutcome(bytes: Uint8Array): { model: OutcomeModel; checksum: string } | ModelRefused {
  const sealed = openSealed(bytes, "outcome");
  if ("fault" in sealed) return sealed;
  const parsed = OutcomeModel.safeParse(sealed.header);
  if (!parsed.success || sealed.payload.length > 0) return refusedModel("invalid");
  return { model: parsed.data, checksum: sealed.checksum };
}

interface Scale {
  mean: number;
  deviation: number;
}

function scaleOf(values: readonly number[]): Scale {
  const known = values.filter(Number.isFinite);
  if (known.length === 0) return { mean: 0, deviation: 0 };
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const square = known.reduce((sum, value) => sum + (value - mean) * (value - mean), 0) / known.length;
  // Numbers too large to square are no measure of anything.
  return Number.isFinite(square) ? { mean, deviation: Math.sqrt(square) } : { mean: 0, deviation: 0 };
}

function standardised(value: number, { mean, deviation }: Scale): number {
  if (!Number.isFinite(value) || deviation === 0) return 0;
  return Math.max(-DEVIATIONS_MAX, Math.min(DEVIATIONS_MAX, (value - mean) / deviation));
}
