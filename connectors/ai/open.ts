import type { ModelProvider } from "../../core/advice/provider.ts";
import type { ProviderSettings } from "../../core/config/ai-settings.ts";
import type { Dialect } from "./dialect.ts";
import { type ProviderDeps, providerOf } from "./provider.ts";

/**
 * Opens a provider under its name in `ai.providers`. A vendor's SDK is loaded here and nowhere else, so that one that is
 * not configured costs neither memory nor start-up time. Calls nobody.
 */
export async function openProvider(
  name: string,
  settings: ProviderSettings,
  deps: ProviderDeps,
): Promise<ModelProvider> {
  return providerOf(name, settings, { ...deps, dialect: await dialectOf(settings) });
}

async function dialectOf(settings: ProviderSettings): Promise<Dialect> {
  switch (settings.type) {
    case "anthropic":
      return (await import("./anthropic.ts")).anthropicDialect(settings);
    case "openai":
      return (await import("./openai.ts")).openAiDialect(settings);
    case "google":
      return (await import("./google.ts")).googleDialect(settings);
    case "bedrock":
      return (await import("./bedrock.ts")).bedrockDialect(settings);
    case "snowflake-cortex":
      return (await import("./compatible.ts")).cortexDialect(settings);
    case "openai-compatible":
      return (await import("./compatible.ts")).compatibleDialect(settings);
  }
}
