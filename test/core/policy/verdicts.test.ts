import { expect } from "chai";
import fc from "fast-check";
import { RULES_MAX, type Verdict } from "../../../core/policy/rule.ts";
import { Verdicts, verdictOf } from "../../../core/policy/verdicts.ts";

const VERDICTS = ["matched", "not_matched", "not_asked", "errored"] as const satisfies Verdict[];

const anyVerdicts = fc.array(
  fc.record({ verdict: fc.constantFrom(...VERDICTS), times: fc.integer({ min: 0, max: 40 }) }),
  { maxLength: 12 },
);

describe("the verdicts of a policy's rules", () => {
  it("are one letter per rule, and the same as runs", () => {
    const verdicts = new Verdicts();
    expect([verdicts.letters, verdicts.runs]).to.deep.equal(["", ""]);
    verdicts.fill(3, "not_matched");
    verdicts.add("matched");
    verdicts.fill(4, "errored");
    verdicts.fill(6, "not_asked");
    verdicts.add("not_asked");
    expect(verdicts.letters).to.equal("nnnmsss");
    expect(verdicts.runs).to.equal("3n1m3s");
    expect(verdicts.length).to.equal(7);
  });

  it("may be more than one table has rules", () => {
    const verdicts = new Verdicts();
    verdicts.add("not_asked", RULES_MAX);
    verdicts.add("not_matched", 3 * RULES_MAX);
    expect(verdicts.letters).to.equal("s".repeat(RULES_MAX) + "n".repeat(3 * RULES_MAX));
    expect(verdicts.runs).to.equal(`${RULES_MAX}s${3 * RULES_MAX}n`);
  });

  it("have letters of their own", () => {
    for (const verdict of VERDICTS) {
      const verdicts = new Verdicts();
      verdicts.add(verdict);
      expect(verdictOf(verdicts.letters)).to.equal(verdict);
    }
    expect([verdictOf("x"), verdictOf(""), verdictOf(undefined)]).to.deep.equal([undefined, undefined, undefined]);
  });

  it("runs say what the letters say, however they were gathered (property)", () => {
    fc.assert(
      fc.property(anyVerdicts, (given) => {
        const [atOnce, oneByOne] = [new Verdicts(), new Verdicts()];
        for (const { verdict, times } of given) {
          atOnce.add(verdict, times);
          for (let time = 0; time < times; time += 1) oneByOne.add(verdict);
        }
        const spelt = atOnce.runs.replace(/(\d+)([a-z])/g, (_, times: string, letter: string) =>
          letter.repeat(Number(times)),
        );
        return spelt === atOnce.letters && atOnce.runs === oneByOne.runs && atOnce.letters === oneByOne.letters;
      }),
    );
  });
});
