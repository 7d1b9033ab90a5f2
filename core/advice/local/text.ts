/** How much of a ticket is read, in UTF-16 units: more was measured to make nothing better, and every unit costs time. */
export const TEXT_UNITS_MAX = 1_000;
/** Normalising can shorten a text: this much of it is looked at for the units that are kept. */
const RAW_UNITS_MAX = 4 * TEXT_UNITS_MAX;

/** What a UTF-16 unit is to the reader of words. */
export const UNIT = { separator: 0, letter: 1, unspaced: 2 } as const;

/**
 * The text as the local model reads it: compatible forms made one, lower case, every digit a 0, cut. Numbers say who and
 * which, not what about: an account, an address or a telephone number must not become a feature, and two alerts that
 * differ in a number are one.
 */
export function cleaned(text: string): string {
  return text
    .slice(0, RAW_UNITS_MAX)
    .normalize("NFKC")
    .toLowerCase()
    .replace(/\p{Nd}/gu, "0")
    .slice(0, TEXT_UNITS_MAX)
    .toWellFormed();
}

const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const LETTER = /[\p{L}\p{M}\p{N}\p{Cs}]/u;

/** The kind of each UTF-16 unit. Halves of a pair count as letters: they stand for letters, ideographs and pictures. */
export const UNIT_KINDS: Uint8Array = Uint8Array.from({ length: 65_536 }, (_, unit) => {
  const character = String.fromCharCode(unit);
  if (UNSPACED.test(character)) return UNIT.unspaced;
  return LETTER.test(character) ? UNIT.letter : UNIT.separator;
});
