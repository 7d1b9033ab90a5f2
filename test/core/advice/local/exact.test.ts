import { expect } from "chai";
import fc from "fast-check";
import { exp, ln, seededOrders, softmax } from "../../../../core/advice/local/exact.ts";

function bitsOf(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes.toString("hex");
}

describe("arithmetic that is the same everywhere", () => {
  it("knows e to a power that is not above 0", () => {
    fc.assert(
      fc.property(fc.double({ min: -59, max: 0, noNaN: true }), (exponent) => {
        expect(Math.abs(exp(exponent) / Math.exp(exponent) - 1)).to.be.below(1e-14);
      }),
    );
    expect([exp(0), exp(-1_000), exp(Number.NEGATIVE_INFINITY), exp(3), exp(Number.NaN)]).to.deep.equal([
      1, 0, 0, 1, 1,
    ]);
  });

  it("knows the natural logarithm", () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 2 ** 53, noNaN: true }), (number) => {
        expect(Math.abs(ln(number) - Math.log(number))).to.be.below(1e-14 * (1 + Math.log(number)));
      }),
    );
    expect(ln(1)).to.equal(0);
  });

  it("comes out to the last bit as it did when this was written", () => {
    expect([exp(-1.25), exp(-17.3), ln(10), ln(12_345)].map(bitsOf)).to.deep.equal([
      "4f582a371856d23f",
      "b7616d092c77603e",
      "1655b5bbb16b0240",
      "e818ae268ed72240",
    ]);
  });

  it("makes shares that add up to one, whatever the scores", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 }), (scores) => {
        const shares = Float64Array.from(scores);
        softmax(shares);
        expect(shares.every((share) => share >= 0 && share <= 1)).to.equal(true);
        expect(shares.reduce((sum, share) => sum + share, 0)).to.be.closeTo(1, 1e-9);
      }),
    );
  });

  it("draws orders of all there is, another each time, and the same from the same seed", () => {
    const [first, second, other] = [seededOrders(100, 7), seededOrders(100, 7), seededOrders(100, 8)];
    const drawn = Array.from(first());
    expect(drawn.toSorted((a, b) => a - b)).to.deep.equal(Array.from({ length: 100 }, (_, at) => at));
    expect(drawn).to.deep.equal(Array.from(second()));
    expect(drawn).to.not.deep.equal(Array.from(other()));
    expect(Array.from(first())).to.not.deep.equal(drawn);
  });
});
