import { expect } from "chai";
import { policyChanges } from "../../../core/config/changes.ts";
import { checkConfig } from "../../../core/config/check.ts";
import { keptOf, policyFromKept } from "../../../core/config/policy-files.ts";
import { decide, inputsOf, redecide } from "../../../core/policy/decide.ts";
import { Inputs } from "../../../core/policy/inputs.ts";
import { KeptPolicy, type Policy } from "../../../core/policy/policy.ts";
import { RISK_MODEL_NAME } from "../../../core/risk/model.ts";
import { change, FILE, facts, NOW_MS, RISKY, riskModelText, rule } from "../support/changes.ts";
import { configOf, edited, FOLDERS, filesOf, problemsOf, SECRETS, SOUND, type Texts } from "../support/config-files.ts";
import { decided } from "../support/policies.ts";

const RISK = "config/policy/change-risk.yaml";
const MODEL = `config/policy/${RISK_MODEL_NAME}`;

const SCORED: Texts = { ...SOUND, [RISK]: JSON.stringify(FILE) };
const MODELLED: Texts = { ...SCORED, [MODEL]: riskModelText() };

function policyOf(texts: Texts): Policy {
  return configOf(texts).policy;
}

/** What is wrong, without the file's place. */
function told(texts: Texts): string[] {
  return problemsOf(texts).map(({ file, what }) => `${file}: ${what}`);
}

describe("a model beside change-risk.yaml", () => {
  it("scores instead of the factors, each of its own with what it read and its share", () => {
    const { risk } = decided(change(), policyOf(MODELLED), NOW_MS, facts({ failedChanges: 3, orphaned: true }));
    expect(risk).to.deep.equal({
      points: 36 + 15,
      tier: "high",
      by: "model",
      factors: [
        {
          id: "base",
          why: "So many in a hundred go wrong of changes that are usual in everything",
          value: "12",
          points: 12,
        },
        {
          id: "failedChanges",
          why: "3 changes on the item went wrong in the 90 days before",
          value: "3",
          points: 27,
        },
        { id: "emergency", why: "It is no emergency change", value: "no", points: -3 },
        {
          id: "ignorance/orphaned",
          why: "Nothing in the CMDB leads to the item",
          value: "impact.orphaned = true",
          points: 15,
        },
      ],
    });
    expect(decided(change(), policyOf(SCORED), NOW_MS, RISKY).risk).to.include({ by: "rules" });
  });

  it("leaves the factors to score where nothing is known of the item", () => {
    const { risk } = decided(change(), policyOf(MODELLED), NOW_MS, { ...facts(), impact: null });
    expect(risk).to.deep.include({ by: "rules" });
    expect(risk?.factors.map(({ id }) => id)).to.include.members(["ignorance/unknownItem", "wide"]);
  });

  it("is part of the version: another training is another policy, and none is the one of before", () => {
    const [none, one, other] = [SCORED, MODELLED, { ...SCORED, [MODEL]: riskModelText(-1_000_000) }].map(policyOf);
    const versions = [none, one, other].map((each) => each?.version);
    expect(new Set(versions).size).to.equal(3);
    expect(policyOf({ ...MODELLED, [MODEL]: riskModelText() }).version).to.equal(one?.version);
    if (!none || !one || !other) throw new Error("three policies were compiled");
    expect(policyChanges(none, one)).to.deep.equal([`${RISK_MODEL_NAME} was added`]);
    expect(policyChanges(one, other)).to.deep.equal([`${RISK_MODEL_NAME} was changed`]);
  });

  it("is kept with the policy, so a decision is made again from what was kept, byte for byte", () => {
    const policy = policyOf(MODELLED);
    const known = facts({ failedChanges: 4, stale: true });
    const ticket = change({ type: "emergency" }, { title: "An odd one" });
    const outcome = decide(ticket, known, policy, NOW_MS);
    if ("needs" in outcome) throw new Error("nothing is missing");
    const kept = JSON.parse(JSON.stringify(keptOf(policy)));
    const inputs = JSON.parse(JSON.stringify(inputsOf(ticket, known, policy, NOW_MS, outcome.decision)));
    const again = redecide(Inputs.parse(inputs), policyFromKept(KeptPolicy.parse(kept)));
    expect(JSON.stringify(again)).to.equal(JSON.stringify(outcome));
    expect(outcome.decision.risk?.by).to.equal("model");
  });

  it("that was changed where it is kept is no policy of that version any more", () => {
    const kept = keptOf(policyOf(MODELLED));
    const files = { ...kept.files, [RISK_MODEL_NAME]: riskModelText(0) };
    expect(() => policyFromKept({ ...kept, files })).to.throw("give version");
  });

  it("is a problem where it does not hold, with what to do", () => {
    for (const text of ["", "{}", '{"version":1}', riskModelText().replace("failedChanges", "failedChanges2x")])
      expect(told({ ...MODELLED, [MODEL]: text })).to.have.length(1);
    const [problem] = problemsOf({ ...MODELLED, [MODEL]: "no model" });
    expect(problem).to.include({ file: MODEL, what: "it is no model of change risk" });
    expect(problem?.fix).to.contain("interlock train --changes").and.to.contain("remove the file");
    const later = riskModelText().replace('"version":1', '"version":2');
    expect(told({ ...MODELLED, [MODEL]: later })).to.deep.equal([
      `${MODEL}: another version of Interlock wrote this model`,
    ]);
  });

  it("is a problem without the file that says what is high, and not where that file is only wrong", () => {
    const lonely = { ...SOUND, [MODEL]: riskModelText() };
    expect(told(lonely)).to.deep.equal([
      `${MODEL}: a model scores changes, and there is no change-risk.yaml beside it`,
    ]);
    const wrong = told({ ...MODELLED, [RISK]: "tiers: [" });
    expect(wrong.length).to.be.above(0);
    expect(wrong.join()).not.to.contain(MODEL);
  });

  it("counts 100 points where it is asked whether the board can be reached at all", () => {
    const factors = [rule("wide", "impact.dependents >= 20", { points: 20 })];
    const tiers = { moderate: 20, high: 90, very_high: 95 };
    const few = JSON.stringify({ ...FILE, factors, evidence: [], tiers });
    expect(told({ ...SCORED, [RISK]: few }).join()).to.contain(
      "no change can reach high: all factors together give 20",
    );
    expect(told({ ...MODELLED, [RISK]: few })).to.deep.equal([]);
    const never = JSON.stringify({ ...FILE, factors, evidence: [], tiers: { ...tiers, high: 101, very_high: 200 } });
    expect(told({ ...MODELLED, [RISK]: never }).join()).to.contain("no change can reach high: the model or all");
  });

  it("takes no part in the tests of the rules, and a check tells of it", () => {
    const test = (name: string, dependents: number, risk: object): object => ({
      name,
      ticket: {
        kind: "change",
        ci: "db",
        service: "Mail",
        assignmentGroup: "Servers",
        change: { backoutPlan: "Yes." },
      },
      facts: { ci: { environment: "Test" }, impact: { dependents } },
      expect: { risk },
    });
    const tests = [test("wide ones", 25, { points: 20 }), test("others", 0, { points: 0, tier: "low" })];
    const texts = { ...MODELLED, "config/policy/change-risk.test.yaml": JSON.stringify(tests) };
    const found = checkConfig(filesOf(texts), FOLDERS, SECRETS, NOW_MS);
    expect(found.problems.filter(({ what }) => what.includes("expected"))).to.deep.equal([]);
    expect(found.policyTestsPassed).to.be.at.least(2);
    expect(found.riskModel?.learnt).to.include({ changes: 1_000, failed: 120 });
    expect(checkConfig(filesOf(SCORED), FOLDERS, SECRETS, NOW_MS).riskModel).to.equal(undefined);
    // Else a test could not fail at all.
    const failing = edited(texts, "config/policy/change-risk.test.yaml", '"points":20', '"points":21');
    const wrong = checkConfig(filesOf(failing), FOLDERS, SECRETS, NOW_MS).problems.map(({ what }) => what);
    expect(wrong.join()).to.contain("expected risk");
  });
});
