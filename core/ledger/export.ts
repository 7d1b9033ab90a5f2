import { z } from "zod";
import { faultOfAnchor, faultOfProof, ProvenEntry } from "./bundle.ts";
import { Checkpoint } from "./checkpoint.ts";
import { Entry } from "./entry.ts";
import type { LedgerSource, Verification } from "./verify.ts";

export const EXPORT_FORMAT = "interlock-ledger/1";

/** The first line of an export. Whole: every entry, in order, and all checkpoints. A part: entries that prove themselves. */
export const ExportHeader = z.strictObject({
  format: z.literal(EXPORT_FORMAT),
  whole: z.boolean(),
  origin: z.string(),
  /** Of the keys that signed, as base64 of their DER. */
  publicKeys: z.array(z.string()),
});
export type ExportHeader = z.infer<typeof ExportHeader>;

const CheckpointLine = z.strictObject({ checkpoint: Checkpoint });

/** Reads a text file line by line, each time from its beginning. */
export type ReadLines = () => AsyncIterable<string>;

const PAGE = 1_000;

/** The header of an export. Throws where the file is none. */
export async function headerOf(lines: ReadLines): Promise<ExportHeader> {
  for await (const line of lines()) {
    const { data } = ExportHeader.safeParse(parsed(line));
    if (data) return data;
    break;
  }
  throw new Error(`the file is no export of a ledger: its first line does not say ${EXPORT_FORMAT}`);
}

/**
 * A whole export, to be verified. What cannot be read is handed on as it stands, for the verifier to say where it
 * stopped.
 */
export function exportedLedger(lines: ReadLines): LedgerSource {
  return {
    entries: () => pagesOf(lines, entryIn),
    entriesOf: (kind) => pagesOf(lines, (line) => (line.includes(`"kind":"${kind}"`) ? entryIn(line) : undefined)),
    checkpoints: () =>
      pagesOf(lines, (line): unknown =>
        line.startsWith('{"checkpoint"') ? (parsed(line)?.["checkpoint"] ?? {}) : undefined,
      ),
  };
}

function entryIn(line: string): Entry | undefined {
  if (!line.startsWith('{"entry"')) return line.startsWith('{"') ? undefined : UNREADABLE;
  return Entry.safeParse(parsed(line)?.["entry"]).data ?? UNREADABLE;
}

/** Stands where a line cannot be read: no chain goes on with it. */
const UNREADABLE: Entry = {
  ...{ seq: Number.NaN, at: "", kind: "", ticket: null, body: "", prev: "", hash: "", salt: null, commitment: null },
};

async function* pagesOf<T>(lines: ReadLines, read: (line: string) => T | undefined): AsyncGenerator<readonly T[]> {
  let page: T[] = [];
  for await (const line of lines()) {
    const row = read(line);
    if (row === undefined) continue;
    page.push(row);
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  yield page;
}

/** Verifies a part of a ledger: each entry by its own proof. Says nothing about entries that are not in it. */
export async function verifyPart(lines: ReadLines, known: { publicKey?: string }): Promise<Verification> {
  const publicKey = known.publicKey ?? (await headerOf(lines)).publicKeys[0] ?? "";
  let checkpoint: Checkpoint | undefined;
  let entries = 0;
  let dropped = 0;
  let first = true;
  for await (const line of lines()) {
    const value = first ? undefined : parsed(line);
    if (first) {
      first = false;
    } else if (!checkpoint) {
      checkpoint = CheckpointLine.safeParse(value).data?.checkpoint;
      if (!checkpoint) return { ok: false, seq: 1, what: "a part begins with its checkpoint, and this one does not" };
      const what = faultOfAnchor({ checkpoint, publicKey });
      if (what !== undefined) return { ok: false, seq: 1, what };
    } else {
      const { data: proven } = ProvenEntry.safeParse(value);
      const what = proven ? faultOfProof(proven, checkpoint) : `what stands after ${entries} entries cannot be read`;
      if (!proven || what !== undefined) return { ok: false, seq: proven?.entry.seq ?? entries + 1, what: what ?? "" };
      entries += 1;
      if (proven.entry.body === "") dropped += 1;
    }
  }
  if (!checkpoint) return { ok: false, seq: 1, what: "a part begins with its checkpoint, and this one does not" };
  const { keyId, root } = checkpoint;
  return {
    ...{ ok: true, entries, head: "", root, dropped, checkpoints: 1, witnesses: 0, unsigned: 0, keys: [keyId] },
    anchored: known.publicKey !== undefined,
  };
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return value !== null && typeof value === "object" ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
