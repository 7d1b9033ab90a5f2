import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "yaml";
import { SECRETS, type SettingsOptions, settingsFor } from "./settings.ts";

export interface ConfigFolder {
  config: string;
  mappings: string;
}

export interface FolderOptions extends Omit<SettingsOptions, "secret" | "store"> {
  /** Rules that stand after the shipped ones, before the default. */
  extraRules?: readonly unknown[];
  store?: string;
  /** The other shipped files of rules too: gates, freezes, clocks, autonomy. */
  wholePolicy?: boolean;
}

/** Writes a whole configuration to `folder`: the shipped mappings and rules, secrets as files beside them. */
export function writeConfigFolder(folder: string, options: FolderOptions): ConfigFolder {
  const config = join(folder, "config");
  const mappings = join(folder, "mappings");
  mkdirSync(join(config, "policy"), { recursive: true });
  cpSync(shipped("mappings"), mappings, { recursive: true });
  for (const [name, value] of Object.entries(SECRETS)) writeFileSync(join(folder, name), value, { mode: 0o600 });
  const secret = (name: keyof typeof SECRETS): string => `\${file:${join(folder, name)}}`;
  const settings = settingsFor({ store: `file:${join(folder, "interlock.db")}`, ...options, secret });
  writeFileSync(join(config, "interlock.yaml"), stringify(settings));
  if (options.wholePolicy) cpSync(shipped("config/policy"), join(config, "policy"), { recursive: true });
  const routing = parse(readFileSync(shipped("config/policy/routing.yaml"), "utf8")) as { rules: unknown[] }; // our own file, checked when it is loaded
  routing.rules.push(...(options.extraRules ?? []));
  writeFileSync(join(config, "policy", "routing.yaml"), stringify(routing));
  cpSync(shipped("config/policy/routing.test.yaml"), join(config, "policy", "routing.test.yaml"));
  return { config, mappings };
}

function shipped(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}
