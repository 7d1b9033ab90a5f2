import { expect } from "chai";
import type { NewSignal } from "../../core/store/store.ts";
import {
  claimOne,
  due,
  HOSTILE,
  HOUR,
  hint,
  hints,
  kinds,
  MINUTE,
  type Rig,
  START_MS,
  verified,
  workRow,
} from "./store-rig.ts";

const HUNDRED = 100;

export function dedupeCases(rig: Rig): void {
  const accept = (...signals: NewSignal[]): Promise<("accepted" | "duplicate")[]> => rig().store.accept(signals, 0);

  it("knows a delivery again by its id", async () => {
    const first = hint("r1");
    expect(await accept(first)).to.deep.equal(["accepted"]);
    expect(await accept(hint("r1", { deliveryId: first.deliveryId }))).to.deep.equal(["duplicate"]);
    expect(await rig().store.counts()).to.include({ signals: 1, ledger: 1 });
    expect(await workRow(rig())).to.include({ generation: 1 });
  });

  it("knows a delivery again by its body", async () => {
    const first = hint("r1");
    await accept(first);
    expect(await accept(hint("r1", { bodyDigest: first.bodyDigest }))).to.deep.equal(["duplicate"]);
    expect(await rig().store.counts()).to.include({ signals: 1, ledger: 1 });
  });

  it("takes the same id and body on another connection for another delivery", async () => {
    const first = hint("r1");
    expect(await accept(first, { ...first, connection: "jira" })).to.deep.equal(["accepted", "accepted"]);
    expect(await accept({ ...first, connection: "jira" })).to.deep.equal(["duplicate"]);
  });

  it("knows doubles inside one batch, by id, by body and by both", async () => {
    const a = hint("r1", { deliveryId: "a", bodyDigest: "1" });
    const b = hint("r2", { deliveryId: "b", bodyDigest: "2" });
    const answers = await accept(
      a,
      { ...a, bodyDigest: "3" },
      { ...a, deliveryId: "c" },
      b,
      { ...b },
      hint("r3", { deliveryId: "b", bodyDigest: "1" }),
    );
    expect(answers).to.deep.equal(["accepted", "duplicate", "duplicate", "accepted", "duplicate", "duplicate"]);
    expect((await rig().dump()).work.map(({ record_id, generation }) => [record_id, generation])).to.deep.equal([
      ["r1", 1],
      ["r2", 1],
    ]);
  });

  it("compares with what was kept only: a duplicate does not make others duplicates", async () => {
    const a = hint("r1", { deliveryId: "a", bodyDigest: "1" });
    const answers = await accept(a, { ...a, bodyDigest: "2" }, hint("r2", { deliveryId: "b", bodyDigest: "2" }));
    expect(answers).to.deep.equal(["accepted", "duplicate", "accepted"]);
  });

  it("never takes hints without id and body, such as a timer's, for doubles", async () => {
    const timer = hint("r1", { cause: "timer", deliveryId: null, bodyDigest: null });
    expect(await accept(timer, timer)).to.deep.equal(["accepted", "accepted"]);
    expect(await accept(timer)).to.deep.equal(["accepted"]);
    expect(await workRow(rig())).to.include({ generation: 3 });
  });
}

export function copiesCases(rig: Rig): void {
  const accept = (...signals: NewSignal[]): Promise<("accepted" | "duplicate")[]> => rig().store.accept(signals, 0);

  it("makes one row and one accepted of a hundred copies that arrive at once", async () => {
    const copy = hint("r1");
    const answers = await Promise.all(Array.from({ length: HUNDRED }, () => accept(copy)));
    expect(answers.flat().filter((answer) => answer === "accepted")).to.have.length(1);
    expect(await workRow(rig())).to.include({ generation: 1 });
    expect(await rig().store.counts()).to.include({ signals: 1, pending: 1, ledger: 1 });
  });

  it("makes one row and one accepted of a hundred copies in one batch", async () => {
    const answers = await accept(...Array<NewSignal>(HUNDRED).fill(hint("r1")));
    expect(answers).to.have.length(HUNDRED);
    expect(answers.indexOf("accepted")).to.equal(0);
    expect(answers.lastIndexOf("accepted")).to.equal(0);
    expect(await workRow(rig())).to.include({ generation: 1 });
  });
}

export function acceptCases(rig: Rig): void {
  it("takes an empty batch", async () => {
    expect(await rig().store.accept([], 0)).to.deep.equal([]);
    expect((await rig().dump()).ledger).to.deep.equal([]);
  });

  it("makes one row of many hints at one ticket, and counts them", async () => {
    for (let batch = 0; batch < 5; batch += 1)
      await rig().store.accept(
        Array.from({ length: 4 }, () => hint("r1")),
        0,
      );
    expect(await workRow(rig())).to.include({ generation: 20, ticket: "snow/incident/r1" });
    expect(await due(rig().store)).to.deep.equal(["r1"]);
  });

  it("takes far more hints in one batch than one statement can hold", async () => {
    const answers = await rig().store.accept(hints(4_500), 0);
    expect(new Set(answers)).to.deep.equal(new Set(["accepted"]));
    expect(await rig().store.counts()).to.deep.equal({
      signals: 4_500,
      pending: 4_500,
      parked: 0,
      leased: 0,
      ledger: 4_500,
    });
    expect(await verified(rig().store, 1_000)).to.include({ ok: true, entries: 4_500 });
  });

  it("lets a hint rest for settleMs before its ticket can be claimed", async () => {
    await rig().store.accept([hint("r1")], HOUR);
    expect(await due(rig().store)).to.deep.equal([]);
    rig().advance(HOUR - MINUTE);
    expect(await due(rig().store)).to.deep.equal([]);
    rig().advance(MINUTE);
    expect(await due(rig().store)).to.deep.equal(["r1"]);
  });

  it("keeps the earliest due time: later hints neither push it back nor start the rest anew", async () => {
    const { store, advance } = rig();
    await store.accept([hint("r1")], HOUR);
    advance(30 * MINUTE);
    await store.accept([hint("r1")], HOUR);
    advance(30 * MINUTE);
    expect(await due(store)).to.deep.equal(["r1"]);
  });

  it("brings a ticket forward that was due later", async () => {
    await rig().store.accept([hint("r1")], HOUR);
    await rig().store.accept([hint("r1")], 0);
    expect(await due(rig().store)).to.deep.equal(["r1"]);
  });

  it("remembers the record's key, from whichever hint of a batch names it, and keeps it", async () => {
    const keyed = (recordKey: string): NewSignal =>
      hint("10001", { target: { type: "issue", recordId: "10001", recordKey } });
    const bare = (): NewSignal => hint("10001", { target: { type: "issue", recordId: "10001" } });
    await rig().store.accept([bare(), keyed("OPS-1"), bare()], 0);
    await rig().store.accept([bare()], 0);
    expect((await claimOne(rig().store)).recordKey).to.equal("OPS-1");
    await rig().store.accept([keyed("NEW-1")], 0);
    expect(await workRow(rig())).to.include({ record_key: "NEW-1" });
  });
}

export function untargetedCases(rig: Rig): void {
  it("parks what points at no record, with the reason, and lists it", async () => {
    const stray = hint("", { target: { unlocated: "the body is not JSON" } });
    expect(await rig().store.accept([stray], 0)).to.deep.equal(["accepted"]);
    expect(await rig().store.accept([stray], 0)).to.deep.equal(["duplicate"]);
    expect(await due(rig().store)).to.deep.equal([]);
    const parked = await rig().store.parked(10);
    expect(parked).to.have.length(1);
    expect(parked[0]).to.include({
      connection: "snow",
      reason: "unlocated",
      detail: "the body is not JSON",
      attempts: 0,
    });
    expect(await kinds(rig().store)).to.deep.equal(["signal", "parked"]);
    expect(await rig().store.counts()).to.include({ signals: 1, pending: 0, parked: 1 });
  });

  it("parks one row for each reason and connection, and leaves located hints of the batch alone", async () => {
    const stray = (unlocated: string, connection = "snow"): NewSignal =>
      hint("", { connection, target: { unlocated } });
    await rig().store.accept([stray("no table"), hint("r1"), stray("no table"), stray("no issue")], 0);
    await rig().store.accept([stray("no table"), stray("no table", "jira")], 0);
    const parked = (await rig().store.parked(10)).map(({ connection, detail }) => `${connection}: ${detail}`).sort();
    expect(parked).to.deep.equal(["jira: no table", "snow: no issue", "snow: no table"]);
    expect(await rig().store.counts()).to.include({ signals: 6, ledger: 11 });
    expect(await due(rig().store)).to.deep.equal(["r1"]);
  });

  for (const [what, text] of Object.entries(HOSTILE)) {
    it(`takes a reason with ${what}, and the others of its batch with it`, async () => {
      const stray = hint("", { target: { unlocated: text } });
      expect(await rig().store.accept([hint("r1"), stray], 0)).to.deep.equal(["accepted", "accepted"]);
      expect(await rig().store.parked(10)).to.have.length(1);
      expect(await verified(rig().store)).to.include({ ok: true, entries: 3 });
      const claim = await claimOne(rig().store);
      expect(await rig().store.park(claim, "rejected", text)).to.equal(true);
      expect(await rig().store.parked(10)).to.have.length(2);
      expect(await verified(rig().store)).to.include({ ok: true, entries: 4 });
    });
  }

  it("remembers a hint at a record without mapping for dedupe, and makes no work of it", async () => {
    const unmapped = hint("", { target: null });
    expect(await rig().store.accept([unmapped, unmapped], 0)).to.deep.equal(["accepted", "duplicate"]);
    expect(await rig().store.accept([unmapped], 0)).to.deep.equal(["duplicate"]);
    expect((await rig().dump()).work).to.deep.equal([]);
    expect(await rig().store.counts()).to.deep.equal({ signals: 1, pending: 0, parked: 0, leased: 0, ledger: 1 });
    expect((await rig().store.entries(0, 10)).map(({ kind, ticket }) => [kind, ticket])).to.deep.equal([
      ["signal", null],
    ]);
  });
}

export function forgetCases(rig: Rig): void {
  const received = (recordId: string, minute: number): NewSignal =>
    hint(recordId, { receivedAtMs: START_MS + minute * MINUTE });

  it("forgets no more at once than it is told, and nothing that is young enough", async () => {
    const signals = [3, 1, 4, 2, 5].map((minute) => received(`r${minute}`, minute));
    await rig().store.accept(signals, 0);
    const left = async (): Promise<unknown[]> => (await rig().dump()).signals.map(({ ticket }) => ticket).sort();
    expect(await rig().store.forgetSignals(START_MS + 4 * MINUTE, 2)).to.equal(2);
    expect(await left())
      .to.have.length(3)
      .and.to.include.members(["snow/incident/r4", "snow/incident/r5"]);
    expect(await rig().store.forgetSignals(START_MS + 4 * MINUTE, 2)).to.equal(1);
    expect(await rig().store.forgetSignals(START_MS + 4 * MINUTE, 2)).to.equal(0);
    expect(await left()).to.deep.equal(["snow/incident/r4", "snow/incident/r5"]);
  });

  it("lets a forgotten delivery in again, and leaves the work as it is", async () => {
    const first = received("r1", 0);
    await rig().store.accept([first], 0);
    const before = await rig().dump();
    await rig().store.forgetSignals(START_MS + 1, 10);
    expect({ ...(await rig().dump()), signals: [] }).to.deep.equal({ ...before, signals: [] });
    expect(await rig().store.accept([first], 0)).to.deep.equal(["accepted"]);
    expect(await workRow(rig())).to.include({ generation: 2 });
  });

  it("lets a forgotten stray in again, still parked once", async () => {
    const stray = hint("", { target: { unlocated: "no table" } });
    await rig().store.accept([stray], 0);
    await rig().store.forgetSignals(START_MS + 1, 10);
    expect(await rig().store.accept([stray], 0)).to.deep.equal(["accepted"]);
    expect(await rig().store.parked(10)).to.have.length(1);
  });
}
