import { canonicalJson, type Json, sha256Hex } from "../canonical.ts";
import { instant } from "../clock.ts";
import { BODIES, type Draft, ENTRY_KINDS, type Entry, type EntryKind, GENESIS, type Head } from "./entry.ts";

/**
 * The hash of an entry: SHA-256 over its fields, a line each, the hash of the entry before and the body last. No field
 * may hold a line break (the body is canonical JSON), so two entries never read the same.
 */
export function entryHash(entry: Omit<Entry, "hash">): string {
  const { seq, at, kind, ticket, body, prev } = entry;
  if (`${at}${kind}${ticket}${prev}`.includes("\n")) throw new TypeError("an entry may not hold a line break");
  return sha256Hex(`${seq}\n${at}\n${kind}\n${ticket === null ? "-" : `=${ticket}`}\n${prev}\n${body}`);
}

/** Makes drafts into entries that follow `head`, all with the hour `atMs`. Throws on a body that breaks its schema. */
export function seal(head: Head | undefined, drafts: readonly Draft[], atMs: number): Entry[] {
  let seq = head?.seq ?? 0;
  let prev = head?.hash ?? GENESIS;
  const at = instant(atMs);
  return drafts.map((draft) => {
    const body = canonicalJson(BODIES[draft.kind].parse(draft.body) as Json); // the schemas hold JSON values only
    seq += 1;
    const open = { seq, at, kind: draft.kind, ticket: draft.ticket, body, prev };
    const entry = { ...open, hash: entryHash(open) };
    prev = entry.hash;
    return entry;
  });
}

export type Verdict = { ok: true; entries: number; head: string } | { ok: false; seq: number; what: string };

/** Follows a ledger entry by entry and stops at the first that does not hold. */
export class ChainVerifier {
  #seq = 0;
  #prev = GENESIS;
  #broken: Verdict | undefined;

  /** Feeds the next entry, in order of `seq`. Returns false once the chain is broken. */
  add(entry: Entry): boolean {
    if (this.#broken) return false;
    const due = this.#seq + 1;
    const what = this.#faultOf(entry, due);
    if (what !== undefined) {
      this.#broken = { ok: false, seq: entry.seq >= 1 ? Math.min(entry.seq, due) : due, what };
      return false;
    }
    this.#seq = entry.seq;
    this.#prev = entry.hash;
    return true;
  }

  verdict(): Verdict {
    return this.#broken ?? { ok: true, entries: this.#seq, head: this.#prev };
  }

  #faultOf(entry: Entry, due: number): string | undefined {
    if (!Number.isSafeInteger(entry.seq)) return `what stands where ${due} is due has no number`;
    if (entry.seq > due) return `entry ${due} is missing; the next one found is ${entry.seq}`;
    if (entry.seq < due) return `entry ${entry.seq} stands where ${due} is due`;
    if (entry.prev !== this.#prev) return `entry ${entry.seq} does not follow the one before it`;
    if (hashOf(entry) !== entry.hash) return `entry ${entry.seq} was changed after it was written`;
    if (!isKind(entry.kind)) return `entry ${entry.seq} is of an unknown kind`;
    return bodyHolds(entry.kind, entry.body) ? undefined : `entry ${entry.seq} does not hold what its kind demands`;
  }
}

function isKind(kind: string): kind is EntryKind {
  return (ENTRY_KINDS as readonly string[]).includes(kind);
}

/** An entry that cannot even be rendered was not sealed like that. */
function hashOf(entry: Entry): string | undefined {
  try {
    return entryHash(entry);
  } catch {
    return undefined;
  }
}

/** A body in another form than the canonical one could be read in two ways, such as one with a key twice. */
function bodyHolds(kind: EntryKind, body: string): boolean {
  try {
    const parsed: unknown = JSON.parse(body);
    return BODIES[kind].safeParse(parsed).success && canonicalJson(parsed as Json) === body; // what JSON.parse returns is Json
  } catch {
    return false;
  }
}
