import { expect } from "chai";
import { runStorm } from "../support/storm.ts";

const SEED = 7;

describe("kill -9 of the server", () => {
  it("five times during a storm loses nothing that was acknowledged and repeats no effect", async function () {
    this.timeout(180_000);
    const result = await runStorm({ tickets: 60, signals: 1_200, kills: 5, seed: SEED, settleWithinMs: 90_000 });
    expect(result.faults, `repeat with seed ${SEED}`).to.deep.equal([]);
    expect(result.duplicateEffects).to.equal(0);
    expect(result.kills).to.equal(5);
    expect(result.stored).to.be.greaterThanOrEqual(1_200);
  });
});
