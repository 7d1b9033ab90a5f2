import { userInfo } from "node:os";
import { InvalidArgumentError } from "commander";
import { DROPPABLE_KINDS } from "../core/ledger/entry.ts";
import type { Dropped, Dropping } from "../core/ledger/evidence.ts";
import { type CommonOptions, readStoreSettings } from "./config.ts";
import { createLog } from "./log.ts";
import { openStoreUrl } from "./store.ts";
import { systemClock } from "./system.ts";
import { timeOf } from "./times.ts";

interface DropOptions extends CommonOptions {
  dryRun?: boolean;
}

/** `interlock ledger prune`: drops the bodies of old entries. */
export async function ledgerPrune(options: DropOptions & { before: string; kind?: string[] }): Promise<0 | 1> {
  const beforeMs = Date.parse(timeOf("--before", options.before));
  const kinds = (options.kind ?? []).map((kind) => {
    const known = DROPPABLE_KINDS.find((each) => each === kind);
    if (known) return known;
    throw new InvalidArgumentError(`--kind ${kind} is not one of: ${DROPPABLE_KINDS.join(", ")}`);
  });
  return drop(options, { beforeMs, kinds });
}

/** `interlock ledger erase`: drops every body that names a person. */
export function ledgerErase(options: DropOptions & { person: string }): Promise<0 | 1> {
  const { person } = options;
  if (person.trim() === "")
    throw new InvalidArgumentError("--person is empty; give the id that the vendor has for them");
  return drop(options, { person });
}

async function drop(
  options: DropOptions,
  what: { beforeMs: number; kinds: typeof DROPPABLE_KINDS } | { person: string },
): Promise<0 | 1> {
  const { store: url } = readStoreSettings(options);
  const store = await openStoreUrl(url, systemClock, createLog("warn"));
  try {
    const dropping: Dropping = { ...what, by: userInfo().username, dryRun: options.dryRun === true };
    const dropped = await store.drop(dropping);
    if (options.json) console.log(JSON.stringify({ ...dropped, dryRun: dropping.dryRun }));
    else for (const line of droppedLines(dropped, dropping.dryRun)) console.log(line);
    return 0;
  } finally {
    await store.close();
  }
}

function droppedLines({ bodies, unsalted }: Dropped, dryRun: boolean): string[] {
  const lines = [
    `${bodies} ${bodies === 1 ? "body" : "bodies"} ${dryRun ? "would be" : "were"} dropped; the hashes stay.`,
  ];
  if (unsalted > 0)
    lines.push(
      `${unsalted} entries of a version that did not salt stay as they are: without a salt their hash shows what they said.`,
    );
  return lines;
}
