import { expect } from "chai";
import { ChainVerifier } from "../../core/ledger/chain.ts";
import { type Draft, GENESIS } from "../../core/ledger/entry.ts";
import {
  action,
  brokenDraft,
  claimed,
  decidedSettlement,
  decisionDraft,
  hint,
  kinds,
  type Rig,
  rejection,
  verified,
} from "./store-rig.ts";

const stop = (released: number): Draft => ({ kind: "stop", ticket: null, body: { worker: "worker-1", released } });

export function ledgerCases(rig: Rig): void {
  it("appends in order, without a gap, and answers the new end", async () => {
    const { store } = rig();
    const first = await store.append([stop(1), stop(2)]);
    const second = await store.append([stop(3)]);
    expect([first.seq, second.seq]).to.deep.equal([2, 3]);
    const entries = await store.entries(0, 10);
    expect(entries.map(({ seq, body }) => [seq, body])).to.deep.equal([
      [1, '{"released":1,"worker":"worker-1"}'],
      [2, '{"released":2,"worker":"worker-1"}'],
      [3, '{"released":3,"worker":"worker-1"}'],
    ]);
    expect(entries[0]?.prev).to.equal(GENESIS);
    expect(entries[1]?.hash).to.equal(first.hash);
    expect(await verified(store)).to.deep.equal({ ok: true, entries: 3, head: second.hash });
  });

  it("answers the present end when there is nothing to append", async () => {
    const { store } = rig();
    expect(await store.append([])).to.deep.equal({ seq: 0, hash: GENESIS });
    const head = await store.append([stop(1)]);
    expect(await store.append([])).to.deep.equal(head);
  });

  it("gives its entries page by page", async () => {
    const { store } = rig();
    await store.append(Array.from({ length: 25 }, (_, index) => stop(index)));
    const page = async (after: number): Promise<number[]> => (await store.entries(after, 10)).map(({ seq }) => seq);
    expect(await page(0)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(await page(10)).to.deep.equal([11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
    expect(await page(20)).to.deep.equal([21, 22, 23, 24, 25]);
    expect(await page(25)).to.deep.equal([]);
    expect(await verified(store, 7)).to.include({ ok: true, entries: 25 });
  });

  it("takes more entries in one append than one statement can hold", async () => {
    const { store } = rig();
    await store.append(Array.from({ length: 9_500 }, (_, index) => stop(index)));
    expect(await verified(store, 5_000)).to.include({ ok: true, entries: 9_500 });
  });

  it("tells the whole story of a ticket in the order in which it happened", async () => {
    const { store } = rig();
    const claim = await claimed(store);
    await store.intend(claim, [action("a1")], [decisionDraft(claim.ticket)]);
    await store.receive(claim, [{ actionId: "a1", outcome: "applied", detail: "" }]);
    await store.settle(claim, decidedSettlement(claim.ticket, { entries: [], park: { reason: "hold", detail: "" } }));
    await store.redrive("snow", "INC0010001", "someone");
    expect(await kinds(store)).to.deep.equal(["signal", "decision", "action", "receipt", "parked", "redrive"]);
    const entries = await store.entries(0, 10);
    expect(entries.every(({ ticket }) => ticket === claim.ticket)).to.equal(true);
    expect(entries.every(({ at }) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(at))).to.equal(true);
    expect(await verified(store)).to.include({ ok: true, entries: 6 });
  });

  it("writes nothing for what changed nothing: duplicates, retries, finishes, releases", async () => {
    const { store } = rig();
    const signal = hint("r1");
    await store.accept([signal], 0);
    await store.accept([signal], 0);
    const [claim] = await store.claim("worker-1", 1, 1_000);
    if (claim) await store.retry(claim, 0, "attempt");
    await store.release(await store.claim("worker-1", 1, 1_000));
    for (const last of await store.claim("worker-1", 1, 1_000)) await store.finish(last);
    expect(await kinds(store)).to.deep.equal(["signal"]);
  });
}

export function ledgerTruthCases(rig: Rig): void {
  it("stands or falls with what it tells of: a settle that fails leaves no trace", async () => {
    const { store } = rig();
    const claim = await claimed(store);
    const before = await rig().dump();
    const entries = [decisionDraft(claim.ticket), brokenDraft(claim.ticket)];
    await rejection(store.settle(claim, decidedSettlement(claim.ticket, { entries })));
    expect(await rig().dump()).to.deep.equal(before);
    expect(await store.settle(claim, decidedSettlement(claim.ticket))).to.equal(true);
    expect(await verified(store)).to.include({ ok: true, entries: 2 });
  });

  it("stands or falls with what it tells of: an intent that cannot be sealed is not recorded", async () => {
    const { store } = rig();
    const claim = await claimed(store);
    const before = await rig().dump();
    await rejection(store.intend(claim, [action("a1")], [brokenDraft(claim.ticket)]));
    expect(await rig().dump()).to.deep.equal(before);
  });

  it("refuses a whole append when one entry breaks its schema", async () => {
    const { store } = rig();
    await rejection(store.append([stop(1), brokenDraft("snow/incident/r1")]));
    expect((await rig().dump()).ledger).to.deep.equal([]);
  });

  it("is verified as broken after an entry was changed or cut out", async () => {
    const { store } = rig();
    await store.append([stop(1), stop(2), stop(3)]);
    const entries = await store.entries(0, 10);
    const cut = new ChainVerifier();
    for (const entry of entries.filter(({ seq }) => seq !== 2)) cut.add(entry);
    expect(cut.verdict()).to.include({ ok: false, seq: 2 });
    const changed = new ChainVerifier();
    for (const entry of entries)
      changed.add(entry.seq === 2 ? { ...entry, body: '{"released":9,"worker":"worker-1"}' } : entry);
    expect(changed.verdict()).to.include({ ok: false, seq: 2 });
  });
}
