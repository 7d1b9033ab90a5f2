import { canonicalJson, type Json, sha256Hex } from "../canonical.ts";
import { instant } from "../clock.ts";
import { BODIES, type Draft, ENTRY_KINDS, type Entry, type EntryKind, GENESIS, type Head } from "./entry.ts";

/**
 * The hash of an entry: SHA-256 over its fields, a line each, the hash of the entry before and the commitment to the
 * body last. No field may hold a line break, so two entries never read the same. Entries of before there were salts have
 * the body itself in the last line; as canonical JSON of an object it never reads like a commitment.
 */
export function entryHash(entry: Omit<Entry, "hash">): string {
  const { seq, at, kind, ticket, body, prev, salt, commitment } = entry;
  if (`${at}${kind}${ticket}${prev}`.includes("\n")) throw new TypeError("an entry may not hold a line break");
  const last = salt === null ? (commitment ?? body) : commitmentTo(salt, body);
  return sha256Hex(`${seq}\n${at}\n${kind}\n${ticket === null ? "-" : `=${ticket}`}\n${prev}\n${last}`);
}

/**
 * What stands for a body in the hash of its entry: SHA-256 over 16 random bytes and the body. Once salt and body are
 * dropped, nobody can find out by trying what the body said, and the hash still holds.
 */
export function commitmentTo(salt: string, body: string): string {
  return sha256Hex(`${salt}\n${body}`);
}

/** Gives 32 lower-case hexadecimal characters, never the same twice; null seals as versions without salts did. */
export type Salts = () => string | null;

/** Makes drafts into entries that follow `head`, all with the hour `atMs`. Throws on a body that breaks its schema. */
export function seal(head: Head | undefined, drafts: readonly Draft[], atMs: number, salts: Salts): Entry[] {
  let seq = head?.seq ?? 0;
  let prev = head?.hash ?? GENESIS;
  const at = instant(atMs);
  return drafts.map((draft) => {
    const body = canonicalJson(BODIES[draft.kind].parse(draft.body) as Json); // the schemas hold JSON values only
    seq += 1;
    const open = { seq, at, kind: draft.kind, ticket: draft.ticket, body, prev, salt: salts(), commitment: null };
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
  #dropped = 0;
  readonly #mayLack: (entry: Entry) => boolean;

  /** `mayLack` says of an entry without a body whether a later entry tells that it was dropped. */
  constructor(mayLack: (entry: Entry) => boolean = () => false) {
    this.#mayLack = mayLack;
  }

  /** How many entries had no body any more. */
  get dropped(): number {
    return this.#dropped;
  }

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
    if (entry.body === "") this.#dropped += 1;
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
    if (entry.body === "") return this.#faultOfDropped(entry);
    // A commitment stands for a body that is gone; beside a body it could say something else than the body does.
    if (entry.commitment !== null || hashOf(entry) !== entry.hash)
      return `entry ${entry.seq} was changed after it was written`;
    if (!isKind(entry.kind)) return `entry ${entry.seq} is of an unknown kind`;
    return bodyHolds(entry.kind, entry.body) ? undefined : `entry ${entry.seq} does not hold what its kind demands`;
  }

  #faultOfDropped(entry: Entry): string | undefined {
    const { seq, salt, commitment, hash } = entry;
    if (salt !== null || commitment === null || hashOf(entry) !== hash)
      return `entry ${seq} was changed after it was written`;
    return this.#mayLack(entry) ? undefined : `entry ${seq} has no body, and no later entry says that it was dropped`;
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
