import { failedTests } from "../core/config/check.ts";
import { ProblemsError } from "../core/problem.ts";
import { type CommonOptions, foldersFrom, readConfig } from "./config.ts";
import { createLog } from "./log.ts";
import { watchConfig } from "./reload.ts";
import { startServer } from "./server.ts";
import { diskFiles, systemClock, systemIds, systemRng } from "./system.ts";

/** A stop that hangs in anything but a vendor's call, such as its store, is ended this long after `drainMs`. */
const STOP_GRACE_MS = 5_000;

/**
 * `interlock serve`: runs until a signal asks it to stop, then drains. A second signal ends it at once. Exit code 1 when
 * the time for draining ran out and something was left to the next start.
 */
export async function serve(options: CommonOptions): Promise<0 | 1> {
  const config = readConfig(options);
  const failed = failedTests(diskFiles, foldersFrom(options), config);
  if (failed.length > 0) throw new ProblemsError(failed);
  const log = createLog(config.settings.logLevel);
  const adminToken = process.env["INTERLOCK_ADMIN_TOKEN"];
  if (!adminToken) log.warn("INTERLOCK_ADMIN_TOKEN is not set, so nothing under /api will answer");
  const stopping = stopSignal();
  const starting = startServer(config, {
    clock: systemClock,
    rng: systemRng,
    ids: systemIds,
    log,
    adminToken: adminToken || undefined,
    monotonic: () => performance.now(),
  });
  const running = await Promise.race([starting, stopping]);
  if (!running) {
    log.info("stopped before it had started; nothing was in work");
    // Whatever opening waits for has not answered, and must not keep the process.
    process.exit(0);
  }
  const endWatching = watchConfig(foldersFrom(options), running.current, log);
  await stopping;
  await endWatching();
  log.info("stopping: finishing what is in work");
  process.once("SIGTERM", () => process.exit(1));
  process.once("SIGINT", () => process.exit(1));
  const { drainMs } = config.settings.limits;
  setTimeout(() => {
    log.error("the stop hangs and is ended; the next start reads back what was in work", { drainMs });
    process.exit(1);
  }, drainMs + STOP_GRACE_MS).unref();
  return (await running.stop()) === 0 ? 0 : 1;
}

/** Resolves at the first SIGTERM or SIGINT. */
export function stopSignal(): Promise<undefined> {
  return new Promise((resolve) => {
    process.once("SIGTERM", () => resolve(undefined));
    process.once("SIGINT", () => resolve(undefined));
  });
}
