import { createOpenAI } from "@ai-sdk/openai";
import type { OpenAiSettings } from "../../core/config/ai-settings.ts";
import { askModel, jsonFormat } from "./ai-sdk.ts";
import { counted, type Dialect } from "./dialect.ts";
import { inside } from "./faults.ts";

const BASE_URL = "https://api.openai.com/v1";

/** OpenAI's own models, by its Responses API. The SDK leaves temperature out where a model reasons. */
export function openAiDialect({ apiKey, baseUrl, model, effort }: OpenAiSettings): Dialect {
  return async (request, fetch) => {
    const openai = createOpenAI({ apiKey, baseURL: baseUrl ?? BASE_URL, fetch });
    const { reply, usage, body } = await askModel(openai.responses(model), request, {
      temperature: 0,
      responseFormat: jsonFormat(request),
      // Without a word it keeps questions and answers for thirty days.
      providerOptions: { openai: { store: false, ...(effort !== undefined && { reasoningEffort: effort }) } },
    });
    const status = inside(body, "status");
    // The SDK takes every answer that says nothing of why it ended for a complete one.
    const ended = status === "completed" || reply.stop !== "complete";
    return {
      ...reply,
      stop: ended ? reply.stop : "other",
      usage: { inputTokens: counted(usage["input_tokens"]), outputTokens: counted(usage["output_tokens"]) },
    };
  };
}
