import { expect } from "chai";
import type { Intent } from "../../core/store/store.ts";
import {
  action,
  brokenDraft,
  claimed,
  claimOne,
  decidedSettlement,
  HOSTILE,
  HOUR,
  kinds,
  MINUTE,
  present,
  type Rig,
  rejection,
  verified,
} from "./store-rig.ts";

const set: Intent = {
  ...action("a1"),
  basis: { recordType: "incident", revision: "4", patch: { g: { group: "Network" } }, seen: { g: null } },
};
const note = action("a2", {
  kind: "note",
  field: "note",
  before: null,
  after: null,
  because: ["network", "default"],
});
const numbers = action("a3", { field: "priority", before: 3, after: 1, because: [] });

export function actionCases(rig: Rig): void {
  it("brings intents back as open on the next claim, as they were recorded", async () => {
    const { store, advance } = rig();
    const claim = await claimed(store);
    expect(await store.intend(claim, [set, note, numbers], [])).to.equal(true);
    advance(HOUR);
    const { open } = await claimOne(store);
    expect(
      open.map(({ intentAtMs, inDoubtSinceMs, ...intent }) => intent).sort((a, b) => (a.id < b.id ? -1 : 1)),
    ).to.deep.equal([set, note, numbers]);
    expect(new Set(open.map(({ intentAtMs }) => intentAtMs)).size).to.equal(1);
    expect(open.every(({ intentAtMs }) => intentAtMs > 0)).to.equal(true);
    expect(await kinds(store)).to.deep.equal(["signal", "action", "action", "action"]);
  });

  it("brings open intents to their own ticket only", async () => {
    const { store, advance } = rig();
    await store.intend(await claimed(store, "r1"), [set], []);
    await store.intend(await claimed(store, "r2"), [note], []);
    advance(HOUR);
    const claims = await store.claim("worker-2", 10, HOUR);
    const pairs = claims.map(({ recordId, open }) => [recordId, open.map(({ id }) => id)]);
    expect(Object.fromEntries(pairs)).to.deep.equal({ r1: ["a1"], r2: ["a2"] });
  });
}

export function receiptCases(rig: Rig): void {
  it("closes intents with receipts, one by one", async () => {
    const { store, advance } = rig();
    const claim = await claimed(store);
    await store.intend(claim, [set, note, numbers], []);
    const receipts = [
      { actionId: "a1", outcome: "applied" as const, detail: "" },
      { actionId: "a2", outcome: "unconfirmed" as const, detail: "the journal cannot be read" },
    ];
    expect(await store.receive(claim, receipts)).to.equal(true);
    advance(HOUR);
    const again = await claimOne(store);
    expect(again.open.map(({ id }) => id)).to.deep.equal(["a3"]);
    await store.receive(again, [{ actionId: "a3", outcome: "abandoned", detail: "not found on reading back" }]);
    await store.finish(again);
    expect((await claimed(store)).open).to.deep.equal([]);
    const view = present(await store.view("snow", "r1"));
    expect(view.actions.map(({ id, state, detail }) => [id, state, detail]).sort()).to.deep.equal([
      ["a1", "applied", ""],
      ["a2", "unconfirmed", "the journal cannot be read"],
      ["a3", "abandoned", "not found on reading back"],
    ]);
    expect(view.actions.every(({ intentAtMs, receiptAtMs }) => (receiptAtMs ?? 0) >= intentAtMs)).to.equal(true);
    expect((await kinds(store)).filter((kind) => kind === "receipt")).to.have.length(3);
  });

  it("closes intents in one commit with what is remembered of them", async () => {
    const { store } = rig();
    const claim = await claimed(store);
    await store.intend(claim, [set, note], []);
    const receipts = [{ actionId: "a1", outcome: "applied" as const, detail: "" }];
    const before = await rig().dump();
    const broken = decidedSettlement(claim.ticket, { receipts, entries: [brokenDraft(claim.ticket)] });
    await rejection(store.settle(claim, broken));
    expect(await rig().dump()).to.deep.equal(before);
    const park = { reason: "hold", detail: "" };
    expect(await store.settle(claim, decidedSettlement(claim.ticket, { receipts, park }))).to.equal(true);
    expect((await kinds(store)).slice(3)).to.deep.equal(["receipt", "decision", "parked"]);
    expect((await claimed(store)).open.map(({ id }) => id)).to.deep.equal(["a2"]);
  });

  it("counts the time in which an unanswered call may still be applied from its end", async () => {
    const { store, advance } = rig();
    const claim = await claimed(store);
    await store.intend(claim, [set, note], []);
    await store.receive(claim, [{ actionId: "a2", outcome: "applied", detail: "" }]);
    const before = present(await store.view("snow", "r1"));
    advance(MINUTE);
    expect(await store.doubt(claim)).to.equal(true);
    const doubtedMs = rig().now();
    expect(present(await store.view("snow", "r1")).actions, "the intents keep their hours").to.deep.equal(
      before.actions,
    );
    advance(HOUR);
    const { open } = await claimOne(store);
    expect(open.map(({ id }) => id)).to.deep.equal(["a1"]);
    expect(open[0]?.inDoubtSinceMs).to.be.closeTo(doubtedMs, MINUTE / 2);
  });

  it("counts it from when a worker's death is noticed, where the worker could not say, and only once", async () => {
    const { store, advance } = rig();
    await store.intend(await claimed(store), [set], []);
    advance(HOUR);
    const noticedMs = rig().now();
    const [first] = (await claimOne(store)).open;
    expect(first?.inDoubtSinceMs).to.be.closeTo(noticedMs, MINUTE / 2);
    expect(noticedMs - (first?.intentAtMs ?? 0)).to.be.greaterThan(MINUTE);
    advance(HOUR);
    const [second] = (await claimOne(store)).open;
    expect(second?.inDoubtSinceMs).to.equal(first?.inDoubtSinceMs);
  });
}

export function receiptTextCases(rig: Rig): void {
  it("takes a receipt with any text", async () => {
    const { store } = rig();
    const claim = await claimed(store);
    const texts = Object.values(HOSTILE);
    await store.intend(
      claim,
      texts.map((_, index) => action(`h${index}`)),
      [],
    );
    const receipts = texts.map((detail, index) => ({ actionId: `h${index}`, outcome: "dropped" as const, detail }));
    expect(await store.receive(claim, receipts)).to.equal(true);
    await store.finish(claim);
    expect((await claimed(store)).open).to.deep.equal([]);
    expect(await verified(store)).to.include({ ok: true });
  });

  it("does not rewrite the first receipt of an action with a later one", async () => {
    const { store } = rig();
    const claim = await claimed(store);
    await store.intend(claim, [set], []);
    await store.receive(claim, [{ actionId: "a1", outcome: "applied", detail: "first" }]);
    await store.receive(claim, [{ actionId: "a1", outcome: "abandoned", detail: "second" }]);
    expect(present(await store.view("snow", "r1")).actions[0]).to.include({ state: "applied", detail: "first" });
  });

  it("records no intent twice under one id, and none of the batch with it", async () => {
    const { store } = rig();
    const claim = await claimed(store);
    await store.intend(claim, [set], []);
    const before = await rig().dump();
    await rejection(store.intend(claim, [numbers, set], []));
    expect(await rig().dump()).to.deep.equal(before);
  });
}
