import { expect } from "chai";
import type { Clock } from "../../../core/clock.ts";
import { Limits } from "../../../core/limits.ts";
import { Identities } from "../../../core/sweep/identity.ts";
import { type Sweeps, startSweeps } from "../../../core/sweep/schedule.ts";
import { openSqliteRig, type SqliteRig } from "../../contract/sqlite-rig.ts";
import { due, MINUTE } from "../../contract/store-rig.ts";
import { type RecordingLog, recordingLog } from "../../routes/recording-log.ts";
import { edited, type FakeFeed, fakeFeed } from "./fake-feed.ts";

describe("the sweeps of a server", () => {
  let rig: SqliteRig;
  let feed: FakeFeed;
  let log: RecordingLog;
  let counted: string[];
  let sweeps: Sweeps;
  /** Ends the rest between two rounds. */
  let tick: () => void;
  let restsMs: number[];

  beforeEach(async () => {
    rig = await openSqliteRig({ unsynced: true });
    feed = fakeFeed();
    log = recordingLog();
    counted = [];
    restsMs = [];
    tick = () => undefined;
  });
  afterEach(async () => {
    await sweeps.stop();
    await rig.close();
  });

  function start(recordTypes: readonly string[] = ["incident"], random = 0.5): void {
    const { store } = rig;
    const clock: Clock = {
      now: rig.now,
      sleep: (ms, signal) =>
        new Promise((resolve) => {
          restsMs.push(ms);
          tick = resolve;
          if (signal?.aborted) resolve();
          signal?.addEventListener("abort", () => resolve());
        }),
    };
    const wake = (): void => undefined;
    const identities = new Identities({ store, clock, log, feeds: new Map([["snow", feed]]), wake });
    sweeps = startSweeps({
      ...{ store, clock, log, wake, identities, limits: Limits.parse({ settleMs: 0 }) },
      rng: { next: () => random },
      meter: { count: (name, labels) => counted.push(`${name} ${Object.values(labels).join(" ")}`) },
      swept: new Map([["snow", { feed, recordTypes }]]),
    });
  }
  /** Waits for the round under way and the one that follows it. */
  const round = () => sweeps.now();
  const lines = (level: string): string[] =>
    log.lines.filter((line) => line.level === level).map(({ message }) => message);

  it("begin at the start, say how far back they look, and go on every minute, not all at the same second", async () => {
    start(["incident", "change_request"]);
    await round();
    expect(feed.asked.map(({ recordType }) => recordType).slice(0, 2)).to.deep.equal(["incident", "change_request"]);
    expect(lines("info").filter((line) => line.includes("for the first time"))).to.have.length(2);
    while (restsMs.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(restsMs).to.deep.equal([60_000]);
    feed.asked = [];
    tick();
    while (restsMs.length === 1) await new Promise((resolve) => setImmediate(resolve));
    expect(feed.asked).to.have.length(2);
    await sweeps.stop();
    restsMs = [];
    start(["incident"], 0);
    while (restsMs.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(restsMs).to.deep.equal([54_000]);
  });

  it("say at error level once that the credentials are refused, count every failure, and say when it is over", async () => {
    feed.fault = "auth";
    start();
    for (let n = 0; n < 3; n += 1) await round();
    expect(lines("error")).to.deep.equal(["a sweep failed; the next one begins where the last good one ended"]);
    expect(counted.length).to.be.at.least(3);
    expect(new Set(counted)).to.deep.equal(new Set(["interlock_sweeps_total snow incident auth"]));
    feed.fault = undefined;
    const { runs, faults } = await round();
    expect([runs.length, faults.length]).to.deep.equal([1, 0]);
    expect(lines("info")).to.include("sweeps work again");
  });

  it("leave a system alone that is down or limits us, and ask for every type where only one is refused", async () => {
    start(["incident", "change_request", "sc_req_item"]);
    await round();
    for (const [fault, asked] of [
      ["rate_limited", 1],
      ["unavailable", 1],
      ["rejected", 3],
    ] as const) {
      feed.fault = fault;
      feed.asked = [];
      const { faults } = await round();
      expect(feed.asked, fault).to.have.length(asked);
      expect(faults, fault).to.have.length(3);
    }
  });

  it("do not look at a clone, whose hours would move the marks past the right instance's changes", async () => {
    start();
    await round();
    rig.advance(MINUTE);
    feed.instance = "a clone";
    feed.records = [edited("r1", rig.now())];
    feed.asked = [];
    const { runs, faults } = await round();
    expect(runs).to.deep.equal([]);
    expect(faults.map(({ kind }) => kind)).to.deep.equal(["not_asked"]);
    expect(feed.asked).to.deep.equal([]);
    feed.instance = "instance-1";
    await round();
    expect(await due(rig.store)).to.deep.equal(["r1"]);
  });

  it("stop while a system hangs, once the time for draining is over", async () => {
    const hanging = Promise.withResolvers<never>();
    feed.changed = () => hanging.promise;
    start();
    const stopping = sweeps.stop();
    while (restsMs.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(restsMs).to.deep.equal([Limits.parse({}).drainMs]);
    tick();
    await stopping;
    hanging.reject(new Error("cut off"));
    expect(lines("error"), "what a stop cuts off is no fault").to.deep.equal([]);
  });
});
