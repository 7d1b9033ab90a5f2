import { expect } from "chai";
import fc from "fast-check";
import { commitmentTo, entryHash } from "../../../core/ledger/chain.ts";
import {
  type Checkpoint,
  verifierFrom,
  type Witness,
  witnessesIn,
  witnessLine,
} from "../../../core/ledger/checkpoint.ts";
import { type Draft, type Entry, GENESIS } from "../../../core/ledger/entry.ts";
import { type Known, type Verification, verifyLedger } from "../../../core/ledger/verify.ts";
import { checkpointOf, drafts, headOf, keyDraft, newSigner, sealed, sourceOf } from "./ledgers.ts";

const signer = newSigner();
const key = verifierFrom(signer.publicKey);
const ENTRIES = sealed(drafts(20, signer));
const CHECKPOINTS = [5, 10, 18].map((size) => checkpointOf(ENTRIES, size, signer));

function verified(
  entries: readonly Entry[],
  checkpoints: readonly unknown[] = CHECKPOINTS,
  known: Partial<Known> = {},
): Promise<Verification> {
  return verifyLedger(sourceOf(entries, checkpoints), { witnesses: [], ...known });
}

/** Makes every link and hash anew from `seq` on, as somebody would who knows how. */
function resealed(entries: readonly Entry[], from: number): Entry[] {
  let prev = entries[from - 2]?.hash ?? GENESIS;
  return entries.map((entry, at) => {
    if (at + 1 < from) return entry;
    const open = { ...entry, seq: at + 1, prev };
    const next = { ...open, hash: entryHash(open) };
    prev = next.hash;
    return next;
  });
}

function edited(entries: readonly Entry[], seq: number): Entry[] {
  return entries.map((entry) => (entry.seq === seq ? { ...entry, body: '{"released":99,"worker":"w1"}' } : entry));
}

const what = (verdict: Verification): string => ("what" in verdict ? verdict.what : "");

describe("verifyLedger", () => {
  it("says what holds: entries, root, checkpoints, what nobody has signed yet", async () => {
    expect(await verified(ENTRIES, CHECKPOINTS, key ? { key } : {})).to.deep.equal({
      ...{ ok: true, entries: 20, head: ENTRIES[19]?.hash, root: headOf(ENTRIES).root, dropped: 0 },
      ...{ checkpoints: 3, witnesses: 0, unsigned: 2, keys: [signer.keyId], anchored: true },
    });
  });

  it("takes a ledger of before there were checkpoints, and an empty one", async () => {
    expect(await verified(ENTRIES, [])).to.include({ ok: true, checkpoints: 0, unsigned: 20, anchored: false });
    expect(await verified([], [])).to.include({ ok: true, entries: 0, head: GENESIS });
  });

  it("takes several checkpoints and witnesses at one size", async () => {
    const twice = [...CHECKPOINTS, checkpointOf(ENTRIES, 20, signer)];
    const witnesses = [headOf(ENTRIES, 20), headOf(ENTRIES, 20), headOf(ENTRIES, 1), headOf(ENTRIES, 7)];
    expect(await verified(ENTRIES, twice, { witnesses })).to.include({ ok: true, checkpoints: 4, witnesses: 4 });
  });
});

describe("a ledger that was tampered with", () => {
  const line = (size: number): Witness[] => witnessesIn(`[il:1] done (${witnessLine(headOf(ENTRIES, size))})`);

  it("edit: names the entry; and with all hashes made anew, the first since the last checkpoint that holds", async () => {
    expect(await verified(edited(ENTRIES, 13))).to.include({ ok: false, seq: 13 });
    const verdict = await verified(resealed(edited(ENTRIES, 13), 13));
    expect(verdict).to.include({ ok: false, seq: 11 });
    expect(what(verdict)).to.equal("entries 11 to 18 are not the ones that the checkpoint of 18 entries has seen");
  });

  it("delete: likewise", async () => {
    const cut = ENTRIES.filter(({ seq }) => seq !== 7);
    expect(await verified(cut)).to.include({ ok: false, seq: 7 });
    expect(await verified(resealed(cut, 7))).to.include({ ok: false, seq: 6 });
  });

  it("insert: likewise", async () => {
    const more = ENTRIES.toSpliced(6, 0, ...ENTRIES.slice(2, 3));
    expect(await verified(more)).to.include({ ok: false });
    expect(await verified(resealed(more, 7))).to.include({ ok: false, seq: 6 });
  });

  it("reorder: likewise", async () => {
    const swapped = ENTRIES.toSpliced(6, 2, ...ENTRIES.slice(6, 8).reverse());
    expect(await verified(swapped)).to.include({ ok: false, seq: 7 });
    expect(await verified(resealed(swapped, 7))).to.include({ ok: false, seq: 6 });
  });

  it("truncated tail: found by the checkpoints that are left, and without those by a line in a note", async () => {
    const cut = ENTRIES.slice(0, 15);
    expect(await verified(cut)).to.deep.equal({
      ok: false,
      seq: 16,
      what: "the ledger ends at 15, and a checkpoint knows of 18 entries: its end was lost or cut off",
    });
    const left = CHECKPOINTS.slice(0, 2);
    expect(await verified(cut, left), "nothing that is left knows of it").to.include({ ok: true });
    const verdict = await verified(cut, left, { witnesses: line(18) });
    expect(verdict).to.include({ ok: false, seq: 16 });
    expect(what(verdict)).to.contain("a witness knows of 18 entries");
  });

  it("everything removed: found by a witness", async () => {
    expect(await verified([], [], { witnesses: line(18) })).to.include({ ok: false, seq: 1 });
  });

  it("rolled back to a backup and gone on from there: found by a line in a note", async () => {
    const backup = ENTRIES.slice(0, 12);
    const gone = sealed([...drafts(12, signer), ...drafts(9, signer).slice(1).reverse()]);
    expect(gone.slice(0, 12)).to.deep.equal(backup);
    const checkpoints = [...CHECKPOINTS.slice(0, 2), checkpointOf(gone, 20, signer)];
    expect(await verified(gone, checkpoints), "by itself it is sound").to.include({ ok: true });
    const verdict = await verified(gone, checkpoints, { witnesses: line(18) });
    expect(verdict).to.include({ ok: false, seq: 11 });
    expect(what(verdict)).to.contain("a witness of 18 entries has seen");
  });

  it("replaced as a whole: found by a key, by a checkpoint kept elsewhere, by a line in a note", async () => {
    const stranger = newSigner();
    const other = sealed(drafts(25, stranger));
    const theirs = [checkpointOf(other, 25, stranger)];
    expect(await verified(other, theirs), "by itself it is sound").to.include({ ok: true });
    expect(await verified(other, theirs, key ? { key } : {})).to.include({ ok: false, seq: 1 });
    expect(await verified(other, theirs, { witnesses: line(18) })).to.include({ ok: false, seq: 1 });
    const kept = await verified(other, theirs, { witnesses: CHECKPOINTS.slice(0, 1) });
    expect(what(kept)).to.contain("is of the ledger interlock-").and.to.contain(CHECKPOINTS[0]?.origin);
  });

  it("changed in any way, hashes made anew, and then signed by nobody: found by any later root (property)", async () => {
    const change = fc.constantFrom("edit", "delete", "insert", "swap", "cut");
    await fc.assert(
      fc.asyncProperty(change, fc.integer({ min: 2, max: 17 }), async (how, seq) => {
        const at = seq - 1;
        const forged = {
          edit: () => edited(ENTRIES, seq),
          delete: () => ENTRIES.toSpliced(at, 1),
          insert: () => ENTRIES.toSpliced(at, 0, ...ENTRIES.slice(0, 1)),
          swap: () => ENTRIES.toSpliced(at, 2, ...ENTRIES.slice(at, at + 2).reverse()),
          cut: () => ENTRIES.slice(0, at),
        }[how]();
        const verdict = await verified(resealed(forged, seq));
        expect(verdict.ok).to.equal(false);
        expect("seq" in verdict && verdict.seq <= seq, JSON.stringify(verdict)).to.equal(true);
      }),
    );
  });
});

describe("checkpoints of a ledger", () => {
  const changed = (change: Partial<Checkpoint>): unknown[] =>
    CHECKPOINTS.map((each, at) => (at === 1 ? { ...each, ...change } : each));

  it("that were changed are found, whatever of them", async () => {
    const other = checkpointOf(ENTRIES, 9, signer);
    const all: Partial<Checkpoint>[] = [
      { root: other.root },
      { at: "2026-03-02T09:00:02.000Z" },
      { keyId: "0123456789abcdef" },
      { signature: other.signature },
      { origin: "interlock-0123456789abcdef" },
      { size: 11 },
    ];
    for (const change of all)
      expect(await verified(ENTRIES, changed(change)), JSON.stringify(change)).to.include({ ok: false });
  });

  it("that cannot be read are found, and nothing is thrown", async () => {
    for (const odd of [null, {}, 7, { size: 3 }, { ...CHECKPOINTS[0], more: 1 }, { size: "x" }])
      expect(await verified(ENTRIES, [odd]), JSON.stringify(odd)).to.include({ ok: false });
  });

  it("of a new key are believed where one of the key before covers the entry that names it", async () => {
    const next = newSigner();
    const all: Draft[] = [...drafts(10, signer), keyDraft(next, signer.keyId), ...drafts(5, signer).slice(1)];
    const entries = sealed(all);
    const [old, over, last] = [
      checkpointOf(entries, 8, signer),
      checkpointOf(entries, 11, signer),
      checkpointOf(entries, 15, next),
    ];
    expect(await verified(entries, [old, over, last])).to.include({ ok: true, checkpoints: 3 });
    expect(await verified(entries, [old, over, last], key ? { key } : {})).to.include({ ok: true });
    const newest = verifierFrom(next.publicKey);
    expect(await verified(entries, [old, over, last], newest ? { key: newest } : {})).to.include({ ok: true });
    const unvouched = await verified(entries, [old, last]);
    expect(unvouched).to.include({ ok: false, seq: 11 });
    expect(what(unvouched)).to.contain(`the key ${next.keyId} signs checkpoints`);
  });

  it("of a key that no entry before them names are not believed", async () => {
    const stranger = newSigner();
    const verdict = await verified(ENTRIES, [...CHECKPOINTS, checkpointOf(ENTRIES, 20, stranger)]);
    expect(verdict).to.include({ ok: false, seq: 20 });
    expect(what(verdict)).to.contain("a key that no entry before it names");
  });
});

describe("bodies that were dropped", () => {
  const claim = (body: object): Draft => ({
    kind: "dropped",
    ticket: null,
    body: { ...{ why: "retention", by: "a", upTo: 0, kinds: [], seqs: [], count: 2 }, ...body },
  });
  function ledgerWith(body: object): Entry[] {
    const entries = sealed([...drafts(10, signer), claim(body)]);
    return entries.map((entry) =>
      entry.seq === 4 || entry.seq === 6
        ? { ...entry, body: "", salt: null, commitment: commitmentTo(entry.salt ?? "", entry.body) }
        : entry,
    );
  }

  it("are counted where an entry tells of them, by kind and hour or one by one", async () => {
    for (const body of [
      { upTo: 6, kinds: ["stop"] },
      { why: "erasure", seqs: [4, 6] },
    ])
      expect(await verified(ledgerWith(body), [])).to.include({ ok: true, entries: 11, dropped: 2 });
  });

  it("are named where none does", async () => {
    const untold = [{ upTo: 5, kinds: ["stop"] }, { upTo: 6, kinds: ["signal"] }, { seqs: [4] }, {}];
    const seqs = await Promise.all(untold.map((body) => verified(ledgerWith(body), [])));
    expect(seqs.map((verdict) => "seq" in verdict && verdict.seq)).to.deep.equal([6, 4, 6, 4]);
  });
});
