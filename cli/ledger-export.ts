import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { InvalidArgumentError } from "commander";
import { anchorOf, BUNDLE_FORMAT, bundleText, provenEntries } from "../core/ledger/bundle.ts";
import { Checkpoint, originOf } from "../core/ledger/checkpoint.ts";
import { BODIES, Entry } from "../core/ledger/entry.ts";
import { EXPORT_FORMAT, type ExportHeader } from "../core/ledger/export.ts";
import { ledgerOf, pages } from "../core/store/ledger-source.ts";
import type { Store } from "../core/store/store.ts";
import { type CommonOptions, readStoreSettings } from "./config.ts";
import { parseTicketName } from "./explain.ts";
import { lookAt } from "./store.ts";
import { systemClock } from "./system.ts";
import { timeOf } from "./times.ts";
import { makeRoom, writeWhole } from "./whole-file.ts";

/** Entries that one bundle holds: what about one ticket is more is for an export. */
const BUNDLE_MAX = 10_000;

export interface ExportOptions extends CommonOptions {
  since?: string;
  until?: string;
  ticket?: string;
  out: string;
}

/** `interlock ledger export`: all of it, or a part whose entries prove themselves. */
export async function ledgerExport(options: ExportOptions): Promise<0 | 1> {
  const { since, until } = periodOf(options);
  const whole = since === undefined && until === undefined && options.ticket === undefined;
  await makeRoom("--out", options.out);
  return lookAt(readStoreSettings(options).store, systemClock, async (store) => {
    const ticket = options.ticket === undefined ? undefined : await ticketOf(store, options.ticket);
    if (ticket === null) return unknownTicket(options.ticket);
    const within = ({ at }: Entry): boolean => (since ?? "") <= at && (until === undefined || at < until);
    const lines = whole ? wholeLines(store) : partLines(store, { ticket, within });
    const part = `${options.out}.${process.pid}.part`;
    let written = 0;
    try {
      await pipeline(Readable.from(counted(lines, () => (written += 1))), createWriteStream(part, { flush: true }));
      await rename(part, options.out);
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
    say(options, { out: options.out, whole, entries: written });
    return 0;
  });
}

function say(options: ExportOptions, result: { out: string; whole: boolean; entries: number }): void {
  const what = result.whole ? "the whole ledger" : "a part of the ledger that proves itself";
  if (options.json) console.log(JSON.stringify(result));
  else
    console.log(
      `${result.out} holds ${what}: ${result.entries} entries. Verify it with: interlock ledger verify --file ${result.out}`,
    );
}

function periodOf({ since, until }: { since?: string; until?: string }): { since?: string; until?: string } {
  return {
    ...(since !== undefined && { since: timeOf("--since", since) }),
    ...(until !== undefined && { until: timeOf("--until", until) }),
  };
}

/** The ledger's name of a ticket; null where no signal has named it. */
async function ticketOf(store: Store, name: string): Promise<string | null> {
  const { connection, key } = parseTicketName(name);
  return (await store.view(connection, key))?.ticket ?? null;
}

function unknownTicket(name = ""): 1 {
  console.error(`${name}: no signal has named that ticket yet.`);
  return 1;
}

const line = (value: object): string => `${JSON.stringify(value)}\n`;

async function* wholeLines(store: Store): AsyncGenerator<string> {
  const { entries, entriesOf, checkpoints } = ledgerOf(store);
  const publicKeys: string[] = [];
  for await (const page of entriesOf("key"))
    for (const { body } of page) publicKeys.push(BODIES.key.parse(JSON.parse(body)).publicKey);
  const [first] = await store.entries(0, 1);
  const origin = first ? originOf(first.hash) : "";
  yield line({ format: EXPORT_FORMAT, whole: true, origin, publicKeys } satisfies ExportHeader);
  // What is appended meanwhile is not in it, or its checkpoints would tell of more than it holds.
  const end = (await store.ledgerEnd())?.seq ?? 0;
  for await (const page of entries()) {
    for (const entry of page) if (entry.seq <= end) yield line({ entry });
    if ((page.at(-1)?.seq ?? 0) >= end) break;
  }
  for await (const page of checkpoints())
    for (const checkpoint of page) {
      const read = Checkpoint.parse(checkpoint);
      if (read.size <= end) yield line({ checkpoint: read });
    }
}

async function* partLines(
  store: Store,
  { ticket, within }: { ticket: string | undefined; within: (entry: Entry) => boolean },
): AsyncGenerator<string> {
  const { checkpoint, publicKey } = await anchorOf(store);
  const header: ExportHeader = {
    format: EXPORT_FORMAT,
    whole: false,
    origin: checkpoint.origin,
    publicKeys: [publicKey],
  };
  yield line(header);
  yield line({ checkpoint: Checkpoint.parse(checkpoint) });
  for await (const page of entriesOfTicket(store, ticket)) {
    const wanted = page.filter(within).map((entry) => Entry.parse(entry));
    for (const proven of await provenEntries(store, wanted, checkpoint)) yield line(proven);
  }
}

function entriesOfTicket(store: Store, ticket: string | undefined): AsyncIterable<readonly Entry[]> {
  if (ticket === undefined) return ledgerOf(store).entries();
  return pages(
    (after, limit) => store.entriesAbout({ ticket }, after, limit),
    ({ seq }) => seq,
  );
}

async function* counted(lines: AsyncIterable<string>, count: () => void): AsyncGenerator<string> {
  for await (const each of lines) {
    if (each.startsWith('{"entry"')) count();
    yield each;
  }
}

export interface ProveOptions extends CommonOptions {
  ticket?: string;
  decision?: string;
  out: string;
}

/** `interlock ledger prove`: what an auditor needs about one ticket or decision, and nothing else. */
export async function ledgerProve(options: ProveOptions): Promise<0 | 1> {
  const { decision, out } = options;
  if ((options.ticket === undefined) === (decision === undefined))
    throw new InvalidArgumentError("say what to prove: --ticket connection/key, or --decision id");
  await makeRoom("--out", out);
  return lookAt(readStoreSettings(options).store, systemClock, async (store) => {
    const ticket =
      options.ticket === undefined
        ? (await store.decided(decision ?? ""))?.ticket
        : await ticketOf(store, options.ticket);
    if (ticket === undefined || ticket === null) {
      if (options.ticket !== undefined) return unknownTicket(options.ticket);
      console.error(`${decision}: no decision of that id is kept here.`);
      return 1;
    }
    const about = (await store.entriesAbout({ ticket }, 0, BUNDLE_MAX)).map((entry) => Entry.parse(entry));
    const wanted = decision === undefined ? about : ofDecision(about, decision);
    const { checkpoint, publicKey } = await anchorOf(store);
    const entries = await provenEntries(store, wanted, checkpoint);
    if (entries.length === 0) {
      console.error("nothing of it is signed yet; wait for the next checkpoint (a minute at the most)");
      return 1;
    }
    await writeWhole(
      out,
      bundleText({ format: BUNDLE_FORMAT, publicKey, checkpoint: Checkpoint.parse(checkpoint), entries }),
    );
    const left = wanted.length - entries.length;
    const later = left === 0 ? "" : ` ${left} newer than the last checkpoint are not in it.`;
    if (options.json) console.log(JSON.stringify({ out, entries: entries.length, unsigned: left }));
    else
      console.log(`${out} proves ${entries.length} entries.${later} Verify it with: node docs/verify-proof.mjs ${out}`);
    return 0;
  });
}

/** A decision, its writes, and what became of them. */
function ofDecision(entries: readonly Entry[], decision: string): Entry[] {
  const actions = new Set<string>();
  return entries.filter(({ kind, body }) => {
    if (body === "") return false;
    if (kind === "decision") return BODIES.decision.parse(JSON.parse(body)).id === decision;
    if (kind === "receipt") return actions.has(BODIES.receipt.parse(JSON.parse(body)).actionId);
    if (kind !== "action") return false;
    const { id, decisionId } = BODIES.action.parse(JSON.parse(body));
    if (decisionId === decision) actions.add(id);
    return decisionId === decision;
  });
}
