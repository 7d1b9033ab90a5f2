import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { expect } from "chai";
import { openProvider } from "../../connectors/ai/open.ts";
import { type ModelAnswer, type ModelProvider, type ModelRequest, ProviderError } from "../../core/advice/provider.ts";
import type { Clock } from "../../core/clock.ts";
import { ProviderSettings } from "../../core/config/ai-settings.ts";
import { AI_KEY, type AiSim, type AiWireName, startAiSim } from "../sim/ai.ts";

export const NOW_MS = Date.UTC(2026, 0, 31, 9);

/** Words that may stand in no error: of the ticket, of the model, and the key. */
export const PROMPT = "Printer of Ms. Winter on fire <end-7c1e>";
export const ANSWER = '{"category":"hardware","score":900000}';

export const QUESTION: Omit<ModelRequest, "signal"> = {
  system: "You put tickets into categories.",
  prompt: PROMPT,
  schemaName: "classify",
  schema: {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    type: "object",
    properties: {
      category: { type: "string", enum: ["hardware", "network"], description: "one of these" },
      score: { type: "integer", minimum: 0, maximum: 1_000_000 },
    },
    required: ["category", "score"],
    additionalProperties: false,
  },
  outputTokensMax: 300,
};

/** What a call can have used at most: the bytes of everything that was sent, a frame around it, and the limit. */
export const MOST_USED = {
  inputTokens: Buffer.byteLength(QUESTION.system + QUESTION.prompt) + JSON.stringify(QUESTION.schema).length + 1_000,
  outputTokens: QUESTION.outputTokensMax,
};

/** A provider as an admin would configure it for the simulator of its wire. */
export interface ProviderCase {
  name: string;
  wire: AiWireName;
  /** Settings as they stand in YAML. */
  settings: (url: string) => Record<string, unknown>;
  model: string;
  /** Whether temperature 0 goes along. */
  temperature: 0 | undefined;
  /** Whether answers say which model they are from. */
  namesModel: boolean;
  /** Whether its API promises to say what was used. */
  usageIsAMust?: true;
}

export const PROVIDERS: readonly ProviderCase[] = [
  {
    name: "anthropic",
    wire: "anthropic",
    settings: (baseUrl) => ({ type: "anthropic", apiKey: AI_KEY, baseUrl }),
    model: "claude-haiku-5-5",
    temperature: undefined,
    namesModel: true,
  },
  {
    name: "openai",
    wire: "openai",
    settings: (url) => ({ type: "openai", apiKey: AI_KEY, model: "gpt-4.1-mini", baseUrl: `${url}/v1` }),
    model: "gpt-4.1-mini",
    temperature: 0,
    namesModel: true,
  },
  {
    name: "google",
    wire: "google",
    settings: (url) => ({ type: "google", apiKey: AI_KEY, model: "gemini-2.5-flash", baseUrl: `${url}/v1beta` }),
    model: "gemini-2.5-flash",
    temperature: 0,
    namesModel: true,
  },
  {
    name: "bedrock, signed",
    wire: "bedrock",
    settings: (baseUrl) => ({
      type: "bedrock",
      region: "eu-central-1",
      accessKeyId: AI_KEY,
      secretAccessKey: AI_KEY,
      sessionToken: AI_KEY,
      model: "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
      baseUrl,
    }),
    model: "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
    temperature: 0,
    namesModel: false,
    usageIsAMust: true,
  },
  {
    name: "bedrock, by API key",
    wire: "bedrock",
    settings: (baseUrl) => ({
      type: "bedrock",
      region: "eu-central-1",
      apiKey: AI_KEY,
      model: "amazon.nova-lite-v1:0",
      baseUrl,
    }),
    model: "amazon.nova-lite-v1:0",
    temperature: 0,
    namesModel: false,
    usageIsAMust: true,
  },
  {
    name: "snowflake-cortex",
    wire: "cortex",
    settings: (baseUrl) => ({ type: "snowflake-cortex", token: AI_KEY, model: "llama4-maverick", baseUrl }),
    model: "llama4-maverick",
    temperature: 0,
    namesModel: true,
  },
  {
    name: "openai-compatible",
    wire: "compatible",
    settings: (url) => ({
      type: "openai-compatible",
      model: "qwen3:8b",
      baseUrl: `${url}/v1`,
      headers: { "api-key": AI_KEY },
    }),
    model: "qwen3:8b",
    temperature: 0,
    namesModel: true,
  },
];

/** A clock that stands, and whose sleepers wake when the test says so. */
export interface HeldClock extends Clock {
  ring(): void;
  /** How long they meant to sleep. */
  slept: number[];
}

export function heldClock(): HeldClock {
  const sleepers = new Set<() => void>();
  const slept: number[] = [];
  return {
    slept,
    now: () => NOW_MS,
    sleep(ms, signal) {
      slept.push(ms);
      return new Promise((resolve) => {
        sleepers.add(resolve);
        signal?.addEventListener("abort", () => resolve());
      });
    },
    ring() {
      for (const wake of sleepers) wake();
    },
  };
}

export interface ProviderRig {
  sim: AiSim;
  provider: ModelProvider;
  clock: HeldClock;
  ask(signal?: AbortSignal): Promise<ModelAnswer>;
  /** How a question ends that has no answer. What it says is held against all that it must not say. */
  fault(signal?: AbortSignal): Promise<ProviderError>;
  close(): Promise<void>;
}

export async function openProviderRig(
  { wire, settings }: ProviderCase,
  changed: Record<string, unknown> = {},
): Promise<ProviderRig> {
  const sim = await startAiSim(wire);
  const clock = heldClock();
  const parsed = ProviderSettings.parse({ ...settings(sim.url), allowPrivateAddress: true, ...changed });
  const provider = await openProvider("main", parsed, { clock });
  const ask: ProviderRig["ask"] = (signal = new AbortController().signal) => provider.ask({ ...QUESTION, signal });
  return {
    sim,
    provider,
    clock,
    ask,
    fault: (signal) => faultOf(ask(signal)),
    async close() {
      await provider.close();
      await sim.close();
    },
  };
}

/** The ProviderError that a call ends with, once it was seen that it gives nothing away. */
export async function faultOf(call: Promise<unknown>): Promise<ProviderError> {
  const thrown = await call.then(
    (value) => expect.fail(`answered: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (!(thrown instanceof ProviderError)) throw thrown;
  expect(thrown.provider).to.equal("main");
  const said: string[] = [];
  for (let at: unknown = thrown; at instanceof Error; at = at.cause)
    said.push(at.message, JSON.stringify(at), at.stack ?? "");
  for (const secret of [PROMPT, "Winter", AI_KEY, "hardware"]) expect(said.join("\n")).not.to.include(secret);
  return thrown;
}

/** Resolves when a client of undici has read the head of an answer. */
export function headArrived(): Promise<void> {
  return new Promise((resolve) => {
    const seen = (): void => {
      unsubscribe("undici:request:headers", seen);
      resolve();
    };
    subscribe("undici:request:headers", seen);
  });
}
