import { expect } from "chai";
import { sql } from "kysely";
import type { Clock } from "../../../core/clock.ts";
import { type Checkpoint, type Signer, verifierFrom } from "../../../core/ledger/checkpoint.ts";
import { type CheckpointDeps, type Checkpoints, startCheckpoints } from "../../../core/ledger/checkpoints.ts";
import type { Draft } from "../../../core/ledger/entry.ts";
import { verifyLedger } from "../../../core/ledger/verify.ts";
import { ledgerOf } from "../../../core/store/ledger-source.ts";
import { openSqliteRig, type SqliteRig } from "../../contract/sqlite-rig.ts";
import { rejection } from "../../contract/store-rig.ts";
import { recordingLog } from "../../routes/recording-log.ts";
import { newSigner } from "./ledgers.ts";

const stop = (released: number): Draft => ({ kind: "stop", ticket: null, body: { worker: "w1", released } });

/** A clock on which waits are over when the test says so. */
function steppedClock(startMs: number): Clock & { step(ms: number): Promise<void> } {
  let nowMs = startMs;
  const waiting: { untilMs: number; done: () => void }[] = [];
  return {
    now: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((done) => {
        waiting.push({ untilMs: nowMs + ms, done });
        signal?.addEventListener("abort", () => done());
      }),
    async step(ms) {
      nowMs += ms;
      for (const each of waiting.splice(0)) {
        if (each.untilMs <= nowMs) each.done();
        else waiting.push(each);
      }
      // What was woken has calls to the store to make, which answer within a few turns.
      for (let turn = 0; turn < 200; turn += 1) await new Promise((next) => setImmediate(next));
    },
  };
}

describe("checkpoints of a growing ledger", () => {
  let rig: SqliteRig;
  let running: Checkpoints | undefined;
  const published: Checkpoint[] = [];
  beforeEach(async () => {
    rig = await openSqliteRig({ unsynced: true });
    published.length = 0;
  });
  afterEach(async () => {
    await running?.stop();
    running = undefined;
    await rig.close();
  });

  async function start(signer: Signer, more: Partial<CheckpointDeps> = {}): Promise<Checkpoints> {
    await running?.stop();
    running = await startCheckpoints({
      ...{ store: rig.store, signer, previous: undefined, clock: rig.clock, log: recordingLog() },
      limits: { checkpointEntries: 10, checkpointMs: 60_000 },
      publish: async (checkpoint) => {
        published.push(checkpoint);
      },
      ...more,
      // A clock whose waits are never over: these tests ask for each checkpoint.
      ...(more.clock ? {} : { clock: { now: rig.clock.now, sleep: (_, signal) => aborted(signal) } }),
    });
    return running;
  }
  const aborted = (signal?: AbortSignal): Promise<void> =>
    new Promise((done) => signal?.addEventListener("abort", () => done()));
  const verified = () => verifyLedger(ledgerOf(rig.store), { witnesses: [] });
  const kinds = async () => (await rig.store.entries(0, 100)).map(({ kind }) => kind);

  it("names the key once, and signs what is new, once", async () => {
    const signer = newSigner();
    const checkpoints = await start(signer);
    expect(checkpoints.last()).to.equal(undefined);
    const made = await checkpoints.make();
    expect(made).to.include({ size: 1, keyId: signer.keyId });
    expect(await checkpoints.make(), "nothing is new").to.deep.equal(made);
    await rig.store.append([stop(1)]);
    expect(await Promise.all([checkpoints.make(), checkpoints.make()])).to.have.lengthOf(2);
    expect(checkpoints.last()).to.include({ size: 2 });
    expect(published.map(({ size }) => size)).to.deep.equal([1, 2]);
    const again = await start(signer);
    expect(again.last(), "found in the store").to.include({ size: 2 });
    expect(await kinds()).to.deep.equal(["key", "stop"]);
    expect(await verified()).to.include({ ok: true, checkpoints: 2, unsigned: 0 });
  });

  it("signs after so many entries, or after so long; not while nothing is new", async () => {
    const clock = steppedClock(rig.now());
    await start(newSigner(), { clock });
    const sizes = (): number[] => published.map(({ size }) => size);
    await clock.step(1_000);
    expect(sizes()).to.deep.equal([]);
    await rig.store.append(Array.from({ length: 9 }, (_, n) => stop(n)));
    await clock.step(1_000);
    expect(sizes(), "ten entries").to.deep.equal([10]);
    await rig.store.append([stop(1)]);
    await clock.step(1_000);
    expect(sizes(), "one entry, a second later").to.deep.equal([10]);
    await clock.step(60_000);
    expect(sizes(), "one entry, a minute later").to.deep.equal([10, 11]);
    await clock.step(60_000);
    await clock.step(60_000);
    expect(sizes()).to.deep.equal([10, 11]);
  });

  it("goes on signing where a checkpoint cannot be written elsewhere, and says so", async () => {
    const log = recordingLog();
    const checkpoints = await start(newSigner(), { log, publish: () => Promise.reject(new Error("the disk is full")) });
    expect(await checkpoints.make()).to.include({ size: 1 });
    expect(JSON.stringify(log)).to.contain("could not be written outside of the store");
  });

  it("a key that is replaced is signed for by the one before", async () => {
    const [old, next] = [newSigner(), newSigner()];
    await (await start(old)).make();
    await rig.store.append([stop(1)]);
    const checkpoints = await start(next, { previous: old });
    expect(checkpoints.last()).to.include({ size: 3, keyId: old.keyId });
    await rig.store.append([stop(2)]);
    expect(await checkpoints.make()).to.include({ size: 4, keyId: next.keyId });
    expect(await verified()).to.include({ ok: true, checkpoints: 3 });
    await start(next, { previous: old });
    expect(await kinds(), "once").to.deep.equal(["key", "stop", "key", "stop"]);
  });

  it("a key that is lost is told of, and the ledger holds against the new one", async () => {
    const [lost, next] = [newSigner(), newSigner()];
    await (await start(lost)).make();
    const log = recordingLog();
    const checkpoints = await start(next, { log });
    await checkpoints.make();
    expect(JSON.stringify(log)).to.contain("the one before did not sign for it");
    expect(await verified()).to.include({ ok: false, seq: 2 });
    const key = verifierFrom(next.publicKey);
    expect(await verifyLedger(ledgerOf(rig.store), { witnesses: [], ...(key && { key }) })).to.include({ ok: true });
  });

  it("refuses to sign where the ledger names a key of somebody else", async () => {
    const checkpoints = await start(newSigner());
    await checkpoints.make();
    const { keyId, publicKey } = newSigner();
    await rig.store.append([{ kind: "key", ticket: null, body: { keyId, publicKey, previous: null } }]);
    expect(await rejection(checkpoints.make())).to.match(/the ledger names the key/);
    expect(published).to.have.lengthOf(1);
  });

  const CHANGES: Record<string, string> = {
    "an entry was changed": "update ledger set hash = (select hash from ledger where seq = 1) where seq = 2",
    "the end was cut off": "delete from ledger where seq > 2",
    "the end was cut off and written anew":
      "update ledger set hash = (select hash from ledger where seq = 1) where seq = 3",
    "everything is gone": "delete from ledger",
  };
  for (const [name, change] of Object.entries(CHANGES)) {
    it(`refuses to sign where ${name}`, async () => {
      const checkpoints = await start(newSigner());
      await rig.store.append([stop(1), stop(2)]);
      await checkpoints.make();
      if (!name.includes("off") || name.includes("anew")) await rig.store.append([stop(3)]);
      await sql.raw(change).execute(rig.driver.db);
      expect(await rejection(checkpoints.make())).to.match(/is not the one that was signed at 3 entries/);
      expect(published).to.have.lengthOf(1);
    });
  }
});
