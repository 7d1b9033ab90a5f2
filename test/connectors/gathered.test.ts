import { expect } from "chai";
import { gathered } from "../../connectors/gathered.ts";

describe("gathered questions", () => {
  it("of one turn share a call, each key once; those of another turn have their own", async () => {
    const calls: (readonly string[])[] = [];
    const double = gathered(async (keys) => {
      calls.push(keys);
      return new Map(keys.map((key) => [key, key + key]));
    });
    expect(await Promise.all(["a", "b", "a"].map(double))).to.deep.equal(["aa", "bb", "aa"]);
    expect(await double("c")).to.equal("cc");
    expect(calls).to.deep.equal([["a", "b"], ["c"]]);
  });

  it("have no answer where the call has none, and fail together where it fails", async () => {
    let calls = 0;
    const ask = gathered<string>(async () => {
      calls += 1;
      if (calls === 1) throw new Error("down");
      return new Map();
    });
    const first = await Promise.allSettled(["a", "b"].map(ask));
    expect(first.map(({ status }) => status)).to.deep.equal(["rejected", "rejected"]);
    expect(await ask("a")).to.equal(undefined);
    expect(calls).to.equal(2);
  });
});
