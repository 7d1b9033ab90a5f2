import { expect } from "chai";
import { type Draft, ENTRY_KINDS } from "../../core/ledger/entry.ts";
import { entryLeaf, extendsTree, includes, rootOver } from "../../core/ledger/merkle.ts";
import { verifyLedger } from "../../core/ledger/verify.ts";
import { ledgerOf } from "../../core/store/ledger-source.ts";
import type { Store } from "../../core/store/store.ts";
import { newSigner } from "../core/ledger/ledgers.ts";
import { type Rig, rejection } from "./store-rig.ts";

const stop = (released: number, worker = "worker-1"): Draft => ({
  kind: "stop",
  ticket: null,
  body: { worker, released },
});
const stops = (count: number): Draft[] => Array.from({ length: count }, (_, n) => stop(n));
const bytes = (hex: string): Buffer => Buffer.from(hex, "hex");

async function signed(store: Store): Promise<void> {
  const head = await store.treeHead();
  if (head) await store.keepCheckpoint(newSigner().sign(head, "2026-01-05T09:00:00.000Z"));
}

/** Follows the entries only: the keys of these checkpoints are nobody's. */
async function followed(store: Store) {
  const { entries, entriesOf } = ledgerOf(store);
  return verifyLedger({ entries, entriesOf, async *checkpoints() {} }, { witnesses: [] });
}

export function treeCases(rig: Rig): void {
  it("has no head while there is no entry", async () => {
    const { store } = rig();
    expect(await store.ledgerEnd()).to.equal(undefined);
    expect(await store.treeHead()).to.equal(undefined);
    expect(await store.lastCheckpoint()).to.equal(undefined);
  });

  it("has the root over all its entries, however they came and wherever it stops", async () => {
    const { store } = rig();
    let size = 0;
    for (const count of [1, 2, 252, 1, 1, 300, 2_000, 3]) {
      await store.append(stops(count));
      size += count;
      const leaves = (await store.entries(0, 5_000)).map(({ hash }) => entryLeaf(hash));
      const head = await store.treeHead();
      expect(head).to.include({ size, root: rootOver(leaves).toString("hex") });
      expect(await store.treeRoot(Math.ceil(size / 2))).to.equal(
        rootOver(leaves.slice(0, Math.ceil(size / 2))).toString("hex"),
      );
    }
    expect(await store.ledgerEnd()).to.include({ seq: size });
  });

  it("proves entries, and that it only ever grew", async () => {
    const { store } = rig();
    await store.append(stops(700));
    const before = await store.treeHead();
    await store.append(stops(800));
    const head = await store.treeHead();
    if (!head || !before) throw new Error("the ledger has entries");
    const entries = await store.entries(0, 2_000);
    const seqs = [1, 2, 256, 257, 700, 1_024, 1_500];
    for (const { seq, path } of await store.prove(seqs, head.size)) {
      const leaf = entryLeaf(entries[seq - 1]?.hash ?? "");
      const claim = { index: seq - 1, size: head.size, leaf, root: bytes(head.root) };
      expect(includes(claim, path.map(bytes)), `entry ${seq}`).to.equal(true);
    }
    const growth = await store.proveGrowth(before.size, head.size);
    const at = ({ size, root }: { size: number; root: string }) => ({ size, root: bytes(root) });
    expect(extendsTree(at(before), at(head), growth.map(bytes))).to.equal(true);
  });

  it("keeps checkpoints in the order of their sizes, one of each", async () => {
    const { store } = rig();
    for (const count of [3, 1, 5]) {
      await store.append(stops(count));
      await signed(store);
      await signed(store);
    }
    const kept = await store.checkpoints(0, 10);
    expect(kept.map(({ size }) => size)).to.deep.equal([3, 4, 9]);
    expect(await store.checkpoints(3, 1)).to.deep.equal(kept.slice(1, 2));
    expect(await store.lastCheckpoint()).to.deep.equal(kept[2]);
  });

  it("finds the entries of a ticket, and of a kind", async () => {
    const { store } = rig();
    const about = (ticket: string): Draft => ({ kind: "redrive", ticket, body: { by: "a" } });
    await store.append([about("snow/incident/1"), stop(1), about("snow/incident/2"), about("snow/incident/1")]);
    const seqs = async (which: Parameters<Store["entriesAbout"]>[0], after = 0): Promise<number[]> =>
      (await store.entriesAbout(which, after, 10)).map(({ seq }) => seq);
    expect(await seqs({ ticket: "snow/incident/1" })).to.deep.equal([1, 4]);
    expect(await seqs({ ticket: "snow/incident/1" }, 1)).to.deep.equal([4]);
    expect(await seqs({ kind: "stop" })).to.deep.equal([2]);
  });
}

export function droppingCases(rig: Rig): void {
  const none = { by: "a test", dryRun: false };
  const parked = (detail: string): Draft => ({
    kind: "parked",
    ticket: "snow/incident/1",
    body: { reason: "r", detail },
  });

  it("drops what is older than an hour, of the kinds that are named; says so, and still verifies", async () => {
    const { store, now, advance } = rig();
    await store.append([...stops(600), parked("d")]);
    advance(60_000);
    const beforeMs = now();
    advance(60_000);
    await store.append(stops(2));
    const root = (await store.treeHead())?.root;
    const dry = await store.drop({ ...none, dryRun: true, beforeMs, kinds: ["stop"] });
    expect(dry).to.deep.equal({ bodies: 600, unsalted: 0, upTo: 601 });
    expect(await followed(store), "a dry run drops nothing").to.include({ ok: true, dropped: 0, entries: 603 });
    expect(await store.drop({ ...none, beforeMs, kinds: ["stop"] })).to.deep.equal(dry);
    expect(await followed(store)).to.include({ ok: true, dropped: 600, entries: 604 });
    expect(await store.treeRoot(603)).to.equal(root);
    const [first] = await store.entries(0, 1);
    expect(first).to.include({ body: "", salt: null, kind: "stop" });
    expect(first?.commitment).to.match(/^[0-9a-f]{64}$/);
    expect((await store.entries(600, 1))[0]?.body, "of another kind").to.contain('"detail":"d"');
    expect((await store.entries(603, 1))[0]?.body).to.equal(
      '{"by":"a test","count":600,"kinds":["stop"],"seqs":[],"upTo":601,"why":"retention"}',
    );
    expect(await store.drop({ ...none, beforeMs, kinds: ["stop"] }), "nothing is left").to.include({ bodies: 0 });
    expect((await store.ledgerEnd())?.seq).to.equal(604);
  });

  it("drops everything old where no kind is named, but keys and what tells of dropping", async () => {
    const { store, now, advance } = rig();
    const { keyId, publicKey } = newSigner();
    await store.append([{ kind: "key", ticket: null, body: { keyId, publicKey, previous: null } }, stop(1)]);
    advance(60_000);
    await store.drop({ ...none, beforeMs: now(), kinds: [] });
    advance(60_000);
    await store.drop({ ...none, beforeMs: now(), kinds: [] });
    const bodies = (await store.entries(0, 10)).map(({ kind, body }) => [kind, body === ""]);
    expect(bodies).to.deep.equal([
      ["key", false],
      ["stop", true],
      ["dropped", false],
    ]);
    expect(await followed(store)).to.include({ ok: true, dropped: 1 });
  });

  it("erases a person: every body that names the id, as a word, and no other", async () => {
    const { store } = rig();
    const texts = ["ann", "by ann, late", '"ann"', "joann", "ann2", "an%", "ANN", "bob\\ann"];
    await store.append([...texts.map(parked), stop(1, "ann")]);
    const erased = await store.drop({ ...none, person: "ann" });
    expect(erased).to.deep.equal({ bodies: 5, unsalted: 0, upTo: 9 });
    const left = await store.entries(0, 20);
    expect(left.filter(({ body }) => body === "").map(({ seq }) => seq)).to.deep.equal([1, 2, 3, 8, 9]);
    const told = left.at(-1);
    expect(told?.body).to.contain('"seqs":[1,2,3,8,9]').and.not.to.contain("ann");
    expect(await followed(store)).to.include({ ok: true, dropped: 5 });
    expect(await store.drop({ ...none, person: "ann" })).to.include({ bodies: 0 });
    expect(await store.drop({ ...none, person: "an_" }), "no pattern").to.include({ bodies: 0 });
    expect(await store.drop({ ...none, person: "an%" })).to.include({ bodies: 1 });
  });

  it("erases a person with more entries than one entry can name", async () => {
    const { store } = rig();
    await store.append(Array.from({ length: 1_203 }, () => stop(1, "ann")));
    expect(await store.drop({ ...none, person: "ann" })).to.include({ bodies: 1_203 });
    expect(await followed(store)).to.include({ ok: true, dropped: 1_203, entries: 1_206 });
  });

  it("knows every kind that there is", async () => {
    const { store, now } = rig();
    await store.append([stop(1)]);
    const kinds = ENTRY_KINDS.filter((kind) => kind !== "stop");
    expect(await store.drop({ ...none, beforeMs: now() + 60_000, kinds })).to.include({ bodies: 0 });
  });

  it("does not make up a tree where entries are missing", async () => {
    const { store } = rig();
    await store.append(stops(3));
    expect(await rejection(store.treeRoot(4))).to.match(/nothing at entry 4/);
  });
}
