import { expect } from "chai";
import fc from "fast-check";
import { parse, stringify } from "yaml";
import { interpolate, type SecretSource } from "../../../core/config/secrets.ts";
import { renderProblem } from "../../../core/problem.ts";
import { edited, problemsOf, SETTINGS, SOUND, secretRef } from "../support/config-files.ts";

/** Stands nowhere else, survives quoting, and is long enough for every secret. */
const CANARY = "Kanarienvogel0123456789ABCDEFGHIJ";

const ALL_SECRETS = `store: postgres://${CANARY}@host/db
connections:
  snow:
    type: servicenow
    baseUrl: https://acme.service-now.com
    auth: { type: basic, username: bot, password: ${CANARY} }
    webhookSecrets: [${CANARY}, whsec_${CANARY}]
    records: { incident: snow }
  dev:
    type: servicenow
    baseUrl: https://dev.service-now.com
    auth:
      type: client-credentials
      clientId: sidecar
      clientSecret: ${CANARY}
    webhookAuth:
      type: basic
      username: sender
      password: "${CANARY}"
    records: { incident: snow }
  jira:
    type: jira
    baseUrl: https://acme.atlassian.net
    auth: { type: basic, email: bot@acme.com, apiToken: '${CANARY}' }
    webhookSecrets:
      - ${CANARY}
    records: { OPS: jira }
  dc:
    type: jira
    baseUrl: https://jira.acme.com
    auth: { type: bearer, token: ${CANARY} }
    webhookAuth: { type: bearer, token: ${CANARY} }
    records: { OPS: jira }
`;

function shown(text: string, secrets?: SecretSource): string {
  return problemsOf({ ...SOUND, [SETTINGS]: text }, secrets)
    .map(renderProblem)
    .join("\n");
}

/** Every place of a document where a value stands. */
function leaves(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => leaves(item, [...path, index]));
  if (value === null || typeof value !== "object") return [path];
  return [path, ...Object.entries(value).flatMap(([key, item]) => leaves(item, [...path, key]))];
}

function withValueAt(value: unknown, path: readonly (string | number)[], put: unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return put;
  if (Array.isArray(value)) return value.map((item, index) => (index === first ? withValueAt(item, rest, put) : item));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, key === first ? withValueAt(item, rest, put) : item]),
  );
}

const NO_SECRETS: SecretSource = { variable: () => undefined, file: () => undefined };

describe("a secret", () => {
  it("may stand in no secret key: each is a problem of its own, and no other is", () => {
    const lines = shown(ALL_SECRETS).split("\n");
    const places = lines.map((line) => / (\S+): holds a (?:secret|password) in plain text\. Write /.exec(line)?.[1]);
    expect(places).to.deep.equal([
      "connections.snow.auth.password",
      "connections.snow.webhookSecrets.0",
      "connections.snow.webhookSecrets.1",
      "connections.dev.auth.clientSecret",
      "connections.dev.webhookAuth.password",
      "connections.jira.auth.apiToken",
      "connections.jira.webhookSecrets.0",
      "connections.dc.auth.token",
      "connections.dc.webhookAuth.token",
    ]);
  });

  describe("is in no problem", () => {
    const mistakes: readonly (readonly [string, string, string])[] = [
      ["a space is missing after the key", "password: K", "password:K"],
      ["the colon is missing", "token: K", "token K"],
      ["the key is misspelt", "apiToken", "apiTokne"],
      [
        "it stands in the place of its mapping",
        `{ type: bearer, token: ${CANARY} }\n    webhookAuth`,
        `${CANARY}\n    webhookAuth`,
      ],
      [
        "it stands in the place of the webhook login",
        `webhookAuth: { type: bearer, token: ${CANARY} }`,
        `webhookAuth: ${CANARY}`,
      ],
      ["it is a text where a list is due", `[${CANARY}, whsec_${CANARY}]`, CANARY],
      ["the dash has no space", `- ${CANARY}`, `-${CANARY}`],
      ["it is a list", `apiToken: '${CANARY}'`, `apiToken: ['${CANARY}']`],
      ["it is a key", `apiToken: '${CANARY}'`, `apiToken: {'${CANARY}': 1}`],
      ["it begins like an alias", `clientSecret: ${CANARY}`, `clientSecret: *${CANARY}`],
      ["it begins like a tag", `clientSecret: ${CANARY}`, `clientSecret: !${CANARY}`],
      ["it begins like a block", `clientSecret: ${CANARY}`, `clientSecret: |${CANARY}`],
      ["it begins like a folded block", `clientSecret: ${CANARY}`, `clientSecret: >${CANARY}`],
      ["it begins with a reserved character", `clientSecret: ${CANARY}`, `clientSecret: @${CANARY}`],
      ["it holds an escape", `password: "${CANARY}"`, `password: "\\${CANARY}"`],
      ["it holds a quote", `password: "${CANARY}"`, `password: "${CANARY}"${CANARY}"`],
      ["its quote is not closed", `password: "${CANARY}"`, `password: "${CANARY}`],
      ["the store is of another kind", "postgres://", "mysql://"],
    ];
    for (const [name, from, to] of mistakes) {
      it(`where ${name}`, () => {
        const at = ALL_SECRETS.indexOf(from);
        expect(at, "the passage is there").to.be.at.least(0);
        const text = ALL_SECRETS.slice(0, at) + to + ALL_SECRETS.slice(at + from.length);
        expect(shown(text)).to.match(/^config\/interlock\.yaml/);
        expect(shown(text)).not.to.include(CANARY);
      });
    }

    it("however the file is damaged (property)", () => {
      const character = fc.constantFrom(..." :,{}[]\"'\n#&*!|>%@-?\\\t$x0");
      const place = fc.nat({ max: ALL_SECRETS.length - 1 });
      const damage = fc.tuple(place, fc.nat({ max: 3 }), fc.string({ unit: character, maxLength: 3 }));
      fc.assert(
        fc.property(fc.array(damage, { minLength: 1, maxLength: 3 }), (damages) => {
          let text = ALL_SECRETS;
          for (const [at, dropped, added] of damages) {
            const inside = insideCanary(text, at) || insideCanary(text, at + dropped);
            if (!inside) text = text.slice(0, at) + added + text.slice(at + dropped);
          }
          expect(shown(text)).not.to.include(CANARY);
        }),
        { numRuns: 150 },
      );
    });

    it("whatever value it is filled in for (property)", () => {
      const document: unknown = parse(ALL_SECRETS);
      const secrets: SecretSource = { variable: () => CANARY, file: () => CANARY };
      const reference = fc.constantFrom(
        secretRef("SECRET"),
        secretRef("file:/run/secrets/x"),
        `a ${secretRef("SECRET")} b`,
      );
      fc.assert(
        fc.property(fc.constantFrom(...leaves(document)), reference, (path, put) => {
          expect(shown(stringify(withValueAt(document, path, put)), secrets)).not.to.include(CANARY);
        }),
        { numRuns: 80 },
      );
    });
  });

  it("that is missing is one problem, not two", () => {
    const text = edited(SOUND, SETTINGS, "SNOW_WEBHOOK", "NOT_SET")[SETTINGS] ?? "";
    expect(shown(text).split("\n")).to.have.length(1);
  });

  it("that is empty is missing", () => {
    const empty: SecretSource = { variable: () => "", file: () => "" };
    const lines = shown(SOUND[SETTINGS] ?? "", empty).split("\n");
    expect(lines).to.have.length(4);
    expect(lines.join("\n")).to.include("SNOW_PASSWORD is not set").and.to.include("/run/secrets/jira cannot be read");
  });
});

describe("interpolate", () => {
  const source: SecretSource = {
    variable: (name) => (name === "A" ? `${secretRef("B")} $& $1` : undefined),
    file: (path) => (path === "/x y" ? "from a file" : undefined),
  };

  it("fills in variables and files anywhere in a text, and in lists and mappings", () => {
    const value = { list: [`a ${secretRef("A")} b`, 7, null, true], [secretRef("A")]: secretRef("file:/x y") };
    const filled = { list: [`a ${secretRef("B")} $& $1 b`, 7, null, true], [secretRef("A")]: "from a file" };
    expect(interpolate(value, source)).to.deep.equal({ value: filled, missing: [] });
  });

  it("does not look into what it filled in", () => {
    expect(interpolate(secretRef("A"), source).missing).to.deep.equal([]);
  });

  it("lists what is missing with its place, and leaves it", () => {
    const value = { a: { b: ["x", `${secretRef("NOPE")} and ${secretRef("file:/nope")}`] } };
    expect(interpolate(value, NO_SECRETS)).to.deep.equal({
      value,
      missing: [
        { path: ["a", "b", 1], reference: "NOPE" },
        { path: ["a", "b", 1], reference: "file:/nope" },
      ],
    });
  });

  it("leaves what is no reference", () => {
    for (const text of ["$A", "${", "$" + "{}", secretRef("1A"), secretRef("A B"), "{A}"])
      expect(interpolate(text, NO_SECRETS)).to.deep.equal({ value: text, missing: [] });
  });

  it("keeps a key named __proto__ a plain key", () => {
    const { value } = interpolate(JSON.parse('{"__proto__": {"polluted": "yes"}}'), NO_SECRETS);
    expect(Object.keys(value as object)).to.deep.equal(["__proto__"]); // interpolate answers with what it was given
    expect(({} as Record<string, unknown>)["polluted"]).to.equal(undefined); // looks through the prototype on purpose
  });
});

/** Damage inside the secret would only make it another one. */
function insideCanary(text: string, at: number): boolean {
  const from = text.lastIndexOf(CANARY, at - 1);
  return from >= 0 && at > from && at < from + CANARY.length;
}
