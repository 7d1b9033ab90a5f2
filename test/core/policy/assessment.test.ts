import { expect } from "chai";
import fc from "fast-check";
import { requestText } from "../../../core/act/gate-note.ts";
import { adviceLines } from "../../../core/act/note.ts";
import type { Decision } from "../../../core/decision.ts";
import { decide, inputsOf, redecide } from "../../../core/policy/decide.ts";
import { explain } from "../../../core/policy/explain.ts";
import type { AssessmentFact, Facts } from "../../../core/policy/facts.ts";
import { Inputs } from "../../../core/policy/inputs.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import { ProblemsError } from "../../../core/problem.ts";
import { RiskModelFile } from "../../../core/risk/model.ts";
import { riskScorer } from "../../../core/risk/score.ts";
import { CHANGE_RISKS, CHANGE_TYPES, type Ticket } from "../../../core/ticket.ts";
import { SETS } from "../advice/answers.ts";
import { change, FILE, facts, NOW_MS, RISKY, ROUTED, riskModelText, rule } from "../support/changes.ts";
import { decided, policyOf } from "../support/policies.ts";
import { anyHour, anyImpact } from "../support/worlds.ts";

const ADVICE = { points: 15, max: 40 };

function scoring(advice: object, more: object = {}): Policy {
  return policyOf(ROUTED, undefined, {}, { "change-risk": { ...FILE, ...more, advice } });
}

const LISTENING = scoring(ADVICE);
const NAMED: AssessmentFact = { factors: ["no_backout", "peak_hours"], by: "claude:haiku" };
const said = (...factors: string[]): AssessmentFact => ({ factors, by: "claude:haiku" });
const knowing = (assessment: Facts["assessment"], known: Facts = facts()): Facts => ({ ...known, assessment });

describe("risk factors that a model names", () => {
  it("are asked for only where change-risk.yaml says what they add, of changes that are not over, and last", () => {
    expect(decide(change(), {}, LISTENING, NOW_MS)).to.deep.equal({ needs: ["ci", "impact", "assessment"] });
    expect(decide(change(), facts(), LISTENING, NOW_MS)).to.deep.equal({ needs: ["assessment"] });
    expect(LISTENING.asks).to.deep.equal(["ci", "impact", "assessment"]);
    for (const ticket of [change({}, { kind: "incident" }), change({}, { status: "closed" })])
      expect(decide(ticket, facts(), LISTENING, NOW_MS)).to.have.property("decision");
    const deaf = policyOf(ROUTED, undefined, {}, { "change-risk": FILE });
    expect(decide(change(), facts(), deaf, NOW_MS)).to.have.property("decision");
    expect(decided(change(), deaf, NOW_MS, knowing(NAMED)).risk?.points).to.equal(0);
  });

  it("add so many points each, and no more than so many together; those beyond are shown all the same", () => {
    const { risk } = decided(change(), LISTENING, NOW_MS, knowing(said("a", "b", "c", "d_d")));
    expect(risk).to.include({ points: 40, tier: "high" });
    expect(risk?.factors.map(({ id, points }) => `${id} ${points}`)).to.deep.equal([
      "advice/a 15",
      "advice/b 15",
      "advice/c 10",
      "advice/d_d 0",
    ]);
    expect(risk?.factors.at(-1)).to.include({
      why: "AI says that it shows: d d",
      value: "claude:haiku; how reliable: not measured",
    });
  });

  it("add nothing where there is no answer, whatever the reason", () => {
    expect(decided(change(), LISTENING, NOW_MS, knowing(null)).risk).to.include({ points: 0, tier: "low" });
    expect(decided(change(), LISTENING, NOW_MS, knowing(said())).risk?.factors).to.deep.equal([]);
  });

  it("are kept with a decision, which is made again from them byte for byte", () => {
    const known = knowing(NAMED, RISKY);
    const ticket = change({}, { title: "An odd one" });
    const decision = decided(ticket, LISTENING, NOW_MS, known);
    const kept = Inputs.parse(JSON.parse(JSON.stringify(inputsOf(ticket, known, LISTENING, NOW_MS, decision))));
    expect(JSON.stringify(redecide(kept, LISTENING))).to.equal(JSON.stringify({ decision }));
  });

  it("are told by explain and to approvers as AI's, with how reliable they are, and hide no other factor", () => {
    const decision = decided(change(), LISTENING, NOW_MS, knowing(NAMED, RISKY));
    const view = {
      ...{ connection: "snow", key: "CHG1", decision, actions: [], skips: [], gates: [], fields: {}, dueAtMs: null },
      ...{ rules: LISTENING.rules, parked: undefined, failing: undefined, settledAtMs: undefined },
    };
    const lines = explain(view as unknown as Parameters<typeof explain>[0], false); // all that it reads of a view
    const told = "AI named 2 risk factors of this change (+30 points; how reliable: not measured). It can only add.";
    expect(lines).to.include(
      "    +15 AI says that it shows: no backout (advice/no_backout) [claude:haiku; how reliable: not measured]",
    );
    expect(lines).to.include(`  ${told}`).and.not.include("  No AI was asked.");
    const [gate] = decision.gates;
    if (!gate) throw new Error("the board is asked");
    const asked = { ticket: change(), decision, advice: adviceLines(decision), nowMs: NOW_MS };
    const text = requestText(gate, asked).split("\n");
    expect(text).to.include.members([
      told,
      "  +15 AI says that it shows: peak hours (claude:haiku; how reliable: not measured)",
      "  +20 Because of wide (impact.dependents = 25)",
    ]);
    expect(text.join()).not.to.contain("no AI was used");
    const many = decided(change(), scoring({ points: 90, max: 900 }), NOW_MS, knowing(said(..."abcdefghij"), RISKY));
    expect(requestText(gate, { ...asked, decision: many })).to.contain("Because of wide");
  });

  it("of a file whose most is less than one of them adds are a problem", () => {
    expect(() => scoring({ points: 20, max: 19 }))
      .to.throw(ProblemsError)
      .with.nested.property("problems[0].what", "is less than one factor adds");
    for (const wrong of [{ points: 0, max: 5 }, { points: 5 }, { points: 5, max: 10, steps: 1 }])
      expect(() => scoring(wrong), JSON.stringify(wrong)).to.throw();
  });

  it("do not count where it is asked whether the board can be reached: it must be with AI off", () => {
    const few = { factors: [rule("wide", "impact.dependents >= 20", { points: 20 })], evidence: [] };
    expect(() => scoring({ points: 500, max: 900 }, few))
      .to.throw(ProblemsError)
      .with.nested.property("problems[0].what")
      .that.contains("no change can reach high");
  });

  it("stand in no rule's reach", () => {
    const reads = (when: string) => () => policyOf([{ when }]);
    expect(reads('assessment.by == "x"')).to.throw();
  });
});

const { risk_factors: choices } = SETS.labels;
const MODEL = riskScorer(RiskModelFile.parse(JSON.parse(riskModelText())));

/** The same with a model that scores instead of the factors. */
function modelled(policy: Policy): Policy {
  return { ...policy, risk: policy.risk && { ...policy.risk, model: MODEL } };
}

const POLICIES = [LISTENING, scoring({ points: 1, max: 1 }), scoring({ points: 1_000, max: 1_000 })];
const anyPolicy = fc.constantFrom(...POLICIES, ...POLICIES.map(modelled));

const anyTicket: fc.Arbitrary<Ticket> = fc
  .record({
    type: fc.constantFrom(...CHANGE_TYPES),
    risk: fc.constantFrom(...CHANGE_RISKS),
    backoutPlan: fc.constantFrom("", "Put it back."),
    plannedStart: fc.constantFrom("2026-03-02T10:00:00.000Z", "2026-03-10T19:00:00.000Z"),
    status: fc.constantFrom("new" as const, "assess" as const, "scheduled" as const),
  })
  .map(({ status, ...facet }) => change(facet, { status }));

function careOf({ gates, holds }: Decision): string[] {
  return [...gates.map(({ rule: id }) => id), ...holds.map(({ rule: id }) => id)];
}

/** Rising. */
const TIERS = ["", "low", "moderate", "high", "very_high"];

/** What a model may add beside points: the tier in the platform's own field, and that the board is needed. */
function withoutRisk({ set, suggests }: Decision): object {
  const { changeRisk: _risk, cabRequired: _board, ...rest } = set;
  return { rest, suggests };
}

describe("every answer about a change (properties)", function (this: Mocha.Suite) {
  this.timeout(120_000);

  it("leaves every factor and guard that there is without it, and lowers neither points nor tier", () => {
    const anyAnswer = fc.subarray(choices.map(({ id }) => id)).map((factors) => said(...factors));
    const anyAdvice = fc.constantFrom(undefined, null);
    let raised = 0;
    fc.assert(
      fc.property(
        ...([anyTicket, fc.option(anyImpact), anyAnswer, anyAdvice, anyPolicy, anyHour] as const),
        (ticket, impact, answer, advice, policy, nowMs) => {
          const known: Facts = { ...facts(), impact, ...(advice === null && { advice }) };
          const bare = decided(ticket, policy, nowMs, { ...known, assessment: null });
          const advised = decided(ticket, policy, nowMs, { ...known, assessment: answer });
          const rank = ({ risk }: Decision): number => TIERS.indexOf(risk?.tier ?? "");
          const points = ({ risk }: Decision): number => risk?.points ?? 0;
          if (points(advised) > points(bare)) raised += 1;
          expect(points(advised)).to.be.at.least(points(bare));
          expect(rank(advised)).to.be.at.least(rank(bare));
          expect(advised.risk?.factors ?? []).to.deep.include.members(bare.risk?.factors ?? []);
          // The board may come as a gate or, where it is too late to ask, as a hold; neither goes away.
          expect(careOf(advised)).to.include.members(careOf(bare));
          expect(withoutRisk(advised)).to.deep.equal(withoutRisk(bare));
          const wanted = ({ set }: Decision): number => TIERS.indexOf(String(set.changeRisk ?? ""));
          expect(wanted(advised)).to.be.at.least(wanted(bare));
          if (bare.set.cabRequired) expect(advised.set.cabRequired).to.equal("true");
          expect([advised.mode, advised.because, advised.sla]).to.deep.equal([bare.mode, bare.because, bare.sla]);
        },
      ),
      { numRuns: 3_000 },
    );
    expect(raised).to.be.above(1_000);
  });

  it("that names more adds no less", () => {
    const ids = fc.uniqueArray(fc.constantFrom(..."abcdefgh"), { maxLength: 8 });
    fc.assert(
      fc.property(ids, ids, anyPolicy, (few, more, policy) => {
        const all = [...new Set([...more, ...few])];
        const points = (named: string[]) =>
          decided(change(), policy, NOW_MS, knowing(said(...named))).risk?.points ?? 0;
        return points(all) >= points(few);
      }),
    );
  });
});
