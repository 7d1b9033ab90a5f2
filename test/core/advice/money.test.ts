import { expect } from "chai";
import fc from "fast-check";
import { Amount, amountText, costMicros, worstCaseMicros } from "../../../core/advice/money.ts";

const PRICES = { inputPerMillion: 1_000_000, outputPerMillion: 5_000_000 };

describe("money", () => {
  const amounts: readonly (readonly [unknown, number])[] = [
    [2.5, 2_500_000],
    ["2.50", 2_500_000],
    [0, 0],
    ["0.000001", 1],
    [0.1, 100_000],
    [1_000, 1_000_000_000],
  ];
  for (const [given, micros] of amounts)
    it(`reads ${JSON.stringify(given)} exactly`, () => expect(Amount.parse(given)).to.equal(micros));

  for (const given of [-1, "1,50", "1e3", 1e-7, Number.NaN, "", "0.0000001", "€2"])
    it(`refuses ${JSON.stringify(given)}`, () => expect(Amount.safeParse(given).success).to.equal(false));

  it("rounds what a call costs up to a micro", () => {
    expect(costMicros({ inputTokens: 1, outputTokens: 0 }, { inputPerMillion: 1, outputPerMillion: 0 })).to.equal(1);
    expect(costMicros({ inputTokens: 1_000, outputTokens: 100 }, PRICES)).to.equal(1_500);
  });

  it("never costs more than its worst case, whatever the words (property)", () => {
    fc.assert(
      fc.property(
        fc.nat(100_000),
        fc.nat(4_000),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (bytes, outputTokensMax, share) => {
          const usage = { inputTokens: Math.floor(bytes * share), outputTokens: Math.floor(outputTokensMax * share) };
          expect(costMicros(usage, PRICES)).to.be.at.most(worstCaseMicros(bytes, outputTokensMax, PRICES));
        },
      ),
    );
  });

  it("is shown with two decimals, and never as nothing where it is something", () => {
    expect([0, 1, 5_000, 10_000, 2_500_000].map(amountText)).to.deep.equal([
      "0.00",
      "0.000001",
      "0.01",
      "0.01",
      "2.50",
    ]);
  });
});
