import { clean } from "./clean.ts";
import { type Span, spansOf } from "./span.ts";

/** A person of the ticket, as the vendor names them. */
export interface KnownPerson {
  name: string;
  email: string;
}

const LOCAL = /[\p{L}\p{N}._%+'=-]/u;
const DOMAIN = /^[\p{L}\p{N}](?:[\p{L}\p{N}-]*)(?:\.[\p{L}\p{N}-]+)+/u;

/** Everything in the form of an e-mail address, whoever's it is. */
export function emailSpans(text: string): Span[] {
  const spans: Span[] = [];
  for (let at = text.indexOf("@"); at >= 0; at = text.indexOf("@", at + 1)) {
    const domain = DOMAIN.exec(text.slice(at + 1, at + 256))?.[0];
    if (domain === undefined) continue;
    let start = at;
    while (start > 0 && LOCAL.test(text[start - 1] ?? "")) start -= 1;
    if (start < at) spans.push({ kind: "EMAIL", start, end: at + 1 + domain.length });
  }
  return spans;
}

const NAME_LETTERS_MAX = 200;
const PEOPLE_MAX = 10;
const PART_LETTERS_MIN = 3;
/** What mailboxes of no person in particular are called; as words they mean something else. */
const SHARED_MAILBOXES = new Set(
  "admin administrator helpdesk service servicedesk support info contact office sales noreply no-reply alerts monitoring team user users guest test root system".split(
    " ",
  ),
);

/**
 * Finds the names of a ticket's own people: the full name and the mailbox however they are written; a part of the name
 * only with its capital, for many a name is a word too.
 */
export function peopleFinder(people: readonly KnownPerson[]): (text: string) => Span[] {
  const known = people.slice(0, PEOPLE_MAX).map(({ name, email }) => ({
    parts: partsOf(name),
    mailbox: seen(email).split("@")[0] ?? "",
  }));
  const full = known.flatMap(({ parts }) => (parts.length > 1 ? [parts, [...parts].reverse()] : []));
  const anyCase = [
    ...full.map((parts) => parts.map((part) => RegExp.escape(part)).join("[\\s,]{1,3}")),
    ...known.flatMap(({ mailbox }) =>
      mailbox.length > PART_LETTERS_MIN && !SHARED_MAILBOXES.has(mailbox.toLowerCase()) ? [RegExp.escape(mailbox)] : [],
    ),
  ];
  const parts = known.flatMap((person) => person.parts).filter((part) => [...part].length >= PART_LETTERS_MIN);
  const sameCase = parts.flatMap((part) => [RegExp.escape(part), RegExp.escape(part.toUpperCase())]);
  const patterns = [wholeWords(anyCase, "giu"), wholeWords(sameCase, "gu")].filter((pattern) => pattern !== undefined);
  return (text) => patterns.flatMap((pattern) => spansOf(text, pattern, { kind: "NAME" }));
}

function partsOf(name: string): string[] {
  return seen(name)
    .split(/[\s,()]+/u)
    .filter((part) => /\p{L}/u.test(part));
}

/** A name as it looks in a text that was cleaned. */
function seen(name: string): string {
  return clean(name, { codePointsMax: NAME_LETTERS_MAX, oneLine: true }).text;
}

function wholeWords(words: readonly string[], flags: string): RegExp | undefined {
  if (words.length === 0) return undefined;
  // The longest first: the engine takes the first that fits.
  const longestFirst = [...new Set(words)].sort((a, b) => b.length - a.length);
  return new RegExp(`(?<![\\p{L}\\p{N}])(?:${longestFirst.join("|")})(?![\\p{L}\\p{N}])`, flags);
}
