import { z } from "zod";
import { canonicalJson } from "../canonical.ts";
import { Instant } from "../ticket.ts";
import { RISK_FEATURES, TRANSFORMS } from "./features.ts";

/** What a weight of 1 is in a file: whole numbers have the same bytes everywhere. */
export const MILLION = 1_000_000;
/** What a certain ranking is in a file. */
export const AUC_MAX = 10_000;

/** Its name in the folder of the rules: it counts as soon as it stands beside change-risk.yaml. */
export const RISK_MODEL_NAME = "change-risk.model.json";

const VERSION = 1;
const FEATURES_MAX = 100;
/** Longest file, in UTF-16 units. */
const UNITS_MAX = 262_144;

const Millionths = z.int();
const count = z.int().nonnegative();

/** How one number is weighed. */
export const WeighedFeature = z.strictObject({
  name: z.string().min(1).max(100),
  transform: z.enum(TRANSFORMS),
  /** Of the turned values, in millionths; the scale is their standard deviation, 0 where all were the same. */
  mean: Millionths,
  scale: Millionths.nonnegative(),
  /** By how much the log-odds of going wrong rise with each deviation, in millionths. */
  weight: Millionths,
});
export type WeighedFeature = z.infer<typeof WeighedFeature>;

/** How features are weighed together: all that a score is computed from. */
export const RiskWeights = z.strictObject({
  /** Log-odds of going wrong of a change that is usual in everything, in millionths. */
  intercept: Millionths,
  features: z
    .array(WeighedFeature)
    .min(1)
    .max(FEATURES_MAX)
    .refine((features) => new Set(features.map(({ name }) => name)).size === features.length),
});
export type RiskWeights = z.infer<typeof RiskWeights>;

/**
 * `change-risk.model.json`: how likely a change goes wrong, learnt from the changes that people closed. Counts and weights
 * only: no number, item, group or person.
 */
export const RiskModelFile = RiskWeights.extend({
  version: z.literal(VERSION),
  learnt: z.strictObject({
    changes: count,
    failed: count,
    /** Planned start of the first and of the last. */
    from: Instant,
    until: Instant,
    /** SHA-256 of what was learnt from. */
    digest: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  /** Measured on the last fifth by time, with weights learnt from the changes before it. */
  validation: z.strictObject({
    changes: count,
    failed: count,
    /** In ten-thousandths: 5000 is a coin. */
    auc: z.int().min(0).max(AUC_MAX),
    error: z.int().min(0).max(AUC_MAX),
  }),
});
export type RiskModelFile = z.infer<typeof RiskModelFile>;

/** A model that a later program wrote, whatever else it says. */
const OtherVersion = z.looseObject({
  version: z.int().refine((version) => version !== VERSION),
  intercept: z.unknown(),
  features: z.array(z.unknown()),
});

/** Why a file is not used, and what to do about it. */
export interface RiskModelRefused {
  /** foreign: no such file. other_version: it weighs what this program does not know. Closed. */
  fault: "foreign" | "other_version";
  message: string;
}

/** The text of a file: the same model has the same bytes. */
export function writeRiskModel(file: Omit<RiskModelFile, "version">): string {
  return `${canonicalJson({ ...file, version: VERSION })}\n`;
}

/** A model from the text of a file, which may be anything. */
export function readRiskModel(text: string): RiskModelFile | RiskModelRefused {
  const given = parsedJson(text);
  const parsed = RiskModelFile.safeParse(given);
  if (!parsed.success) return OtherVersion.safeParse(given).success ? otherVersion() : foreign();
  const known = parsed.data.features.every(({ name, transform }) =>
    RISK_FEATURES.some((each) => each.name === name && each.transform === transform),
  );
  return known ? parsed.data : otherVersion();
}

function foreign(): RiskModelRefused {
  return { fault: "foreign", message: "it is no model of change risk; run `interlock train --changes`" };
}

function otherVersion(): RiskModelRefused {
  const message = "another version of Interlock wrote it; run `interlock train --changes` with this one";
  return { fault: "other_version", message };
}

function parsedJson(text: string): unknown {
  if (text.length > UNITS_MAX) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
