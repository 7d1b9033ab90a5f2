import { expect } from "chai";
import type { Claim } from "../../core/store/store.ts";
import {
  claimed,
  claimOne,
  decidedSettlement,
  due,
  HOUR,
  hint,
  LEASE,
  MINUTE,
  type Rig,
  settlement,
  workRow,
} from "./store-rig.ts";

export function endOfClaimCases(rig: Rig): void {
  it("leaves nothing due after settle when no hint came meanwhile", async () => {
    const claim = await claimed(rig().store);
    expect(await rig().store.settle(claim, decidedSettlement(claim.ticket))).to.equal(true);
    expect(await workRow(rig())).to.include({ due_at: null, lease_until: null, lease_owner: null });
    expect(await rig().store.counts()).to.include({ pending: 0, leased: 0 });
  });

  it("leaves a ticket due after settle when a hint came while it was leased", async () => {
    const { store } = rig();
    const claim = await claimed(store);
    await store.accept([hint("r1")], 0);
    expect(await due(store)).to.deep.equal([]);
    expect(await store.settle(claim, decidedSettlement(claim.ticket, { wakeAtMs: null }))).to.equal(true);
    const again = await claimOne(store);
    expect(again).to.deep.include({ generation: 2, attempts: 0 });
    expect(again.memory?.revision).to.equal("7");
    expect(await store.settle(again, settlement())).to.equal(true);
    expect(await due(store)).to.deep.equal([]);
  });

  it("leaves a ticket due after finish when a hint came meanwhile, and only then", async () => {
    const { store } = rig();
    await store.accept([hint("r2")], 0);
    await store.finish(await claimOne(store));
    const claim = await claimed(store, "r1");
    await store.accept([hint("r1")], 0);
    expect(await store.finish(claim)).to.equal(true);
    expect(await due(store)).to.deep.equal(["r1"]);
  });

  it("wakes a settled ticket at the hour it asked for", async () => {
    const { store, advance } = rig();
    const claim = await claimed(store);
    const { due_at } = await workRow(rig());
    await store.settle(claim, decidedSettlement(claim.ticket, { wakeAtMs: Number(due_at) + HOUR }));
    advance(HOUR - MINUTE);
    expect(await due(store)).to.deep.equal([]);
    advance(MINUTE);
    expect(await due(store)).to.deep.equal(["r1"]);
  });

  it("does not let a wake hour put off a hint that came meanwhile", async () => {
    const { store } = rig();
    const claim = await claimed(store);
    const { due_at } = await workRow(rig());
    await store.accept([hint("r1")], 0);
    await store.settle(claim, decidedSettlement(claim.ticket, { wakeAtMs: Number(due_at) + HOUR }));
    expect(await due(store)).to.deep.equal(["r1"]);
  });

  it("gives back with release only what is still ours, due at once and with no try counted", async () => {
    const { store, advance } = rig();
    const lost = await claimed(store, "lost");
    advance(LEASE);
    const taken = await claimOne(store, "worker-2");
    const kept = await claimed(store, "kept");
    const done = await claimed(store, "done");
    await store.finish(done);
    expect(await store.release([lost, kept, done])).to.equal(1);
    expect(await store.release([kept])).to.equal(0);
    const again = await claimOne(store);
    expect(again).to.deep.include({ recordId: "kept", attempts: 0, outages: 0, fence: kept.fence + 1 });
    expect(await store.finish(taken)).to.equal(true);
    expect(await store.release([])).to.equal(0);
  });
}

export function retryCases(rig: Rig): void {
  const again = async (counts: "attempt" | "outage" | "neither"): Promise<{ attempts: number; outages: number }> => {
    const claim = await claimOne(rig().store);
    expect(await rig().store.retry(claim, 0, counts)).to.equal(true);
    const { attempts, outages } = await workRow(rig());
    return { attempts: Number(attempts), outages: Number(outages) };
  };

  it("counts tries, outages and neither apart from each other", async () => {
    await rig().store.accept([hint("r1")], 0);
    expect(await again("attempt")).to.deep.equal({ attempts: 1, outages: 0 });
    expect(await again("outage")).to.deep.equal({ attempts: 1, outages: 1 });
    expect(await again("neither")).to.deep.equal({ attempts: 1, outages: 1 });
    expect(await again("outage")).to.deep.equal({ attempts: 1, outages: 2 });
    expect(await claimOne(rig().store)).to.deep.include({ attempts: 1, outages: 2 });
  });

  it("starts counting anew after a ticket was settled or finished", async () => {
    const { store } = rig();
    for (const end of ["settle", "finish"] as const) {
      await store.accept([hint("r1")], 0);
      await again("attempt");
      await again("outage");
      const claim = await claimOne(store);
      expect(claim).to.deep.include({ attempts: 1, outages: 1 });
      await (end === "settle" ? store.settle(claim, decidedSettlement(claim.ticket)) : store.finish(claim));
      expect(await workRow(rig())).to.include({ attempts: 0, outages: 0 });
    }
  });

  it("shows why the last try failed, through hints, until one succeeds or a person is waited for", async () => {
    const { store, advance } = rig();
    const why = { reason: "unavailable", detail: "snow could not be reached (ECONNREFUSED)" };
    const failing = async () => (await store.view("snow", "r1"))?.failing;
    const claim = await claimed(store);
    expect(await failing()).to.equal(undefined);
    await store.retry(claim, HOUR, "outage", why);
    await store.accept([hint("r1")], 0);
    expect(await failing()).to.deep.equal({ ...why, attempts: 0, outages: 1 });
    expect(await store.parked(10)).to.deep.equal([]);
    advance(HOUR);
    const next = await claimOne(store);
    await store.retry(next, 0, "neither");
    expect(await failing()).to.deep.include(why);
    await store.park(await claimOne(store), "drift", "status: 42");
    expect(await failing()).to.equal(undefined);
    await store.accept([hint("r1")], 0);
    expect(await failing(), "news of a parked ticket").to.equal(undefined);
    await store.retry(await claimOne(store), 0, "attempt", why);
    await store.finish(await claimOne(store));
    expect(await failing()).to.equal(undefined);
  });

  it("makes the ticket due after the delay, not before", async () => {
    const { store, advance } = rig();
    const claim = await claimed(store);
    await store.retry(claim, HOUR, "attempt");
    expect(await store.counts()).to.include({ pending: 1, leased: 0 });
    advance(HOUR - MINUTE);
    expect(await due(store)).to.deep.equal([]);
    advance(MINUTE);
    expect(await due(store)).to.deep.equal(["r1"]);
  });

  it("does not lose a hint that came while the failing try was under way", async () => {
    const { store, advance } = rig();
    const claim = await claimed(store);
    await store.accept([hint("r1")], 0);
    await store.retry(claim, HOUR, "attempt");
    advance(HOUR);
    expect(await claimOne(store)).to.deep.include({ generation: 2, attempts: 1 });
  });

  it("does not let a hint cut the delay short, and keeps the counters", async () => {
    const { store, advance } = rig();
    await store.retry(await claimed(store), HOUR, "outage");
    await store.accept([hint("r1")], 0);
    advance(HOUR - MINUTE);
    expect(await due(store)).to.deep.equal([]);
    advance(MINUTE);
    expect(await claimOne(store)).to.deep.include({ outages: 1, generation: 2 });
  });
}

export function restCases(rig: Rig): void {
  for (const end of ["settle", "finish"] as const) {
    const endClaim = async (claim: Claim, restMs?: number): Promise<boolean> =>
      end === "settle"
        ? rig().store.settle(claim, decidedSettlement(claim.ticket), restMs)
        : rig().store.finish(claim, restMs);

    it(`holds back after ${end} a hint that came while the ticket was in work`, async () => {
      const { store, advance } = rig();
      const claim = await claimed(store);
      await store.accept([hint("r1")], 0);
      expect(await endClaim(claim, HOUR)).to.equal(true);
      advance(HOUR - MINUTE);
      expect(await due(store)).to.deep.equal([]);
      advance(MINUTE);
      expect(await due(store)).to.deep.equal(["r1"]);
    });

    it(`holds back after ${end} the hints that come during the rest, and none that come later`, async () => {
      const { store, advance } = rig();
      await endClaim(await claimed(store), HOUR);
      expect(await store.counts()).to.include({ pending: 0 });
      await store.accept([hint("r1")], 0);
      await store.accept([hint("r1")], 0);
      advance(HOUR - MINUTE);
      expect(await due(store)).to.deep.equal([]);
      advance(MINUTE);
      await endClaim(await claimOne(store));
      await store.accept([hint("r1")], 0);
      expect(await due(store)).to.deep.equal(["r1"]);
    });
  }

  it("does not hold back what rests longer by itself, a wake hour, or a redrive", async () => {
    const { store, advance } = rig();
    const claim = await claimed(store);
    const { due_at } = await workRow(rig());
    await store.settle(claim, decidedSettlement(claim.ticket, { wakeAtMs: Number(due_at) + MINUTE }), HOUR);
    advance(MINUTE);
    const woken = await claimOne(store);
    await store.settle(woken, settlement({ park: { reason: "hold", detail: "" } }), HOUR);
    await store.redrive("snow", "r1", "someone");
    await store.finish(await claimOne(store), MINUTE);
    await store.accept([hint("r1")], HOUR);
    advance(HOUR - MINUTE);
    expect(await due(store)).to.deep.equal([]);
    advance(MINUTE);
    expect(await due(store)).to.deep.equal(["r1"]);
  });

  it("counts a ticket as pending at its wake hour, and not while it only waits for it", async () => {
    const { store, advance } = rig();
    const claim = await claimed(store);
    const { due_at } = await workRow(rig());
    await store.settle(claim, decidedSettlement(claim.ticket, { wakeAtMs: Number(due_at) + HOUR }));
    expect(await store.counts()).to.include({ pending: 0, parked: 0, leased: 0 });
    advance(MINUTE);
    expect(await store.counts()).to.include({ pending: 0 });
    await store.accept([hint("r1")], MINUTE);
    expect(await store.counts(), "news that rests").to.include({ pending: 1 });
    advance(MINUTE);
    const again = await claimOne(store);
    await store.settle(again, decidedSettlement(again.ticket, { wakeAtMs: Number(due_at) + HOUR }));
    expect(await store.counts()).to.include({ pending: 0 });
    advance(HOUR);
    expect(await store.counts(), "its hour has come").to.include({ pending: 1 });
  });

  it("does not let a hint put off the wake hour of a ticket that rests", async () => {
    const { store, advance } = rig();
    const claim = await claimed(store);
    const { due_at } = await workRow(rig());
    await store.settle(claim, decidedSettlement(claim.ticket, { wakeAtMs: Number(due_at) + MINUTE }), HOUR);
    await store.accept([hint("r1")], 0);
    advance(MINUTE);
    expect(await due(store)).to.deep.equal(["r1"]);
  });
}
