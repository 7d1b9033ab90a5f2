import { expect } from "chai";
import fc from "fast-check";
import { retryDelayMs } from "../../../core/reconcile/backoff.ts";

const LIMITS = { retryBaseMs: 1_000, retryCapMs: 300_000 };

function drawing(number: number): { next(): number } {
  return { next: () => number };
}

describe("the delay before another try", () => {
  it("is drawn from a bound that doubles with every try, up to the cap", () => {
    const bounds = [0, 1, 2, 8, 9, 300].map((tries) => retryDelayMs(tries, undefined, drawing(0.5), LIMITS) * 2);
    expect(bounds).to.deep.equal([1_000, 2_000, 4_000, 256_000, 300_000, 300_000]);
  });

  it("may be nothing at all, so that a crowd spreads over the whole of it", () => {
    expect(retryDelayMs(5, undefined, drawing(0), LIMITS)).to.equal(0);
  });

  it("has the server's own word as its floor", () => {
    expect(retryDelayMs(0, 7_000, drawing(0), LIMITS)).to.equal(7_000);
    expect(retryDelayMs(0, 7_000, drawing(0.5), LIMITS)).to.equal(7_500);
    expect(retryDelayMs(0, 900_000, drawing(0), LIMITS), "above our own cap").to.equal(900_000);
  });

  it("is a whole number within its bounds, whatever the tries (property)", () => {
    const limits = fc
      .tuple(fc.integer({ min: 1, max: 100_000 }), fc.integer({ min: 0, max: 10_000_000 }))
      .map(([retryBaseMs, more]) => ({ retryBaseMs, retryCapMs: retryBaseMs + more }));
    const drawn = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const floor = fc.option(fc.nat({ max: 86_400_000 }), { nil: undefined });
    fc.assert(
      fc.property(fc.nat(), floor, drawn, limits, (tries, retryAfterMs, draw, each) => {
        const delayMs = retryDelayMs(tries, retryAfterMs, drawing(draw), each);
        const bound = Math.min(each.retryCapMs, each.retryBaseMs * 2 ** tries);
        expect(Number.isSafeInteger(delayMs)).to.equal(true);
        expect(delayMs).to.be.within(retryAfterMs ?? 0, (retryAfterMs ?? 0) + bound);
      }),
    );
  });

  it("grows with the tries, for the same draw (property)", () => {
    fc.assert(
      fc.property(fc.nat({ max: 100 }), fc.double({ min: 0, max: 1, noNaN: true }), (tries, draw) => {
        const delays = [tries, tries + 1].map((each) => retryDelayMs(each, undefined, drawing(draw), LIMITS));
        expect(delays[1]).to.be.at.least(delays[0] ?? 0);
      }),
    );
  });
});
