import { expect } from "chai";
import type { Claim, Store } from "../../core/store/store.ts";
import {
  action,
  claimed,
  claimOne,
  decidedSettlement,
  decisionDraft,
  LEASE,
  MINUTE,
  type Rig,
  SECOND,
} from "./store-rig.ts";

/** Every write of a worker that holds a claim. */
const WRITES: Record<string, (store: Store, claim: Claim) => Promise<boolean>> = {
  intend: (store, claim) => store.intend(claim, [action("new")], [decisionDraft(claim.ticket)]),
  receive: (store, claim) => store.receive(claim, [{ actionId: "open", outcome: "applied", detail: "" }]),
  doubt: (store, claim) => store.doubt(claim),
  "settle with receipts": (store, claim) =>
    store.settle(
      claim,
      decidedSettlement(claim.ticket, { receipts: [{ actionId: "open", outcome: "applied", detail: "" }] }),
    ),
  settle: (store, claim) => store.settle(claim, decidedSettlement(claim.ticket, { revision: "99" })),
  "settle with park": (store, claim) =>
    store.settle(
      claim,
      decidedSettlement(claim.ticket, { park: { reason: "hold", detail: "a person is waited for" } }),
    ),
  finish: (store, claim) => store.finish(claim),
  "retry as a try": (store, claim) => store.retry(claim, MINUTE, "attempt"),
  "retry as an outage": (store, claim) => store.retry(claim, MINUTE, "outage"),
  "retry as neither": (store, claim) => store.retry(claim, MINUTE, "neither"),
  renew: async (store, claim) => (await store.renew([claim], 2 * LEASE)) === 1,
  park: (store, claim) => store.park(claim, "rejected", "refused"),
};

export function fenceCases(rig: Rig): void {
  for (const [name, write] of Object.entries(WRITES)) {
    it(`${name} after another worker took the ticket changes nothing`, async () => {
      const { store, advance } = rig();
      const stale = await withOpenAction(store);
      advance(LEASE);
      const current = await claimOne(store, "worker-2");
      const before = await rig().dump();
      expect(await write(store, stale)).to.equal(false);
      expect(await rig().dump()).to.deep.equal(before);
      advance(SECOND);
      expect(await write(store, current)).to.equal(true);
      expect(await rig().dump()).to.not.deep.equal(before);
    });

    it(`${name} after the claim was ended changes nothing`, async () => {
      const { store, advance } = rig();
      const ended = await withOpenAction(store);
      await store.finish(ended);
      const before = await rig().dump();
      advance(SECOND);
      expect(await write(store, ended)).to.equal(false);
      expect(await rig().dump()).to.deep.equal(before);
    });
  }

  it("a lease that ran out still serves while nobody else took the ticket", async () => {
    const { store, advance } = rig();
    const claim = await claimed(store);
    advance(LEASE * 2);
    expect(await store.settle(claim, decidedSettlement(claim.ticket))).to.equal(true);
    expect(await store.claim("worker-2", 10, LEASE)).to.deep.equal([]);
  });

  it("a claim of one ticket does not serve for another", async () => {
    const { store } = rig();
    const one = await claimed(store, "r1");
    const before = await rig().dump();
    for (const write of Object.values(WRITES))
      expect(await write(store, { ...one, ticket: "snow/incident/elsewhere" })).to.equal(false);
    expect(await rig().dump()).to.deep.equal(before);
  });
}

/** A claim of a ticket that is remembered, with one action whose outcome is open. */
async function withOpenAction(store: Store): Promise<Claim> {
  const first = await claimed(store);
  await store.settle(first, decidedSettlement(first.ticket));
  const claim = await claimed(store);
  await store.intend(claim, [action("open")], []);
  return claim;
}
