import { expect } from "chai";
import { parse } from "yaml";
import { z } from "zod";
import { ProviderSettings } from "../../../core/config/ai-settings.ts";
import { parseYaml } from "../../../core/config/document.ts";
import { explainIssue } from "../../../core/config/issue.ts";
import { knownKeys } from "../../../core/config/known-keys.ts";
import { plainSecrets } from "../../../core/config/plain-secrets.ts";
import { interpolate } from "../../../core/config/secrets.ts";

const CLAUDE = { type: "anthropic", apiKey: "k" };
const OLLAMA = { type: "openai-compatible", model: "qwen3:8b", baseUrl: "https://llm.acme.com/v1" };
const CORTEX = {
  type: "snowflake-cortex",
  token: "t",
  model: "llama4-maverick",
  baseUrl: "https://acme-eu.snowflakecomputing.com",
};
const BEDROCK = { type: "bedrock", region: "eu-central-1", model: "amazon.nova-lite-v1:0" };
const SIGNED = { accessKeyId: "a", secretAccessKey: "s" };

/** What an admin is told about a provider: place, what is wrong, what to write. */
function told(value: unknown): string[] {
  const { success, error } = ProviderSettings.safeParse(value);
  if (success) return [];
  const found = error.issues.flatMap((issue) =>
    explainIssue(issue, value, (path) => knownKeys(ProviderSettings, path, value)),
  );
  return found.map(({ path, what, fix }) => `${path.join(".")}: ${what}. ${fix}`);
}

describe("the settings of a provider", () => {
  it("need little: for Claude a key alone", () => {
    expect(ProviderSettings.parse(CLAUDE)).to.deep.equal({
      type: "anthropic",
      apiKey: "k",
      model: "claude-haiku-5-5",
      effort: "none",
      answersAs: [],
      timeout: 20_000,
      allowPrivateAddress: false,
    });
  });

  it("are sound for every type", () => {
    for (const settings of [
      { type: "openai", apiKey: "k", model: "gpt-4.1-mini" },
      { type: "google", apiKey: "k", model: "gemini-2.5-flash", effort: "none" },
      { ...BEDROCK, ...SIGNED },
      { ...BEDROCK, ...SIGNED, sessionToken: "t" },
      { ...BEDROCK, apiKey: "k", region: "us-gov-west-1" },
      CORTEX,
      OLLAMA,
      { ...OLLAMA, baseUrl: "http://localhost:11434/v1", allowPrivateAddress: true },
    ])
      expect(told(settings), JSON.stringify(settings)).to.deep.equal([]);
  });

  describe("a price", () => {
    const price = (inputPerMillion: unknown): unknown => {
      const parsed = ProviderSettings.safeParse({ ...CLAUDE, prices: { inputPerMillion, outputPerMillion: 5 } });
      return parsed.success ? parsed.data.prices?.inputPerMillion : "refused";
    };
    const prices: readonly (readonly [unknown, unknown])[] = [
      [1, 1_000_000],
      [0.1, 100_000],
      ["0.10", 100_000],
      ["0.000001", 1],
      [0.25, 250_000],
      [1.005, 1_005_000],
      [0, 0],
      ["0.0000001", "refused"],
      [1e-7, "refused"],
      [-1, "refused"],
      ["1,5", "refused"],
      ["$2", "refused"],
      [Number.NaN, "refused"],
      [true, "refused"],
      ["", "refused"],
    ];
    for (const [given, micros] of prices) {
      it(`of ${JSON.stringify(given)} is ${micros} millionths for a million tokens`, () => {
        expect(price(given)).to.equal(micros);
      });
    }
  });

  const problems: readonly (readonly [string, unknown, string])[] = [
    ["an unknown type", { type: "claude" }, 'type: "claude" is not a known type. Write one of: anthropic, openai,'],
    ["no key", { type: "openai", model: "gpt-4.1-mini" }, "apiKey: is missing. Add it: a text"],
    ["a misspelt key", { ...CLAUDE, modle: "x" }, 'modle: "modle" is not a known key here. Did you mean "model"?'],
    ["an unknown effort", { ...CLAUDE, effort: "minimal" }, "effort: "],
    [
      "a model that leads elsewhere",
      { ...CLAUDE, model: "../../files" },
      "model: is not the name of a model. Write the name",
    ],
    ["a time without a unit", { ...CLAUDE, timeout: "20" }, "timeout: is not a length of time. Write a length of time"],
    ["a time that is too long", { ...CLAUDE, timeout: "6m" }, "timeout: is longer than a ticket can wait. Write"],
    [
      "a price that is none",
      { ...CLAUDE, prices: { inputPerMillion: "a lot", outputPerMillion: 5 } },
      "prices.inputPerMillion: is not an amount of money. Write an amount such as",
    ],
    [
      "a price of another kind",
      { ...CLAUDE, prices: { inputPerMillion: [1], outputPerMillion: 5 } },
      "prices.inputPerMillion: ",
    ],
    ["plain http", { ...OLLAMA, baseUrl: "http://llm.acme.com/v1" }, "baseUrl: is not https. Write https://..."],
    [
      "a private address",
      { ...OLLAMA, baseUrl: "https://10.0.0.7/v1" },
      "baseUrl: points into this machine or a private network. Write",
    ],
    [
      "the address of cloud metadata",
      { ...CLAUDE, baseUrl: "https://169.254.169.254" },
      "baseUrl: points into this machine",
    ],
    [
      "an address with a query",
      { ...OLLAMA, baseUrl: "https://llm.acme.com/v1?key=1" },
      "baseUrl: is not the address of an API. Write",
    ],
    [
      "an address with a login",
      { ...OLLAMA, baseUrl: "https://a:b@llm.acme.com/v1" },
      "baseUrl: is not the address of an API. Write",
    ],
    [
      "an account with a path",
      { ...CORTEX, baseUrl: `${CORTEX.baseUrl}/api/v2` },
      "baseUrl: is not the address of an account. Write",
    ],
    [
      "a region that is a host",
      { ...BEDROCK, ...SIGNED, region: "evil.com/x" },
      "region: is not a region. Write the region of the model",
    ],
    ["no login for Bedrock", BEDROCK, ": does not say how it logs in. Write either apiKey, or accessKeyId"],
    ["half a login for Bedrock", { ...BEDROCK, accessKeyId: "a" }, ": does not say how it logs in. Write either"],
    ["two logins for Bedrock", { ...BEDROCK, ...SIGNED, apiKey: "k" }, ": does not say how it logs in. Write either"],
    [
      "a header with a blank",
      { ...OLLAMA, headers: { "x y": "z" } },
      "headers.x y: this name is not allowed. Write the name of a header",
    ],
  ];
  for (const [name, value, line] of problems) {
    it(`${name} is told`, () => {
      expect(told(value).join("\n")).to.include(line);
    });
  }

  /** As docs show them: every type, with what makes it differ. */
  const written = `
ai:
  providers:
    claude:
      type: anthropic
      apiKey: \${ANTHROPIC_API_KEY}
      model: claude-haiku-5-5
      timeout: 20s
      prices: { inputPerMillion: 0.10, outputPerMillion: 0.50 }
    gpt:
      type: openai
      apiKey: \${OPENAI_API_KEY}
      model: gpt-5-mini
      effort: minimal
    gemini:
      type: google
      apiKey: \${GEMINI_API_KEY}
      model: gemini-flash-latest
      answersAs: [gemini-2.5-flash]
      effort: none
    bedrock:
      type: bedrock
      region: eu-central-1
      accessKeyId: \${AWS_ACCESS_KEY_ID}
      secretAccessKey: \${AWS_SECRET_ACCESS_KEY}
      model: eu.anthropic.claude-haiku-4-5-20251001-v1:0
    snowflake:
      type: snowflake-cortex
      baseUrl: https://acme-eu.snowflakecomputing.com
      token: \${SNOWFLAKE_TOKEN}
      model: llama4-maverick
    azure:
      type: openai-compatible
      baseUrl: https://acme.openai.azure.com/openai/v1
      headers: { api-key: "\${AZURE_OPENAI_KEY}" }
      model: our-deployment
      answersAs: [gpt-4.1-mini-2025-04-14]
      outputLimit: max_completion_tokens
    ollama:
      type: openai-compatible
      baseUrl: http://localhost:11434/v1
      allowPrivateAddress: true
      model: qwen3:8b
      effort: none
`;

  it("are sound as the documentation shows them, with secrets from outside only", () => {
    const read = parseYaml("config/interlock.yaml", written);
    if ("problems" in read) throw new Error(JSON.stringify(read.problems));
    expect(plainSecrets(read.file)).to.deep.equal([]);
    const { value, missing } = interpolate(parse(written), { variable: (name) => `of-${name}`, file: () => undefined });
    expect(missing).to.deep.equal([]);
    const providers = (value as { ai: { providers: Record<string, unknown> } }).ai.providers; // as it stands above
    expect(
      Object.entries(providers).flatMap(([name, one]) => told(one).map((line) => `${name} ${line}`)),
    ).to.deep.equal([]);
    expect(Object.keys(providers)).to.have.length(7);
  });

  it("hold no secret in plain text", () => {
    const plain = written.replaceAll(/\$\{[A-Z_]+\}/g, "written-out");
    const read = parseYaml("config/interlock.yaml", plain);
    if ("problems" in read) throw new Error(JSON.stringify(read.problems));
    expect(plainSecrets(read.file).map(({ path, what }) => `${path} ${what}`)).to.deep.equal([
      "ai.providers.claude.apiKey holds a secret in plain text",
      "ai.providers.gpt.apiKey holds a secret in plain text",
      "ai.providers.gemini.apiKey holds a secret in plain text",
      "ai.providers.bedrock.secretAccessKey holds a secret in plain text",
      "ai.providers.snowflake.token holds a secret in plain text",
      "ai.providers.azure.headers.api-key holds a secret in plain text",
    ]);
  });

  it("never show a secret, wherever it was written", () => {
    const secret = "Kanarienvogel0123";
    for (const value of [
      { ...CLAUDE, apiKey: [secret] },
      { ...CORTEX, token: { [secret.slice(0, 3)]: secret } },
      { ...BEDROCK, accessKeyId: "a", secretAccessKey: [secret] },
      { ...BEDROCK, ...SIGNED, sessionToken: [secret] },
      { ...OLLAMA, headers: secret },
      { ...OLLAMA, headers: { "api-key": [secret] } },
    ]) {
      const lines = told(value).join("\n");
      expect(lines).not.to.equal("");
      expect(lines).not.to.include(secret);
    }
  });

  it("have a JSON Schema, for editors", () => {
    const text = JSON.stringify(z.toJSONSchema(ProviderSettings, { io: "input" }));
    for (const type of ["anthropic", "openai", "google", "bedrock", "snowflake-cortex", "openai-compatible"])
      expect(text).to.include(`"const":"${type}"`);
  });
});
