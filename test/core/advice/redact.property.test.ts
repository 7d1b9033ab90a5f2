import { expect } from "chai";
import fc from "fast-check";
import { clean } from "../../../core/advice/clean.ts";
import { Redaction } from "../../../core/advice/redact.ts";

const digits = (length: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: length, maxLength: length });
const letters = (unit: string, minLength: number, maxLength = minLength) =>
  fc.string({ unit: fc.constantFrom(...unit), minLength, maxLength });
const UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const BASE62 = `${UPPER}${UPPER.toLowerCase()}0123456789`;

const email = fc
  .tuple(letters("abcXYZ019._-", 1, 80), letters("abcdef", 1, 20), fc.constantFrom("com", "co.uk", "example"))
  .map(([box, host, top]) => `x${box}@${host}.${top}`);
const phone = fc
  .tuple(fc.constantFrom("1", "44", "49", "380"), digits(9), fc.constantFrom("", " ", "-", ".", "/"))
  .map(([country, rest, gap]) => [`+${country}`, rest.slice(0, 3), rest.slice(3, 6), rest.slice(6)].join(gap));
const ipv4 = fc.ipV4();
const ipv6 = fc.ipV6().filter((address) => /[0-9a-f]/i.test(address) && !address.includes("."));
const iban = fc.tuple(digits(18), fc.boolean()).map(([account, grouped]) => {
  const check = String(98n - (BigInt(`${account}131400`) % 97n)).padStart(2, "0");
  const number = `DE${check}${account}`;
  return grouped ? (number.match(/.{1,4}/g)?.join(" ") ?? "") : number;
});
const card = fc
  .tuple(fc.constantFrom("4", "51", "37"), digits(15), fc.constantFrom("", " ", "-"))
  .map(([start, rest, gap]) => {
    const body = (start + rest).slice(0, start === "37" ? 14 : 15);
    const check = [..."0123456789"].find((digit) => luhn(body + digit)) ?? "";
    return (body + check).match(/.{1,4}/g)?.join(gap) ?? "";
  });
const key = fc.oneof(
  letters(`${UPPER}0123456789`, 16).map((rest) => `AKIA${rest}`),
  letters(BASE62, 36).map((rest) => `ghp_${rest}`),
  fc
    .tuple(letters(BASE62, 20, 60), letters(BASE62, 20, 200), letters(BASE62, 43))
    .map((parts) => `eyJ${parts.join(".")}`),
  letters("0123456789abcdef", 40).filter((text) => /\d/.test(text) && /[a-f]/.test(text)),
  letters(BASE62, 24).map((rest) => `Aa0Bb1Cc2${rest}`),
);
const password = letters(`${BASE62}#%&_=+`, 3, 30).map((rest) => `p${rest}7`);

/** What each kind is planted as, and the words that must come before it so that it is what it is. */
const planted = fc.oneof(
  fc.oneof(email, phone, ipv4, ipv6, iban, card, key).map((secret) => ({ before: "", secret })),
  fc
    .tuple(fc.constantFrom("password: ", "pwd=", '"token": "', "api key = ", "Passwort ist "), password)
    .map(([before, secret]) => ({ before, secret })),
);

/** Whatever people write around it; what stands right beside it is a space or a sign. */
const around = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 40 }),
  fc.constantFrom(
    "4111",
    "12 34",
    "+49 ",
    "[EMAIL_1]",
    "INC0010001 ",
    "a@b",
    "password",
    "-----BEGIN",
    "://",
    "order no.",
    "ref #",
    "0151",
  ),
);
const edge = fc.constantFrom(" ", "\n", "(", ") ", ", ", "; ");

function luhn(number: string): boolean {
  const values = [...number].reverse().map((digit, at) => Number(digit) * (at % 2 === 1 ? 2 : 1));
  return values.reduce((sum, value) => sum + (value > 9 ? value - 9 : value), 0) % 10 === 0;
}

describe("Redaction, for any text", () => {
  it("leaves no planted secret in the output", () => {
    fc.assert(
      fc.property(around, edge, planted, edge, around, (left, first, { before, secret }, last, right) => {
        const out = new Redaction().redact(`${left}${first}${before}${secret}${last}${right}`);
        expect(out).to.not.include(secret);
      }),
      { numRuns: 5_000 },
    );
  });

  it("leaves none that is hidden in invisible characters or look-alikes, once the text is cleaned", () => {
    const hidden = fc.tuple(
      fc.oneof(email, card, key),
      fc.nat(),
      fc.constantFrom("\u200b", "\u2060", "\u{e0041}", "\ufe0f", "\u202e"),
    );
    fc.assert(
      fc.property(around, hidden, around, (left, [secret, at, char], right) => {
        const cut = 1 + (at % (secret.length - 1));
        const written = `${left} ${secret.slice(0, cut)}${char}${secret.slice(cut)} ${right}`;
        const wide = written.replace(/[!-~]/g, (sign) => String.fromCharCode(sign.charCodeAt(0) + 0xfee0));
        for (const raw of [written, wide]) {
          const { text } = clean(raw, { codePointsMax: 5_000 });
          expect(new Redaction().redact(text)).to.not.include(secret);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("leaves no name of the ticket's people", () => {
    const word = letters("bcdfgklmnprstvz", 4, 12).map((text) => text[0]?.toUpperCase() + text.slice(1));
    fc.assert(
      fc.property(around, word, word, around, fc.nat(4), (left, first, last, right, form) => {
        const forms = [
          `${first} ${last}`,
          `${last}, ${first}`,
          first,
          last.toUpperCase(),
          `${first} ${last}`.toLowerCase(),
        ];
        const written = forms[form] ?? "";
        const redaction = new Redaction({ people: [{ name: `${first} ${last}`, email: "" }] });
        expect(redaction.redact(`${left} ${written} ${right}`)).to.not.include(` ${written} `);
      }),
      { numRuns: 1_000 },
    );
  });

  it("gives back the input by restoring it, and the same output for the same input", () => {
    const piece = fc.oneof(
      around,
      planted.map(({ before, secret }) => before + secret),
      fc.constantFrom("[NAME_1]", "[", "]", "[KEY_"),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.constantFrom("", " "), (pieces, gap) => {
        const text = pieces.join(gap);
        const people = [{ name: "Anna Schmidt", email: "anna@acme.example" }];
        const redaction = new Redaction({ people, phoneCountry: "DE" });
        const out = redaction.redact(text);
        expect(redaction.restore(out)).to.equal(text);
        expect(new Redaction({ people, phoneCountry: "DE" }).redact(text)).to.equal(out);
      }),
      { numRuns: 3_000 },
    );
  });

  it("comes to an end with texts that are made to keep patterns busy", () => {
    for (const unit of [
      "1",
      "1-",
      "+1 ",
      "(1",
      "a@",
      "@",
      "a.",
      "1.",
      "a:",
      ":",
      "DE00",
      "A1a",
      "password ",
      "password: ",
      "-----BEGIN A-----",
      "eyJ",
      "Bearer ",
      "://",
      "0 ",
      "[A_",
      "tel",
      " ext. 1",
    ]) {
      const text = unit.repeat(8_000 / unit.length);
      const redaction = new Redaction({ people: [{ name: unit, email: `${unit}@x.example` }], phoneCountry: "US" });
      expect(redaction.restore(redaction.redact(text))).to.equal(text);
    }
  });
});
