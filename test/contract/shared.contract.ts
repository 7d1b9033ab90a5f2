import { expect } from "chai";
import type { Claim, NewSignal, Store } from "../../core/store/store.ts";
import {
  action,
  claimed,
  claimOne,
  decidedSettlement,
  decisionDraft,
  due,
  hint,
  hints,
  LEASE,
  type Rig,
  verified,
} from "./store-rig.ts";

function handles(rig: Rig): [Store, Store] {
  const { store, second } = rig();
  if (!second) throw new Error("this rig has no second handle");
  return [store, second];
}

const ROUNDS = 8;

export function sharedClaimCases(rig: Rig): void {
  it("gives every one of 500 due tickets to exactly one of 20 claimers", async () => {
    const [first, second] = handles(rig);
    await first.accept(hints(500), 0);
    const taken: Claim[] = [];
    const claimer = async (_: unknown, index: number): Promise<void> => {
      const store = index % 2 === 0 ? first : second;
      for (;;) {
        const claims = await store.claim(`worker-${index}`, 7, LEASE);
        if (claims.length === 0) return;
        expect(claims.length).to.be.at.most(7);
        taken.push(...claims);
      }
    };
    await Promise.all(Array.from({ length: 20 }, claimer));
    // A claimer that finds every due row under another's hands goes home early; what it left is still to be had.
    const rest = await first.claim("worker-last", 500, LEASE);
    const tickets = [...taken, ...rest].map(({ ticket }) => ticket);
    expect(tickets).to.have.length(500);
    expect(new Set(tickets).size).to.equal(500);
    expect([...taken, ...rest].every(({ fence, attempts }) => fence === 1 && attempts === 0)).to.equal(true);
    expect(await first.counts()).to.include({ leased: 500 });
  });

  it("keeps to the limit though the database knows nothing of its sizes yet", async () => {
    const [first, second] = handles(rig);
    await first.accept(hints(500), 0);
    for (const limit of [1, 2, 50]) expect(await due(second, limit)).to.have.length(limit);
  });

  it("lets one handle see and fence what the other has leased", async () => {
    const [first, second] = handles(rig);
    const claim = await claimed(first);
    expect(await due(second)).to.deep.equal([]);
    rig().advance(LEASE);
    const later = await claimOne(second, "worker-2");
    expect(later).to.deep.include({ attempts: 1, fence: claim.fence + 1 });
    expect(await first.settle(claim, decidedSettlement(claim.ticket))).to.equal(false);
    expect(await first.release([claim])).to.equal(0);
    expect(await second.settle(later, decidedSettlement(later.ticket))).to.equal(true);
  });

  it("keeps the leases of the others when one process starts", async () => {
    const [first] = handles(rig);
    await claimed(first);
    await rig().reopen();
    expect(await rig().store.counts()).to.include({ leased: 1 });
    expect(await due(rig().store)).to.deep.equal([]);
  });

  it("neither loses nor stalls when claims are given back while hints at them arrive", async () => {
    const [first, second] = handles(rig);
    await first.accept(hints(100), 0);
    for (let round = 0; round < ROUNDS; round += 1) {
      const claims = (await first.claim("worker-1", 100, LEASE)).sort((a, b) => (a.ticket < b.ticket ? 1 : -1));
      expect(claims).to.have.length(100);
      const [released] = await Promise.all([first.release(claims), second.accept(hints(100), 0)]);
      expect(released).to.equal(100);
    }
  });
}

export function sharedIntakeCases(rig: Rig): void {
  /** Six batches of the same deliveries in different orders, half of them through each handle. */
  const sixfold = (signals: NewSignal[]): Promise<("accepted" | "duplicate")[][]> => {
    const stores = handles(rig);
    const orders = [
      signals,
      signals.toReversed(),
      signals.slice(20),
      signals.slice(20).reverse(),
      signals.toReversed(),
      signals,
    ];
    return Promise.all(orders.map((batch, index) => (stores[index % 2] ?? stores[0]).accept(batch, 0)));
  };

  it("loses and doubles nothing of batches that overlap, and none of them waits for ever", async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const answers = (await sixfold(hints(60, `${round}-`))).flat();
      expect(answers.filter((answer) => answer === "accepted")).to.have.length(60);
    }
    const { work, signals } = await rig().dump();
    expect(signals).to.have.length(60 * ROUNDS);
    expect(work.filter(({ generation }) => generation === 1)).to.have.length(60 * ROUNDS);
    expect(await verified(rig().store)).to.include({ ok: true, entries: 60 * ROUNDS });
  });

  it("does the same when bodies come again under other ids, in another order", async () => {
    const [first, second] = handles(rig);
    for (let round = 0; round < ROUNDS; round += 1) {
      const signals = hints(60, `${round}-`);
      const doubles = signals.map((signal, index) => ({ ...signal, deliveryId: `again-${round}-${index}` })).reverse();
      const answers = await Promise.all([first.accept(signals, 0), second.accept(doubles, 0)]);
      expect(answers.flat().filter((answer) => answer === "accepted")).to.have.length(60);
    }
  });

  it("makes one row of hints at the same tickets from both sides", async () => {
    const [first, second] = handles(rig);
    for (let round = 0; round < ROUNDS; round += 1) {
      await Promise.all([first.accept(hints(50), 0), second.accept(hints(50).reverse(), 0)]);
    }
    const { work } = await rig().dump();
    expect(work).to.have.length(50);
    expect(work.every(({ generation }) => generation === 2 * ROUNDS)).to.equal(true);
  });

  it("lets both forget at the same time", async () => {
    const [first, second] = handles(rig);
    await first.accept(hints(200), 0);
    const forget = (store: Store): Promise<number> => store.forgetSignals(Number.MAX_SAFE_INTEGER, 60);
    let forgotten = 0;
    for (let round = 0; round < 20 && forgotten < 200; round += 1) {
      for (const count of await Promise.all([forget(first), forget(second)])) forgotten += count;
    }
    expect(forgotten).to.equal(200);
    expect(await first.counts()).to.include({ signals: 0 });
  });
}

export function sharedLedgerCases(rig: Rig): void {
  it("makes one unbroken chain of appends from both handles", async () => {
    const stores = handles(rig);
    const append = async (store: Store, worker: string): Promise<void> => {
      for (let released = 0; released < 40; released += 1)
        await store.append([
          { kind: "stop", ticket: null, body: { worker, released } },
          { kind: "stop", ticket: null, body: { worker: `${worker} again`, released } },
        ]);
    };
    await Promise.all(stores.flatMap((store, index) => [append(store, `a${index}`), append(store, `b${index}`)]));
    expect(await verified(rig().store)).to.include({ ok: true, entries: 320 });
    const entries = await rig().store.entries(0, 400);
    const bodies = entries.map(({ body }) => body);
    expect(new Set(bodies).size).to.equal(320);
    // The two entries of one append stand beside each other.
    entries.forEach(({ body }, index) => {
      if (index % 2 === 0) expect(bodies[index + 1]).to.equal(body.replace(/"}$/, ' again"}'));
    });
  });

  it("makes one unbroken chain of all that two workers do at once", async () => {
    const stores = handles(rig);
    await rig().store.accept(hints(60), 0);
    const work = async (store: Store, owner: string): Promise<void> => {
      for (;;) {
        const claims = await store.claim(owner, 5, LEASE);
        if (claims.length === 0) return;
        await Promise.all(
          claims.map(async (claim) => {
            await store.intend(claim, [action(`a-${claim.recordId}`)], [decisionDraft(claim.ticket)]);
            await store.receive(claim, [{ actionId: `a-${claim.recordId}`, outcome: "applied", detail: "" }]);
            await store.settle(claim, decidedSettlement(claim.ticket, { recordKey: claim.recordId, entries: [] }));
          }),
        );
        await store.accept([hint(`new-${claims[0]?.recordId}`, { target: null })], 0);
      }
    };
    await Promise.all(stores.map((store, index) => work(store, `worker-${index}`)));
    await work(stores[0], "worker-last");
    const { actions, tickets, ledger } = await rig().dump();
    expect(tickets).to.have.length(60);
    expect(actions.every(({ state }) => state === "applied")).to.equal(true);
    expect(ledger.filter(({ kind }) => kind === "action")).to.have.length(60);
    expect(await verified(rig().store)).to.include({ ok: true, entries: ledger.length });
  });
}
