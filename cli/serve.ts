import { type CommonOptions, readConfig } from "./config.ts";
import { createLog } from "./log.ts";
import { startServer } from "./server.ts";
import { systemClock, systemIds, systemRng } from "./system.ts";

/** `interlock serve`: runs until a signal asks it to stop, then drains. A second signal ends it at once. */
export async function serve(options: CommonOptions): Promise<0 | 1> {
  const config = readConfig(options);
  const log = createLog(config.settings.logLevel);
  const adminToken = process.env["INTERLOCK_ADMIN_TOKEN"];
  if (!adminToken) log.warn("INTERLOCK_ADMIN_TOKEN is not set, so nothing under /api will answer");
  const stopping = stopSignal();
  const running = await startServer(config, {
    clock: systemClock,
    rng: systemRng,
    ids: systemIds,
    log,
    adminToken: adminToken || undefined,
  });
  await stopping;
  log.info("stopping: finishing what is in work");
  process.once("SIGTERM", () => process.exit(1));
  process.once("SIGINT", () => process.exit(1));
  await running.stop();
  return 0;
}

/** Resolves at the first SIGTERM or SIGINT. */
export function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGTERM", () => resolve());
    process.once("SIGINT", () => resolve());
  });
}
