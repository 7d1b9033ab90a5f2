import { TEXT_UNITS_MAX, UNIT, UNIT_KINDS } from "./text.ts";

/**
 * How text becomes features. A model is read only by the code whose scheme it was made with, so whoever changes anything
 * that changes a feature, here or in the cleaning, gives it a new name.
 */
export const SCHEME = "ngrams-1";
export const CHARACTERS_MIN = 3;
export const CHARACTERS_MAX = 5;

const BUCKET_BITS = 18;
const BUCKET_MASK = 2 ** BUCKET_BITS - 1;
/** Words and pairs of words fall into the buckets below this, runs of characters into those from it on. */
export const CHARACTERS_FROM = 2 ** BUCKET_BITS;
export const BUCKETS = 2 * CHARACTERS_FROM;

/** At most a word, a pair and one run of each length for every unit. */
export const NGRAMS_MAX = TEXT_UNITS_MAX * (2 + CHARACTERS_MAX - CHARACTERS_MIN + 1);

const FNV = 0x01000193;
const EDGE = 32;

/**
 * The n-grams of one text after the other, as buckets: words, pairs of neighbouring words, and runs of 3 to 5 characters
 * within a word and its edges. In scripts that put no space between words every character counts as a word, and the run
 * of them as the word whose characters are looked at. One array serves all texts, as there are thousands in each.
 */
export class Ngrams {
  readonly buckets = new Int32Array(NGRAMS_MAX);
  /** How many of `buckets` the text that was read last has. */
  count = 0;
  /** A word and its edges. */
  readonly #units = new Uint16Array(TEXT_UNITS_MAX + 2).fill(EDGE);

  /** Reads a cleaned text. */
  read(text: string): void {
    this.count = 0;
    let before = 0;
    let at = 0;
    while (at < text.length) {
      const kind = UNIT_KINDS[text.charCodeAt(at)];
      let end = at + 1;
      while (end < text.length && UNIT_KINDS[text.charCodeAt(end)] === kind) end++;
      if (kind !== UNIT.separator) {
        const step = kind === UNIT.unspaced ? 1 : end - at;
        for (let from = at; from < end; from += step) before = this.#word(hashed(text, from, from + step), before);
        this.#characters(text, at, end);
      }
      at = end;
    }
  }

  #word(word: number, before: number): number {
    this.buckets[this.count++] = bucket(word);
    if (before !== 0) this.buckets[this.count++] = bucket(Math.imul(before, FNV) ^ word ^ 0x2545f491);
    return word;
  }

  #characters(text: string, from: number, to: number): void {
    const [buckets, units] = [this.buckets, this.#units];
    const length = to - from + 2;
    for (let at = from; at < to; at++) units[at - from + 1] = text.charCodeAt(at);
    units[length - 1] = EDGE;
    let count = this.count;
    for (let start = 0; start <= length - CHARACTERS_MIN; start++) {
      const end = Math.min(length, start + CHARACTERS_MAX);
      let hash = Math.imul(Math.imul(0x51ed270b ^ (units[start] ?? 0), FNV) ^ (units[start + 1] ?? 0), FNV);
      for (let at = start + CHARACTERS_MIN - 1; at < end; at++) {
        hash = Math.imul(hash ^ (units[at] ?? 0), FNV);
        buckets[count++] = CHARACTERS_FROM + bucket(hash + at - start);
      }
    }
    this.count = count;
  }
}

function hashed(text: string, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let at = from; at < to; at++) hash = Math.imul(hash ^ text.charCodeAt(at), FNV);
  return hash === 0 ? 1 : hash;
}

/** The upper bits decide as much as the lower ones. */
function bucket(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (mixed ^ (mixed >>> 13)) & BUCKET_MASK;
}
