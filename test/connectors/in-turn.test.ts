import { expect } from "chai";
import { inTurn } from "../../connectors/in-turn.ts";

describe("Calls in turn", () => {
  const turns = inTurn();
  const events: string[] = [];
  const work =
    (name: string, fails = false) =>
    async (): Promise<string> => {
      events.push(`${name} begins`);
      await new Promise(setImmediate);
      events.push(`${name} ends`);
      if (fails) throw new Error(name);
      return name;
    };

  beforeEach(() => {
    events.length = 0;
  });

  it("follow one another under one key, also after one that failed, and each has its own end", async () => {
    const ends = await Promise.allSettled([
      turns.run("a", work("one", true)),
      turns.run("a", work("two")),
      turns.run("a", work("three")),
    ]);
    expect(ends.map(({ status }) => status)).to.deep.equal(["rejected", "fulfilled", "fulfilled"]);
    expect(events.map((event) => event.split(" ")[0])).to.deep.equal(["one", "one", "two", "two", "three", "three"]);
    expect(await turns.run("a", work("four"))).to.equal("four");
  });

  it("do not wait under another key", async () => {
    await Promise.all([turns.run("a", work("one")), turns.run("b", work("two"))]);
    expect(events.slice(0, 2)).to.deep.equal(["one begins", "two begins"]);
  });
});
