/** Amazon Bedrock's Converse, as far as one question and one answer go. */
import { z } from "zod";
import { type AiWire, isStrictSchema, refusalOf, refusedWord, stopWord } from "./ai-wire.ts";

const Text = z.strictObject({ text: z.string() });

const Request = z.strictObject({
  system: z.tuple([Text]),
  messages: z.tuple([z.strictObject({ role: z.literal("user"), content: z.tuple([Text]) })]),
  inferenceConfig: z.strictObject({ maxTokens: z.int().positive(), temperature: z.number().optional() }),
  outputConfig: z
    .strictObject({
      textFormat: z.strictObject({
        type: z.literal("json_schema"),
        structure: z.strictObject({ jsonSchema: z.strictObject({ name: z.string(), schema: z.string() }) }),
      }),
    })
    .optional(),
  additionalModelRequestFields: z.record(z.string(), z.unknown()).optional(),
  additionalModelResponseFieldPaths: z.array(z.string()).optional(),
});

const STOPS = { complete: "end_turn", cut: "max_tokens", refused: "guardrail_intervened", other: "malformed" };

const SIGNED =
  /^AWS4-HMAC-SHA256 Credential=(\w+)\/\d{8}\/[a-z0-9-]+\/bedrock\/aws4_request, SignedHeaders=[a-z0-9;-]*host[a-z0-9;-]*, Signature=[0-9a-f]{64}$/;

export const bedrockWire: AiWire = {
  isLoggedIn(headers, key) {
    const login = headers["authorization"] ?? "";
    const signed = SIGNED.exec(login)?.[1] === key && /^\d{8}T\d{6}Z$/.test(headers["x-amz-date"] ?? "");
    return login === `Bearer ${key}` || signed;
  },
  read(path, body) {
    const model = /^\/model\/([^/]+)\/converse$/.exec(path)?.[1];
    if (model === undefined) return null;
    const { success, data, error } = Request.safeParse(body);
    if (!success) return refusalOf(error);
    const text = data.outputConfig?.textFormat.structure.jsonSchema.schema;
    const schema: unknown = text === undefined ? undefined : JSON.parse(text);
    if (!isStrictSchema(schema) || refusedWord(schema) !== undefined) return { refused: "The schema is not supported" };
    return {
      model: decodeURIComponent(model),
      system: data.system[0].text,
      prompt: data.messages[0].content[0].text,
      schema: schema as Readonly<Record<string, unknown>> | undefined, // the text of an object, from JSON.stringify
      outputTokensMax: data.inferenceConfig.maxTokens,
      temperature: data.inferenceConfig.temperature,
    };
  },
  answer: (question, { text, model, stop, usage }) => ({
    output: { message: { role: "assistant", content: text === "" ? [] : [{ text }] } },
    stopReason: stopWord(STOPS, stop),
    metrics: { latencyMs: 12 },
    // Only a router says which model it asked.
    ...(model !== null && model !== question.model && { trace: { promptRouter: { invokedModelId: model } } }),
    ...(usage && {
      usage: {
        inputTokens: usage.inputTokens,
        outputTokens: usage.outputTokens,
        totalTokens: usage.inputTokens + usage.outputTokens,
      },
    }),
  }),
  errorBody: (_status, words) => ({ message: words }),
};
