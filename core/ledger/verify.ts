import { ChainVerifier } from "./chain.ts";
import { Checkpoint, originOf, type Verifier, verifierFrom, type Witness } from "./checkpoint.ts";
import { BODIES, type Entry, type EntryKind } from "./entry.ts";
import { entryLeaf, GrowingTree } from "./merkle.ts";

/** Where a ledger is read from: a store, or an export. Everything is read as it stands there, nothing is believed. */
export interface LedgerSource {
  /** All entries in their order, page by page. */
  entries(): AsyncIterable<readonly Entry[]>;
  /** Those of one kind only. */
  entriesOf(kind: EntryKind): AsyncIterable<readonly Entry[]>;
  /** Checkpoints, the smallest first, page by page. */
  checkpoints(): AsyncIterable<readonly unknown[]>;
}

/** What is known from outside of the ledger. */
export interface Known {
  witnesses: readonly Witness[];
  /** The key that must have signed; without it a ledger is held against the keys that it names itself. */
  key?: Verifier;
}

export type Verification =
  | {
      ok: true;
      entries: number;
      head: string;
      /** Of the tree over all entries. */
      root: string;
      /** Entries whose body was dropped, each as a later entry says. */
      dropped: number;
      checkpoints: number;
      witnesses: number;
      /** Entries after the last checkpoint. */
      unsigned: number;
      /** Keys that signed. */
      keys: string[];
      /** Whether the key was known from outside. */
      anchored: boolean;
    }
  | { ok: false; seq: number; what: string };

type Fault = Extract<Verification, { ok: false }>;

/**
 * Verifies a ledger from its first entry to its last: entries against each other, the tree over them against every
 * checkpoint and witness, and signatures against keys. Names the first entry that does not hold; where a signed or
 * witnessed root is not met, that is the first entry since the last root that was.
 */
export async function verifyLedger(source: LedgerSource, { witnesses, key }: Known): Promise<Verification> {
  const claims = await dropsClaimed(source);
  const keys = new Keys(key, await keysNamed(source));
  const chain = new ChainVerifier((entry) => claims.cover(entry));
  const tree = new GrowingTree();
  const marks = new Marks(
    source.checkpoints(),
    [...witnesses].sort((a, b) => a.size - b.size),
    keys,
  );
  let origin = "";
  for await (const page of source.entries()) {
    for (const entry of page) {
      if (!chain.add(entry)) return faultOf(chain);
      tree.add(entryLeaf(entry.hash));
      if (tree.size === 1) origin = originOf(entry.hash);
      const next = marks.next();
      if (tree.size < (typeof next === "number" ? next : await next)) continue;
      const fault = marks.meet(tree, origin);
      if (fault) return fault;
    }
  }
  const fault = (await marks.beyond(tree.size, origin)) ?? keys.fault();
  if (fault) return fault;
  const verdict = chain.verdict();
  return {
    ...{ ok: true, entries: tree.size, head: verdict.ok ? verdict.head : "", root: tree.root().toString("hex") },
    ...{ dropped: chain.dropped, ...marks.met(tree.size), keys: keys.used(), anchored: key !== undefined },
  };
}

function faultOf(chain: ChainVerifier): Fault {
  const verdict = chain.verdict();
  return verdict.ok ? { ok: false, seq: verdict.entries + 1, what: "the ledger does not hold" } : verdict;
}

/** Which bodies may be missing, by the entries that say so. Those entries are verified in their turn. */
interface DropClaims {
  cover(entry: Entry): boolean;
}

async function dropsClaimed(source: LedgerSource): Promise<DropClaims> {
  const single = new Set<number>();
  const upTo = new Map<string, number>();
  for await (const page of source.entriesOf("dropped")) {
    for (const { seq, body } of page) {
      const claim = BODIES.dropped.safeParse(parsed(body)).data;
      if (!claim) continue;
      // An entry can only tell of what was there before it.
      for (const each of claim.seqs) if (each < seq) single.add(each);
      for (const kind of claim.kinds) upTo.set(kind, Math.max(upTo.get(kind) ?? 0, Math.min(claim.upTo, seq - 1)));
    }
  }
  return { cover: ({ seq, kind }) => seq <= (upTo.get(kind) ?? 0) || single.has(seq) };
}

interface NamedKey {
  seq: number;
  verifier: Verifier;
}

async function keysNamed(source: LedgerSource): Promise<NamedKey[]> {
  const named: NamedKey[] = [];
  for await (const page of source.entriesOf("key")) {
    for (const { seq, body } of page) {
      const said = BODIES.key.safeParse(parsed(body)).data;
      const verifier = said && verifierFrom(said.publicKey);
      if (verifier && verifier.keyId === said.keyId) named.push({ seq, verifier });
    }
  }
  return named;
}

/** What cannot be read here is told where the chain comes to it. */
function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** Keys, what each signed, and which of them may be believed. */
class Keys {
  readonly #anchor: Verifier | undefined;
  readonly #named: readonly NamedKey[];
  /** Key → the largest tree that it signed. */
  readonly #signed = new Map<string, number>();

  constructor(anchor: Verifier | undefined, named: readonly NamedKey[]) {
    this.#anchor = anchor;
    this.#named = named;
  }

  /** What is wrong with a signature over a tree whose root is right. */
  faultIn(checkpoint: Checkpoint): string | undefined {
    const { keyId, size } = checkpoint;
    const named = this.#named.find(({ seq, verifier }) => verifier.keyId === keyId && seq <= size);
    const verifier = this.#anchor?.keyId === keyId ? this.#anchor : named?.verifier;
    if (!verifier)
      return `the checkpoint of ${size} entries is signed by ${keyId}, a key that no entry before it names`;
    if (!verifier.verifies(checkpoint)) return `the signature of the checkpoint of ${size} entries is wrong`;
    this.#signed.set(keyId, Math.max(this.#signed.get(keyId) ?? 0, size));
    return undefined;
  }

  used(): string[] {
    return [...this.#signed.keys()];
  }

  /** A key is believed that is known from outside, or the first; and every key in a tree that such a key signed. */
  fault(): Fault | undefined {
    const first = this.#anchor?.keyId ?? this.#named[0]?.verifier.keyId;
    if (this.#anchor && !this.#signed.has(this.#anchor.keyId)) {
      return { ok: false, seq: 1, what: `nothing in the ledger is signed by the key ${this.#anchor.keyId}` };
    }
    const believed = new Set(first === undefined ? [] : [first]);
    for (let before = -1; before < believed.size; ) {
      before = believed.size;
      const covered = Math.max(0, ...[...believed].map((keyId) => this.#signed.get(keyId) ?? 0));
      for (const { seq, verifier } of this.#named) if (seq <= covered) believed.add(verifier.keyId);
    }
    const odd = this.#named.find(({ verifier: { keyId } }) => this.#signed.has(keyId) && !believed.has(keyId));
    const what = `the key ${odd?.verifier.keyId} signs checkpoints, and no checkpoint of a key that is believed covers its entry`;
    return odd && { ok: false, seq: odd.seq, what };
  }
}

/** The sizes at which the tree is held against something. */
class Marks {
  readonly #pages: AsyncIterator<readonly unknown[]>;
  readonly #keys: Keys;
  readonly #witnesses: Witness[];
  #page: readonly unknown[] = [];
  #at = 0;
  #ended = false;
  #agreed = 0;
  #signedUpTo = 0;
  #checkpoints = 0;
  #witnessed = 0;

  constructor(checkpoints: AsyncIterable<readonly unknown[]>, witnesses: Witness[], keys: Keys) {
    this.#pages = checkpoints[Symbol.asyncIterator]();
    this.#witnesses = witnesses;
    this.#keys = keys;
  }

  /** The next size at which there is something; infinite where there is nothing any more. Waits only between pages. */
  next(): number | Promise<number> {
    if (this.#at < this.#page.length || this.#ended) return this.#nearest();
    return this.#turn();
  }

  async #turn(): Promise<number> {
    while (this.#at >= this.#page.length && !this.#ended) {
      const { value, done } = await this.#pages.next();
      this.#ended = done === true;
      this.#page = value ?? [];
      this.#at = 0;
    }
    return this.#nearest();
  }

  #nearest(): number {
    const unread = this.#page[this.#at];
    const size = unread === undefined ? Number.POSITIVE_INFINITY : sizeOf(unread);
    return Math.min(size, this.#witnesses[0]?.size ?? Number.POSITIVE_INFINITY);
  }

  /** Holds the tree against all that is known of it at its size. */
  meet(tree: GrowingTree, origin: string): Fault | undefined {
    const root = tree.root().toString("hex");
    while ((this.#witnesses[0]?.size ?? Number.POSITIVE_INFINITY) <= tree.size) {
      const witness = this.#witnesses.shift();
      if (!witness) break;
      const fault = this.#against(witness, { size: tree.size, root, origin }, "a witness");
      if (fault) return fault;
      this.#witnessed += 1;
    }
    for (; this.#at < this.#page.length && sizeOf(this.#page[this.#at]) <= tree.size; this.#at += 1) {
      const { data: checkpoint } = Checkpoint.safeParse(this.#page[this.#at]);
      if (!checkpoint || checkpoint.size !== tree.size)
        return { ok: false, seq: this.#agreed + 1, what: "a checkpoint cannot be read, or stands out of order" };
      const fault = this.#against(checkpoint, { size: tree.size, root, origin }, "the checkpoint");
      if (fault) return fault;
      const what = this.#keys.faultIn(checkpoint);
      if (what !== undefined) return { ok: false, seq: tree.size, what };
      this.#checkpoints += 1;
      this.#signedUpTo = tree.size;
    }
    this.#agreed = tree.size;
    return undefined;
  }

  /** What is known of entries that are not there. */
  async beyond(size: number, origin: string): Promise<Fault | undefined> {
    const next = await this.next();
    if (next === Number.POSITIVE_INFINITY) return undefined;
    const [witness] = this.#witnesses;
    const { data: checkpoint } = Checkpoint.safeParse(this.#page[this.#at]);
    const [known, of] = witness?.size === next ? [witness, "a witness"] : [checkpoint, "a checkpoint"];
    if (known?.origin !== undefined && origin !== "" && known.origin !== origin)
      return anotherLedger(known, origin, of);
    return {
      ok: false,
      seq: size + 1,
      what: `the ledger ends at ${size}, and ${of} knows of ${next} entries: its end was lost or cut off`,
    };
  }

  met(size: number): { checkpoints: number; witnesses: number; unsigned: number } {
    return { checkpoints: this.#checkpoints, witnesses: this.#witnessed, unsigned: size - this.#signedUpTo };
  }

  #against(known: Witness, tree: { size: number; root: string; origin: string }, of: string): Fault | undefined {
    if (known.origin !== undefined && known.origin !== tree.origin) return anotherLedger(known, tree.origin, of);
    if (known.root.length >= 16 && tree.root.startsWith(known.root)) return undefined;
    const first = this.#agreed + 1;
    const which =
      first === tree.size ? `entry ${first} is not the one` : `entries ${first} to ${tree.size} are not the ones`;
    return { ok: false, seq: first, what: `${which} that ${of} of ${known.size} entries has seen` };
  }
}

/** Something without a size stands at the very first entry, where it is complained about. */
function sizeOf(checkpoint: unknown): number {
  const size = checkpoint !== null && typeof checkpoint === "object" && "size" in checkpoint ? checkpoint.size : 0;
  return typeof size === "number" && Number.isSafeInteger(size) ? size : 0;
}

function anotherLedger({ origin, size }: Witness, ours: string, of: string): Fault {
  return { ok: false, seq: 1, what: `${of} of ${size} entries is of the ledger ${origin}, and this is ${ours}` };
}
