import { withoutMarkup } from "./markup.ts";

/**
 * What is taken out of a text before a model sees it. Closed: the audit counts by these kinds.
 *
 * invisible: characters that nobody sees. bidi: marks that reorder what people see. tag: the block U+E0000, in which whole
 * sentences can be hidden. variation: selectors that can carry bytes behind one visible character. control: control
 * characters. markup: tags and formatting. comment: what a browser would not show. hidden: elements that are styled away.
 * link: addresses behind a text. image: pictures. query: the part of an address behind `?` or `#`, and logins in it.
 * blob: encoded bytes. cut: the rest of a text that is too long.
 */
export const REMOVED_KINDS = [
  "invisible",
  "bidi",
  "tag",
  "variation",
  "control",
  "markup",
  "comment",
  "hidden",
  "link",
  "image",
  "query",
  "blob",
  "cut",
] as const;
export type RemovedKind = (typeof REMOVED_KINDS)[number];

/** How many of each kind were taken out; kinds that did not occur are absent. */
export type Removals = Readonly<Partial<Record<RemovedKind, number>>>;

/** Counts what is taken out of one text. */
export class Tally {
  readonly #counts = new Map<RemovedKind, number>();

  add(kind: RemovedKind, count = 1): void {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + count);
  }

  addAll(removed: Removals): void {
    for (const kind of REMOVED_KINDS) this.add(kind, removed[kind] ?? 0);
  }

  removals(): Removals {
    const found = REMOVED_KINDS.filter((kind) => (this.#counts.get(kind) ?? 0) > 0);
    return Object.fromEntries(found.map((kind) => [kind, this.#counts.get(kind) ?? 0]));
  }
}

/** From how many on a kind says that somebody hides something; what honest mail programs leave behind is below or absent. */
const SUSPICIOUS_FROM: Readonly<Partial<Record<RemovedKind, number>>> = {
  tag: 1,
  hidden: 1,
  bidi: 4,
  invisible: 8,
  variation: 16,
};

/** The kinds that make a text suspicious, for the audit. Nothing is decided by it: a text is cleaned in any case. */
export function suspicious(removed: Removals): RemovedKind[] {
  return REMOVED_KINDS.filter((kind) => (removed[kind] ?? 0) >= (SUSPICIOUS_FROM[kind] ?? Number.POSITIVE_INFINITY));
}

export interface CleanOptions {
  /** Longest result, in code points. */
  codePointsMax: number;
  /** Line ends become spaces. */
  oneLine?: boolean;
}

export interface Cleaned {
  text: string;
  removed: Removals;
}

/** More than this of a text is not looked at, in UTF-16 units: work is bounded whatever a record holds. */
export const RAW_UNITS_MAX = 100_000;

export const BLOB_MARK = "[encoded bytes]";

/**
 * Plain text of a hostile one: what a person would read, without what only a machine would. Pure; never throws; the same
 * text has the same result.
 *
 * Texts are brought to NFKC, not NFC: letters that only look different (mathematical, full-width, ligatures) become the
 * letters they stand for, so that redaction and a model read what people read. It loses fine typography, which no answer
 * of ours depends on, and joiners that some scripts write with, which no model needs to understand a ticket.
 */
export function clean(raw: string, { codePointsMax, oneLine = false }: CleanOptions): Cleaned {
  const tally = new Tally();
  const looked = raw.length > RAW_UNITS_MAX ? raw.slice(0, RAW_UNITS_MAX) : raw;
  // Twice: markup can be written with invisible characters, and can spell them as entities.
  const plain = visible(withoutMarkup(visible(looked, tally), tally), tally);
  const spaced = spacedOnce(withoutBlobs(plain, tally), oneLine);
  const text = cutTo(spaced, codePointsMax);
  if (text.length < spaced.length || looked.length < raw.length) tally.add("cut");
  return { text, removed: tally.removals() };
}

/** The first `codePointsMax` code points of a text, none where that is below 1; never half a character. */
export function cutTo(text: string, codePointsMax: number): string {
  if (text.length <= codePointsMax) return text;
  let units = 0;
  let count = 0;
  for (const char of text) {
    if (count >= codePointsMax) return text.slice(0, units);
    units += char.length;
    count += 1;
  }
  return text;
}

const LINE_ENDS = /\r\n?|[\v\f\u0085\u2028\u2029]/g;
const UNSEEN = /[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Co}\p{Cn}]/gu;

/** In NFKC, without characters that nobody sees. */
function visible(text: string, tally: Tally): string {
  const lines = text.toWellFormed().replace(LINE_ENDS, "\n");
  const seen = lines.replace(UNSEEN, (char) => {
    if (char === "\n" || char === "\t") return char;
    tally.add(unseenKind(char.codePointAt(0) ?? 0));
    return "";
  });
  return seen.normalize("NFKC");
}

type Range = readonly [from: number, to: number];

const BIDI: readonly Range[] = [
  [0x61c, 0x61c],
  [0x200e, 0x200f],
  [0x202a, 0x202e],
  [0x2066, 0x2069],
];
const TAGS: readonly Range[] = [[0xe0000, 0xe007f]];
const VARIATION: readonly Range[] = [
  [0x180b, 0x180f],
  [0xfe00, 0xfe0f],
  [0xe0100, 0xe01ef],
];
const CONTROL: readonly Range[] = [
  [0, 0x1f],
  [0x7f, 0x9f],
];

function unseenKind(code: number): RemovedKind {
  const isIn = (ranges: readonly Range[]): boolean => ranges.some(([from, to]) => code >= from && code <= to);
  if (isIn(CONTROL)) return "control";
  if (isIn(BIDI)) return "bidi";
  if (isIn(TAGS)) return "tag";
  return isIn(VARIATION) ? "variation" : "invisible";
}

/** A run of at least 64 letters of base64 or hexadecimal, and the shorter lines that go on with it. */
const BLOB =
  /[A-Za-z0-9+/_-]{64,}={0,2}(?: ?\n ?[A-Za-z0-9+/]{16,}={0,2}){0,2000}(?: ?\n ?[A-Za-z0-9+/]{1,64}={1,2})?/g;

function withoutBlobs(text: string, tally: Tally): string {
  return text.replace(BLOB, (run) => {
    if (!looksEncoded(run)) return run;
    tally.add("blob");
    return BLOB_MARK;
  });
}

/** A rule drawn with dashes, or a path of words, is no encoding: that changes between kinds of letters all the time. */
function looksEncoded(run: string): boolean {
  const first = run.slice(0, 256);
  if (/^[0-9a-f]{64,}/i.test(first) && /\d/.test(first)) return true;
  return (
    /[a-z]/.test(first) &&
    /[A-Z]/.test(first) &&
    /\d/.test(first) &&
    (first.match(/[/_-]/g)?.length ?? 0) * 8 < first.length
  );
}

function spacedOnce(text: string, oneLine: boolean): string {
  if (oneLine) return text.replace(/\s+/gu, " ").trim();
  return text
    .replace(/[^\S\n]+/gu, " ")
    .replace(/ ?\n ?/g, "\n")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}
