import { createOpenAICompatible, type OpenAICompatibleProviderSettings } from "@ai-sdk/openai-compatible";
import type { CompatibleSettings, CortexSettings } from "../../core/config/ai-settings.ts";
import { askModel, jsonFormat, withSchemaInWords } from "./ai-sdk.ts";
import { counted, type Dialect } from "./dialect.ts";

/** Where an account of Snowflake takes chat completions in OpenAI's form. */
const CORTEX_PATH = "/api/v2/cortex/v1";

type Form = Pick<CompatibleSettings, "model" | "structuredOutput" | "sendTemperature" | "outputLimit" | "effort">;
type Server = Pick<OpenAICompatibleProviderSettings, "baseURL" | "apiKey" | "headers">;

/** Models in Snowflake. Its chat completions know the newer word for the output limit only. */
export function cortexDialect(settings: CortexSettings): Dialect {
  const baseURL = new URL(CORTEX_PATH, settings.baseUrl).href;
  return chatDialect({ baseURL, apiKey: settings.token }, { ...settings, outputLimit: "max_completion_tokens" });
}

/** Any server of chat completions in OpenAI's form: Azure, Ollama, vLLM and many more. */
export function compatibleDialect({ baseUrl, apiKey, headers, ...form }: CompatibleSettings): Dialect {
  return chatDialect({ baseURL: baseUrl, ...(apiKey && { apiKey }), ...(headers && { headers }) }, form);
}

function chatDialect(server: Server, form: Form): Dialect {
  const inWords = form.structuredOutput === "prompt";
  return async (request, fetch) => {
    const chat = createOpenAICompatible({
      ...server,
      name: "chat",
      fetch,
      supportsStructuredOutputs: !inWords,
      transformRequestBody: (body) => inItsWords(body, form),
    });
    const { reply, usage } = await askModel(chat(form.model), inWords ? withSchemaInWords(request) : request, {
      ...(form.sendTemperature && { temperature: 0 }),
      responseFormat: inWords ? { type: "json" } : jsonFormat(request),
    });
    return {
      ...reply,
      usage: { inputTokens: counted(usage["prompt_tokens"]), outputTokens: counted(usage["completion_tokens"]) },
    };
  };
}

function inItsWords({ max_tokens, ...body }: Readonly<Record<string, unknown>>, form: Form): Record<string, unknown> {
  return {
    ...body,
    [form.outputLimit]: max_tokens,
    // Some servers stream unless they are told not to.
    stream: false,
    ...(form.effort !== undefined && { reasoning_effort: form.effort }),
  };
}
