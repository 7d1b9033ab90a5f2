import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import type { Clock, Ids, Rng } from "../core/clock.ts";
import type { ConfigFiles } from "../core/config/files.ts";
import type { SecretSource } from "../core/config/secrets.ts";

/** The real clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    try {
      await wait(ms, undefined, signal ? { signal } : {});
    } catch {
      // An aborted wait is over, which is all that its caller wants to know.
    }
  },
};

export const systemRng: Rng = { next: () => Math.random() };

export const systemIds: Ids = { short: () => randomBytes(8).toString("hex") };

/** Configuration files of this machine. */
export const diskFiles: ConfigFiles = {
  read: (path) => (existsSync(path) ? readFileSync(path, "utf8") : undefined),
  list: (folder) => (existsSync(folder) ? readdirSync(folder).sort() : []),
};

/** Secrets from an environment and from mounted files. */
export function secretsFrom(env: Readonly<Record<string, string | undefined>>): SecretSource {
  return {
    variable: (name) => env[name],
    file: (path) => {
      try {
        return readFileSync(path, "utf8").trim();
      } catch {
        return undefined;
      }
    },
  };
}
