import { SCORE_MAX, type ScoredLabel } from "../score.ts";
import type { LabelField } from "../step.ts";
import { type ModelRefused, openSealed, refusedModel, sealModel } from "./file.ts";
import { ClassifyHeader, type Head, readsFeatures } from "./header.ts";
import { BUCKETS } from "./ngrams.ts";
import { type Reader, reader, type Writer, writer } from "./payload.ts";
import { isSeen, type Seen } from "./seen.ts";
import { cleaned } from "./text.ts";
import { Vectors, type Vocabulary } from "./vocabulary.ts";
import { sharesOf, type Weights } from "./weights.ts";

/** For each field the best labels, best first. A field without a model, or a text that says nothing known, has none. */
export type Prediction = { [field in LabelField]?: ScoredLabel[] };

/** What a model of the classification consists of. */
export interface ClassifyParts {
  header: ClassifyHeader;
  vocabulary: Vocabulary;
  /** In the order of the heads. */
  weights: readonly Weights[];
  /** The texts it was trained on. */
  seen: Seen;
}

/** A model that says, for a text, which labels people gave to such texts before. */
export class ClassifyModel {
  readonly header: ClassifyHeader;
  readonly #vectors: Vectors;
  readonly #seen: Seen;
  readonly #heads: readonly { field: LabelField; labels: readonly string[]; weights: Weights; shares: Float64Array }[];

  constructor({ header, vocabulary, weights, seen }: ClassifyParts) {
    this.header = header;
    this.#seen = seen;
    this.#vectors = new Vectors(vocabulary);
    this.#heads = header.heads.flatMap(({ field, labels }, at) => {
      const its = weights[at];
      const names = labels.map(({ label }) => label);
      return its ? [{ field, labels: names, weights: its, shares: new Float64Array(its.classes) }] : [];
    });
  }

  /** The same text has the same answer on every machine. `top` is how many labels of each field are wanted. */
  predict(text: string, top = 1): Prediction {
    this.#vectors.read(cleaned(text));
    const prediction: Prediction = {};
    if (this.#vectors.count === 0) return prediction;
    for (const { field, labels, weights, shares } of this.#heads) {
      sharesOf(weights, this.#vectors, shares);
      prediction[field] = bestOf(labels, shares, top);
    }
    return prediction;
  }

  /** Whether it was trained on a text that reads the same: what it answers to that is no measure of what it is worth. */
  hasSeen(text: string): boolean {
    return isSeen(this.#seen, cleaned(text));
  }
}

/** On equal shares the label that stands first. */
function bestOf(labels: readonly string[], shares: Float64Array, top: number): ScoredLabel[] {
  const best: ScoredLabel[] = [];
  while (best.length < Math.min(top, labels.length)) {
    let at = 0;
    for (let each = 1; each < shares.length; each++) if ((shares[each] ?? 0) > (shares[at] ?? 0)) at = each;
    best.push({ label: labels[at] ?? "", score: Math.round((shares[at] ?? 0) * SCORE_MAX) });
    shares[at] = -1;
  }
  return best;
}

/** The bytes of its file. */
export function sealClassify({ header, vocabulary, weights, seen }: ClassifyParts): Uint8Array {
  const to = writer(payloadBytes(header));
  to.uint32s(vocabulary.buckets);
  to.uint32s(vocabulary.texts);
  for (const each of weights) writeWeights(to, each);
  to.uint32s(seen);
  return sealModel("classify", header, to.bytes);
}

/** A model from the bytes of a file, which may be anything; or why they are none, and what to do. */
export function openClassify(bytes: Uint8Array): { model: ClassifyModel; checksum: string } | ModelRefused {
  const sealed = openSealed(bytes, "classify");
  if ("fault" in sealed) return sealed;
  const parsed = ClassifyHeader.safeParse(sealed.header);
  if (!parsed.success) return refusedModel("invalid");
  const header = parsed.data;
  if (!readsFeatures(header)) return refusedModel("other_version");
  if (sealed.payload.length !== payloadBytes(header)) return refusedModel("invalid");
  const from = reader(sealed.payload);
  const vocabulary = {
    buckets: from.uint32s(header.vocabulary),
    texts: from.uint32s(header.vocabulary),
    of: header.vocabularyTexts,
  };
  const weights = header.heads.map((head) => readWeights(from, head, header.vocabulary));
  const seen = from.uint32s(header.vocabularyTexts);
  if (!holds(vocabulary) || !weights.every(areNumbers)) return refusedModel("invalid");
  return { model: new ClassifyModel({ header, vocabulary, weights, seen }), checksum: sealed.checksum };
}

function payloadBytes({ vocabulary, vocabularyTexts, heads }: ClassifyHeader): number {
  const perHead = heads.map(({ labels }) => labels.length * (16 + 2 * vocabulary));
  return 8 * vocabulary + 4 * vocabularyTexts + perHead.reduce((sum, bytes) => sum + bytes, 0);
}

function writeWeights(to: Writer, { scales, bias, steps }: Weights): void {
  to.float64s(scales);
  to.float64s(bias);
  to.int16s(steps);
}

function readWeights(from: Reader, { labels }: Head, columns: number): Weights {
  const classes = labels.length;
  return {
    classes,
    scales: from.float64s(classes),
    bias: from.float64s(classes),
    steps: from.int16s(classes * columns),
  };
}

function holds({ buckets, texts, of }: Vocabulary): boolean {
  return (
    buckets.every((bucket, at) => bucket < BUCKETS && (at === 0 || bucket > (buckets[at - 1] ?? bucket))) &&
    texts.every((holding) => holding >= 1 && holding <= of)
  );
}

/** Larger ones would add up to what is no number. */
const NUMBER_MAX = 1e6;

function areNumbers({ scales, bias }: Weights): boolean {
  return [...scales, ...bias].every((value) => Number.isFinite(value) && Math.abs(value) <= NUMBER_MAX);
}
