import { expect } from "chai";
import fc from "fast-check";
import { boundOf } from "../../../../core/advice/calibration/calibration.ts";
import { upperBoundBp } from "../../../../core/advice/calibration/clopper-pearson.ts";
import {
  corners,
  coverageAt,
  coverageSentence,
  percentOf,
  TARGETS_BP,
  withoutEvidence,
} from "../../../../core/advice/calibration/coverage.ts";
import { coverageHtml } from "../../../../core/advice/calibration/coverage-html.ts";
import { type Judged, SCORE_MAX } from "../../../../core/advice/score.ts";
import { answers, calibrationOf, distinct } from "./calibrations.ts";

/** Access is known well, Storage only where its score is high, Purchase hardly at all, Facilities never right. */
const DESK: Judged[] = [
  ...distinct("Access", 600),
  ...answers("Storage", 950_000, { right: 300, wrong: 1 }),
  ...answers("Storage", 600_000, { right: 160, wrong: 60 }),
  ...answers("Purchase", 800_000, { right: 39 }),
  ...answers("Facilities", 999_000, { wrong: 100 }),
];
const calibration = calibrationOf(DESK);

describe("what happens by itself at a target", () => {
  it("is every label down to its lowest threshold within the target", () => {
    const coverage = coverageAt(calibration, 500);
    expect(
      coverage.classes.map(({ label, scoreMin, tickets, errors }) => [label, scoreMin, tickets, errors]),
    ).to.deep.equal([
      ["Access", 0, 600, 0],
      ["Facilities", null, 0, 0],
      ["Purchase", null, 0, 0],
      ["Storage", 600_001, 301, 1],
    ]);
    expect([coverage.tickets, coverage.errors]).to.deep.equal([901, 1]);
    // What is to be feared of all is what is to be feared of each, by its share.
    const [access, storage] = [upperBoundBp(0, 600, 0.05 / 8), upperBoundBp(1, 301, 0.05 / 8)];
    expect(coverage.boundBp).to.equal(Math.ceil((600 * access + 301 * storage) / 901));
  });

  it("is nothing where nothing is shown", () => {
    expect(coverageAt(calibration, 10)).to.deep.include({ tickets: 0, errors: 0, boundBp: null });
    expect(coverageAt(calibrationOf([]), 500)).to.deep.equal({
      targetBp: 500,
      tickets: 0,
      errors: 0,
      boundBp: null,
      classes: [],
    });
  });

  it("is what boundOf lets act, ticket by ticket, and never less at a higher target", () => {
    const judged = fc.array(
      fc.record({
        label: fc.constantFrom("a", "b", "c"),
        score: fc.oneof(fc.integer({ min: 0, max: SCORE_MAX }), fc.constantFrom(0, 900_000)),
        correct: fc.integer({ min: 0, max: 19 }).map((drawn) => drawn > 0),
      }),
      { maxLength: 500, size: "max" },
    );
    fc.assert(
      fc.property(judged, fc.integer({ min: 1, max: 4_000 }), (given, targetBp) => {
        const its = calibrationOf(given);
        const acting = given.filter(({ label, score }) => (boundOf(its, label, score) ?? 10_001) <= targetBp);
        const coverage = coverageAt(its, targetBp);
        expect(coverage.tickets).to.equal(acting.length);
        expect(coverage.errors).to.equal(acting.filter(({ correct }) => !correct).length);
        expect(coverage.boundBp ?? 0).to.be.at.most(targetBp);
        expect(coverageAt(its, targetBp + 100).tickets).to.be.at.least(coverage.tickets);
      }),
    );
  });
});

describe("the curve", () => {
  it("has a corner wherever more happens by itself, and none between", () => {
    const all = corners(calibration);
    expect(all.length).to.be.above(2);
    all.forEach(({ targetBp, tickets }, at) => {
      expect(coverageAt(calibration, targetBp - 1).tickets).to.equal(all[at - 1]?.tickets ?? 0);
      expect(tickets).to.be.above(all[at - 1]?.tickets ?? 0);
    });
    expect(all.at(-1)?.tickets).to.equal(DESK.length);
    expect(corners(calibrationOf([]))).to.deep.equal([]);
  });
});

describe("the sentence for an operations lead", () => {
  it("names the share at each target", () => {
    expect(coverageSentence(calibration, [10, 200, 500])).to.equal(
      "At ≤ 0.1 % error the desk handles no ticket by itself, at ≤ 2 % 47.6 %, at ≤ 5 % 71.5 %.",
    );
  });

  it("writes shares as people do", () => {
    expect([50, 500, 1_000, 496, 10_000].map(percentOf)).to.deep.equal(["0.5 %", "5 %", "10 %", "4.96 %", "100 %"]);
  });
});

describe("labels without enough evidence", () => {
  it("are named with what would change it", () => {
    expect(withoutEvidence(calibration, 500)).to.deep.equal([
      "Facilities: 100 answers, 100 of them wrong; even the best-scored may be wrong in 100 %, so ≤ 5 % is not shown.",
      "Purchase: 39 answers, 0 of them wrong; ≤ 5 % is shown from 59 answers without a miss on.",
    ]);
    expect(withoutEvidence(calibration, 200).at(-1)).to.equal(
      "Storage: 521 answers, 61 of them wrong; even the best-scored may be wrong in 2.36 %, so ≤ 2 % is not shown.",
    );
  });
});

describe("the report as HTML", () => {
  const html = coverageHtml([{ name: "category", calibration }], "Calibration of <model>", 500);

  it("is one file with a curve, both tables and every target", () => {
    expect(html).to.match(/<path class="curve" d="M60 \d+(H\d+V\d+)+H740"\/>/);
    for (const targetBp of TARGETS_BP) expect(html).to.include(`≤ ${percentOf(targetBp)}`);
    expect(html).to.include("<td>Access</td><td>600</td><td>0.0 %</td>");
    expect(html).to.not.match(/<script|src=|href=|@import/);
  });

  it("escapes what comes from a file", () => {
    const hostile = calibrationOf(distinct("<img src=x onerror=alert(1)>", 60));
    expect(coverageHtml([{ name: "<img>", calibration: hostile }], "a", 500)).to.not.include("<img");
    expect(html).to.include("Calibration of &lt;model&gt;").and.not.include("<model>");
  });

  it("is drawn for a calibration of nothing too", () => {
    expect(coverageHtml([{ name: "category", calibration: calibrationOf([]) }], "a", 500)).to.match(
      /<path class="curve" d="M60 \d+H740"\/>/,
    );
  });
});
