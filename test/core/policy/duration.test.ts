import { expect } from "chai";
import fc from "fast-check";
import { DurationMs, durationText } from "../../../core/policy/duration.ts";

describe("a length of time", () => {
  it("is read in days of 24 hours, hours, minutes and seconds", () => {
    const read = ["30s", "90m", "4h", "2d", "2d12h", "1d1h1m1s"].map((text) => DurationMs.parse(text));
    expect(read).to.deep.equal([30_000, 5_400_000, 14_400_000, 172_800_000, 216_000_000, 90_061_000]);
  });

  it("is refused where it is nothing, has no unit, or stands in another order", () => {
    for (const text of ["", "0m", "5", "3 days", "1h2d", "-1h", "1.5h", "PT1H", 5, null])
      expect(DurationMs.safeParse(text).success, String(text)).to.equal(false);
  });

  it("is told in the words it is read in (property)", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8_000_000_000 }), (seconds) => {
        const text = durationText(seconds * 1_000);
        // More days than can be written are refused, not cut.
        const days = Math.floor(seconds / 86_400);
        expect(DurationMs.safeParse(text)).to.deep.include(
          days > 99_999 ? { success: false } : { success: true, data: seconds * 1_000 },
        );
      }),
    );
    expect(durationText(0)).to.equal("0s");
  });
});
