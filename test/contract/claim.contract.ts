import { expect } from "chai";
import { claimed, claimOne, due, HOUR, hint, hints, LEASE, MINUTE, type Rig, SECOND } from "./store-rig.ts";

export function claimCases(rig: Rig): void {
  it("answers what a worker needs to know of a ticket it has never seen", async () => {
    await rig().store.accept(
      [hint("10001", { connection: "jira", target: { type: "issue", recordId: "10001", recordKey: "OPS-1" } })],
      0,
    );
    const claims = await rig().store.claim("worker-1", 10, LEASE);
    expect(claims[0]?.claimedAtMs).to.be.closeTo(rig().now(), MINUTE);
    expect(claims.map((claim) => ({ ...claim, claimedAtMs: 0 }))).to.deep.equal([
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
        claimedAtMs: 0,
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
}

export function leaseCases(rig: Rig): void {
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
