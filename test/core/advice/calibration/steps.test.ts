import { expect } from "chai";
import fc from "fast-check";
import { fewestTickets, STEPS_MAX, stepSizes, stepsOf } from "../../../../core/advice/calibration/steps.ts";

const bestBound = (tickets: number, alpha: number): number =>
  Math.min(
    ...stepsOf(
      Array.from({ length: tickets }, (_, score) => ({ score, correct: true })),
      alpha,
    ).map(({ boundBp }) => boundBp),
  );

describe("the thresholds that are tried", () => {
  it("grow in number with the answers, and the smallest could still show 5 %", () => {
    const counts = [0, 1, 59, 89, 90, 200, 471, 473, 100_000].map((tickets) => stepSizes(tickets, 0.05).length);
    expect(counts).to.deep.equal([1, 1, 1, 1, 2, 4, 7, 8, STEPS_MAX]);
    expect(stepSizes(90, 0.05)).to.deep.equal([90, 72]);
  });
});

describe("how many answers it takes", () => {
  it("is 59 for 5 %, and for 2 % more than the 149 of a single threshold", () => {
    expect([fewestTickets(500, 0.05), fewestTickets(200, 0.05), fewestTickets(1_000, 0.05)]).to.deep.equal([
      59, 228, 29,
    ]);
  });

  it("is enough from there on, and one less is not", () => {
    fc.assert(
      fc.property(fc.constantFrom(100, 200, 300, 500, 800, 1_000), fc.nat(500), (targetBp, more) => {
        const fewest = fewestTickets(targetBp, 0.05);
        expect(bestBound(fewest + more, 0.05)).to.be.at.most(targetBp);
        expect(bestBound(fewest - 1, 0.05)).to.be.above(targetBp);
      }),
    );
  });
});
