import { clean, cutTo } from "./clean.ts";

const LABEL = "AI text: ";
const CUT = "...";
export const AI_LETTERS_MAX = 300;

const LINK = "(link removed)";
const ADDRESS = /(?:[a-z][a-z0-9+.-]{0,20}:\/\/|www\.|\b(?:mailto|tel|javascript|data|file):)\S{0,2000}/gi;
/** Host names whose last part is one that the public network has; `outlook.exe` is none. */
const HOST =
  /(?<![\p{L}\p{N}@.-])(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,62})\.){1,8}(?:com|net|org|info|biz|io|co|app|dev|xyz|top|site|online|shop|club|link|click|live|me|tv|cc|ru|cn|de|uk|eu|us|fr|in|br)(?![\p{L}\p{N}-])(?:[/:]\S{0,2000})?/giu;

/** What either vendor reads as markup, a mention, a picture or one of our own markers, and what is written instead. */
const NEUTRAL: Readonly<Record<string, string>> = {
  "[": "(",
  "]": ")",
  "{": "(",
  "}": ")",
  "<": "(",
  ">": ")",
  "@": "(at)",
  "|": "/",
  "\\": "/",
  "!": ".",
  "*": "",
  "`": "'",
  "~": "-",
  "^": "",
};

/**
 * A model's own words as a note may show them: one labelled line without markup, links, mentions or markers; `""` where
 * nothing is left. One form that is safe everywhere, instead of one for each place that could be mixed up: ServiceNow's
 * `[code]` and HTML, Jira's wiki markup, and a text node of a Jira document. Pure; the same words have the same line.
 */
export function aiText(words: string, lettersMax = AI_LETTERS_MAX): string {
  const text = clean(words, { codePointsMax: lettersMax * 4, oneLine: true }).text;
  const neutral = text
    .replace(/[[\]{}<>@|\\!*`~^]/g, (sign) => NEUTRAL[sign] ?? "")
    .replace(/&(?=#?\w{1,32};)/gi, "+")
    .replace(/([-_+?=.])\1{2,}/g, "$1");
  // Last: what was taken out before may have parted an address.
  const linkless = neutral.replace(ADDRESS, LINK).replace(HOST, LINK).replaceAll("://", ": ");
  const plain = linkless.replace(/\s+/gu, " ").trim();
  if (!/[\p{L}\p{N}]/u.test(plain)) return "";
  const short = cutTo(plain, lettersMax);
  return LABEL + (short.length < plain.length ? cutTo(plain, lettersMax - CUT.length).trimEnd() + CUT : plain);
}
