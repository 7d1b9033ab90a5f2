import { expect } from "chai";
import {
  claimed,
  claimOne,
  decidedSettlement,
  due,
  HOUR,
  hint,
  hints,
  LEASE,
  MINUTE,
  type Rig,
  SECOND,
  settlement,
  workRow,
} from "./store-rig.ts";

export function claimCases(rig: Rig): void {
  it("answers what a worker needs to know of a ticket it has never seen", async () => {
    await rig().store.accept([hint("10001", { connection: "jira", target: { type: "issue", recordId: "10001", recordKey: "OPS-1" } })], 0);
    expect(await rig().store.claim("worker-1", 10, LEASE)).to.deep.equal([
      {
        ticket: "jira/issue/10001",
        connection: "jira",
        type: "issue",
        recordId: "10001",
        recordKey: "OPS-1",
        generation: 1,
        fence: 1,
        attempts: 0,
        outages: 0,
        memory: undefined,
        open: [],
      },
    ]);
  });

  it("leases the longest due first and no more than it is told", async () => {
    const { store, advance } = rig();
    for (const recordId of ["r3", "r1", "r5", "r2", "r4"]) {
      await store.accept([hint(recordId)], 0);
      advance(SECOND);
    }
    await store.accept([hint("later")], HOUR);
    expect(await due(store, 2)).to.deep.equal(["r3", "r1"]);
    expect(await store.counts()).to.include({ leased: 2, pending: 6 });
    expect(await due(store, 2)).to.deep.equal(["r5", "r2"]);
    expect(await due(store, 2)).to.deep.equal(["r4"]);
    expect(await due(store, 2)).to.deep.equal([]);
  });

  it("leases by when a ticket is due, not by when it was hinted at", async () => {
    const { store, advance } = rig();
    await store.accept([hint("slow")], 3 * MINUTE);
    await store.accept([hint("quick")], 2 * MINUTE);
    await store.accept([hint("quicker")], MINUTE);
    advance(HOUR);
    expect(await due(store)).to.deep.equal(["quicker", "quick", "slow"]);
  });

  it("leases no ticket twice", async () => {
    await rig().store.accept(hints(20), 0);
    const claims = await Promise.all(Array.from({ length: 8 }, () => due(rig().store, 5)));
    expect(claims.flat()).to.have.length(20);
    expect(new Set(claims.flat()).size).to.equal(20);
  });

  it("lets a ticket be claimed again after its lease ran out: one try more, and a higher fence", async () => {
    const { store, advance } = rig();
    const first = await claimed(store);
    advance(LEASE - MINUTE);
    expect(await due(store)).to.deep.equal([]);
    advance(MINUTE);
    const second = await claimOne(store, "worker-2");
    expect(second).to.deep.include({ ticket: first.ticket, generation: 1, attempts: 1, outages: 0 });
    expect(second.fence).to.be.greaterThan(first.fence);
    advance(LEASE);
    expect(await claimOne(store, "worker-3")).to.deep.include({ attempts: 2, fence: second.fence + 1 });
  });

  it("tells when the next unleased ticket is due", async () => {
    const { store, advance } = rig();
    expect(await store.nextDueMs()).to.equal(undefined);
    await store.accept([hint("r1")], HOUR);
    await store.accept([hint("r2")], 2 * HOUR);
    expect(await store.nextDueMs()).to.be.within(HOUR - MINUTE, HOUR);
    advance(90 * MINUTE);
    expect(await store.nextDueMs()).to.equal(0);
    const claim = await claimOne(store);
    expect(await store.nextDueMs()).to.be.within(29 * MINUTE, 30 * MINUTE);
    await store.park(claim, "rejected", "");
    advance(HOUR);
    await claimOne(store);
    expect(await store.nextDueMs()).to.equal(undefined);
  });
}

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

  it("keeps the counters when a hint brings a waiting ticket forward", async () => {
    const { store } = rig();
    await store.retry(await claimed(store), HOUR, "attempt");
    await store.accept([hint("r1")], 0);
    expect(await claimOne(store)).to.deep.include({ attempts: 1 });
  });
}
