import type { Checkpoint, TreeHead } from "./checkpoint.ts";
import type { Entry, EntryKind, Head } from "./entry.ts";

/** That an entry is in the tree of the ledger. */
export interface LedgerProof {
  seq: number;
  /** From the leaf upwards, in hexadecimal. */
  path: string[];
}

/** Bodies of the ledger to drop: of kinds (all where none is named) before an hour, or those that name a person. */
export type Dropping = { by: string; dryRun: boolean } & (
  | { beforeMs: number; kinds: readonly EntryKind[] }
  | { person: string }
);

export interface Dropped {
  /** Bodies that were dropped, or would be. */
  bodies: number;
  /** Entries that would go too, but are of before there were salts: they stay. */
  unsalted: number;
  /** The last entry that was looked at; 0 where there is none. */
  upTo: number;
}

/** What a ledger proves of itself to others. */
export interface Evidence {
  /** The end of the ledger; undefined while it is empty. */
  ledgerEnd(): Promise<Head | undefined>;
  /** The tree over all entries that are there now; undefined while there are none. */
  treeHead(): Promise<TreeHead | undefined>;
  /** The root over the first `size` entries, which a tree head has covered. Rejects where something of it is missing. */
  treeRoot(size: number): Promise<string>;
  /** That entries are in the tree of `size`, which a tree head has covered. */
  prove(seqs: readonly number[], size: number): Promise<LedgerProof[]>;
  /** That the tree of `from` is the beginning of the one of `size`. */
  proveGrowth(from: number, size: number): Promise<string[]>;
  /** Keeps a checkpoint; one of the same size already stays as it is. */
  keepCheckpoint(checkpoint: Checkpoint): Promise<void>;
  /** Checkpoints of more than `afterSize` entries, the smallest first. */
  checkpoints(afterSize: number, limit: number): Promise<Checkpoint[]>;
  lastCheckpoint(): Promise<Checkpoint | undefined>;
  /** Entries of a ticket, or of a kind, after `afterSeq`, in order. */
  entriesAbout(about: { ticket: string } | { kind: EntryKind }, afterSeq: number, limit: number): Promise<Entry[]>;
  /** Drops bodies and salts. An entry says so in the same commit; the hashes stay, and the ledger still verifies. */
  drop(what: Dropping): Promise<Dropped>;
}
