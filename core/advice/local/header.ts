import { z } from "zod";
import { LABEL_FIELDS } from "../step.ts";
import { BUCKETS, CHARACTERS_MAX, CHARACTERS_MIN, SCHEME } from "./ngrams.ts";
import { TEXT_UNITS_MAX } from "./text.ts";
import { VOCABULARY_MAX } from "./vocabulary.ts";

/** Labels of one field; with more, the commonest are learnt. */
export const LABELS_MAX = 200;
export const LABEL_UNITS_MAX = 200;

const count = z.int().nonnegative();

/** A field of the classification, with the labels that it may answer. */
export const Head = z.strictObject({
  field: z.enum(LABEL_FIELDS),
  labels: z
    .array(z.strictObject({ label: z.string().min(1).max(LABEL_UNITS_MAX), tickets: count }))
    .min(2)
    .max(LABELS_MAX)
    .refine((labels) => new Set(labels.map(({ label }) => label)).size === labels.length),
  /** How it did on tickets that it was not trained on; absent where none were held out. */
  heldOut: z.strictObject({ tickets: count, correct: count }).optional(),
});
export type Head = z.infer<typeof Head>;

/** The features the weights are for; other code would read other features out of the same text. */
export const FEATURES = {
  scheme: SCHEME,
  buckets: BUCKETS,
  charactersMin: CHARACTERS_MIN,
  charactersMax: CHARACTERS_MAX,
  textUnitsMax: TEXT_UNITS_MAX,
} as const;

/** What a model of the classification says of itself. Holds labels, counts and digests, and no text of any ticket. */
export const ClassifyHeader = z.strictObject({
  trainedAt: z.iso.datetime(),
  seed: count.max(2 ** 32 - 1),
  /** Tickets that it was trained on. */
  tickets: count,
  /** SHA-256 over the texts and labels of all tickets that were read, whatever their order. */
  dataDigest: z.string().regex(/^[0-9a-f]{64}$/),
  /** Share of the texts that it was not trained on, in percent: `isHeldOut` tells which, with the seed. */
  holdOutPercent: count.max(50),
  features: z.strictObject({
    scheme: z.string().max(32),
    buckets: count,
    charactersMin: count,
    charactersMax: count,
    textUnitsMax: count,
  }),
  vocabulary: count.max(VOCABULARY_MAX),
  /** Distinct texts that the vocabulary was learnt from. */
  vocabularyTexts: count,
  heads: z
    .array(Head)
    .min(1)
    .max(LABEL_FIELDS.length)
    .refine((heads) => new Set(heads.map(({ field }) => field)).size === heads.length),
});
export type ClassifyHeader = z.infer<typeof ClassifyHeader>;

/** Whether this code reads the features that the model knows. */
export function readsFeatures({ features }: ClassifyHeader): boolean {
  return JSON.stringify(features) === JSON.stringify(FEATURES);
}
