import { inspect } from "node:util";
import { expect } from "chai";
import { PhoneCountry } from "../../../core/advice/numbers.ts";
import { Redaction, type RedactionOptions } from "../../../core/advice/redact.ts";

function redacted(text: string, options: RedactionOptions = {}): string {
  const redaction = new Redaction(options);
  const out = redaction.redact(text);
  expect(redaction.restore(out)).to.equal(text);
  return out;
}

const ANNA = { name: "Anna Schmidt", email: "aschmidt@acme.example" };

/** Put together here, so that no scanner takes this file for a leak. */
const GITHUB = `ghp_${"a1B2".repeat(9)}`;
const AWS_SECRET = ["wJalrXUtnFEMI", "K7MDENG", "bPxRfiCYEXAMPLEKEY"].join("/");
const JWT = ["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiIxIn0", "c2ln-bmF0dXJl"].join(".");
const PEM = ["-----BEGIN RSA PRIVATE KEY-----", "MIIEowIBAAKCAQEA", "-----END RSA PRIVATE KEY-----"].join("\n");

describe("What must not leave the machine is replaced", () => {
  const cases: readonly (readonly [string, string, string, RedactionOptions?])[] = [
    ["EMAIL", "mail joe.doe+x@example.co.uk, now", "mail [EMAIL_1], now"],
    ["EMAIL with a long mailbox", `${"a".repeat(200)}@example.com.`, "[EMAIL_1]."],
    ["EMAIL with letters of other scripts", "мария@пример.рф schreibt", "[EMAIL_1] schreibt"],
    ["PHONE with its country", "call +49 30 901820 or +12025550123.", "call [PHONE_1] or [PHONE_2]."],
    ["PHONE of no numbering plan", "call +999 123 456 78", "call [PHONE_1]"],
    ["PHONE in national forms", "(213) 373-4253, 555-123-4567, 0151 12345678", "[PHONE_1], [PHONE_2], [PHONE_3]"],
    ["PHONE after its word", "Tel.: 901820 11, call me at 3734253", "Tel.: [PHONE_1], call me at [PHONE_2]"],
    [
      "PHONE of the country that is set",
      "reach me under 2133734253",
      "reach me under [PHONE_1]",
      { phoneCountry: "US" },
    ],
    [
      "IP of either version",
      "from 10.1.2.3:8080, fe80::1%eth0, 2001:db8::8a2e:370:7334",
      "from [IP_1]:8080, [IP_2]%eth0, [IP_3]",
    ],
    ["IBAN in groups or not", "DE89 3704 0044 0532 0130 00 or gb82west12345698765432", "[IBAN_1] or [IBAN_2]"],
    [
      "CARD in groups or not",
      "4111 1111 1111 1111, 5500-0000-0000-0004, 340000000000009",
      "[CARD_1], [CARD_2], [CARD_3]",
    ],
    ["CARD among other digits", "12 4111 1111 1111 1111 35", "12 [CARD_1] 35"],
    [
      "KEY by its maker's form",
      `AKIAIOSFODNN7EXAMPLE ${GITHUB} xoxb-123456789012-abcDEF ${JWT}`,
      "[KEY_1] [KEY_2] [KEY_3] [KEY_4]",
    ],
    ["KEY by its randomness", `use ${AWS_SECRET} or 46d44a5ac0a8016400c1e25c1b2c2b25`, "use [KEY_1] or [KEY_2]"],
    ["KEY block, with or without its end", `a ${PEM} b ${PEM.slice(0, 45)}`, "a [KEY_1] b [KEY_2]"],
    [
      "KEY after an assignment",
      'password: summer, pwd=x;y "apiKey": "abc def", token => t',
      'password: [KEY_1], pwd=[KEY_2] "apiKey": "[KEY_3]", token => [KEY_4]',
    ],
    ["KEY in a tag", "<password>summer</password> of Joe", "<password>[KEY_1]</password> of Joe"],
    [
      "KEY in a sentence",
      "the password for her account is Welcome1. Passwort lautet Geheim!1",
      "the password for her account is [KEY_1]. Passwort lautet [KEY_2]",
    ],
    [
      "KEY in other languages",
      "contraseña: verano, mot de passe : été, пароль: лето, 密码:夏天",
      "contraseña: [KEY_1], mot de passe : [KEY_2], пароль: [KEY_3], 密码:[KEY_4]",
    ],
    [
      "KEY of a scheme",
      "Authorization: Bearer abcDEF012345 and Basic dXNlcjpwYXNz",
      "Authorization: [KEY_1] and [KEY_2]",
    ],
    ["KEY in an address", "postgres://app:hunter2@db/x", "postgres://[KEY_1]@db/x"],
    ["KEY as a PIN", "my PIN is 4711", "my PIN is [KEY_1]"],
    [
      "NAME in full, turned round, or in capitals",
      "Anna Schmidt; schmidt, anna; ANNA",
      "[NAME_1]; [NAME_2]; [NAME_3]",
      { people: [ANNA] },
    ],
    ["NAME of a mailbox", "account ASchmidt is locked", "account [NAME_1] is locked", { people: [ANNA] }],
  ];
  for (const [name, text, wanted, options] of cases) it(name, () => expect(redacted(text, options)).to.equal(wanted));

  it("the same value by the same mark in every text of a request", () => {
    const redaction = new Redaction({ people: [ANNA] });
    expect(redaction.redact("from a@b.example")).to.equal("from [EMAIL_1]");
    expect(redaction.redact("c@d.example, a@b.example")).to.equal("[EMAIL_2], [EMAIL_1]");
    expect(redaction.counts()).to.deep.equal({ EMAIL: 2 });
  });

  it("MARK: what looks like a mark in the text gets one, so that nobody can call for another's value", () => {
    const redaction = new Redaction();
    const out = redaction.redact("[EMAIL_1] a@b.example [KEY_7]");
    expect(out).to.equal("[MARK_1] [EMAIL_1] [MARK_2]");
    expect(redaction.restore(out)).to.equal("[EMAIL_1] a@b.example [KEY_7]");
    expect(redaction.restore("[EMAIL_9] [__proto___1]")).to.equal("[EMAIL_9] [__proto___1]");
  });
});

describe("What is none of it stays", () => {
  for (const [text, options] of [
    ["INC0010001, CHG0030002, OPS-12, order no. 2133734253, ref 2133734253, #2133734253", { phoneCountry: "US" }],
    ["2026-01-31 09:15:30, 01-02-2026 09:15, 31.01.2026, 0x80070005, port 8080, 1234567890123"],
    ["version v1.2.3.4, 1.3.6.1.4.1.9, chrome 120.0.6099.109, 300.1.1.1, std::vector, 09:15:30"],
    ["password reset needed, cannot log in; my password is expired; token expired; password policy: 90 days"],
    ["basic understanding, secret santa, Password Reset Request, pass the key to the office"],
    ["srv-web-prod-eu01-cluster03, /opt/App2/bin/Server, AbstractHandlerMethodMapping, org.springframework.web"],
    ["Mark asked whether he will", { people: [{ name: "Will Anna", email: "" }] }],
    ["the service desk", { people: [{ name: "", email: "service@acme.example" }] }],
    ["DE88370400440532013000, 4111 1111 1111 1112, a@b, @joe"],
    ["[encoded bytes] [x_1] [ABC]"],
  ] as readonly (readonly [string, RedactionOptions?])[])
    it(text, () => expect(redacted(text, options)).to.equal(text));
});

describe("What was taken out stays in memory", () => {
  const redaction = new Redaction({ people: [ANNA] });
  const secret = "joe@example.com";
  redaction.redact(`${secret} Anna`);

  it("no serialisation has it", () => {
    expect(JSON.stringify({ redaction })).to.equal("{}");
    expect(JSON.stringify([redaction])).to.equal("[null]");
    expect(Object.keys(redaction)).to.deep.equal([]);
    expect(inspect(redaction, { showHidden: true, depth: 9 })).to.not.match(/joe|Anna/);
    expect(inspect(structuredClone(redaction), { depth: 9 })).to.not.match(/joe|Anna/);
    expect(String(redaction)).to.not.match(/joe|Anna/);
  });
});

describe("PhoneCountry", () => {
  it("is a country of the numbering plans", () => {
    expect(PhoneCountry.safeParse("DE").success).to.equal(true);
    for (const none of ["de", "Germany", "XX", 49, null]) expect(PhoneCountry.safeParse(none).success).to.equal(false);
  });
});
