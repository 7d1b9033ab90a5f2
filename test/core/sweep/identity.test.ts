import { expect } from "chai";
import { Identities } from "../../../core/sweep/identity.ts";
import { openSqliteRig, type SqliteRig } from "../../contract/sqlite-rig.ts";
import { claimed, decidedSettlement, due, HOUR, hint, MINUTE } from "../../contract/store-rig.ts";
import { type RecordingLog, recordingLog } from "../../routes/recording-log.ts";
import { type FakeFeed, fakeFeed } from "./fake-feed.ts";

describe("the identity of an instance", () => {
  let rig: SqliteRig;
  let feed: FakeFeed;
  let log: RecordingLog;
  let identities: Identities;

  function worker(): Identities {
    const { store, clock } = rig;
    return new Identities({ store, clock, log, feeds: new Map([["snow", feed]]), wake: () => undefined });
  }
  /** As a start of the server has it. */
  function start(): void {
    log = recordingLog();
    identities = worker();
  }
  /** Decided, and not carried out. */
  async function decide(recordId: string): Promise<void> {
    const claim = await claimed(rig.store, recordId);
    await rig.store.settle(claim, decidedSettlement(claim.ticket));
  }
  /** The store fails once, when it is to take up again what was decided. */
  function failTakeUpOnce(): void {
    const { takeUpAgain } = rig.store;
    rig.store.takeUpAgain = () => {
      rig.store.takeUpAgain = takeUpAgain;
      return Promise.reject(new Error("store away"));
    };
  }
  const events = async (): Promise<unknown[]> =>
    (await rig.store.entries(0, 100))
      .filter(({ kind }) => kind === "identity")
      .map(({ body }) => JSON.parse(body).event);
  const levels = (): string[] => log.lines.map(({ level }) => level);

  beforeEach(async () => {
    rig = await openSqliteRig({ unsynced: true });
    feed = fakeFeed();
    start();
  });
  afterEach(() => rig.close());

  it("is pinned the first time that it is read; before, nothing is written", async () => {
    expect(identities.mayWrite("snow")).to.equal(false);
    expect(await identities.check("snow")).to.include({ state: "pinned", pinned: "instance-1", seen: null });
    expect(identities.mayWrite("snow")).to.equal(true);
    expect(await events()).to.deep.equal(["pinned"]);
  });

  it("that is another one makes its connection read-only, says so once, and stays so over a restart", async () => {
    await identities.check("snow");
    feed.instance = "a clone";
    for (let round = 0; round < 3; round += 1)
      expect(await identities.check("snow")).to.include({
        state: "contradicted",
        pinned: "instance-1",
        seen: "a clone",
      });
    expect(identities.mayWrite("snow")).to.equal(false);
    expect(levels().filter((level) => level === "error")).to.have.length(1);
    expect(await events()).to.deep.equal(["pinned", "contradicted"]);
    start();
    feed.instance = "unavailable";
    await identities.check("snow");
    expect(identities.mayWrite("snow")).to.equal(false);
  });

  it("that comes back lets its connection write again, and takes up what was decided meanwhile", async () => {
    await identities.check("snow");
    const before = await claimed(rig.store, "before");
    await rig.store.settle(before, decidedSettlement(before.ticket));
    rig.advance(MINUTE);
    feed.instance = "a clone";
    await identities.check("snow");
    rig.advance(MINUTE);
    const during = await claimed(rig.store, "during");
    await rig.store.settle(during, decidedSettlement(during.ticket));
    feed.instance = "instance-1";
    expect(await identities.check("snow")).to.include({ state: "pinned" });
    expect(await events()).to.deep.equal(["pinned", "contradicted", "restored"]);
    expect(await due(rig.store)).to.deep.equal(["during"]);
  });

  it("that cannot be read contradicts nothing, and is told of once", async () => {
    await identities.check("snow");
    start();
    feed.instance = "auth";
    for (let round = 0; round < 3; round += 1) await identities.check("snow");
    expect(identities.mayWrite("snow")).to.equal(true);
    expect(levels()).to.deep.equal(["warn", "debug", "debug"]);
  });

  it("that could never be read leaves its connection read-only until it could", async () => {
    feed.instance = "rejected";
    expect(await identities.check("snow")).to.include({ state: "unknown", pinned: null });
    expect(identities.mayWrite("snow")).to.equal(false);
    rig.advance(MINUTE);
    const claim = await claimed(rig.store, "r1");
    await rig.store.settle(claim, decidedSettlement(claim.ticket));
    feed.instance = "instance-1";
    await identities.check("snow");
    expect(identities.mayWrite("snow")).to.equal(true);
    expect(await due(rig.store)).to.deep.equal(["r1"]);
  });

  it("that could not be read until after a restart loses nothing that was decided before that", async () => {
    feed.instance = "unavailable";
    await identities.check("snow");
    rig.advance(MINUTE);
    await decide("r1");
    rig.advance(MINUTE);
    start();
    feed.instance = "instance-1";
    await identities.check("snow");
    expect(await due(rig.store)).to.deep.equal(["r1"]);
    rig.advance(HOUR);
    await identities.check("snow");
    expect(await due(rig.store)).to.deep.equal(["r1"], "its lease is over, and it was not taken up once more");
  });

  for (const restarted of [false, true])
    it(`that comes back takes up what was decided ${restarted ? "by the next start" : "by the next check"}, where the store failed at it`, async () => {
      await identities.check("snow");
      rig.advance(MINUTE);
      feed.instance = "a clone";
      await identities.check("snow");
      rig.advance(MINUTE);
      await decide("during");
      feed.instance = "instance-1";
      failTakeUpOnce();
      expect(await identities.check("snow").catch((error: Error) => error.message)).to.equal("store away");
      expect(identities.mayWrite("snow")).to.equal(true);
      expect(await due(rig.store)).to.deep.equal([]);
      if (restarted) start();
      await identities.check("snow", HOUR);
      expect(await due(rig.store)).to.deep.equal(["during"]);
      expect(await events()).to.deep.equal(["pinned", "contradicted", "restored"]);
    });

  it("that is confirmed through one worker takes up what another decided before it heard of that", async () => {
    const other = worker();
    await identities.check("snow");
    await other.check("snow");
    feed.instance = "a clone";
    await identities.check("snow");
    await other.check("snow");
    rig.advance(MINUTE);
    await identities.confirm("snow", "api");
    rig.advance(MINUTE);
    expect([identities.mayWrite("snow"), other.mayWrite("snow")]).to.deep.equal([true, false]);
    await decide("by the other");
    rig.advance(MINUTE);
    await other.check("snow");
    expect(other.mayWrite("snow")).to.equal(true);
    expect(await due(rig.store)).to.deep.equal(["by the other"]);
  });

  it("is contradicted only while another one answers, and not while it is unknown", async () => {
    feed.instance = "unavailable";
    await identities.check("snow");
    expect(identities.isContradicted("snow")).to.equal(false);
    feed.instance = "instance-1";
    await identities.check("snow");
    expect(identities.isContradicted("snow")).to.equal(false);
    feed.instance = "a clone";
    await identities.check("snow");
    expect(identities.isContradicted("snow")).to.equal(true);
    feed.instance = "instance-1";
    expect(await identities.check("snow")).to.include({ state: "pinned", readOnlySinceMs: null });
    expect(identities.isContradicted("snow")).to.equal(false);
  });

  it("is confirmed by an admin: the one that answers is pinned", async () => {
    await identities.check("snow");
    feed.instance = "a clone";
    await identities.check("snow");
    expect(await identities.confirm("snow", "api")).to.include({ state: "pinned", pinned: "a clone" });
    expect(identities.mayWrite("snow")).to.equal(true);
    start();
    await identities.check("snow");
    expect(identities.mayWrite("snow")).to.equal(true);
    expect(await events()).to.deep.equal(["pinned", "contradicted", "confirmed"]);
  });

  it("is not confirmed where it cannot be read, nor for a connection that nobody configured", async () => {
    await identities.check("snow");
    feed.instance = "a clone";
    await identities.check("snow");
    feed.instance = "unavailable";
    expect(await identities.confirm("snow", "api")).to.equal("unreadable");
    expect(await identities.confirm("other", "api")).to.equal(undefined);
    expect(identities.mayWrite("snow")).to.equal(false);
  });

  it("is not asked again while it is fresh, but always where it is in doubt", async () => {
    await identities.check("snow", MINUTE);
    await identities.check("snow", MINUTE);
    expect(feed.identitiesAsked).to.equal(1);
    rig.advance(MINUTE);
    feed.instance = "a clone";
    await identities.check("snow", MINUTE);
    await identities.check("snow", MINUTE);
    expect(feed.identitiesAsked).to.equal(3);
  });

  it("holds a contradiction even where that cannot be stored", async () => {
    await identities.check("snow");
    feed.instance = "a clone";
    const { append } = rig.store;
    rig.store.append = () => Promise.reject(new Error("disk full"));
    expect(await identities.check("snow").catch((error: Error) => error.message)).to.equal("disk full");
    expect(identities.mayWrite("snow")).to.equal(false);
    rig.store.append = append;
    feed.instance = "unavailable";
    await identities.check("snow");
    expect(identities.mayWrite("snow")).to.equal(false);
    await rig.store.accept([hint("r1")], 0);
  });
});
