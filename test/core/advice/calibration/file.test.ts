import { expect } from "chai";
import fc from "fast-check";
import { type CalibrationFile, readCalibrations, writeCalibrations } from "../../../../core/advice/calibration/file.ts";
import { calibrationOf, distinct, PROVENANCE } from "./calibrations.ts";

const { modelDigest } = PROVENANCE;
const calibrations: CalibrationFile = {
  intent: calibrationOf(distinct("reset", 100)),
  category: calibrationOf(distinct("Access", 300)),
};

describe("a file of calibrations", () => {
  it("comes back as it was written, and has the same bytes whatever the order of its fields", () => {
    const text = writeCalibrations(calibrations);
    expect(readCalibrations(text, modelDigest)).to.deep.equal(calibrations);
    const { category, intent } = calibrations;
    expect(writeCalibrations({ ...(category && { category }), ...(intent && { intent }) })).to.equal(text);
  });

  it("foreign: whatever else it may be, it is refused and nothing of it believed", () => {
    const text = writeCalibrations(calibrations);
    const others = [
      "",
      "{",
      "null",
      "[]",
      text.slice(0, -3),
      text.replace('"category"', '"colour"'),
      text.replace("calibration-1", "calibration-2"),
      text.replace('"errors":0', '"errors":1'),
    ];
    for (const other of others)
      expect(readCalibrations(other, modelDigest), other.slice(0, 40)).to.include({ fault: "foreign" });
    fc.assert(
      fc.property(fc.json(), (json) => {
        const read = readCalibrations(json, modelDigest);
        expect("fault" in read || Object.keys(read).length === 0).to.equal(true);
      }),
    );
  });

  it("other_model: what was measured on one model is not believed of another", () => {
    expect(readCalibrations(writeCalibrations(calibrations), "c".repeat(64))).to.include({ fault: "other_model" });
  });
});
