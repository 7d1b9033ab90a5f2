/** The Gemini API's generateContent, as far as one question and one answer go. */
import { z } from "zod";
import { type AiWire, refusalOf, stopWord } from "./ai-wire.ts";

const Text = z.strictObject({ text: z.string() });

/** The words of a schema in Gemini's own form. */
const Schema: z.ZodType = z.lazy(() =>
  z.strictObject({
    type: z.enum(["object", "array", "string", "number", "integer", "boolean"]).optional(),
    description: z.string().optional(),
    required: z.array(z.string()).optional(),
    properties: z.record(z.string(), Schema).optional(),
    items: Schema.optional(),
    enum: z.array(z.string()).optional(),
    format: z.literal("enum").optional(),
    nullable: z.boolean().optional(),
    anyOf: z.array(Schema).optional(),
  }),
);

const Request = z.strictObject({
  systemInstruction: z.strictObject({ parts: z.tuple([Text]) }),
  contents: z.tuple([z.strictObject({ role: z.literal("user"), parts: z.tuple([Text]) })]),
  generationConfig: z.strictObject({
    maxOutputTokens: z.int().positive(),
    temperature: z.number().optional(),
    responseMimeType: z.literal("application/json"),
    responseSchema: Schema,
    thinkingConfig: z
      .strictObject({
        thinkingBudget: z.int().optional(),
        thinkingLevel: z.enum(["minimal", "low", "medium", "high"]).optional(),
      })
      .optional(),
  }),
});

const STOPS = { complete: "STOP", cut: "MAX_TOKENS", refused: "SAFETY", other: "OTHER" };

export const googleWire: AiWire = {
  isLoggedIn: (headers, key) => headers["x-goog-api-key"] === key,
  read(path, body) {
    const model = /^\/v1beta\/models\/([\w.-]+):generateContent$/.exec(path)?.[1];
    if (model === undefined) return null;
    const { success, data, error } = Request.safeParse(body);
    if (!success) return refusalOf(error);
    const { maxOutputTokens, temperature, responseSchema } = data.generationConfig;
    return {
      model,
      system: data.systemInstruction.parts[0].text,
      prompt: data.contents[0].parts[0].text,
      schema: responseSchema as Readonly<Record<string, unknown>>, // Schema takes objects only
      outputTokensMax: maxOutputTokens,
      temperature,
    };
  },
  answer(_question, { text, model, stop, usage }) {
    const thoughts = usage === null ? 0 : Math.min(1, usage.outputTokens);
    return {
      candidates: [
        {
          index: 0,
          ...(text !== "" && { content: { role: "model", parts: [{ text }] } }),
          finishReason: stopWord(STOPS, stop),
        },
      ],
      responseId: "simulated",
      ...(model !== null && { modelVersion: model }),
      ...(usage && {
        usageMetadata: {
          promptTokenCount: usage.inputTokens,
          // A count of 0 is left out.
          ...(usage.outputTokens > thoughts && { candidatesTokenCount: usage.outputTokens - thoughts }),
          ...(thoughts > 0 && { thoughtsTokenCount: thoughts }),
          totalTokenCount: usage.inputTokens + usage.outputTokens,
        },
      }),
    };
  },
  errorBody: (status, words) => ({
    error: {
      code: status,
      message: words,
      status: status === 429 ? "RESOURCE_EXHAUSTED" : "INVALID_ARGUMENT",
      details: status === 429 ? [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "34.07s" }] : [],
    },
  }),
};
