import { expect } from "chai";
import { type Examples, type Linear, trainLinear } from "../../../../core/advice/local/linear.ts";
import { Rows } from "../../../../core/advice/local/rows.ts";
import { prng } from "../../../support/prng.ts";

/** Rows of one feature each, which says the class. */
function oneHot(classes: number, each: number): Examples {
  const rows = new Rows();
  const truth = Int16Array.from({ length: classes * each }, (_, at) => at % classes);
  for (const column of truth) rows.add({ columns: Uint16Array.of(column), values: Float32Array.of(1), count: 1 });
  return rows.with(truth);
}

function best({ weights, bias }: Linear, column: number): number {
  const scores = Array.from(bias, (value, at) => value + (weights[column * bias.length + at] ?? 0));
  return scores.indexOf(Math.max(...scores));
}

/** Two outcomes from one number, the second one in ten. */
function rare(): Examples {
  const random = prng(3);
  const rows = new Rows();
  const classes = Int16Array.from({ length: 1_000 }, (_, at) => (at % 10 === 0 ? 1 : 0));
  for (const each of classes)
    rows.add({
      columns: Uint16Array.of(0),
      values: Float32Array.of(random() * 2 - 1 + (each === 1 ? 0.4 : 0)),
      count: 1,
    });
  return rows.with(classes);
}

describe("the trainer", () => {
  for (const classes of [2, 3, 200])
    it(`tells ${classes} classes apart`, () => {
      const learnt = trainLinear(oneHot(classes, 5), { columns: classes, classes, seed: 1 });
      for (let column = 0; column < classes; column++) expect(best(learnt, column)).to.equal(column);
    });

  it("learns the same bits from the same seed, and others from another", () => {
    const learn = (seed: number): Linear => trainLinear(oneHot(5, 9), { columns: 5, classes: 5, seed });
    expect(learn(1)).to.deep.equal(learn(1));
    expect(learn(1)).to.not.deep.equal(learn(2));
  });

  it("tells of its progress up to the end", () => {
    const told: number[] = [];
    trainLinear(oneHot(3, 50), { columns: 3, classes: 3, seed: 1 }, (share) => told.push(share));
    expect(told.length).to.be.above(3);
    expect(told).to.deep.equal(told.toSorted((a, b) => a - b));
    expect(told.at(-1)).to.equal(1);
  });

  it("lets a rare class count as much as a common one by class weights", () => {
    const shareOfRare = (classWeights?: Float64Array): number => {
      const { bias } = trainLinear(rare(), { columns: 1, classes: 2, seed: 1, ...(classWeights && { classWeights }) });
      return (bias[1] ?? 0) - (bias[0] ?? 0);
    };
    expect(shareOfRare()).to.be.below(-1.5);
    expect(Math.abs(shareOfRare(Float64Array.of(1 / 1.8, 5)))).to.be.below(0.7);
  });

  it("leaves rows without a class out, and learns from a row as often as it came", () => {
    const examples = oneHot(2, 10);
    const settings = { columns: 2, classes: 2, seed: 1 };
    examples.classes.fill(-1, 10);
    const half = { ...examples, starts: examples.starts.slice(0, 11), classes: examples.classes.slice(0, 10) };
    expect(trainLinear(examples, settings)).to.deep.equal(trainLinear(half, settings));
    const tilt = ({ bias }: Linear): number => (bias[0] ?? 0) - (bias[1] ?? 0);
    const often = trainLinear({ ...half, times: Uint8Array.from([5, ...Array(9).fill(1)]) }, settings);
    expect(tilt(often)).to.be.above(tilt(trainLinear(half, settings)) + 0.02);
  });
});
