import { expect } from "chai";
import fc from "fast-check";
import { sealModel } from "../../../../core/advice/local/file.ts";
import {
  type OutcomeCase,
  type OutcomeModel,
  openOutcome,
  outcomeScore,
  sealOutcome,
  trainOutcome,
} from "../../../../core/advice/local/outcome.ts";
import { SCORE_MAX } from "../../../../core/advice/score.ts";
import { sha256Hex } from "../../../../core/canonical.ts";
import { prng } from "../../../support/prng.ts";

const MEASURES = ["lines", "files", "constant"];
const SETTINGS = { measures: MEASURES, seed: 1, trainedAt: "2026-01-01T00:00:00Z" };

/** The more lines, the likelier bad; files say nothing. */
function madeUpCases(count: number): OutcomeCase[] {
  const random = prng(5);
  return Array.from({ length: count }, () => {
    const lines = random() * 1_000;
    return { values: [lines, random() * 20, 7], bad: random() < 0.02 + (lines / 1_000) * 0.4 };
  });
}

function learnt(cases = madeUpCases(2_000), balanced = false): OutcomeModel {
  const model = trainOutcome(cases, { ...SETTINGS, balanced });
  if (!model) throw new Error("nothing learnt");
  return model;
}

describe("a model of outcomes", () => {
  it("ranks by what makes an outcome bad, and says how much each measure has to do with it", () => {
    const model = learnt();
    const scores = [0, 200, 500, 1_000].map((lines) => outcomeScore(model, [lines, 10, 7]));
    expect(scores).to.deep.equal(scores.toSorted((a, b) => a - b));
    const [lines, files, constant] = model.measures.map(({ weight }) => weight);
    expect(lines).to.be.above(0.4);
    expect(Math.abs(files ?? 1)).to.be.below(0.2);
    expect([constant, model.measures[2]?.deviation]).to.deep.equal([0, 0]);
  });

  it("scores as often as it happens; balanced, it only ranks", () => {
    const cases = madeUpCases(2_000);
    const mean = (model: OutcomeModel): number =>
      cases.reduce((sum, { values }) => sum + outcomeScore(model, values), 0) / cases.length / SCORE_MAX;
    const rate = cases.filter(({ bad }) => bad).length / cases.length;
    expect(mean(learnt(cases))).to.be.closeTo(rate, 0.05);
    expect(mean(learnt(cases, true))).to.be.closeTo(0.5, 0.1);
  });

  it("learns the same bytes from the same cases, on every machine, and reads them again", () => {
    const model = learnt();
    const file = sealOutcome(model);
    expect(sealOutcome(learnt())).to.deep.equal(file);
    expect(sha256Hex(file)).to.equal("32da4001ca91ea11807794474f55c7b76b58321f273a9c58f99f59b87d88ca6b");
    expect(openOutcome(file)).to.deep.include({ model });
  });

  it("is none where one outcome has fewer than five cases", () => {
    const cases = (bad: number): OutcomeCase[] =>
      Array.from({ length: 50 }, (_, at) => ({ values: [at, at, at], bad: at < bad }));
    expect([0, 4, 46, 50].map((bad) => trainOutcome(cases(bad), SETTINGS))).to.deep.equal(Array(4).fill(undefined));
    expect(trainOutcome(cases(5), SETTINGS)?.bad).to.equal(5);
  });

  it("takes an unknown measure for its mean, and whatever number for what it is worth", () => {
    const model = learnt();
    const means = model.measures.map(({ mean }) => mean);
    expect(outcomeScore(model, [Number.NaN, Number.NaN, Number.NaN])).to.equal(outcomeScore(model, means));
    expect(outcomeScore(model, [])).to.equal(outcomeScore(model, means));
    fc.assert(
      fc.property(fc.array(fc.double(), { maxLength: 5 }), (values) => {
        const score = outcomeScore(model, values);
        expect(Number.isInteger(score) && score >= 0 && score <= SCORE_MAX).to.equal(true);
      }),
    );
  });

  it("learns in spite of numbers that are none", () => {
    const odd = [Number.NaN, Number.POSITIVE_INFINITY, 1e308, -1e308];
    const cases = madeUpCases(200).map(({ values, bad }, at) => ({
      values: [values[0] ?? 0, odd[at % 4] ?? 0, 7],
      bad,
    }));
    const file = sealOutcome(learnt(cases));
    expect(openOutcome(file)).to.have.property("model");
  });

  it("is refused when anything in it does not fit", () => {
    const model = learnt(madeUpCases(100));
    const faultOf = (header: unknown, payload = new Uint8Array()): string | undefined => {
      const found = openOutcome(sealModel("outcome", header, payload));
      return "fault" in found ? found.fault : undefined;
    };
    expect(faultOf(model)).to.equal(undefined);
    for (const field of Object.keys(model)) expect(faultOf({ ...model, [field]: null }), field).to.equal("invalid");
    expect(faultOf({ ...model, measures: [...model.measures, ...model.measures] })).to.equal("invalid");
    expect(faultOf({ ...model, measures: [] })).to.equal("invalid");
    expect(faultOf(model, new Uint8Array(1))).to.equal("invalid");
  });
});
