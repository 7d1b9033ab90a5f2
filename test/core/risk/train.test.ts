import { expect } from "chai";
import { sha256Hex } from "../../../core/canonical.ts";
import { RISK_FEATURES } from "../../../core/risk/features.ts";
import { knownHistory } from "../../../core/risk/history.ts";
import { readRiskModel, writeRiskModel } from "../../../core/risk/model.ts";
import { type RiskCase, type RiskTraining, splitByTime, trainRisk } from "../../../core/risk/train.ts";
import { prng, shuffled } from "../../support/prng.ts";
import { madeUpChanges } from "./changes.ts";

const CASES = knownHistory(madeUpChanges(1_200)).cases;

function modelOf({ model }: RiskTraining): Exclude<RiskTraining["model"], string> {
  if (typeof model === "string") throw new Error(`refused: ${model}`);
  return model;
}

/** The first of them with only so many that went wrong. */
function withFailed(failed: number): RiskCase[] {
  let left = failed;
  return CASES.map((each) => ({ ...each, failed: each.failed && left-- > 0 }));
}

describe("a model of change risk", () => {
  it("learns what makes changes go wrong, and is measured on the last fifth by time", () => {
    const training = trainRisk(CASES, RISK_FEATURES);
    const { features, learnt, validation } = modelOf(training);
    const heaviest = features.toSorted((a, b) => b.weight - a.weight).map(({ name }) => name);
    expect(heaviest.slice(0, 2)).to.have.members(["failedChanges", "emergency"]);
    expect(learnt).to.deep.include({ changes: CASES.length, failed: CASES.filter(({ failed }) => failed).length });
    expect(validation.changes).to.equal(CASES.length - Math.floor(0.8 * CASES.length));
    expect(validation.auc).to.be.above(7_000);
    // Never known there, or always the same.
    expect(heaviest).to.not.include.members(["incidents", "modelChanges", "modelFailed", "standard", "firstChange"]);
  });

  it("is the same to the last byte for the same cases in any order, on every machine", () => {
    const text = writeRiskModel(modelOf(trainRisk(CASES, RISK_FEATURES)));
    expect(writeRiskModel(modelOf(trainRisk(shuffled(CASES, prng(1)), RISK_FEATURES)))).to.equal(text);
    expect(sha256Hex(text)).to.equal("3428ddf5a0385d94ce48eaa874fa2b661627ce8b82dc68aa0ac0f3e8e259d336");
    expect(readRiskModel(text)).to.deep.equal(JSON.parse(text));
  });

  it("is measured by cases that it has not seen", () => {
    const { later } = splitByTime(CASES);
    const last = new Set(later.map(({ startsAt }) => startsAt));
    const inverted = CASES.map((each) => (last.has(each.startsAt) ? { ...each, failed: !each.failed } : each));
    const { validation } = trainRisk(CASES, RISK_FEATURES);
    expect(trainRisk(inverted, RISK_FEATURES).validation?.auc).to.be.closeTo(1 - (validation?.auc ?? 0), 1e-9);
  });

  it("is none where the history does not suffice", () => {
    const refused = (cases: readonly RiskCase[]): unknown => trainRisk(cases, RISK_FEATURES).model;
    expect(refused(CASES.slice(0, 499))).to.equal("few_changes");
    expect(refused(CASES.slice(0, 500))).to.not.equal("few_changes");
    expect(refused(withFailed(29))).to.equal("few_failed");
    // None of the last fifth went wrong: nothing can be shown.
    expect(refused(withFailed(30))).to.equal("no_better_than_chance");
    const random = prng(9);
    expect(refused(CASES.map((each) => ({ ...each, failed: random() < 0.1 })))).to.equal("no_better_than_chance");
  });

  it("never takes more failures for less risk", () => {
    const rising = new Set(RISK_FEATURES.filter((each) => each.rising).map(({ name }) => name));
    expect([...rising]).to.deep.equal(["failedChanges", "incidents", "groupFailed", "modelFailed"]);
    for (const seed of [1, 2, 3, 4, 5]) {
      const training = trainRisk(knownHistory(madeUpChanges(1_000, seed)).cases, RISK_FEATURES);
      for (const { name, weight } of modelOf(training).features) if (rising.has(name)) expect(weight).to.be.at.least(0);
    }
  });

  it("is refused when anything in its file does not fit", () => {
    const model = JSON.parse(writeRiskModel(modelOf(trainRisk(CASES, RISK_FEATURES))));
    const faultOf = (given: unknown): unknown => {
      const read = readRiskModel(typeof given === "string" ? given : JSON.stringify(given));
      return "fault" in read ? read.fault : undefined;
    };
    const [one, ...others] = model.features;
    expect(faultOf(model)).to.equal(undefined);
    expect(["", "{", "[]", "null"].map(faultOf)).to.deep.equal(Array(4).fill("foreign"));
    for (const key of Object.keys(model)) expect(faultOf({ ...model, [key]: null }), key).to.equal("foreign");
    expect(faultOf({ ...model, extra: 1 })).to.equal("foreign");
    expect(faultOf({ ...model, features: [one, one, ...others] })).to.equal("foreign");
    expect(faultOf({ ...model, features: [{ ...one, weight: 0.5 }, ...others] })).to.equal("foreign");
    expect(faultOf({ ...model, version: 2, learnt: "otherwise" })).to.equal("other_version");
    expect(faultOf({ ...model, features: [{ ...one, name: "moonPhase" }, ...others] })).to.equal("other_version");
    expect(faultOf({ ...model, features: [{ ...one, transform: "identity" }, ...others] })).to.equal("other_version");
  });
});
