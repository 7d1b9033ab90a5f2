import { expect } from "chai";
import { Limits } from "../../../core/limits.ts";
import type { Store } from "../../../core/store/store.ts";
import { type SweepRun, type SweepTypeDeps, sweepType } from "../../../core/sweep/sweep.ts";
import { openSqliteRig, type SqliteRig } from "../../contract/sqlite-rig.ts";
import { claimOne, decidedSettlement, due, hint, kinds, MINUTE, SECOND } from "../../contract/store-rig.ts";
import { edited, type FakeFeed, fakeFeed } from "./fake-feed.ts";

const limits = Limits.parse({ settleMs: 0, sweepPagesMax: 3 });

describe("a sweep of a record type", () => {
  let rig: SqliteRig;
  let feed: FakeFeed;
  let counted: string[];
  let woken: number;

  beforeEach(async () => {
    rig = await openSqliteRig({ unsynced: true });
    feed = fakeFeed();
    counted = [];
    woken = 0;
  });
  afterEach(() => rig.close());

  function sweep(store: SweepTypeDeps["store"] = rig.store): Promise<SweepRun> {
    const deps: SweepTypeDeps = {
      store,
      limits,
      clock: rig.clock,
      meter: { count: (name, labels) => counted.push(`${name} ${Object.values(labels).join(" ")}`) },
      wake: () => {
        woken += 1;
      },
      stopping: () => false,
    };
    return sweepType(deps, feed, "incident");
  }
  /** Works off what is due, as the loop would: each ticket at the revision that it has at its source. */
  async function work(): Promise<string[]> {
    const claims = await rig.store.claim("loop", 100, MINUTE);
    for (const claim of claims) {
      const revision = feed.records.findLast(({ id }) => id === claim.recordId)?.revision ?? "?";
      await rig.store.settle(claim, decidedSettlement(claim.ticket, { revision, recordKey: `KEY-${claim.recordId}` }));
    }
    return claims.map(({ recordId }) => recordId).sort();
  }

  it("makes due what no webhook told of, wakes the loop, and says so in the ledger", async () => {
    feed.records = [edited("r1", rig.now() - MINUTE), edited("r2", rig.now() - 2 * MINUTE)];
    const run = await sweep();
    expect(run).to.include({ pages: 1, changed: 2, signalled: 2, complete: true, first: true });
    expect(woken).to.equal(1);
    expect(counted).to.deep.equal(Array(2).fill("interlock_sweep_found_total snow incident sweep"));
    expect(await kinds(rig.store)).to.deep.equal(["signal", "signal", "sweep"]);
    expect((await due(rig.store)).sort()).to.deep.equal(["r1", "r2"]);
    expect(await rig.store.view("snow", "KEY-r1")).to.include({ ticket: "snow/incident/r1" });
  });

  it("looks an hour back the first time, and no further", async () => {
    feed.records = [edited("old", rig.now() - 61 * MINUTE), edited("new", rig.now() - 59 * MINUTE)];
    await sweep();
    expect(await work()).to.deep.equal(["new"]);
  });

  it("asks for one page when nothing changed, whatever happened before", async () => {
    feed.records = Array.from({ length: 25 }, (_, index) => edited(`r${index}`, rig.now() - MINUTE + index));
    await sweep();
    await work();
    rig.advance(3 * MINUTE);
    await sweep();
    for (let round = 0; round < 3; round += 1) {
      rig.advance(MINUTE);
      feed.asked = [];
      expect(await sweep()).to.include({ signalled: 0, changed: 0 });
      expect(feed.asked).to.have.length(1);
    }
    expect(await work()).to.deep.equal([]);
  });

  it("signals a change once, however often it is shown it, and its next change again", async () => {
    feed.records = [edited("r1", rig.now() - MINUTE)];
    await sweep();
    expect(await work()).to.deep.equal(["r1"]);
    expect(await sweep()).to.include({ signalled: 0 });
    feed.records.push(edited("r1", rig.now(), "2"));
    expect(await sweep()).to.include({ signalled: 1 });
    expect(await work()).to.deep.equal(["r1"]);
  });

  it("finds what turned up late behind its mark, as long as the overlap reaches", async () => {
    feed.records = [edited("r1", rig.now() - SECOND)];
    await sweep();
    rig.advance(MINUTE);
    feed.records.push(edited("late", rig.now() - 2 * MINUTE));
    await sweep();
    expect(await work()).to.deep.equal(["late", "r1"]);
  });

  it("does not signal what a webhook brought in already", async () => {
    await rig.store.accept([hint("r1", { receivedAtMs: rig.now() })], 0);
    feed.records = [edited("r1", rig.now() - SECOND)];
    await work();
    expect(await sweep()).to.include({ changed: 1, signalled: 0 });
    expect(counted).to.deep.equal(["interlock_sweep_found_total snow incident webhook"]);
  });

  it("keeps a ticket due that is in work while it is edited", async () => {
    await rig.store.accept([hint("r1")], 0);
    const claim = await claimOne(rig.store);
    feed.records = [edited("r1", rig.now(), "2")];
    await sweep();
    await rig.store.settle(claim, decidedSettlement(claim.ticket, { revision: "1" }));
    expect(await work()).to.deep.equal(["r1"]);
  });

  it("takes a parked ticket up again for news, and leaves it alone after", async () => {
    feed.records = [edited("r1", rig.now() - SECOND)];
    await sweep();
    await rig.store.park(await claimOne(rig.store), "rejected", "refused");
    await sweep();
    expect(await rig.store.counts()).to.include({ parked: 1, pending: 0 });
    feed.records.push(edited("r1", rig.now(), "2"));
    await sweep();
    expect(await rig.store.counts()).to.include({ parked: 0, pending: 1 });
  });

  it("leaves the rest to the next sweep when it is too much, and goes on there", async () => {
    feed.records = Array.from({ length: 65 }, (_, index) => edited(`r${100 + index}`, rig.now() - MINUTE + index));
    expect(await sweep()).to.include({ pages: 3, signalled: 30, complete: false });
    expect(await sweep()).to.include({ pages: 3, signalled: 30, complete: false });
    expect(await sweep()).to.include({ pages: 1, signalled: 5, complete: true });
    expect(feed.asked.map(({ after }) => after)).to.deep.equal([undefined, "10", "20", "30", "40", "50", "60"]);
    expect(await work()).to.have.length(65);
  });

  it("begins anew when its vendor does not know the place any more where it was to go on", async () => {
    feed.records = Array.from({ length: 65 }, (_, index) => edited(`r${100 + index}`, rig.now() - MINUTE + index));
    await sweep();
    feed.fault = "rejected";
    expect(await sweep().catch((error: Error) => error.name)).to.equal("ConnectorError");
    feed.fault = undefined;
    await sweep();
    expect(feed.asked.at(-3)?.after).to.equal(undefined);
  });

  it("leaves its mark where it was after a fault, and after a crash between the signals and the mark", async () => {
    feed.records = [edited("r1", rig.now() - SECOND)];
    feed.fault = "unavailable";
    expect(await sweep().catch((error: Error) => error.name)).to.equal("ConnectorError");
    feed.fault = undefined;
    const crashing: SweepTypeDeps["store"] = {
      ...rig.store,
      recordSwept: () => Promise.reject(new Error("killed")),
    } satisfies Store;
    expect(await sweep(crashing).catch((error: Error) => error.message)).to.equal("killed");
    expect(await rig.store.sweepMark("snow", "incident")).to.equal(undefined);
    expect(await work()).to.deep.equal(["r1"]);
    expect(await sweep()).to.include({ changed: 1, signalled: 0 });
  });
});
