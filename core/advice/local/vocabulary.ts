import { ln } from "./exact.ts";
import { BUCKETS, CHARACTERS_FROM, NGRAMS_MAX, Ngrams } from "./ngrams.ts";

/** Features of a model. More were measured to make the models larger and no better. */
export const VOCABULARY_MAX = 32_768;
/** What stands in one text only tells nothing about others. */
const TEXTS_MIN = 2;
/** What the characters of a text weigh beside its words. */
const CHARACTERS_WEIGHT = 0.7;

/** What a feature counts by how often a text says it, to the power of three quarters: twice is more, but not double. */
const DAMPED = Float64Array.from(
  { length: NGRAMS_MAX + 1 },
  (_, times) => Math.sqrt(times) * Math.sqrt(Math.sqrt(times)),
);

/** The features that a model knows, in the order of their buckets, with how many texts of the training held each. */
export interface Vocabulary {
  buckets: Uint32Array;
  texts: Uint32Array;
  /** Texts of the training. */
  of: number;
}

/** The features that most of the texts share. The order of the texts does not matter. */
export function learnVocabulary(texts: readonly string[]): Vocabulary {
  const counts = new Uint32Array(BUCKETS);
  const lastSeen = new Int32Array(BUCKETS).fill(-1);
  const ngrams = new Ngrams();
  texts.forEach((text, index) => {
    ngrams.read(text);
    for (let at = 0; at < ngrams.count; at++) {
      const bucket = ngrams.buckets[at] ?? 0;
      if (lastSeen[bucket] === index) continue;
      lastSeen[bucket] = index;
      counts[bucket] = (counts[bucket] ?? 0) + 1;
    }
  });
  const countOf = (bucket: number): number => counts[bucket] ?? 0;
  const shared = Array.from(counts.keys()).filter((bucket) => countOf(bucket) >= TEXTS_MIN);
  const kept = shared.sort((a, b) => countOf(b) - countOf(a) || a - b).slice(0, VOCABULARY_MAX);
  const buckets = Uint32Array.from(kept).sort();
  return { buckets, texts: buckets.map(countOf), of: texts.length };
}

/**
 * One text after the other as a vector of length 1: the features that the vocabulary knows, by their place in it, each
 * weighted by how often the text says it and how few texts do. Features stand in the order in which the text first says
 * them. One pair of arrays serves all texts.
 */
export class Vectors {
  readonly columns: Uint16Array;
  readonly values: Float32Array;
  /** How many of both the text that was read last has; 0 for one that says nothing known. */
  count = 0;
  readonly #ngrams = new Ngrams();
  /** By bucket: the place in the vocabulary and 1; 0 where it is not known. */
  readonly #places = new Uint16Array(BUCKETS);
  readonly #rarity: Float64Array;
  /** The first place that belongs to characters. */
  readonly #charactersFrom: number;
  /** By place: how often the text says it. */
  readonly #times: Uint16Array;

  constructor({ buckets, texts, of }: Vocabulary) {
    this.columns = new Uint16Array(buckets.length);
    this.values = new Float32Array(buckets.length);
    this.#times = new Uint16Array(buckets.length);
    this.#rarity = Float64Array.from(texts, (holding) => 1 + ln((1 + of) / (1 + holding)));
    buckets.forEach((bucket, place) => {
      this.#places[bucket] = place + 1;
    });
    const first = buckets.findIndex((bucket) => bucket >= CHARACTERS_FROM);
    this.#charactersFrom = first < 0 ? buckets.length : first;
  }

  /** Reads a cleaned text. */
  read(text: string): void {
    this.#ngrams.read(text);
    const { buckets, count: ngrams } = this.#ngrams;
    const [places, times, columns] = [this.#places, this.#times, this.columns];
    let count = 0;
    for (let at = 0; at < ngrams; at++) {
      const place = (places[buckets[at] ?? 0] ?? 0) - 1;
      if (place < 0) continue;
      const before = times[place] ?? 0;
      if (before === 0) columns[count++] = place;
      times[place] = before + 1;
    }
    this.count = count;
    this.#weigh();
  }

  /** Words and characters are made equally long first: a text has far more runs of characters than words. */
  #weigh(): void {
    const [columns, values, count] = [this.columns, this.values, this.count];
    const [times, rarity, charactersFrom] = [this.#times, this.#rarity, this.#charactersFrom];
    let words = 0;
    let characters = 0;
    for (let at = 0; at < count; at++) {
      const place = columns[at] ?? 0;
      const value = (DAMPED[times[place] ?? 0] ?? 0) * (rarity[place] ?? 0);
      times[place] = 0;
      values[at] = value;
      if (place < charactersFrom) words += value * value;
      else characters += value * value;
    }
    const whole = Math.sqrt((words > 0 ? 1 : 0) + (characters > 0 ? CHARACTERS_WEIGHT * CHARACTERS_WEIGHT : 0));
    const perWord = 1 / (Math.sqrt(words) * whole);
    const perCharacter = CHARACTERS_WEIGHT / (Math.sqrt(characters) * whole);
    for (let at = 0; at < count; at++) {
      values[at] = (values[at] ?? 0) * ((columns[at] ?? 0) < charactersFrom ? perWord : perCharacter);
    }
  }
}
