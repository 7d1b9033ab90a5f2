import { createAmazonBedrock } from "@ai-sdk/amazon-bedrock";
import type { ModelRequest } from "../../core/advice/provider.ts";
import type { BedrockSettings } from "../../core/config/ai-settings.ts";
import { askModel, withSchemaInWords } from "./ai-sdk.ts";
import { counted, type Dialect, type Reply } from "./dialect.ts";
import { inside } from "./faults.ts";
import { commonSchema } from "./schema.ts";

/** Models on Amazon Bedrock, by its Converse API. */
export function bedrockDialect(settings: BedrockSettings): Dialect {
  const { region, model, structuredOutput, sendTemperature } = settings;
  const domain = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  // The SDK would ask the environment for whatever is not given here.
  const baseURL = settings.baseUrl ?? `https://bedrock-runtime.${region}.${domain}`;
  return async (request, fetch) => {
    const bedrock = createAmazonBedrock({ region, baseURL, ...loginOf(settings), fetch });
    const inWords = structuredOutput === "prompt";
    const { reply, usage, metadata } = await askModel(bedrock(model), inWords ? withSchemaInWords(request) : request, {
      ...(sendTemperature && { temperature: 0 }),
      // Given a schema, the SDK would build a tool of it for most models; Converse has its own word for one.
      providerOptions: { bedrock: { ...(!inWords && { outputConfig: outputConfig(request) }), ...effortOf(settings) } },
    });
    return { ...reply, model: invokedModel(metadata) ?? reply.model, usage: usageOf(usage) };
  };
}

/** An empty key keeps the SDK from looking for one in the environment. */
function loginOf({ apiKey = "", accessKeyId = "", secretAccessKey = "", sessionToken }: BedrockSettings) {
  return { apiKey, accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
}

function outputConfig({ schema, schemaName }: ModelRequest) {
  const jsonSchema = { name: schemaName, schema: JSON.stringify(commonSchema(schema)) };
  return { textFormat: { type: "json_schema", structure: { jsonSchema } } };
}

function effortOf({ effort, model }: BedrockSettings) {
  if (effort === undefined) return {};
  if (effort !== "none") return { reasoningConfig: { maxReasoningEffort: effort } };
  return model.includes("anthropic") ? { additionalModelRequestFields: { thinking: { type: "disabled" } } } : {};
}

/** Bedrock names the model only where a router chose it; otherwise it is the one in the address. */
function invokedModel(metadata: unknown): string | undefined {
  const trace = inside(inside(metadata, "bedrock"), "trace");
  const invoked = inside(inside(trace, "promptRouter"), "invokedModelId");
  return typeof invoked === "string" ? invoked : undefined;
}

function usageOf(usage: Readonly<Record<string, unknown>>): Reply["usage"] {
  const cached = [usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]].map((part) => counted(part) ?? 0);
  const input = counted(usage["inputTokens"]);
  return {
    inputTokens: input === undefined ? undefined : cached.reduce((sum, part) => sum + part, input),
    outputTokens: counted(usage["outputTokens"]),
  };
}
