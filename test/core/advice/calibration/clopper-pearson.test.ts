import { expect } from "chai";
import fc from "fast-check";
import {
  BP_MAX,
  lowerBoundBp,
  ticketsWithoutMiss,
  upperBoundBp,
} from "../../../../core/advice/calibration/clopper-pearson.ts";

/** P(X <= k) <= 1 / oneIn at a rate of whole basis points, in whole numbers without rounding. */
function tailIsAtMost({ k, n, bp, oneIn }: { k: number; n: number; bp: number; oneIn: number }): boolean {
  const p = BigInt(bp);
  const q = BigInt(BP_MAX - bp);
  let choose = 1n;
  let tail = 0n;
  for (let i = 0; i <= k; i += 1) {
    tail += choose * p ** BigInt(i) * q ** BigInt(n - i);
    choose = (choose * BigInt(n - i)) / BigInt(i + 1);
  }
  return tail * BigInt(oneIn) <= BigInt(BP_MAX) ** BigInt(n);
}

/** P(X = k) for every k, by the triangle of Pascal: another way than the one under test. */
function masses(n: number, p: number): number[] {
  let row = [1];
  for (let i = 0; i < n; i += 1)
    row = Array.from({ length: i + 2 }, (_, k) => (row[k] ?? 0) * (1 - p) + (row[k - 1] ?? 0) * p);
  return row;
}

describe("Clopper and Pearson's bounds", () => {
  it("are those that the tables and R print", () => {
    // R: binom.test(10, 100) has the 95 % interval 0.04900469 to 0.17622260, each end at 2.5 %.
    expect([lowerBoundBp(10, 100, 0.025), upperBoundBp(10, 100, 0.025)]).to.deep.equal([490, 1_763]);
    // R: binom.test(682, 925) has the 95 % interval 0.7076683 to 0.7654066 (Conover's example in its manual).
    expect([lowerBoundBp(682, 925, 0.025), upperBoundBp(682, 925, 0.025)]).to.deep.equal([7_076, 7_655]);
    // R: binom.test(0, 10) ends at 0.3084971.
    expect([lowerBoundBp(0, 10, 0.025), upperBoundBp(0, 10, 0.025)]).to.deep.equal([0, 3_085]);
    // Without a miss the bound is 1 - alpha^(1/n): 0.049508 of 59, 0.050340 of 58.
    expect([upperBoundBp(0, 59, 0.05), upperBoundBp(0, 58, 0.05)]).to.deep.equal([496, 504]);
  });

  it("say nothing of no answers, and all of what was always wrong", () => {
    expect([upperBoundBp(0, 0, 0.05), lowerBoundBp(0, 0, 0.05)]).to.deep.equal([BP_MAX, 0]);
    expect([upperBoundBp(7, 7, 0.05), lowerBoundBp(7, 7, 0.05)]).to.deep.equal([BP_MAX, 6_518]);
    expect([upperBoundBp(0, 1, 0.05), upperBoundBp(1, 1, 0.05)]).to.deep.equal([9_500, BP_MAX]);
  });

  it("are exact to the last basis point: compared with whole numbers without rounding", () => {
    const wrong: string[] = [];
    for (const oneIn of [20, 120])
      for (const n of [1, 2, 3, 7, 15, 16, 17, 31, 60])
        for (let k = 0; k < n; k += 1) {
          const bp = upperBoundBp(k, n, 1 / oneIn);
          const holds = bp === BP_MAX || tailIsAtMost({ k, n, bp, oneIn });
          if (!holds || tailIsAtMost({ k, n, bp: bp - 1, oneIn })) wrong.push(`${k} of ${n} at 1/${oneIn}: ${bp}`);
        }
    expect(wrong).to.deep.equal([]);
    for (const [k, n] of [
      [40, 1_000],
      [3, 2_500],
      [990, 1_000],
    ] as const) {
      const bp = upperBoundBp(k, n, 1 / 20);
      expect([tailIsAtMost({ k, n, bp, oneIn: 20 }), tailIsAtMost({ k, n, bp: bp - 1, oneIn: 20 })]).to.deep.equal([
        true,
        false,
      ]);
    }
  });

  it("are too low with a probability of at most alpha, whatever the true rate: by adding up every outcome", () => {
    for (const alpha of [0.05, 0.01])
      for (const n of [1, 5, 20, 59, 100, 200]) {
        const upper = Array.from({ length: n + 1 }, (_, k) => upperBoundBp(k, n, alpha) / BP_MAX);
        const lower = Array.from({ length: n + 1 }, (_, k) => lowerBoundBp(k, n, alpha) / BP_MAX);
        for (let p = 0.005; p < 1; p += 0.005) {
          const mass = masses(n, p);
          const missed = (fails: (k: number) => boolean): number =>
            mass.reduce((sum, each, k) => sum + (fails(k) ? each : 0), 0);
          expect(missed((k) => (upper[k] ?? 0) < p)).to.be.at.most(alpha + 1e-12);
          expect(missed((k) => (lower[k] ?? 0) > p)).to.be.at.most(alpha + 1e-12);
        }
      }
  });

  it("rise with every error, fall with every right answer, and widen with every correction", () => {
    const counts = fc
      .integer({ min: 1, max: 200_000 })
      .chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 0, max: n - 1 })));
    fc.assert(
      fc.property(counts, fc.integer({ min: 3, max: 1_000 }), ([n, k], oneIn) => {
        const bound = upperBoundBp(k, n, 1 / oneIn);
        expect(upperBoundBp(k + 1, n, 1 / oneIn)).to.be.at.least(bound);
        expect(upperBoundBp(k + 1, n + 1, 1 / oneIn)).to.be.at.least(bound);
        expect(upperBoundBp(k, n + 1, 1 / oneIn)).to.be.at.most(bound);
        expect(upperBoundBp(k, n, 1 / (oneIn + 1))).to.be.at.least(bound);
        expect(bound).to.be.at.least(Math.ceil((k / n) * BP_MAX - 1e-6));
        expect(lowerBoundBp(k, n, 1 / oneIn)).to.be.at.most(Math.floor((k / n) * BP_MAX + 1e-6));
      }),
      { numRuns: 2_000 },
    );
  });

  it("refuse what cannot have been counted", () => {
    for (const [errors, tickets, alpha] of [
      [-1, 5, 0.05],
      [6, 5, 0.05],
      [0.5, 5, 0.05],
      [0, Number.NaN, 0.05],
      [0, 5, 0],
      [0, 5, 0.5],
      [0, 5, Number.NaN],
    ] as const)
      expect(() => upperBoundBp(errors, tickets, alpha), `${errors} of ${tickets} at ${alpha}`).to.throw(RangeError);
  });
});

describe("how many answers without a miss it takes", () => {
  it("is 59 for 5 % with 95 % confidence, 149 for 2 %, and more after a correction", () => {
    expect([ticketsWithoutMiss(500, 0.05), ticketsWithoutMiss(200, 0.05), ticketsWithoutMiss(500, 0.01)]).to.deep.equal(
      [59, 149, 90],
    );
  });

  it("is the first count whose bound reaches the target", () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 5_000 }), fc.integer({ min: 3, max: 1_000 }), (targetBp, oneIn) => {
        const enough = ticketsWithoutMiss(targetBp, 1 / oneIn);
        expect(upperBoundBp(0, enough, 1 / oneIn)).to.be.at.most(targetBp);
        if (enough > 1) expect(upperBoundBp(0, enough - 1, 1 / oneIn)).to.be.above(targetBp);
      }),
    );
  });
});
