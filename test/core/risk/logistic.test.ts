import { expect } from "chai";
import { type Cases, learnLogistic, logistic } from "../../../core/risk/logistic.ts";
import { prng } from "../../support/prng.ts";

const BIAS = -1.5;
const WEIGHTS = [1.2, -0.7, 0];

/** Cases that come out as the known weights say, of three values around 0. */
function madeUp(count: number): Cases {
  const random = prng(11);
  const bell = (): number => Array.from({ length: 12 }, random).reduce((sum, each) => sum + each, -6);
  const values = Array.from({ length: count }, () => Float64Array.from(WEIGHTS, bell));
  const bad = values.map(
    (row) => random() < logistic(row.reduce((sum, value, at) => sum + value * (WEIGHTS[at] ?? 0), BIAS)),
  );
  return { values, bad };
}

/** How the loss that is to be smallest changes with each weight, the bias first, by the textbook. */
function slopes(
  { values, bad }: Cases,
  { bias, weights }: ReturnType<typeof learnLogistic>,
  penalty: number,
): number[] {
  const missed = values.map((row, at) => {
    const odds = weights.reduce((sum, weight, each) => sum + weight * (row[each] ?? 0), bias);
    return 1 / (1 + Math.exp(-odds)) - Number(bad[at]);
  });
  const along = (value: (row: Float64Array) => number): number =>
    values.reduce((sum, row, at) => sum + value(row) * (missed[at] ?? 0), 0);
  return [along(() => 1), ...weights.map((weight, each) => along((row) => row[each] ?? 0) + penalty * weight)];
}

describe("logistic regression", () => {
  it("finds weights that are known", () => {
    const { bias, weights } = learnLogistic(madeUp(8_000));
    expect(bias).to.be.closeTo(BIAS, 0.12);
    weights.forEach((weight, at) => {
      expect(weight).to.be.closeTo(WEIGHTS[at] ?? 0, 0.1);
    });
  });

  it("stops where no weight could be better", () => {
    const cases = madeUp(400);
    for (const slope of slopes(cases, learnLogistic(cases), 10)) expect(Math.abs(slope)).to.be.below(1e-6);
  });

  it("holds weights back where a value alone tells everything", () => {
    const values = Array.from({ length: 200 }, (_, at) => Float64Array.of(at < 100 ? -1 : 1));
    const { bias, weights } = learnLogistic({ values, bad: values.map((row) => (row[0] ?? 0) > 0) });
    expect(bias).to.be.closeTo(0, 1e-6);
    expect(weights[0]).to.be.within(1, 4);
  });

  it("leaves a weight out that may not be negative, and learns the rest as if it were not there", () => {
    const cases = madeUp(2_000);
    const { weights } = learnLogistic(cases, new Set([1]));
    const without = learnLogistic({ ...cases, values: cases.values.map((row) => row.filter((_, at) => at !== 1)) });
    expect(weights[1]).to.equal(0);
    expect([weights[0], weights[2]]).to.deep.equal(without.weights);
    expect(learnLogistic(cases, new Set([0]))).to.deep.equal(learnLogistic(cases));
  });

  it("learns from twins, from nothing that differs, and from sure outcomes without a number that is none", () => {
    const twins = madeUp(300).values.map((row) => Float64Array.of(row[0] ?? 0, row[0] ?? 0, 0));
    const bad = twins.map((row) => (row[0] ?? 0) > 0.5);
    const { weights } = learnLogistic({ values: twins, bad });
    expect(weights[0]).to.be.closeTo(weights[1] ?? 0, 1e-6);
    expect(weights[2]).to.equal(0);
    const sure = learnLogistic({ values: twins, bad: bad.map(() => true) });
    expect([sure.bias, ...sure.weights].every(Number.isFinite)).to.equal(true);
  });

  it("is a chance between 0 and 1 whatever the odds", () => {
    expect([-1e9, -1, 0, 1, 1e9].map(logistic)).to.deep.equal([0, logistic(-1), 0.5, logistic(1), 1]);
    expect(logistic(1)).to.be.closeTo(1 / (1 + Math.exp(-1)), 1e-12);
    expect(logistic(-1) + logistic(1)).to.be.closeTo(1, 1e-12);
  });
});
