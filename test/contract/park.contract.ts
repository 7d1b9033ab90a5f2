import { expect } from "chai";
import type { Claim, Store } from "../../core/store/store.ts";
import {
  claimed,
  claimOne,
  decidedSettlement,
  due,
  HOUR,
  hint,
  kinds,
  type Rig,
  SECOND,
  settlement,
  workRow,
} from "./store-rig.ts";

const HOLD = { reason: "hold", detail: "a person is waited for" };

/** A claim whose ticket has failed before. */
async function troubled(store: Store, recordId = "r1"): Promise<Claim> {
  await store.retry(await claimed(store, recordId), 0, "attempt");
  await store.retry(await claimOne(store), 0, "outage");
  return claimOne(store);
}

export function parkCases(rig: Rig): void {
  it("hides a parked ticket from claim and lists it with its reason", async () => {
    const { store, advance } = rig();
    const claim = await troubled(store);
    expect(await store.park(claim, "rejected", "the vendor refused the write")).to.equal(true);
    advance(HOUR);
    expect(await due(store)).to.deep.equal([]);
    expect(await store.counts()).to.include({ pending: 0, leased: 0, parked: 1 });
    const [parked] = await store.parked(10);
    expect(parked).to.include({
      ticket: claim.ticket,
      connection: "snow",
      key: "r1",
      reason: "rejected",
      detail: "the vendor refused the write",
      attempts: 1,
    });
    expect(await kinds(store)).to.deep.equal(["signal", "parked"]);
  });

  it("lists the latest first and no more than it is told", async () => {
    const { store, advance } = rig();
    for (const recordId of ["r1", "r2", "r3"]) {
      await store.park(await claimed(store, recordId), "rejected", "");
      advance(SECOND);
    }
    expect((await store.parked(2)).map(({ key }) => key)).to.deep.equal(["r3", "r2"]);
  });

  it("makes a parked ticket due again with a new hint, its counters at nought", async () => {
    const { store } = rig();
    await store.park(await troubled(store), "rejected", "");
    await store.accept([hint("r1")], 0);
    expect(await store.counts()).to.include({ pending: 1, parked: 0 });
    expect(await workRow(rig())).to.include({ parked_at: null, parked_reason: null, parked_detail: null });
    expect(await claimOne(store)).to.deep.include({ attempts: 0, outages: 0, generation: 2 });
  });

  it("lets a hint rest for settleMs before it unparks into a claim", async () => {
    const { store, advance } = rig();
    await store.park(await claimed(store), "rejected", "");
    await store.accept([hint("r1")], HOUR);
    expect(await due(store)).to.deep.equal([]);
    advance(HOUR);
    expect(await due(store)).to.deep.equal(["r1"]);
  });
}

export function parkInWorkCases(rig: Rig): void {
  it("keeps a ticket due instead of parking it when a hint came while it was in work", async () => {
    const { store } = rig();
    const claim = await troubled(store);
    await store.accept([hint("r1")], 0);
    expect(await store.park(claim, "rejected", "")).to.equal(true);
    expect(await store.parked(10)).to.deep.equal([]);
    expect(await kinds(store)).to.deep.equal(["signal", "signal"]);
    expect(await claimOne(store)).to.deep.include({ generation: 2 });
  });

  it("settles and parks in one", async () => {
    const { store, advance } = rig();
    const claim = await claimed(store);
    const { due_at } = await workRow(rig());
    const wakeAtMs = Number(due_at) + HOUR;
    expect(await store.settle(claim, decidedSettlement(claim.ticket, { park: HOLD, wakeAtMs }))).to.equal(true);
    advance(2 * HOUR);
    expect(await due(store)).to.deep.equal([]);
    expect((await store.parked(10))[0]).to.include({ key: "INC0010001", ...HOLD });
    expect((await store.view("snow", "INC0010001"))?.revision).to.equal("7");
    expect(await kinds(store)).to.deep.equal(["signal", "decision", "parked"]);
  });

  it("remembers but does not park when a hint came before a settle with park", async () => {
    const { store } = rig();
    const claim = await claimed(store);
    await store.accept([hint("r1")], 0);
    expect(await store.settle(claim, decidedSettlement(claim.ticket, { park: HOLD }))).to.equal(true);
    expect(await store.parked(10)).to.deep.equal([]);
    expect(await kinds(store)).to.deep.equal(["signal", "signal", "decision"]);
    expect((await claimOne(store)).memory?.revision).to.equal("7");
  });
}

export function redriveCases(rig: Rig): void {
  it("makes a parked ticket due, its counters at nought, and tells the ledger who asked", async () => {
    const { store } = rig();
    const claim = await troubled(store);
    await store.park(claim, "rejected", "");
    expect(await store.redrive("snow", "r1", "someone")).to.equal(true);
    expect(await store.counts()).to.include({ pending: 1, parked: 0 });
    const [, , redriven] = await store.entries(0, 10);
    expect(redriven).to.include({ kind: "redrive", ticket: claim.ticket, body: '{"by":"someone"}' });
    expect(await claimOne(store)).to.deep.include({ attempts: 0, outages: 0, generation: 2 });
  });

  it("finds the ticket by what people call it, too", async () => {
    const { store } = rig();
    const claim = await claimed(store);
    await store.settle(claim, decidedSettlement(claim.ticket, { park: HOLD }));
    expect(await store.redrive("snow", "INC0010001", "someone")).to.equal(true);
    expect(await due(store)).to.deep.equal(["r1"]);
  });

  it("answers false and changes nothing for a ticket that is unknown, not parked, or on another connection", async () => {
    const { store } = rig();
    const claim = await claimed(store);
    await store.settle(claim, settlement());
    await store.park(await claimed(store, "r2"), "rejected", "");
    const before = await rig().dump();
    expect(await store.redrive("snow", "nobody", "someone")).to.equal(false);
    expect(await store.redrive("snow", "r1", "someone")).to.equal(false);
    expect(await store.redrive("jira", "r2", "someone")).to.equal(false);
    expect(await rig().dump()).to.deep.equal(before);
  });

  it("dismisses a stray delivery, which has no record to read, once and in the ledger", async () => {
    const { store } = rig();
    const stray = (unlocated: string) => hint("", { target: { unlocated } });
    await store.accept([stray("no table"), stray("no sys_id")], 0);
    const [gone, stays] = await store.parked(10);
    expect(await store.redrive("snow", gone?.key ?? "", "someone")).to.equal(true);
    expect((await store.parked(10)).map(({ ticket }) => ticket)).to.deep.equal([stays?.ticket]);
    expect(await store.view("snow", gone?.key ?? "")).to.equal(undefined);
    expect(await store.counts()).to.include({ pending: 0, parked: 1 });
    expect((await store.entries(0, 100)).at(-1)).to.include({ kind: "redrive", ticket: gone?.ticket });
    expect(await store.redrive("snow", gone?.key ?? "", "someone")).to.equal(false);
  });

  it("is only done once", async () => {
    const { store } = rig();
    await store.park(await claimed(store), "rejected", "");
    const answers = await Promise.all([1, 2, 3, 4].map(() => store.redrive("snow", "r1", "someone")));
    expect(answers.filter(Boolean)).to.have.length(1);
    expect(await kinds(store)).to.deep.equal(["signal", "parked", "redrive"]);
  });
}
