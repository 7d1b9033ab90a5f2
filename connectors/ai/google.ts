import { createGoogleGenerativeAI } from "@ai-sdk/google";
import type { GoogleSettings } from "../../core/config/ai-settings.ts";
import { askModel, jsonFormat } from "./ai-sdk.ts";
import { counted, type Dialect, type Reply } from "./dialect.ts";
import { inside } from "./faults.ts";

const BASE_URL = "https://generativelanguage.googleapis.com/v1beta";

/** Gemini by the Gemini API. */
export function googleDialect({ apiKey, baseUrl, model, effort }: GoogleSettings): Dialect {
  const thinkingConfig = effort === "none" ? { thinkingBudget: 0 } : { thinkingLevel: effort };
  return async (request, fetch) => {
    const google = createGoogleGenerativeAI({ apiKey, baseURL: baseUrl ?? BASE_URL, fetch });
    const { reply, usage, body } = await askModel(google.chat(model), request, {
      temperature: 0,
      responseFormat: jsonFormat(request),
      ...(effort !== undefined && { providerOptions: { google: { thinkingConfig } } }),
    });
    // The SDK takes any object for an answer of nothing.
    if (inside(body, "candidates") === undefined && inside(body, "promptFeedback") === undefined) throw new TypeError();
    const version = inside(body, "modelVersion");
    return { ...reply, model: typeof version === "string" ? version : undefined, usage: usageOf(usage) };
  };
}

/** Thoughts are paid as output, and counts of 0 are left out: what the total holds beyond the prompt is output. */
function usageOf(usage: Readonly<Record<string, unknown>>): Reply["usage"] {
  const [input, total, answer, thoughts] = [
    "promptTokenCount",
    "totalTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
  ].map((key) => counted(usage[key]));
  const said = (answer ?? 0) + (thoughts ?? 0);
  if (input !== undefined && total !== undefined)
    return { inputTokens: input, outputTokens: Math.max(total - input, said) };
  return { inputTokens: input, outputTokens: answer === undefined ? undefined : said };
}
