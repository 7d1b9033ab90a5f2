import { expect } from "chai";
import fc from "fast-check";
import { ranking } from "../../../core/risk/auc.ts";

/** By its meaning: every pair of one that came out badly and one that came out well is looked at. */
function byPairs(cases: readonly { score: number; bad: boolean }[]): number {
  const bads = cases.filter(({ bad }) => bad);
  const goods = cases.filter(({ bad }) => !bad);
  const won = bads.flatMap((one) => goods.map((other) => (Math.sign(one.score - other.score) + 1) / 2));
  return won.reduce((sum, each) => sum + each, 0) / won.length;
}

describe("a ranking", () => {
  it("is the share of pairs in which the bad one scores higher, ties half", () => {
    const cases = fc.array(fc.record({ score: fc.integer({ min: 0, max: 9 }), bad: fc.boolean() }), { maxLength: 40 });
    fc.assert(
      fc.property(cases, (given) => {
        const scores = given.map(({ score }) => score);
        const bad = given.map((each) => each.bad);
        const { auc, error, ...counts } = ranking(scores, bad);
        expect(counts).to.deep.equal({ cases: given.length, bad: bad.filter(Boolean).length });
        if (bad.includes(true) && bad.includes(false)) expect(auc).to.be.closeTo(byPairs(given), 1e-9);
        else expect([auc, error]).to.deep.equal([undefined, undefined]);
      }),
    );
  });

  it("has the standard error of Hanley and McNeil", () => {
    // By hand: AUC .75 of 2 bad and 2 good; Q1 = .6, Q2 = 9/14.
    const { auc, error } = ranking([1, 2, 3, 4], [false, true, false, true]);
    expect(auc).to.equal(0.75);
    expect(error).to.be.closeTo(Math.sqrt((0.1875 + (0.6 - 0.5625) + (9 / 14 - 0.5625)) / 4), 1e-12);
  });
});
