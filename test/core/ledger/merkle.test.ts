import { createHash } from "node:crypto";
import { expect } from "chai";
import fc from "fast-check";
import {
  consistencyParts,
  EMPTY_ROOT,
  extendsTree,
  GrowingTree,
  type Hash,
  includes,
  inclusionParts,
  leafHash,
  type Part,
  rootOver,
} from "../../../core/ledger/merkle.ts";
import { Tiles } from "../../../core/ledger/tiles.ts";

/** The leaves and roots that the test vectors of Certificate Transparency use, restated (github.com/google/certificate-transparency, Apache-2.0). */
const VECTOR_LEAVES = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
].map((hex) => Buffer.from(hex, "hex"));
const VECTOR_ROOTS = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
/** Leaf (from 1), size, proof. */
const VECTOR_INCLUSIONS: [number, number, string[]][] = [
  [1, 1, []],
  [
    1,
    8,
    [
      "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
  ],
  [
    6,
    8,
    [
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
  ],
  [3, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]],
  [
    2,
    5,
    [
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
  ],
];
/** Older size, newer size, proof. */
const VECTOR_CONSISTENCIES: [number, number, string[]][] = [
  [1, 1, []],
  [
    1,
    8,
    [
      "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
  ],
  [
    6,
    8,
    [
      "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
  ],
  [
    2,
    5,
    [
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
  ],
];

const hexOf = (hashes: readonly Hash[]): string[] => hashes.map((each) => each.toString("hex"));

/** The definition of RFC 9162, 2.1.1, word for word: slow, and in no way like what is tested. */
function definedRoot(leaves: readonly Buffer[]): Buffer {
  const sha = (...bytes: Uint8Array[]): Buffer => createHash("sha256").update(Buffer.concat(bytes)).digest();
  if (leaves.length === 0) return sha();
  const [only] = leaves;
  if (leaves.length === 1 && only) return sha(Buffer.of(0), only);
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha(Buffer.of(1), definedRoot(leaves.slice(0, k)), definedRoot(leaves.slice(k)));
}

const partRoots = (leaves: readonly Buffer[], parts: readonly Part[]): Hash[] =>
  parts.map(({ begin, end }) => definedRoot(leaves.slice(begin, end)));

const anyLeaves = fc
  .array(fc.uint8Array({ maxLength: 8 }), { minLength: 1, maxLength: 70 })
  .map((all) => all.map((bytes) => Buffer.from(bytes)));

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  const at = (bit >> 3) % copy.length;
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

describe("the Merkle tree: published vectors", () => {
  it("has the published roots, and the one of nothing", () => {
    const tree = new GrowingTree();
    expect(tree.root().toString("hex")).to.equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (const [at, leaf] of VECTOR_LEAVES.entries()) {
      tree.add(leafHash(leaf));
      expect(tree.root().toString("hex"), `size ${at + 1}`).to.equal(VECTOR_ROOTS[at]);
    }
  });

  for (const [leaf, size, proof] of VECTOR_INCLUSIONS) {
    it(`proves leaf ${leaf} of ${size} as published`, () => {
      const leaves = VECTOR_LEAVES.slice(0, size);
      expect(hexOf(partRoots(leaves, inclusionParts(leaf - 1, size)))).to.deep.equal(proof);
      const claim = {
        ...{ index: leaf - 1, size, leaf: leafHash(VECTOR_LEAVES[leaf - 1] ?? Buffer.of()) },
        root: Buffer.from(VECTOR_ROOTS[size - 1] ?? "", "hex"),
      };
      const given = proof.map((hex) => Buffer.from(hex, "hex"));
      expect(includes(claim, given)).to.equal(true);
      expect(includes({ ...claim, index: claim.index + 1 }, given)).to.equal(false);
      expect(includes({ ...claim, root: EMPTY_ROOT }, given)).to.equal(false);
      expect(includes(claim, [...given, EMPTY_ROOT])).to.equal(false);
      if (given.length > 0) expect(includes(claim, given.slice(1))).to.equal(false);
    });
  }

  for (const [from, size, proof] of VECTOR_CONSISTENCIES) {
    it(`proves that ${from} is the beginning of ${size} as published`, () => {
      const leaves = VECTOR_LEAVES.slice(0, size);
      expect(hexOf(partRoots(leaves, consistencyParts(from, size)))).to.deep.equal(proof);
      const at = (n: number) => ({ size: n, root: Buffer.from(VECTOR_ROOTS[n - 1] ?? "", "hex") });
      const given = proof.map((hex) => Buffer.from(hex, "hex"));
      expect(extendsTree(at(from), at(size), given)).to.equal(true);
      expect(extendsTree({ size: from, root: EMPTY_ROOT }, at(size), given)).to.equal(false);
      expect(extendsTree(at(from), at(size), [...given, EMPTY_ROOT])).to.equal(false);
      if (given.length > 0) expect(extendsTree(at(from), at(size), given.slice(1))).to.equal(false);
    });
  }

  it("refuses places that a tree does not have", () => {
    expect(() => inclusionParts(8, 8)).to.throw(RangeError, "has no leaf 8");
    expect(() => inclusionParts(-1, 8)).to.throw(RangeError);
    expect(() => consistencyParts(0, 8)).to.throw(RangeError);
    expect(() => consistencyParts(9, 8)).to.throw(RangeError);
    const root = EMPTY_ROOT;
    expect(includes({ index: 0, size: 0, leaf: root, root }, [])).to.equal(false);
    expect(extendsTree({ size: 0, root }, { size: 1, root }, [])).to.equal(false);
  });
});

describe("the Merkle tree (properties)", () => {
  it("has the root that the definition gives", () => {
    fc.assert(
      fc.property(anyLeaves, (leaves) => {
        expect(rootOver(leaves.map(leafHash)).equals(definedRoot(leaves))).to.equal(true);
      }),
    );
  });

  it("proves every leaf, and no flipped bit of a proof passes", () => {
    fc.assert(
      fc.property(anyLeaves, fc.nat(), fc.nat(), (leaves, pick, bit) => {
        const index = pick % leaves.length;
        const claim = {
          ...{ index, size: leaves.length, leaf: leafHash(leaves[index] ?? Buffer.of()), root: definedRoot(leaves) },
        };
        const proof = partRoots(leaves, inclusionParts(index, leaves.length));
        expect(includes(claim, proof)).to.equal(true);
        expect(includes({ ...claim, leaf: flipped(claim.leaf, bit) }, proof)).to.equal(false);
        const wrong = proof.map((each, at) => (at === pick % proof.length ? flipped(each, bit) : each));
        if (proof.length > 0) expect(includes(claim, wrong)).to.equal(false);
      }),
    );
  });

  it("proves every beginning, and no flipped bit of a proof passes", () => {
    fc.assert(
      fc.property(anyLeaves, fc.nat(), fc.nat(), (leaves, pick, bit) => {
        const from = 1 + (pick % leaves.length);
        const older = { size: from, root: definedRoot(leaves.slice(0, from)) };
        const newer = { size: leaves.length, root: definedRoot(leaves) };
        const proof = partRoots(leaves, consistencyParts(from, leaves.length));
        expect(extendsTree(older, newer, proof)).to.equal(true);
        expect(extendsTree({ ...older, root: flipped(older.root, bit) }, newer, proof)).to.equal(false);
        const wrong = proof.map((each, at) => (at === pick % proof.length ? flipped(each, bit) : each));
        if (proof.length > 0) expect(extendsTree(older, newer, wrong)).to.equal(false);
      }),
    );
  });

  it("gives the root of any part from what is kept of it, over tiles of 256", async () => {
    const leaves = Array.from({ length: 70_000 }, (_, at) => leafHash(Buffer.from(String(at))));
    const levels = new Map<number, Hash[]>([[0, leaves]]);
    for (const level of [8, 16]) {
      const below = levels.get(level - 8) ?? [];
      const whole = Math.floor(below.length / 256);
      levels.set(
        level,
        Array.from({ length: whole }, (_, at) => rootOver(below.slice(at * 256, (at + 1) * 256))),
      );
    }
    let reads = 0;
    const tiles = new Tiles(async (level, from, to) => {
      reads += 1;
      return levels.get(level)?.slice(from, to) ?? [];
    });
    const root = await tiles.root({ begin: 0, end: 70_000 });
    expect(root.equals(rootOver(leaves))).to.equal(true);
    for (const index of [0, 255, 256, 65_535, 65_536, 69_999, 12_345]) {
      reads = 0;
      const parts = inclusionParts(index, 70_000);
      const fresh = new Tiles(async (level, from, to) => {
        reads += 1;
        return levels.get(level)?.slice(from, to) ?? [];
      });
      const proof: Hash[] = [];
      for (const part of parts) proof.push(await fresh.root(part));
      expect(includes({ index, size: 70_000, leaf: leaves[index] ?? root, root }, proof), `${index}`).to.equal(true);
      expect(reads, "tiles read for a proof").to.be.below(7);
    }
    const missing = new Tiles(async () => []);
    let said = "";
    await missing.root({ begin: 0, end: 3 }).catch((error: Error) => {
      said = error.message;
    });
    expect(said).to.contain("nothing at entry 1");
  });
});
