import { type Span, spansOf } from "./span.ts";

/** Keys, tokens and passwords, as far as their form or the words around them give them away. */
export function keySpans(text: string): Span[] {
  return [
    ...pemSpans(text),
    ...KNOWN_FORMS.flatMap((form) => spansOf(text, form, { kind: "KEY" })),
    ...spansOf(text, LOGIN_IN_ADDRESS, { kind: "KEY" }),
    ...spansOf(text, SCHEME, { kind: "KEY", accept: (found) => isMixed(found.replace(/^\w+ +/, "")) }),
    ...assignedSpans(text),
    ...spansOf(text, RUN, { kind: "KEY", accept: looksRandom }),
  ];
}

/** What the makers of keys begin them with, so that they are found. */
const KNOWN_FORMS: readonly RegExp[] = [
  /(?<![A-Za-z0-9])A(?:KIA|SIA|GPA|IDA|ROA|NPA|NVA|IPA|BIA|CCA)[A-Z0-9]{16}(?![A-Za-z0-9])/g,
  /gh[pousr]_[A-Za-z0-9]{20,255}/g,
  /github_pat_[A-Za-z0-9_]{20,255}/g,
  /glpat-[A-Za-z0-9_-]{16,255}/g,
  /x(?:ox[a-z]|app)-[A-Za-z0-9-]{10,255}/g,
  /hooks\.slack\.com\/(?:services|workflows|triggers)\/[A-Za-z0-9/_-]{8,255}/g,
  /AIza[A-Za-z0-9_-]{30,60}/g,
  /(?<![A-Za-z0-9])[srp]k[_-](?:live|test|ant|proj)?[A-Za-z0-9_-]{16,255}/g,
  /(?:npm|hf|dop_v1|shpat|pat)_[A-Za-z0-9]{16,255}/g,
  /ATATT3[A-Za-z0-9_=-]{16,512}/g,
  /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){0,4}/g,
];

const PEM_BEGIN = /-----BEGIN [A-Z0-9 ]{1,40}-----/g;

/** A block that has no end goes to the end of the text: where it was cut, the rest of the key is still a key. */
function pemSpans(text: string): Span[] {
  const spans: Span[] = [];
  for (const { index } of text.matchAll(PEM_BEGIN)) {
    if (index < (spans.at(-1)?.end ?? 0)) continue;
    const close = text.indexOf("-----END", index);
    const tail = close < 0 ? "" : (/^-----END[A-Z0-9 ]{0,40}-{0,5}/.exec(text.slice(close, close + 64))?.[0] ?? "");
    spans.push({ kind: "KEY", start: index, end: close < 0 ? text.length : close + tail.length });
  }
  return spans;
}

const LOGIN_IN_ADDRESS = /(?<=:\/\/)[^\s/:@]{1,100}:[^\s/@]{1,200}(?=@)/g;
const SCHEME = /(?<![\p{L}\p{N}])(?:bearer|basic|digest|negotiate|ntlm|apikey) {1,3}[A-Za-z0-9._~+/=-]{8,4000}/giu;

/** Words that say that a secret follows, in the languages that tickets are most often written in. */
const SECRET_WORD =
  /pass(?:word|wort|wd|phrase|code)|(?<![\p{L}\p{N}])(?:pwd|pin|otp|psk|mot de passe|mdp)(?![\p{L}])|kennwort|contrase[ñn]a|palavra-passe|senha|clave|wachtwoord|l[öo]senord|has[łl]o|heslo|пароль|パスワード|密码|密碼|비밀번호|secret|token|(?:api|access|account|private|license|licence|recovery|encryption)[ _-]?key|apikey|credentials?|authorization/giu;
/** `password: x`, `"password": "x"`, `password => x`, `<password>x`: what follows is the secret whatever it looks like. */
const ASSIGNS = /^[\p{L}\p{N}_]{0,20}["'”]?\s{0,3}(?:=>|:=|[:=>])\s{0,3}/u;
/** `password for the new account is x`, `token (old) = x`: what follows must look like a secret, for it can be a word. */
const MENTIONS = /^[^\n:=>]{0,60}?(?:\s(?:is|was|ist|war|lautet|est|es|é|är|to)\s{1,3}|[:=>]\s{0,3})/u;
const ADJOINS = /^[\p{L}\p{N}_]{0,20}\s{1,3}/u;
const VALUE_UNITS_MAX = 200;

function assignedSpans(text: string): Span[] {
  return [...text.matchAll(SECRET_WORD)].flatMap(({ 0: word, index }) => {
    const from = index + word.length;
    // What follows a closing tag is outside.
    if (text.slice(Math.max(0, index - 2), index) === "</") return [];
    const rest = text.slice(from, from + 100);
    const assigns = ASSIGNS.exec(rest)?.[0];
    if (assigns !== undefined) return valueSpan(text, from + assigns.length, () => true);
    const mentions = MENTIONS.exec(rest)?.[0];
    const adjoins = ADJOINS.exec(rest)?.[0];
    return [
      ...(mentions === undefined ? [] : valueSpan(text, from + mentions.length, isMixed)),
      ...(adjoins === undefined ? [] : valueSpan(text, from + adjoins.length, isMixed)),
    ];
  });
}

/** The quoted text or the run of letters at a place, without the punctuation of the sentence around it. */
function valueSpan(text: string, at: number, accept: (value: string) => boolean): Span[] {
  const rest = text.slice(at, at + VALUE_UNITS_MAX);
  const quoted = /^(["'“”‘’`])([^\n]{1,198}?)["'“”‘’`](?=[\s,;.})\]<]|$)/u.exec(rest);
  const written = quoted ? quoted[2] : /^[^\s<]+/u.exec(rest)?.[0].replace(/["'”’`]?[.,;:!?)}\]]*$/u, "");
  const start = at + (quoted ? 1 : 0);
  if (written === undefined || written === "" || !accept(written)) return [];
  return [{ kind: "KEY", start, end: start + written.length }];
}

/** More than a word: digits among letters, capitals inside, or signs that no word has. */
function isMixed(value: string): boolean {
  if (value.length < 4) return false;
  const hasLetter = /\p{L}/u.test(value);
  if (/\p{N}/u.test(value)) return hasLetter || /[^\p{L}\p{N}.,:/-]/u.test(value) || /^\d{4,10}$/.test(value);
  return /\p{Ll}\p{Lu}/u.test(value) || /[^\p{L}\p{N}\s.,'’()/-]/u.test(value.slice(1));
}

/** Letters of base64 and hexadecimal in one run. */
const RUN = /[A-Za-z0-9+/_=-]{20,}/g;

/**
 * Whether a run is more likely drawn than written. Written ones keep to one kind of letter for the length of a word;
 * drawn ones change between capitals, small letters and digits at more than every third place.
 */
function looksRandom(run: string): boolean {
  if (run.replace(/-/g, "").match(/[0-9a-f]{32,}/i) && /\d/.test(run) && /[a-f]/i.test(run)) return true;
  const kinds = run.replace(/[+/_=-]/g, " ");
  const changes = changesIn(kinds);
  const letters = kinds.replace(/ /g, "").length;
  const [lower, upper, digit] = [/[a-z]/, /[A-Z]/, /\d/].map((kind) => kind.test(kinds));
  if (lower && upper && digit) return letters >= 20 && changes >= 0.3 * letters;
  if (lower && upper) return letters >= 24 && changes >= 0.45 * letters;
  // Names of machines have digits too, but are short between their dashes.
  const longest = Math.max(...kinds.split(" ").map((part) => part.length));
  return (lower || upper) === true && digit === true && longest >= 20 && changes >= 0.25 * letters;
}

function changesIn(kinds: string): number {
  let changes = 0;
  for (let at = 1; at < kinds.length; at += 1) {
    const [before, now] = [kindOf(kinds[at - 1]), kindOf(kinds[at])];
    if (before !== now && before !== "" && now !== "") changes += 1;
  }
  return changes;
}

function kindOf(letter = " "): string {
  if (letter === " ") return "";
  if (letter >= "0" && letter <= "9") return "digit";
  return letter >= "a" ? "lower" : "upper";
}
