import Table from "cli-table3";
import { instant } from "../core/clock.ts";
import type { Parked } from "../core/store/store.ts";
import { type CommonOptions, readStoreSettings } from "./config.ts";
import { lookAt } from "./store.ts";
import { systemClock } from "./system.ts";

/** `interlock parked`: what waits for a person, and why. */
export async function listParked(options: CommonOptions): Promise<0> {
  const { store: url, limits } = readStoreSettings(options);
  const parked = await lookAt(url, systemClock, (store) => store.parked(limits.listMax));
  if (options.json) console.log(JSON.stringify(parked));
  else console.log(parked.length === 0 ? "Nothing is parked." : parkedTable(parked));
  if (!options.json && parked.length === limits.listMax)
    console.log(`Only the last ${limits.listMax} are shown (limits.listMax).`);
  return 0;
}

/** A name is copied into the next command, so it stands whole on one line; there are no colours in it. */
function parkedTable(parked: readonly Parked[]): string {
  const names = parked.map(({ connection, key }) => `${connection}/${key}`);
  const longest = (texts: readonly string[]): number => Math.max(10, ...texts.map((text) => text.length)) + 2;
  const table = new Table({
    head: ["ticket", "since", "reason", "what to do"],
    colWidths: [longest(names), 26, longest(parked.map(({ reason }) => reason)), 70],
    wordWrap: true,
    style: { head: [], border: [] },
  });
  for (const [index, { parkedAtMs, reason, detail }] of parked.entries())
    table.push([names[index] ?? "", instant(parkedAtMs), reason, detail]);
  return table.toString();
}
