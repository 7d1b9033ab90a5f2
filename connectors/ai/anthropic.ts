import Anthropic from "@anthropic-ai/sdk";
import { z } from "zod";
import type { ModelAnswer, ModelRequest } from "../../core/advice/provider.ts";
import type { AnthropicSettings } from "../../core/config/ai-settings.ts";
import { counted, type Dialect } from "./dialect.ts";
import { commonSchema } from "./schema.ts";

const BASE_URL = "https://api.anthropic.com";
/** Longer than any time-out of ours, which is the one that counts. */
const SDK_TIMEOUT_MS = 600_000;

const Message = z.looseObject({
  content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })),
  model: z.string().optional(),
  stop_reason: z.string().nullish(),
  usage: z.record(z.string(), z.unknown()).nullish(),
});

/** Claude by Anthropic's own SDK. It takes no temperature any more, so none is sent. */
export function anthropicDialect({ apiKey, baseUrl, model, effort }: AnthropicSettings): Dialect {
  return async (request, fetch) => {
    const client = new Anthropic({
      apiKey,
      baseURL: baseUrl ?? BASE_URL,
      fetch,
      maxRetries: 0,
      timeout: SDK_TIMEOUT_MS,
      // Otherwise taken from the environment, or said on the console.
      webhookKey: null,
      logLevel: "off",
      openTelemetry: false,
    });
    const { content, usage, ...message } = Message.parse(
      await client.messages.create(paramsOf(request, model, effort)),
    );
    const read = [usage?.["cache_creation_input_tokens"], usage?.["cache_read_input_tokens"]];
    const input = counted(usage?.["input_tokens"]);
    return {
      text: content.map((block) => (block.type === "text" ? (block.text ?? "") : "")).join(""),
      model: message.model,
      stop: stopOf(message.stop_reason),
      usage: {
        inputTokens: input === undefined ? undefined : read.reduce<number>((sum, n) => sum + (counted(n) ?? 0), input),
        outputTokens: counted(usage?.["output_tokens"]),
      },
    };
  };
}

function paramsOf(
  { system, prompt, schema, outputTokensMax }: ModelRequest,
  model: string,
  effort: AnthropicSettings["effort"],
): Anthropic.MessageCreateParamsNonStreaming {
  return {
    model,
    max_tokens: outputTokensMax,
    system,
    messages: [{ role: "user", content: prompt }],
    output_config: {
      format: { type: "json_schema", schema: commonSchema(schema) },
      ...(effort !== "none" && { effort }),
    },
    // Thinking is paid as output and would use up the limit of a short answer.
    ...(effort === "none" && { thinking: { type: "disabled" } }),
  };
}

function stopOf(reason: string | null | undefined): ModelAnswer["stop"] {
  switch (reason) {
    case "end_turn":
      return "complete";
    case "max_tokens":
    case "model_context_window_exceeded":
      return "cut";
    case "refusal":
      return "refused";
    default:
      return "other";
  }
}
