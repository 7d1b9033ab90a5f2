import { expect } from "chai";
import { IssuePace } from "../../../connectors/jira/pace.ts";
import { ConnectorError } from "../../../core/errors.ts";
import { faultOf, standingClock } from "../open.ts";

describe("Jira connector: the pace of writes to one issue", () => {
  /** A clock on which sleeping takes its time, and the times at which writes started. */
  const paced = () => {
    const standing = standingClock(0);
    const clock = { ...standing, sleep: async (ms: number) => standing.pass(ms) };
    const pace = new IssuePace("jira", clock);
    const starts: number[] = [];
    const write = (id = "1"): Promise<void> => pace.turn(id, async () => void starts.push(clock.now()));
    return { clock, pace, starts, write };
  };
  const most = (starts: readonly number[], withinMs: number): number =>
    Math.max(...starts.map((start) => starts.filter((other) => other >= start && other < start + withinMs).length));

  it("is never above 20 in 2 s nor 100 in 30 s, and not far below", async () => {
    const { clock, starts, write } = paced();
    while (starts.length < 300) {
      try {
        await write();
      } catch (error) {
        if (!(error instanceof ConnectorError)) throw error;
        clock.pass(error.retryAfterMs ?? 0);
      }
    }
    expect(most(starts, 2_000)).to.equal(20);
    expect(most(starts, 30_000)).to.equal(100);
    expect(clock.now()).to.be.lessThan(70_000);
  });

  it("makes no other issue wait", async () => {
    const { clock, write } = paced();
    for (let n = 0; n < 500; n += 1) await write(String(n));
    expect(clock.now()).to.equal(0);
  });

  it("holds writes that come together apart as well", async () => {
    const standing = standingClock(0);
    const waits: number[] = [];
    const pace = new IssuePace("jira", { ...standing, sleep: async (ms) => void waits.push(ms) });
    await Promise.all(Array.from({ length: 50 }, () => pace.turn("1", async () => {})));
    expect(waits.filter((ms) => ms === 2_000)).to.have.length(20);
    expect(waits.filter((ms) => ms === 4_000)).to.have.length(10);
  });

  it("sends a ticket away that would wait too long, saying when to come back, without a call", async () => {
    const { pace, starts, write } = paced();
    const limited = new ConnectorError({ kind: "rate_limited", connection: "jira", message: "", retryAfterMs: 30_000 });
    expect(await faultOf(pace.turn("1", () => Promise.reject(limited)))).to.equal(limited);
    expect(await faultOf(write())).to.include({ kind: "rate_limited", outcome: "not_applied", retryAfterMs: 30_000 });
    expect(starts).to.be.empty;
    await write("2");
    expect(starts).to.have.length(1);
  });

  it("remembers a bounded number of issues, the ones written last", async () => {
    const { clock, write } = paced();
    for (let n = 0; n < 19; n += 1) await write("kept");
    for (let n = 0; n < 5_000; n += 1) await write(String(n));
    await write("last");
    for (let n = 0; n < 19; n += 1) await write("last");
    expect(clock.now()).to.equal(0);
    await write("last");
    expect(clock.now()).to.equal(2_000);
  });
});
