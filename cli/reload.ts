import { statSync } from "node:fs";
import { basename } from "node:path";
import { watch } from "chokidar";
import { failedTests } from "../core/config/check.ts";
import type { ConfigFolders } from "../core/config/files.ts";
import { type Config, loadConfig, mappingsInUse } from "../core/config/load.ts";
import { describeError } from "../core/errors.ts";
import type { Log } from "../core/ports.ts";
import { renderProblem } from "../core/problem.ts";
import { RISK_MODEL_NAME } from "../core/risk/model.ts";
import type { CurrentConfig } from "./current-config.ts";
import { diskFiles, secretsFrom } from "./system.ts";

/** Files rest so long before they are read: editors write in several steps. */
const REST_MS = 250;
const WRITERS_MAX = 20;

/**
 * Watches the configuration. A change that is sound is live within two seconds; one that is not changes nothing, and
 * the log, `/readyz` and `/metrics` say so until it is mended. Answers what ends the watching.
 */
export function watchConfig(folders: ConfigFolders, current: CurrentConfig, log: Log): () => Promise<void> {
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let reading = Promise.resolve();

  function reload(): void {
    const files = [...changed].sort();
    changed.clear();
    reading = reading.then(() => readAgain(folders, files, current, log));
  }

  const watcher = watch([folders.config, folders.mappings], { ignoreInitial: true, depth: 3 });
  watcher.on("all", (_event, path) => {
    if (!/\.(ya?ml|ics)$/.test(path) && basename(path) !== RISK_MODEL_NAME) return;
    changed.add(path);
    clearTimeout(timer);
    timer = setTimeout(reload, REST_MS);
  });
  watcher.on("error", (error) => log.warn("the configuration cannot be watched", { error: describeError(error) }));
  return async () => {
    clearTimeout(timer);
    await watcher.close();
    await reading;
  };
}

async function readAgain(
  folders: ConfigFolders,
  files: readonly string[],
  current: CurrentConfig,
  log: Log,
): Promise<void> {
  try {
    const loaded = loadConfig(diskFiles, folders, secretsFrom(process.env));
    const problems = "problems" in loaded ? loaded.problems : failedTests(diskFiles, folders, loaded.config);
    if ("problems" in loaded || problems.length > 0) {
      current.refuse(problems.length);
      log.error("a change of the configuration is refused; the rules of before still hold", {
        files,
        problems: problems.slice(0, WRITERS_MAX).map(renderProblem),
      });
      return;
    }
    const changes = await current.adopt(loaded.config, files.slice(0, WRITERS_MAX).map(writersOf));
    const later = restartNeeded(current.config, loaded.config);
    if (changes.length > 0) log.info("a change of the configuration is live", { files, changes });
    if (later.length > 0) log.warn("a part of the change takes effect at the next start only", { parts: later });
  } catch (error) {
    current.refuse(1);
    log.error("a change of the configuration could not be taken; the rules of before still hold", {
      files,
      error: describeError(error),
    });
  }
}

/** Parts that are settled at the start: who is called, for which records and within which limits, and what is listened on. */
function restartNeeded(current: Config, loaded: Config): string[] {
  const { mode: _current, ...settings } = current.settings;
  const { mode: _loaded, ...next } = loaded.settings;
  const kept = mappingsInUse(current.settings, current.mappings).filter(
    ({ name, version }) => loaded.mappings.get(name)?.version !== version,
  );
  return [
    ...(JSON.stringify(settings) === JSON.stringify(next) ? [] : ["interlock.yaml, but for mode"]),
    ...kept.map(({ name }) => `mapping ${name}`),
  ];
}

/** Who could have written a file, as the system keeps it: the ledger tells it with the change. */
function writersOf(path: string): string {
  try {
    const { uid, gid, mode } = statSync(path);
    return `${path} (owner ${uid}, group ${gid}, mode ${(mode & 0o777).toString(8)})`;
  } catch {
    return `${path} (removed)`;
  }
}
