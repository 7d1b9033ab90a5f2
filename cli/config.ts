import { parseYaml } from "../core/config/document.ts";
import type { ConfigFolders } from "../core/config/files.ts";
import { valueAt } from "../core/config/issue.ts";
import { type Config, loadConfig, loadStoreSettings, type StoreSettings } from "../core/config/load.ts";
import { ProblemsError } from "../core/problem.ts";
import { diskFiles, secretsFrom } from "./system.ts";

/** Options that every command takes. */
export interface CommonOptions {
  config?: string;
  mappings?: string;
  json?: boolean;
}

export function foldersFrom(options: CommonOptions, env: NodeJS.ProcessEnv = process.env): ConfigFolders {
  return {
    config: options.config ?? env["INTERLOCK_CONFIG"] ?? "./config",
    mappings: options.mappings ?? env["INTERLOCK_MAPPINGS"] ?? "./mappings",
  };
}

/** The checked configuration. Throws a ProblemsError with everything that is wrong. */
export function readConfig(options: CommonOptions, env: NodeJS.ProcessEnv = process.env): Config {
  const loaded = loadConfig(diskFiles, foldersFrom(options, env), secretsFrom(env));
  if ("problems" in loaded) throw new ProblemsError(loaded.problems);
  return loaded.config;
}

/** Where the store is and where the server listens: all that a look at them needs, and no vendor's secret. */
export function readStoreSettings(options: CommonOptions, env: NodeJS.ProcessEnv = process.env): StoreSettings {
  const loaded = loadStoreSettings(diskFiles, foldersFrom(options, env), secretsFrom(env));
  if ("problems" in loaded) throw new ProblemsError(loaded.problems);
  return loaded;
}

/** Names of the connections in interlock.yaml, however wrong the rest of it may be; none where it cannot be read. */
export function connectionNames(options: CommonOptions, env: NodeJS.ProcessEnv = process.env): string[] {
  const path = `${foldersFrom(options, env).config}/interlock.yaml`;
  const parsed = parseYaml(path, diskFiles.read(path) ?? "");
  const connections = "file" in parsed ? valueAt(parsed.file.value, ["connections"]) : undefined;
  return typeof connections === "object" && connections !== null ? Object.keys(connections) : [];
}
