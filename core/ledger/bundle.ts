import { z } from "zod";
import { canonicalJson, type Json } from "../canonical.ts";
import type { Store } from "../store/store.ts";
import { entryHash } from "./chain.ts";
import { Checkpoint, verifierFrom } from "./checkpoint.ts";
import { BODIES, Entry } from "./entry.ts";
import { entryLeaf, includes } from "./merkle.ts";

/** An entry with its way to the root of a checkpoint. */
export const ProvenEntry = z.strictObject({
  entry: Entry,
  /** From the leaf upwards; a tree of 2^52 entries needs no more. */
  path: z.array(z.string().regex(/^[0-9a-f]{64}$/)).max(52),
});
export type ProvenEntry = z.infer<typeof ProvenEntry>;

export const BUNDLE_FORMAT = "interlock-proof/1";

/** Some entries of a ledger that prove themselves: all that a stranger needs, and nothing about the rest. */
export const Bundle = z.strictObject({
  format: z.literal(BUNDLE_FORMAT),
  publicKey: z.string(),
  checkpoint: Checkpoint,
  entries: z.array(ProvenEntry),
});
export type Bundle = z.infer<typeof Bundle>;

/** The checkpoint that proofs lead to, and the key that signed it. */
export interface Anchor {
  checkpoint: Checkpoint;
  publicKey: string;
}

const KEYS_MAX = 10_000;

/** The last checkpoint with its key. Throws where there is none, or where the ledger is not what it was signed over. */
export async function anchorOf(store: Store): Promise<Anchor> {
  const checkpoint = await store.lastCheckpoint();
  if (!checkpoint) throw new Error("the ledger has not been signed yet; start the server and wait for a minute");
  if ((await store.treeRoot(checkpoint.size)) !== checkpoint.root)
    throw new Error("the ledger is not the one that its last checkpoint was signed over; run interlock ledger verify");
  for (const { body } of await store.entriesAbout({ kind: "key" }, 0, KEYS_MAX)) {
    const { keyId, publicKey } = BODIES.key.parse(JSON.parse(body));
    if (keyId === checkpoint.keyId) return { checkpoint, publicKey };
  }
  throw new Error(`no entry names the key ${checkpoint.keyId} of the last checkpoint; run interlock ledger verify`);
}

/** Proves entries that the checkpoint covers; later ones are left out. */
export async function provenEntries(
  store: Store,
  entries: readonly Entry[],
  { size }: Checkpoint,
): Promise<ProvenEntry[]> {
  const covered = entries.filter(({ seq }) => seq <= size);
  const proofs = await store.prove(
    covered.map(({ seq }) => seq),
    size,
  );
  return covered.flatMap((entry, at) => {
    const path = proofs[at]?.path;
    return path ? [{ entry, path }] : [];
  });
}

/** As it is written: one line in this very form, so that not a byte of it can change unnoticed. */
export function bundleText(bundle: Bundle): string {
  return `${JSON.stringify(Bundle.parse(bundle))}\n`; // keys in the order of the schema
}

/** What is wrong with the signature of an anchor; undefined where it holds. */
export function faultOfAnchor({ checkpoint, publicKey }: Anchor): string | undefined {
  const verifier = verifierFrom(publicKey);
  if (verifier?.publicKey !== publicKey) return "the public key cannot be read";
  return verifier.verifies(checkpoint)
    ? undefined
    : `the checkpoint of ${checkpoint.size} entries is not signed by that key`;
}

/** What is wrong with an entry or its way to the root; undefined where it holds. A dropped body is not missed here. */
export function faultOfProof({ entry, path }: ProvenEntry, { size, root }: Checkpoint): string | undefined {
  const { seq, body, salt, commitment } = entry;
  const plain = body === "" ? salt === null && commitment !== null : commitment === null && isCanonical(body);
  if (!plain || entryHash(entry) !== entry.hash) return `entry ${seq} was changed after it was written`;
  const claim = { index: seq - 1, size, leaf: entryLeaf(entry.hash), root: Buffer.from(root, "hex") };
  const way = path.map((hex) => Buffer.from(hex, "hex"));
  return includes(claim, way) ? undefined : `entry ${seq} is not in the tree that was signed`;
}

function isCanonical(body: string): boolean {
  try {
    return canonicalJson(JSON.parse(body) as Json) === body; // what JSON.parse returns is Json
  } catch {
    return false;
  }
}
