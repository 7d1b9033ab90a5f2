import { expect } from "chai";
import fc from "fast-check";
import { instant, inZone, timeWithZone } from "../../core/clock.ts";

describe("instant", () => {
  it("is RFC 3339 in UTC with milliseconds", () => {
    expect(instant(0)).to.equal("1970-01-01T00:00:00.000Z");
    expect(instant(Date.parse("2026-03-29T02:30:00+02:00"))).to.equal("2026-03-29T00:30:00.000Z");
  });

  it("is read back as the same time (property)", () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true }), (at) => {
        expect(timeWithZone(instant(at.getTime())).getTime()).to.equal(at.getTime());
      }),
    );
  });
});

describe("timeWithZone", () => {
  it("takes Z and offsets", () => {
    expect(timeWithZone("2026-03-02T10:15:30Z").toISOString()).to.equal("2026-03-02T10:15:30.000Z");
    expect(timeWithZone("2026-03-02T10:15:30.5+05:45").toISOString()).to.equal("2026-03-02T04:30:30.500Z");
  });

  it("refuses what floats, and what is no date", () => {
    const refused = [
      "",
      "2026-03-02",
      "2026-03-02T10:15:30",
      "2026-03-02 10:15:30Z",
      "2026-03-02T10:15:30+01",
      "2026-02-30T25:00:00Z",
      "02.03.2026 10:00 +01:00",
    ];
    for (const text of refused) expect(() => timeWithZone(text), text).to.throw(RangeError);
  });
});

describe("inZone", () => {
  it("shows the clock of the zone", () => {
    const at = new Date("2026-07-01T22:30:15Z");
    expect(inZone(at, "Europe/Berlin").toISOString()).to.equal("2026-07-02T00:30:15.000Z");
    expect(inZone(at, "-03:30").toISOString()).to.equal("2026-07-01T19:00:15.000Z");
  });

  it("refuses a zone that does not exist", () => {
    expect(() => inZone(new Date(0), "Mars/North")).to.throw(RangeError);
  });
});
