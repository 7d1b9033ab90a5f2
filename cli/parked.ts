import Table from "cli-table3";
import { instant } from "../core/clock.ts";
import { type CommonOptions, readConfig } from "./config.ts";
import { viewStoreUrl } from "./store.ts";
import { systemClock } from "./system.ts";

/** `interlock parked`: what waits for a person, and why. */
export async function listParked(options: CommonOptions): Promise<0> {
  const { settings } = readConfig(options);
  const store = viewStoreUrl(settings.store, systemClock);
  try {
    const parked = await store.parked(settings.limits.listMax);
    if (options.json) {
      console.log(JSON.stringify(parked));
      return 0;
    }
    if (parked.length === 0) {
      console.log("Nothing is parked.");
      return 0;
    }
    const table = new Table({
      head: ["ticket", "since", "reason", "what to do"],
      colWidths: [28, 26, 14, 70],
      wordWrap: true,
      style: { head: [] },
    });
    for (const { connection, key, parkedAtMs, reason, detail } of parked)
      table.push([`${connection}/${key}`, instant(parkedAtMs), reason, detail]);
    console.log(table.toString());
    return 0;
  } finally {
    await store.close();
  }
}
