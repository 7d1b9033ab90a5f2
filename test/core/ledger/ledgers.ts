import { generateKeyPairSync } from "node:crypto";
import { seal } from "../../../core/ledger/chain.ts";
import { type Checkpoint, originOf, type Signer, signerFrom, type TreeHead } from "../../../core/ledger/checkpoint.ts";
import type { Draft, Entry } from "../../../core/ledger/entry.ts";
import { entryLeaf, rootOver } from "../../../core/ledger/merkle.ts";
import type { LedgerSource } from "../../../core/ledger/verify.ts";
import { countedSalts } from "./drafts.ts";

export const AT_MS = Date.parse("2026-03-02T09:00:00Z");

/** A private key in PEM, made for a test. */
export function newKey(): string {
  return generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

export function newSigner(): Signer {
  return signerFrom(newKey());
}

export function keyDraft({ keyId, publicKey }: Signer, previous: string | null = null): Draft {
  return { kind: "key", ticket: null, body: { keyId, publicKey, previous } };
}

/** So many entries that differ, the first of which names the key. */
export function drafts(count: number, signer: Signer): Draft[] {
  const others = Array.from(
    { length: count - 1 },
    (_, n): Draft => ({ kind: "stop", ticket: null, body: { worker: "w1", released: n } }),
  );
  return [keyDraft(signer), ...others];
}

export function sealed(all: readonly Draft[]): Entry[] {
  return seal(undefined, all, AT_MS, countedSalts());
}

export function headOf(entries: readonly Entry[], size = entries.length): TreeHead {
  const root = rootOver(entries.slice(0, size).map(({ hash }) => entryLeaf(hash)));
  return { origin: originOf(entries[0]?.hash ?? ""), size, root: root.toString("hex") };
}

export function checkpointOf(entries: readonly Entry[], size: number, signer: Signer): Checkpoint {
  return signer.sign(headOf(entries, size), "2026-03-02T09:00:01.000Z");
}

/** A ledger in memory, read in small pages. */
export function sourceOf(entries: readonly Entry[], checkpoints: readonly unknown[] = []): LedgerSource {
  return {
    entries: () => pages(entries),
    entriesOf: (kind) => pages(entries.filter((entry) => entry.kind === kind)),
    checkpoints: () => pages(checkpoints),
  };
}

async function* pages<T>(all: readonly T[]): AsyncGenerator<readonly T[]> {
  for (let at = 0; at < all.length; at += 3) yield all.slice(at, at + 3);
}
