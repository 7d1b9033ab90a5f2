import { expect } from "chai";
import { StoreUnavailableError } from "../../../core/errors.ts";
import { LoweredModes } from "../../../core/reconcile/modes.ts";
import type { LoweredMode } from "../../../core/store/undoing.ts";
import { standingClock } from "../../connectors/open.ts";
import { openSqliteRig } from "../../contract/sqlite-rig.ts";

function over(modes: () => Promise<LoweredMode[]>) {
  let asked = 0;
  const clock = standingClock();
  const store = {
    modes() {
      asked += 1;
      return modes();
    },
  };
  return { clock, lowered: new LoweredModes(store, clock), asked: () => asked };
}

describe("modes that are lowered while servers run", () => {
  it("hold for one connection or for all, and never raise what is configured", async () => {
    let modes: LoweredMode[] = [
      { connection: "snow", mode: "observe", atMs: 1 },
      { connection: null, mode: "suggest", atMs: 1 },
    ];
    const { lowered, clock } = over(async () => modes);
    await lowered.refresh();
    expect(lowered.lowest("snow", "act")).to.equal("observe");
    expect(lowered.lowest("jira", "act")).to.equal("suggest");
    expect(lowered.lowest("jira", "observe")).to.equal("observe");
    modes = [];
    clock.pass(1_000);
    await lowered.refresh();
    expect(lowered.lowest("snow", "act")).to.equal("act");
  });

  it("are asked of the store once a second at most, however many ask, and at least once where one is older", async () => {
    const { lowered, clock, asked } = over(async () => []);
    await Promise.all([lowered.refresh(), lowered.refresh(), lowered.refresh()]);
    clock.pass(999);
    await lowered.refresh();
    expect(asked()).to.equal(1);
    clock.pass(1);
    await lowered.refresh();
    expect(asked()).to.equal(2);
    lowered.expire();
    await lowered.refresh();
    expect(asked()).to.equal(3);
  });

  it("are not known where the store does not say, so nothing may be done; it is asked again", async () => {
    let down = true;
    const { lowered } = over(async () => {
      if (down) throw new StoreUnavailableError("down");
      return [{ connection: null, mode: "observe", atMs: 1 }];
    });
    const failure = await lowered.refresh().catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(StoreUnavailableError);
    down = false;
    await lowered.refresh();
    expect(lowered.lowest("snow", "act")).to.equal("observe");
  });

  it("are heeded by a second handle on the same store within two seconds", async () => {
    const rig = await openSqliteRig({ unsynced: true });
    try {
      const clock = standingClock();
      const other = new LoweredModes(rig.store, clock);
      await other.refresh();
      await rig.store.setMode({ connection: null, mode: "observe", configured: "act", by: "ann" });
      clock.pass(1_000);
      await other.refresh();
      expect(other.lowest("snow", "act")).to.equal("observe");
    } finally {
      await rig.close();
    }
  });
});
