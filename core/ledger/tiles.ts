import { EMPTY_ROOT, type Hash, nodeHash, type Part, rootOver } from "./merkle.ts";

/** Of every complete part of 2^8, 2^16 and 2^24 leaves the root is kept: a proof reads a few hundred hashes, never all. */
export const TILE_BITS = 8;
export const TILE = 2 ** TILE_BITS;
export const TILE_LEVELS = [3 * TILE_BITS, 2 * TILE_BITS, TILE_BITS, 0] as const;

/** Kept tiles; beyond, a proof over all of them would hold the tree in memory. */
const TILES_MAX = 256;

/** Reads the roots of the parts `from` up to and without `to` of 2^level leaves each; level 0 are the leaves. */
export type ReadNodes = (level: number, from: number, to: number) => Promise<Hash[]>;

/** Roots of any parts of a tree, from what is kept of it. */
export class Tiles {
  readonly #read: ReadNodes;
  readonly #tiles = new Map<string, Hash[]>();

  constructor(read: ReadNodes) {
    this.#read = read;
  }

  /** The root of a part of the tree as proofs name them. Rejects where something of it is not there. */
  async root({ begin, end }: Part): Promise<Hash> {
    const parts: Hash[] = [];
    let at = begin;
    for (const level of TILE_LEVELS) {
      const width = 2 ** level;
      const nodes: Hash[] = [];
      while (at % width === 0 && at + width <= end) {
        nodes.push(await this.#node(level, at / width));
        at += width;
      }
      parts.push(...completeParts(nodes));
    }
    return foldRight(parts);
  }

  async #node(level: number, index: number): Promise<Hash> {
    const tile = Math.floor(index / TILE);
    const key = `${level}/${tile}`;
    let nodes = this.#tiles.get(key);
    if (!nodes) {
      nodes = await this.#read(level, tile * TILE, (tile + 1) * TILE);
      if (this.#tiles.size >= TILES_MAX) this.#tiles.clear();
      this.#tiles.set(key, nodes);
    }
    const node = nodes[index - tile * TILE];
    if (node) return node;
    const first = index * 2 ** level + 1;
    throw new Error(`the tree of the ledger has nothing at entry ${first}; run interlock ledger verify`);
  }
}

/** The complete parts that make up a row of equally large ones, the largest first. */
function completeParts(nodes: readonly Hash[]): Hash[] {
  const parts: Hash[] = [];
  let at = 0;
  for (let width = TILE; width >= 1; width /= 2) {
    while (at + width <= nodes.length) {
      parts.push(rootOver(nodes.slice(at, at + width)));
      at += width;
    }
  }
  return parts;
}

function foldRight(parts: readonly Hash[]): Hash {
  const [last, ...before] = parts.toReversed();
  if (!last) return EMPTY_ROOT;
  return before.reduce((right, left) => nodeHash(left, right), last);
}
