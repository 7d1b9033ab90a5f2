import { z } from "zod";
import { Amount } from "../advice/money.ts";
import { DurationMs } from "../policy/duration.ts";
import { checkOutside, complainTo, rule, Secret } from "./setting.ts";

/** Provider and model names go into addresses: only what needs no escape there, and no way up. */
const Model = rule(
  (value) => /^[A-Za-z0-9][\w.:/@+-]{0,255}$/.test(value) && !value.includes(".."),
  "is not the name of a model",
  "the name under which the provider knows it, such as claude-haiku-5-5",
);

const TIMEOUT_MAX_MS = 300_000;

const Timeout = DurationMs.superRefine((ms, context) => {
  if (ms > TIMEOUT_MAX_MS)
    complainTo(context)([], "is longer than a ticket can wait", "a length of time of at most 5m, such as 20s");
});

/** The address of an API, path included; what the SDKs add begins behind it. */
const ApiUrl = rule(
  isApiUrl,
  "is not the address of an API",
  "https:// with host and path, without a query, such as https://llm.acme.com/v1",
);

const AccountUrl = rule(
  (value) => isApiUrl(value) && new URL(value).pathname === "/",
  "is not the address of an account",
  "https:// and the host name, without a path, such as https://acme-eu.snowflakecomputing.com",
);

const common = {
  /** Further models that an answer may bear: an alias answers under the name of what it stands for. */
  answersAs: z.array(Model).max(50).default([]),
  /** For one question in all, from the connection to the last byte. */
  timeout: Timeout.prefault("20s"),
  /** Allows plain http, and localhost or a private address as host. For a local model or a private link only. */
  allowPrivateAddress: z.boolean().default(false),
  /** For a million tokens, in the currency of the budget; whole micros once read. Without them calls are booked as free. */
  prices: z.strictObject({ inputPerMillion: Amount, outputPerMillion: Amount }).optional(),
};

/**
 * How the answer's form is asked for. schema: the provider holds the model to it. prompt: it is told in the prompt, for
 * models that know no structured output.
 */
const structuredOutput = z.enum(["schema", "prompt"]).default("schema");
/** Whether temperature 0 is sent; some models refuse the word. */
const sendTemperature = z.boolean().default(true);
/** How much the model may think first, which is paid as output and counts against its limit. Absent: the model's own default. */
const effort = z.enum(["none", "minimal", "low", "medium", "high"]).optional();

/** What a provider takes whose account is one key. */
const keyed = { ...common, apiKey: Secret, model: Model, baseUrl: ApiUrl.optional(), effort };

export const AnthropicSettings = z.strictObject({
  type: z.literal("anthropic"),
  ...common,
  apiKey: Secret,
  model: Model.default("claude-haiku-5-5"),
  baseUrl: ApiUrl.optional(),
  /** Models that always think refuse `none`. */
  effort: z.enum(["none", "low", "medium", "high"]).default("none"),
});
export type AnthropicSettings = z.infer<typeof AnthropicSettings>;

export const OpenAiSettings = z.strictObject({
  type: z.literal("openai"),
  ...keyed,
});
export type OpenAiSettings = z.infer<typeof OpenAiSettings>;

export const GoogleSettings = z.strictObject({
  type: z.literal("google"),
  ...keyed,
});
export type GoogleSettings = z.infer<typeof GoogleSettings>;

export const BedrockSettings = z.strictObject({
  type: z.literal("bedrock"),
  ...common,
  region: rule(
    (value) => /^[a-z]{2,8}(-[a-z]{2,12}){1,3}-\d{1,2}$/.test(value),
    "is not a region",
    "the region of the model, such as eu-central-1",
  ),
  apiKey: Secret.optional(),
  accessKeyId: Secret.optional(),
  secretAccessKey: Secret.optional(),
  sessionToken: Secret.optional(),
  model: Model,
  /** Of a VPC endpoint, or of a partition other than aws and aws-cn. */
  baseUrl: ApiUrl.optional(),
  effort: z.enum(["none", "low", "medium", "high"]).optional(),
  structuredOutput,
  sendTemperature,
});
export type BedrockSettings = z.infer<typeof BedrockSettings>;

export const CortexSettings = z.strictObject({
  type: z.literal("snowflake-cortex"),
  ...common,
  baseUrl: AccountUrl,
  /** A programmatic access token, an OAuth token or a JWT of a key pair. */
  token: Secret,
  model: Model,
  effort,
  structuredOutput,
  sendTemperature,
});
export type CortexSettings = z.infer<typeof CortexSettings>;

export const CompatibleSettings = z.strictObject({
  type: z.literal("openai-compatible"),
  ...common,
  baseUrl: ApiUrl,
  apiKey: Secret.optional(),
  model: Model,
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]{1,64}$/, "the name of a header"), Secret).optional(),
  effort,
  structuredOutput,
  sendTemperature,
  /** Which word limits the answer; newer OpenAI models behind Azure refuse the older one. */
  outputLimit: z.enum(["max_tokens", "max_completion_tokens"]).default("max_tokens"),
});
export type CompatibleSettings = z.infer<typeof CompatibleSettings>;

/** One provider with one model, as it stands under a name in `ai.providers`. */
export const ProviderSettings = z
  .discriminatedUnion("type", [
    AnthropicSettings,
    OpenAiSettings,
    GoogleSettings,
    BedrockSettings,
    CortexSettings,
    CompatibleSettings,
  ])
  .superRefine((settings, context) => {
    const problem = complainTo(context);
    const { baseUrl, allowPrivateAddress } = settings;
    if (baseUrl !== undefined) checkOutside({ baseUrl, allowPrivateAddress }, problem);
    if (settings.type !== "bedrock") return;
    const { apiKey, accessKeyId, secretAccessKey, sessionToken } = settings;
    const signed = accessKeyId !== undefined && secretAccessKey !== undefined;
    const partly = accessKeyId !== undefined || secretAccessKey !== undefined || sessionToken !== undefined;
    if (apiKey === undefined ? signed : !partly) return;
    problem([], "does not say how it logs in", "either apiKey, or accessKeyId and secretAccessKey (with sessionToken)");
  });
export type ProviderSettings = z.infer<typeof ProviderSettings>;

function isApiUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, search, hash, username, password } = new URL(value);
  const bare = search === "" && hash === "" && username === "" && password === "";
  return bare && (protocol === "https:" || protocol === "http:");
}
