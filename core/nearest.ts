import { closestMatch } from "leven";

/** How much of a word may be mistyped: two letters that changed places in a short word count as two. */
const SHARE_MAX = 0.4;

/** The known word that was most likely meant by one that is not known, whatever its case; undefined where none is near. */
export function nearest(written: string, known: readonly string[]): string | undefined {
  // Of words that differ in their case only, the first is meant.
  const lower = new Map([...known].reverse().map((word) => [word.toLowerCase(), word]));
  const meant = written.toLowerCase();
  const same = lower.get(meant);
  if (same !== undefined) return same;
  const maxDistance = Math.max(1, Math.round(written.length * SHARE_MAX));
  const found = closestMatch(meant, [...lower.keys()], { maxDistance });
  return found === undefined ? undefined : lower.get(found);
}

/** `Did you mean "x"?` with a space behind it where a known word is near, and nothing where none is. */
export function didYouMean(written: string, known: readonly string[]): string {
  const word = nearest(written, known);
  return word === undefined ? "" : `Did you mean "${word}"? `;
}

const SHOWN_MAX = 30;

/** `It is one of: a, b and 7 more`. */
export function oneOf(known: readonly string[]): string {
  const shown = known.slice(0, SHOWN_MAX).map((word) => (word === "" ? '""' : word));
  const more = known.length > SHOWN_MAX ? ` and ${known.length - SHOWN_MAX} more` : "";
  return `It is one of: ${shown.join(", ")}${more}`;
}
