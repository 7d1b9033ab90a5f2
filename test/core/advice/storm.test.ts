import { expect } from "chai";
import { Storm } from "../../../core/advice/storm.ts";
import { stoppedClock } from "../../contract/sqlite-rig.ts";

describe("a storm", () => {
  it("holds back questions about less urgent tickets once there are too many in a minute", () => {
    const storm = new Storm(stoppedClock(), { questionsPerMinute: 10, keepPriority: 2 });
    const held = Array.from({ length: 15 }, () => storm.holdsBack(3));
    expect(held.filter((holds) => holds)).to.have.length(5);
    expect(held.slice(0, 10)).not.to.include(true);
    expect([storm.holdsBack(1), storm.holdsBack(2), storm.holdsBack(4)]).to.deep.equal([false, false, true]);
  });

  it("is over when a minute is quiet again", () => {
    const clock = stoppedClock();
    const storm = new Storm(clock, { questionsPerMinute: 10, keepPriority: 2 });
    for (let asked = 0; asked < 100; asked += 1) storm.holdsBack(4);
    expect(storm.holdsBack(4)).to.equal(true);
    clock.advance(60_000);
    expect(storm.holdsBack(4)).to.equal(false);
  });

  it("is no storm at the rate that is allowed", () => {
    const clock = stoppedClock();
    const storm = new Storm(clock, { questionsPerMinute: 10, keepPriority: 2 });
    const held = Array.from({ length: 100 }, () => {
      clock.advance(6_000);
      return storm.holdsBack(5);
    });
    expect(held).not.to.include(true);
  });
});
