/** Anthropic's Messages API, as far as one question and one answer go. */
import { z } from "zod";
import { type AiWire, refusalOf, refusedWord, stopWord } from "./ai-wire.ts";

/** All that may stand in a request of ours; anything else is refused, as the vendor refuses what it does not know. */
const Request = z.strictObject({
  model: z.string(),
  max_tokens: z.int().positive(),
  system: z.string(),
  messages: z.tuple([z.strictObject({ role: z.literal("user"), content: z.string() })]),
  output_config: z.strictObject({
    format: z.strictObject({ type: z.literal("json_schema"), schema: z.record(z.string(), z.unknown()) }),
    effort: z.enum(["low", "medium", "high", "xhigh", "max"]).optional(),
  }),
  thinking: z.strictObject({ type: z.literal("disabled") }).optional(),
});

const STOPS = { complete: "end_turn", cut: "max_tokens", refused: "refusal", other: "pause_turn" };

export const anthropicWire: AiWire = {
  isLoggedIn: (headers, key) =>
    headers["authorization"] === `Bearer ${key}` && headers["anthropic-version"] !== undefined,
  read(path, body) {
    if (path !== "/v1/messages") return null;
    const { success, data, error } = Request.safeParse(body);
    if (!success) return refusalOf(error);
    const { schema } = data.output_config.format;
    const word = refusedWord(schema);
    if (word !== undefined) return { refused: `output_config.format.schema: ${word} is not supported` };
    return {
      model: data.model,
      system: data.system,
      prompt: data.messages[0].content,
      schema,
      outputTokensMax: data.max_tokens,
      temperature: undefined,
    };
  },
  answer: (_question, { text, model, stop, usage }) => ({
    id: "msg_01SimulatedAnswer",
    type: "message",
    role: "assistant",
    ...(model !== null && { model }),
    // A model may think before it answers, even where nothing of it is shown.
    content: [
      { type: "thinking", thinking: "", signature: "c2lnbmVk" },
      ...(text === "" ? [] : [{ type: "text", text, citations: null }]),
    ],
    stop_reason: stopWord(STOPS, stop),
    stop_sequence: null,
    ...(usage && { usage: { input_tokens: usage.inputTokens, output_tokens: usage.outputTokens } }),
  }),
  errorBody: (status, words) => ({
    type: "error",
    error: { type: status === 529 ? "overloaded_error" : "invalid_request_error", message: words },
    request_id: "req_01Simulated",
  }),
};
