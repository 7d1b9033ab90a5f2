import type { OpenAIProvider } from "@ai-sdk/openai";
import type { ModelAnswer, ModelRequest } from "../../core/advice/provider.ts";
import type { Reply } from "./dialect.ts";
import { commonSchema } from "./schema.ts";

/** A model of the AI SDK, whichever provider made it. */
type Model = ReturnType<OpenAIProvider["languageModel"]>;
type CallOptions = Parameters<Model["doGenerate"]>[0];
type Generated = Awaited<ReturnType<Model["doGenerate"]>>;

/** A finished call: what all providers say alike, and what they alone say. */
export interface Asked {
  reply: Pick<Reply, "text" | "model" | "stop">;
  /** As the provider wrote it: the SDK takes a missing count for 0. */
  usage: Readonly<Record<string, unknown>>;
  /** The whole answer, parsed; undefined where the SDK does not pass it on. */
  body: unknown;
  /** What the SDK passes on of it instead, under the provider's name. */
  metadata: unknown;
}

/**
 * Asks a model of the AI SDK once, by the interface that its providers implement. What the SDK would put around that
 * (retries, telemetry, warnings on the console, parsing) is not wanted here: the gateway does what is needed of it.
 */
export async function askModel(
  model: Model,
  request: ModelRequest,
  options: Pick<CallOptions, "temperature" | "responseFormat" | "providerOptions">,
): Promise<Asked> {
  const { system, prompt, outputTokensMax } = request;
  const { content, finishReason, usage, response, providerMetadata } = await model.doGenerate({
    prompt: [
      { role: "system", content: system },
      { role: "user", content: [{ type: "text", text: prompt }] },
    ],
    maxOutputTokens: outputTokensMax,
    ...options,
  });
  const text = content.map((part) => (part.type === "text" ? part.text : "")).join("");
  const reply = { text, model: response?.modelId, stop: STOPS[finishReason.unified] ?? "other" };
  return { reply, usage: usage.raw ?? {}, body: response?.body, metadata: providerMetadata };
}

const STOPS: Partial<Record<Generated["finishReason"]["unified"], ModelAnswer["stop"]>> = {
  stop: "complete",
  length: "cut",
  "content-filter": "refused",
};

/** Has the provider hold the model to the schema. */
export function jsonFormat({ schema, schemaName }: ModelRequest): NonNullable<CallOptions["responseFormat"]> {
  // The SDK's type is of an older draft; only words that both drafts have are left in the schema.
  return { type: "json", name: schemaName, schema: commonSchema(schema) as JsonFormatSchema };
}

type JsonFormatSchema = Extract<NonNullable<CallOptions["responseFormat"]>, { type: "json" }>["schema"] & object;

/** The question with its schema in words, for a model that knows no structured output. */
export function withSchemaInWords(request: ModelRequest): ModelRequest {
  const words = "Answer with one JSON object and nothing around it, no code fence either. It meets this JSON schema:";
  return { ...request, system: `${request.system}\n\n${words}\n${JSON.stringify(commonSchema(request.schema))}` };
}
