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
  const input = counted(usage["promptTokenCount"]);
  const total = counted(usage["totalTokenCount"]);
  const parts = [usage["candidatesTokenCount"], usage["thoughtsTokenCount"]].map((part) => counted(part) ?? 0);
  const said = parts.reduce((sum, part) => sum + part, 0);
  const rest = input === undefined || total === undefined ? undefined : total - input;
  const outputTokens = rest === undefined ? counted(usage["candidatesTokenCount"]) && said : Math.max(rest, said);
  return { inputTokens: input, outputTokens };
}
