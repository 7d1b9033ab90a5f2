import { expect } from "chai";
import { watchClock } from "../../cli/clock-watch.ts";
import type { Draft } from "../../core/ledger/entry.ts";
import { recordingLog } from "../routes/recording-log.ts";

/** Lets so many looks pass; before each, `steps` says how far the wall clock goes beyond the time that passed. */
async function watched(steps: readonly number[], append: (drafts: readonly Draft[]) => Promise<void>): Promise<void> {
  const ending = new AbortController();
  let [wallMs, passedMs, look] = [1_000_000, 0, 0];
  const clock = {
    now: () => wallMs,
    async sleep(ms: number) {
      passedMs += ms;
      wallMs += ms + (steps[look] ?? 0);
      look += 1;
      if (look > steps.length) ending.abort();
    },
  };
  const store = {
    append: async (drafts: readonly Draft[]) => {
      await append(drafts);
      return { seq: 1, hash: "" };
    },
  };
  await watchClock({ clock, monotonic: () => passedMs, store, worker: "w1", log: recordingLog() }, ending.signal);
}

describe("watchClock", () => {
  async function noted(steps: readonly number[]): Promise<unknown[]> {
    const found: unknown[] = [];
    await watched(steps, async (drafts) => {
      found.push(...drafts.map(({ kind, body }) => [kind, "jumpMs" in body && body.jumpMs]));
    });
    return found;
  }

  it("notes a clock that was set forward or back, once each", async () => {
    expect(await noted([0, 3_600_000, 0, 0, -3_600_000, 0])).to.deep.equal([
      ["clock", 3_600_000],
      ["clock", -3_600_000],
    ]);
  });

  it("does not note what slewing does, however long it goes on", async () => {
    expect(await noted([40, -40, 2_000, 2_000, -2_000, 2_000])).to.deep.equal([]);
  });

  it("notes it at the next look where the store could not take it", async () => {
    let tries = 0;
    await watched([9_000, 0, 0], async () => {
      tries += 1;
      if (tries === 1) throw new Error("the store cannot take a write now");
    });
    expect(tries).to.equal(2);
  });
});
