import { expect } from "chai";
import fc from "fast-check";
import { merged, SENSITIVE_KINDS, type Span } from "../../../core/advice/span.ts";

describe("Stretches that overlap", () => {
  it("become one, of the stronger kind", () => {
    const spans: Span[] = [
      { kind: "PHONE", start: 4, end: 12 },
      { kind: "CARD", start: 0, end: 6 },
      { kind: "NAME", start: 12, end: 15 },
      { kind: "IP", start: 5, end: 7 },
    ];
    expect(merged(spans)).to.deep.equal([
      { kind: "CARD", start: 0, end: 12 },
      { kind: "NAME", start: 12, end: 15 },
    ]);
  });

  it("leave out nothing that anybody found, and stand in order", () => {
    const span = fc
      .tuple(fc.constantFrom(...SENSITIVE_KINDS), fc.nat(30), fc.integer({ min: 1, max: 10 }))
      .map(([kind, start, length]): Span => ({ kind, start, end: start + length }));
    fc.assert(
      fc.property(fc.array(span, { maxLength: 12 }), (spans) => {
        const covered = (all: readonly Span[]) =>
          Array.from({ length: 45 }, (_, at) => all.some(({ start, end }) => start <= at && at < end));
        const out = merged(spans);
        expect(covered(out)).to.deep.equal(covered(spans));
        out.reduce((end, each) => {
          expect(each.start).to.be.at.least(end);
          return each.end;
        }, 0);
      }),
    );
  });
});
