/** OpenAI's Responses API, as far as one question and one answer go. */
import { z } from "zod";
import { type AiAnswer, type AiWire, isStrictSchema, refusalOf, refusedWord } from "./ai-wire.ts";

const Request = z.strictObject({
  model: z.string(),
  input: z.tuple([
    z.strictObject({ role: z.enum(["system", "developer"]), content: z.string() }),
    z.strictObject({
      role: z.literal("user"),
      content: z.tuple([z.strictObject({ type: z.literal("input_text"), text: z.string() })]),
    }),
  ]),
  temperature: z.number().optional(),
  max_output_tokens: z.int().positive(),
  text: z.strictObject({
    format: z.strictObject({
      type: z.literal("json_schema"),
      strict: z.literal(true),
      name: z.string().regex(/^[\w-]{1,64}$/),
      schema: z.record(z.string(), z.unknown()),
    }),
  }),
  store: z.boolean().optional(),
  include: z.tuple([z.literal("reasoning.encrypted_content")]).optional(),
  reasoning: z.strictObject({ effort: z.enum(["none", "minimal", "low", "medium", "high"]) }).optional(),
});

/** How an answer ended: its status, and why it is not complete. */
function endOf(stop: AiAnswer["stop"]): { status: string; incomplete_details: { reason: string } | null } {
  if (typeof stop !== "string") return { status: "incomplete", incomplete_details: { reason: stop.raw } };
  if (stop === "cut") return { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } };
  return { status: stop === "other" ? "in_progress" : "completed", incomplete_details: null };
}

export const openAiWire: AiWire = {
  isLoggedIn: (headers, key) => headers["authorization"] === `Bearer ${key}`,
  read(path, body) {
    if (path !== "/v1/responses") return null;
    const { success, data, error } = Request.safeParse(body);
    if (!success) return refusalOf(error);
    const { schema } = data.text.format;
    if (!isStrictSchema(schema) || refusedWord(schema) !== undefined)
      return { refused: "Invalid schema for response_format" };
    const [system, user] = data.input;
    return {
      model: data.model,
      system: system.content,
      prompt: user.content[0].text,
      schema,
      outputTokensMax: data.max_output_tokens,
      temperature: data.temperature,
    };
  },
  answer(_question, { text, model, stop, usage }) {
    const part =
      stop === "refused" ? { type: "refusal", refusal: text } : { type: "output_text", text, annotations: [] };
    return {
      id: "resp_simulated",
      object: "response",
      created_at: 1_780_000_000,
      ...(model !== null && { model }),
      ...endOf(stop),
      error: null,
      output: [
        { type: "reasoning", id: "rs_simulated", summary: [], encrypted_content: "c2VjcmV0" },
        { type: "message", id: "msg_simulated", role: "assistant", status: "completed", content: [part] },
      ],
      ...(usage && {
        usage: {
          input_tokens: usage.inputTokens,
          output_tokens: usage.outputTokens,
          total_tokens: usage.inputTokens + usage.outputTokens,
        },
      }),
    };
  },
  errorBody: (_status, words) => ({ error: { message: words, type: "invalid_request_error", param: null, code: "x" } }),
};
