import { expect } from "chai";
import fc from "fast-check";
import {
  type ItemCondition,
  ignoranceOf,
  QUALITY_REASONS,
  QUALITY_WEIGHTS,
  type QualityReason,
  qualityOf,
} from "../../../core/cmdb/quality.ts";
import { anyCondition, DAY_MS, NOW_MS, WELL_KEPT } from "./conditions.ts";

const quality = (patch: Partial<ItemCondition>) => qualityOf({ ...WELL_KEPT, ...patch }, NOW_MS);

describe("the quality of an item", () => {
  it("is full where nothing is wrong with it, and its weights are a hundred together", () => {
    expect(quality({})).to.deep.equal({ score: 100, reasons: [] });
    expect(Object.values(QUALITY_WEIGHTS).reduce((sum, weight) => sum + weight, 0)).to.equal(100);
  });

  const wrong: readonly (readonly [Partial<ItemCondition>, QualityReason[], number])[] = [
    [{ hasName: false }, ["nameless"], 90],
    [{ hasClass: false }, ["unclassified"], 95],
    [{ hasEnvironment: false }, ["no_environment"], 90],
    [{ hasOwner: false }, ["no_owner"], 85],
    [{ hasGroup: false }, ["no_group"], 90],
    [{ updatedAtMs: NOW_MS - 365 * DAY_MS }, [], 100],
    [{ updatedAtMs: NOW_MS - 365 * DAY_MS - 1 }, ["stale"], 85],
    [{ discoveredAtMs: NOW_MS - 90 * DAY_MS }, [], 100],
    [{ discoveredAtMs: NOW_MS - 90 * DAY_MS - 1 }, ["undiscovered"], 95],
    [{ discoveredAtMs: null }, [], 100],
    [{ hasRelation: false }, ["no_relation"], 85],
    [{ hasService: false }, [], 100],
    [{ hasRelation: false, hasService: false }, ["no_relation", "orphaned"], 80],
    [{ isDuplicate: true }, ["duplicate"], 90],
  ];
  for (const [patch, reasons, score] of wrong)
    it(`is ${score} for ${JSON.stringify(patch)}`, () => {
      expect(quality(patch)).to.deep.equal({ score, reasons });
    });

  it("is from 0 to 100, is what its reasons say, and never rises when something goes wrong", () => {
    const spoilt = { hasName: false, hasOwner: false, hasRelation: false, isDuplicate: true, updatedAtMs: 0 };
    fc.assert(
      fc.property(anyCondition, fc.subarray(Object.keys(spoilt)), (item, fields) => {
        const { score, reasons } = qualityOf(item, NOW_MS);
        expect(score).to.be.within(0, 100);
        expect(reasons).to.deep.equal(QUALITY_REASONS.filter((reason) => reasons.includes(reason)));
        expect(score).to.equal(100 - reasons.reduce((sum, reason) => sum + QUALITY_WEIGHTS[reason], 0));
        const worse = {
          ...item,
          ...Object.fromEntries(Object.entries(spoilt).filter(([name]) => fields.includes(name))),
        };
        expect(qualityOf(worse, NOW_MS).score).to.be.at.most(score);
      }),
    );
  });

  it("can be nothing at all", () => {
    const nothing = { hasName: false, hasClass: false, hasEnvironment: false, hasOwner: false, hasGroup: false };
    const old = { updatedAtMs: 0, discoveredAtMs: 0, hasRelation: false, hasService: false, isDuplicate: true };
    expect(qualityOf({ ...nothing, ...old }, NOW_MS)).to.deep.equal({ score: 0, reasons: [...QUALITY_REASONS] });
  });
});

describe("what is not known about an item", () => {
  const ignorance = (patch: Partial<ItemCondition>) => ignoranceOf({ ...WELL_KEPT, ...patch }, NOW_MS);
  const nothing = { stale: false, orphaned: false, duplicate: false, ownerless: false, relationless: false };

  it("is nothing of one that is well kept, and each by itself", () => {
    expect(ignorance({})).to.deep.equal(nothing);
    expect(ignorance({ updatedAtMs: 0 })).to.deep.equal({ ...nothing, stale: true });
    expect(ignorance({ discoveredAtMs: 0 })).to.deep.equal({ ...nothing, stale: true });
    expect(ignorance({ isDuplicate: true })).to.deep.equal({ ...nothing, duplicate: true });
    expect(ignorance({ hasRelation: false })).to.deep.equal({ ...nothing, relationless: true });
    expect(ignorance({ hasService: false })).to.deep.equal(nothing);
    const alone = { hasRelation: false, hasService: false };
    expect(ignorance(alone)).to.deep.equal({ ...nothing, relationless: true, orphaned: true });
  });

  it("has an owner as long as there is a person or a group", () => {
    expect(ignorance({ hasOwner: false }).ownerless).to.equal(false);
    expect(ignorance({ hasGroup: false }).ownerless).to.equal(false);
    expect(ignorance({ hasOwner: false, hasGroup: false }).ownerless).to.equal(true);
  });
});
