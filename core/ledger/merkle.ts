import { createHash, hash } from "node:crypto";

/** The Merkle tree of RFC 9162, section 2.1, on SHA-256. Sizes and places are whole numbers below 2^53. */
export type Hash = Buffer;

const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);

export function leafHash(data: Uint8Array): Hash {
  return createHash("sha256").update(LEAF).update(data).digest();
}

export function nodeHash(left: Hash, right: Hash): Hash {
  return hash("sha256", Buffer.concat([NODE, left, right]), "buffer");
}

/** Root of the tree without a leaf. */
export const EMPTY_ROOT: Hash = hash("sha256", "", "buffer");

/** The leaf of an entry of the ledger: its data are the 32 bytes of the entry's hash. */
export function entryLeaf(entryHash: string): Hash {
  return leafHash(Buffer.from(entryHash, "hex"));
}

/** The largest power of two that is smaller than `size`; `size` is 2 or more. */
function splitOf(size: number): number {
  let half = 1;
  while (half * 2 < size) half *= 2;
  return half;
}

/** A tree that grows leaf by leaf and keeps the roots of its complete parts only: as many as its size has bits. */
export class GrowingTree {
  #size = 0;
  /** From left to right, the largest first. */
  readonly #parts: Hash[] = [];

  get size(): number {
    return this.#size;
  }

  add(leaf: Hash): void {
    let right = leaf;
    // As many parts are complete now as the size has ones at its end.
    for (let bits = this.#size; bits % 2 === 1; bits = (bits - 1) / 2) {
      const left = this.#parts.pop();
      if (left) right = nodeHash(left, right);
    }
    this.#parts.push(right);
    this.#size += 1;
  }

  root(): Hash {
    const parts = [...this.#parts];
    let root = parts.pop();
    if (!root) return EMPTY_ROOT;
    for (let left = parts.pop(); left; left = parts.pop()) root = nodeHash(left, root);
    return root;
  }
}

/** Root over leaves, or over the roots of parts that are complete and equally large. */
export function rootOver(hashes: Iterable<Hash>): Hash {
  const tree = new GrowingTree();
  for (const each of hashes) tree.add(each);
  return tree.root();
}

/** The leaves from `begin` up to and without `end`: a part of a tree whose root stands in a proof. */
export interface Part {
  begin: number;
  end: number;
}

/** The parts whose roots prove that leaf `index` (from 0) is in the tree of `size`, from the leaf upwards. */
export function inclusionParts(index: number, size: number): Part[] {
  if (!(index >= 0 && index < size)) throw new RangeError(`a tree of ${size} has no leaf ${index}`);
  const parts: Part[] = [];
  let [begin, end] = [0, size];
  while (end - begin > 1) {
    const middle = begin + splitOf(end - begin);
    if (index < middle) {
      parts.push({ begin: middle, end });
      end = middle;
    } else {
      parts.push({ begin, end: middle });
      begin = middle;
    }
  }
  return parts.reverse();
}

/** The parts whose roots prove that the tree of `from` is the beginning of the one of `size`. */
export function consistencyParts(from: number, size: number): Part[] {
  if (!(from >= 1 && from <= size)) throw new RangeError(`a tree of ${size} does not begin with one of ${from}`);
  const parts: Part[] = [];
  let [begin, end] = [0, size];
  while (from < end) {
    const middle = begin + splitOf(end - begin);
    if (from <= middle) {
      parts.push({ begin: middle, end });
      end = middle;
    } else {
      parts.push({ begin, end: middle });
      begin = middle;
    }
  }
  // Who asks knows the root of the old tree, and so need not be given it.
  if (begin > 0) parts.push({ begin, end });
  return parts.reverse();
}

/** Whether a proof leads from a leaf to a root (RFC 9162, 2.1.3.2). */
export function includes(
  claim: { index: number; size: number; leaf: Hash; root: Hash },
  proof: readonly Hash[],
): boolean {
  if (!(claim.index >= 0 && claim.index < claim.size)) return false;
  let [at, last] = [claim.index, claim.size - 1];
  let root = claim.leaf;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      root = nodeHash(sibling, root);
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else {
      root = nodeHash(root, sibling);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 && root.equals(claim.root);
}

/** Whether a proof shows that one tree is the beginning of another (RFC 9162, 2.1.4.2). */
export function extendsTree(
  older: { size: number; root: Hash },
  newer: { size: number; root: Hash },
  proof: readonly Hash[],
): boolean {
  if (!(older.size >= 1 && older.size <= newer.size)) return false;
  if (older.size === newer.size) return proof.length === 0 && older.root.equals(newer.root);
  let [at, last] = [older.size - 1, newer.size - 1];
  while (at % 2 === 1) [at, last] = [(at - 1) / 2, Math.floor(last / 2)];
  // At 0 the old tree is complete, and its own root is where the proof begins.
  const [first, ...rest] = at === 0 ? [older.root, ...proof] : proof;
  if (!first) return false;
  let [old, grown] = [first, first];
  for (const sibling of rest) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      [old, grown] = [nodeHash(sibling, old), nodeHash(sibling, grown)];
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else {
      grown = nodeHash(grown, sibling);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 && old.equals(older.root) && grown.equals(newer.root);
}
