import { expect } from "chai";
import { Identities } from "../../../core/sweep/identity.ts";
import { openSqliteRig, type SqliteRig } from "../../contract/sqlite-rig.ts";
import { claimed, decidedSettlement, due, hint, MINUTE } from "../../contract/store-rig.ts";
import { type RecordingLog, recordingLog } from "../../routes/recording-log.ts";
import { type FakeFeed, fakeFeed } from "./fake-feed.ts";

describe("the identity of an instance", () => {
  let rig: SqliteRig;
  let feed: FakeFeed;
  let log: RecordingLog;
  let identities: Identities;

  /** As a start of the server has it. */
  function start(): void {
    log = recordingLog();
    const { store, clock } = rig;
    identities = new Identities({ store, clock, log, feeds: new Map([["snow", feed]]), wake: () => undefined });
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
