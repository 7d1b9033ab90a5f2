import { isIPv4, isIPv6 } from "node:net";
import { type CountryCode, findPhoneNumbersInText, isSupportedCountry } from "libphonenumber-js/min";
import { z } from "zod";
import { type Span, spansOf } from "./span.ts";

/** The country whose phone numbers people write without `+` and country code. */
export const PhoneCountry = z.string().transform((value, context): CountryCode => {
  if (isSupportedCountry(value)) return value;
  const params = { fix: "its two capital letters, such as US or DE" };
  context.addIssue({ code: "custom", message: "is not a country", params });
  return z.NEVER;
});
export type PhoneCountry = z.infer<typeof PhoneCountry>;

/** Numbers that lead to a person or an account: phones, addresses of machines, bank accounts, payment cards. */
export function numberSpans(text: string, country: PhoneCountry | undefined): Span[] {
  return [...phoneSpans(text, country), ...ipSpans(text), ...ibanSpans(text), ...cardSpans(text)];
}

/** Written with `+`, or after a word that says so; whatever the numbering plans say of it. */
const WITH_PLUS = /\+\d(?:[ ()./-]{0,3}\d){6,14}/g;
const AFTER_WORD =
  /(?<![\p{L}\p{N}])(?:phone|tel|telephone|telefon|mobile?|mobil|cell|handy|fax|call(?: me)?(?: (?:at|on))?|whatsapp)(?: ?(?:no|nr|number|nummer))?[.:]{0,2} {0,2}\(?\d(?:[ ()./-]{0,3}\d){5,14}/giu;
/** National forms that are nothing else: a leading zero or an area code in brackets, in groups; and 555-123-4567. */
const NATIONAL =
  /(?<![\p{L}\p{N}.+-])(?:\(0?\d{2,5}\) ?\d(?:[ -]?\d){5,9}|0\d{1,5}[ /-]{1,3}\d(?:[ -]?\d){5,9}|\d{3}[.-]\d{3}[.-]\d{4})(?![\p{L}\p{N}])/gu;
const DATE = /^\d{1,2}[ ./-]\d{1,2}[ ./-]\d{2,4}(?!\d)/;
/** What stands before a number that counts records or things. */
const RECORD_BEFORE =
  /(?:[\p{L}#_-]|(?:ref(?:erence)?|nr|no|number|ticket|case|order|po|id|sn|serial|asset|incident|change)[ .:#]{1,3})$/iu;

function phoneSpans(text: string, country: PhoneCountry | undefined): Span[] {
  const known = findPhoneNumbersInText(text, country && { defaultCountry: country })
    .filter(({ startsAt, endsAt }) => !countsRecords(text, startsAt, endsAt))
    .map(({ startsAt, endsAt }): Span => ({ kind: "PHONE", start: startsAt, end: endsAt }));
  return [
    ...known,
    ...spansOf(text, WITH_PLUS, { kind: "PHONE" }),
    ...spansOf(text, AFTER_WORD, { kind: "PHONE" }).map((span) => ({
      ...span,
      start: span.start + text.slice(span.start, span.end).search(/\(?\d/),
    })),
    ...spansOf(text, NATIONAL, { kind: "PHONE", accept: (found) => !DATE.test(found) }),
  ];
}

/** Bare digits behind `INC` or `order no.` are taken for a record, however well they would fit a numbering plan. */
function countsRecords(text: string, start: number, end: number): boolean {
  return (
    /^\d+(?:$|[,;#x])/.test(text.slice(start, end)) && RECORD_BEFORE.test(text.slice(Math.max(0, start - 16), start))
  );
}

const IPV4 = /(?<![\p{L}\p{N}]|\d\.)\d{1,3}(?:\.\d{1,3}){3}(?![\p{N}]|\.\d)/gu;
const IPV6 = /(?<![\p{L}\p{N}:.])[0-9a-f:]{2,45}(?:\.\d{1,3}){0,3}/giu;

function ipSpans(text: string): Span[] {
  const v4 = spansOf(text, IPV4, { kind: "IP", accept: isIPv4 });
  const v6 = [...text.matchAll(IPV6)].flatMap(({ 0: found, index }): Span[] => {
    const address = isIPv6(found) ? found : found.replace(/:+$/, "");
    if (!isIPv6(address) || !/[0-9a-f]/i.test(address)) return [];
    return [{ kind: "IP", start: index, end: index + address.length }];
  });
  return [...v4, ...v6];
}

/** How many characters an account number has in each country of the IBAN registry. */
const IBAN_LENGTHS = new Map(
  (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 " +
    "FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 " +
    "LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 " +
    "RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
  )
    .split(" ")
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);
const IBAN_START = /(?<![\p{L}\p{N}])[a-z]{2}\d{2}/giu;

function ibanSpans(text: string): Span[] {
  return [...text.matchAll(IBAN_START)].flatMap(({ 0: start, index }): Span[] => {
    const length = IBAN_LENGTHS.get(start.slice(0, 2).toUpperCase());
    const written =
      length === undefined
        ? undefined
        : new RegExp(`^[a-z0-9](?:[ -]?[a-z0-9]){${length - 1}}`, "i").exec(text.slice(index, index + 72))?.[0];
    if (written === undefined || !isIban(written.replace(/[ -]/g, ""))) return [];
    return [{ kind: "IBAN", start: index, end: index + written.length }];
  });
}

/** ISO 7064 mod 97-10: the first four characters go to the end, letters count as 10 to 35. */
function isIban(iban: string): boolean {
  let rest = 0;
  for (const char of iban.slice(4) + iban.slice(0, 4))
    for (const digit of String(Number.parseInt(char, 36))) rest = (rest * 10 + Number(digit)) % 97;
  return rest === 1;
}

const DIGITS = /\d(?:[ .-]?\d)*/g;
const CARD_DIGITS_MIN = 13;
const CARD_DIGITS_MAX = 19;

/** Every stretch of whole groups is tried: other digits may stand right before or after a card. */
function cardSpans(text: string): Span[] {
  return [...text.matchAll(DIGITS)].flatMap(({ 0: run, index }) => {
    if (run.length < CARD_DIGITS_MIN) return [];
    const groups = [...run.matchAll(/\d+/g)].map(({ 0: digits, index: at }) => ({ digits, at: index + at }));
    return groups.flatMap((_group, first) => cardsFrom(groups.slice(first, first + CARD_DIGITS_MAX)));
  });
}

function cardsFrom(groups: readonly { digits: string; at: number }[]): Span[] {
  const found: Span[] = [];
  let digits = "";
  for (const group of groups) {
    digits += group.digits;
    if (digits.length > CARD_DIGITS_MAX) break;
    if (digits.length < CARD_DIGITS_MIN || !/^[2-6]/.test(digits) || !isLuhn(digits)) continue;
    found.push({ kind: "CARD", start: groups[0]?.at ?? 0, end: group.at + group.digits.length });
  }
  return found;
}

function isLuhn(digits: string): boolean {
  let sum = 0;
  for (const [index, char] of [...digits].reverse().entries()) {
    const digit = Number(char) * (index % 2 === 1 ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 === 0;
}
