import { expect } from "chai";
import { StoreUnavailableError } from "../../../core/errors.ts";
import { openThreadedSqlite } from "../../../core/store/threaded.ts";
import { stoppedClock } from "../../contract/sqlite-rig.ts";
import { hint, rejection } from "../../contract/store-rig.ts";
import { openThreadedRig } from "../../contract/threaded-rig.ts";

describe("SQLite store in its thread", () => {
  let rig: Awaited<ReturnType<typeof openThreadedRig>>;
  beforeEach(async () => {
    rig = await openThreadedRig();
  });
  afterEach(() => rig.close());

  it("refuses a second opener in the words of the store itself", async () => {
    const error = await rejection(openThreadedSqlite(rig.file, stoppedClock()));
    expect(String(error)).to.include(`in use by process ${process.pid}`);
  });

  it("says that it is closed to who calls it afterwards, and closes as often as asked", async () => {
    await rig.store.close();
    await rig.store.close();
    expect(await rejection(rig.store.accept([hint("r1")], 0))).to.be.instanceOf(StoreUnavailableError);
  });

  it("serves several files at once, each with its own hour", async () => {
    const other = await openThreadedRig();
    try {
      other.advance(1_000);
      await Promise.all([rig.store.accept([hint("r1")], 500), other.store.accept([hint("r1"), hint("r2")], 500)]);
      expect(await rig.store.counts()).to.include({ signals: 1 });
      expect(await other.store.counts()).to.include({ signals: 2 });
      expect(await rig.store.nextDueMs()).to.equal(500);
    } finally {
      await other.close();
    }
  });
});
