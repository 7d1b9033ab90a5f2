import { sha256Hex } from "../../canonical.ts";

/**
 * The texts that a model was trained on, as 32 bits of a digest of each, in order: enough to tell whether it knows a text,
 * and too few to say which text it was. Of a hundred thousand other texts two are mistaken for known ones.
 */
export type Seen = Uint32Array;

/** Of distinct cleaned texts. */
export function seenIn(texts: readonly string[]): Seen {
  return Uint32Array.from(texts, markOf).sort();
}

/** Whether a cleaned text is one of them. */
export function isSeen(seen: Seen, text: string): boolean {
  const mark = markOf(text);
  let [from, to] = [0, seen.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((seen[middle] ?? 0) < mark) from = middle + 1;
    else to = middle;
  }
  return seen[from] === mark;
}

function markOf(text: string): number {
  return Number.parseInt(sha256Hex(`seen\n${text}`).slice(0, 8), 16);
}
