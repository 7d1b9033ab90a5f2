/** Chat completions in OpenAI's form, as Snowflake Cortex, Azure, Ollama and vLLM take them: one question, one answer. */
import { z } from "zod";
import { type AiWire, isStrictSchema, refusalOf, refusedWord, stopWord } from "./ai-wire.ts";

const Request = z.strictObject({
  model: z.string(),
  messages: z.tuple([
    z.strictObject({ role: z.literal("system"), content: z.string() }),
    z.strictObject({ role: z.literal("user"), content: z.string() }),
  ]),
  temperature: z.number().optional(),
  max_tokens: z.int().positive().optional(),
  max_completion_tokens: z.int().positive().optional(),
  stream: z.literal(false),
  reasoning_effort: z.enum(["none", "minimal", "low", "medium", "high"]).optional(),
  response_format: z.discriminatedUnion("type", [
    z.strictObject({ type: z.literal("json_object") }),
    z.strictObject({
      type: z.literal("json_schema"),
      json_schema: z.strictObject({
        name: z.string(),
        strict: z.literal(true),
        schema: z.record(z.string(), z.unknown()),
      }),
    }),
  ]),
});

const STOPS = { complete: "stop", cut: "length", refused: "content_filter", other: "tool_calls" };

function chatWire(address: string, limits: "max_completion_tokens" | "either"): AiWire {
  return {
    // Azure takes its key in a header of its own.
    isLoggedIn: (headers, key) => headers["authorization"] === `Bearer ${key}` || headers["api-key"] === key,
    read(path, body) {
      if (path !== address) return null;
      const { success, data, error } = Request.safeParse(body);
      if (!success) return refusalOf(error);
      if (limits !== "either" && data.max_tokens !== undefined) return { refused: "max_tokens is not supported" };
      const format = data.response_format;
      const schema = format.type === "json_schema" ? format.json_schema.schema : undefined;
      if (!isStrictSchema(schema) || refusedWord(schema) !== undefined) return { refused: "Invalid schema" };
      const [system, user] = data.messages;
      return {
        model: data.model,
        system: system.content,
        prompt: user.content,
        schema,
        outputTokensMax: data.max_completion_tokens ?? data.max_tokens,
        temperature: data.temperature,
      };
    },
    answer: (_question, { text, model, stop, usage }) => ({
      id: "chatcmpl-simulated",
      object: "chat.completion",
      created: 1_780_000_000,
      ...(model !== null && { model }),
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: text, refusal: null },
          finish_reason: stopWord(STOPS, stop),
        },
      ],
      ...(usage && {
        usage: {
          prompt_tokens: usage.inputTokens,
          completion_tokens: usage.outputTokens,
          total_tokens: usage.inputTokens + usage.outputTokens,
        },
      }),
    }),
    errorBody: (status, words) => ({ error: { message: words, code: String(status) } }),
  };
}

export const cortexWire = chatWire("/api/v2/cortex/v1/chat/completions", "max_completion_tokens");
export const compatibleWire = chatWire("/v1/chat/completions", "either");
