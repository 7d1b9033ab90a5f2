import { expect } from "chai";
import { expressionCompiler } from "../../../core/expression.ts";
import { compileChangeRisk } from "../../../core/policy/change-risk.ts";
import { policyDeclarations } from "../../../core/policy/declarations.ts";
import { policyOf, yamlOf } from "../support/policies.ts";

const compile = expressionCompiler(policyDeclarations({}));

function rule(id: string, when: string, does: object): object {
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  return { id, why: "It says so", when, then: does };
}

function problemsOf(value: unknown): string[] {
  const compiled = compileChangeRisk(yamlOf("change-risk.yaml", value), compile);
  return "problems" in compiled ? compiled.problems.map(({ path, what, fix }) => `${path}: ${what}. ${fix}.`) : [];
}

const TIERS = { moderate: 10, high: 20, very_high: 30 };
const CAB = { from: "high", approvers: { group: "Board" }, leadTime: "2d" };
const FACTORS = [
  rule("emergency", 'ticket.change.type == "emergency"', { points: 15 }),
  rule("production", 'ci.environment == "Production"', { points: 15 }),
];
const ROLLBACK = { watch: "1h", on: { failedCheck: true }, ask: { group: "Managers" }, expires: "1h" };

describe("change-risk.yaml", () => {
  const file = (more: object): object => ({ factors: FACTORS, tiers: TIERS, cab: CAB, ...more });

  it("is sound as it should be", () => {
    expect(problemsOf(file({}))).to.deep.equal([]);
  });

  it("has tiers that rise", () => {
    expect(problemsOf(file({ tiers: { moderate: 10, high: 10, very_high: 30 } }))).to.deep.equal([
      "tiers: the tiers do not rise. Write moderate < high < very_high.",
    ]);
  });

  it("has a board that some change can reach", () => {
    expect(problemsOf(file({ factors: FACTORS.slice(1) }))).to.deep.equal([
      "cab.from: no change can reach high: all factors together give 15 of 20 points. Give the factors more points, or lower the tier.",
    ]);
  });

  it("counts what missing evidence adds, and not what it holds", () => {
    const evidence = (then: unknown): object =>
      rule("plan", "true", { require: ["change.backoutPlan"], otherwise: then });
    const one = { factors: FACTORS.slice(1) };
    expect(problemsOf(file({ ...one, evidence: [evidence({ points: 5 })] }))).to.deep.equal([]);
    expect(problemsOf(file({ ...one, evidence: [evidence("hold")] }))).to.have.lengthOf(1);
  });

  it("takes back without asking what is standard only", () => {
    const rollback = (when: string): object =>
      file({ rollback: [rule("back", when, { ...ROLLBACK, automatic: true })] });
    expect(problemsOf(rollback('ticket.change.type == "standard" && ticket.priority > 2'))).to.deep.equal([]);
    for (const when of ['ticket.change.type in ["standard", "normal"]', 'ticket.change.type != "emergency"', "true"])
      expect(problemsOf(rollback(when)), when).to.deep.equal([
        'rollback.0.then.automatic: goes back without asking, and not for standard changes only. Begin the condition with ticket.change.type == "standard" &&, or write automatic: false.',
      ]);
  });

  it("does not read the risk that it sets", () => {
    const echo = rule("called-high", 'ticket.change.risk == "high"', { points: 5 });
    expect(problemsOf(file({ factors: [...FACTORS, echo] }))).to.deep.equal([
      "factors.2.when: reads ticket.change.risk, which the score itself sets: it would feed itself. Leave it out; a change that people call high goes to the board whatever its points are.",
    ]);
  });

  it("weighs what is not known, and cannot leave it out", () => {
    expect(problemsOf(file({ ignorance: { stale: 1 } }))).to.deep.equal([]);
    expect(problemsOf(file({ ignorance: { stale: 0 } }))).to.have.lengthOf(1);
    expect(problemsOf(file({ ignorance: { unknown: 5 } }))).to.have.lengthOf(1);
  });

  it("leaves the ids of the board's own guards to them", () => {
    expect(problemsOf(file({ factors: [...FACTORS, rule("cab", "true", { points: 5 })] }))).to.deep.equal([
      'factors.2.id: the id "cab" is that of the board\'s own guard. Rename it.',
    ]);
  });

  it("has its conditions checked, also where its form is wrong", () => {
    const wrong = [rule("a", "ticket.chnge.type == 1", { points: 5 })];
    expect(problemsOf({ factors: [...FACTORS, ...wrong], tiers: TIERS, cab: CAB })).to.have.lengthOf(1);
    const both = problemsOf({ factors: wrong, tiers: TIERS });
    expect(both.join("\n")).to.include("cab: is missing").and.to.include('ticket has no field "chnge"');
  });

  it("watches something", () => {
    const back = rule("back", "true", { ...ROLLBACK, on: {} });
    expect(problemsOf(file({ rollback: [back] }))[0]).to.include("watches nothing");
  });

  it("has ids of its own over all sections", () => {
    const evidence = [rule("emergency", "true", { require: ["ci"], otherwise: "hold" })];
    expect(problemsOf(file({ evidence }))[0]).to.include('the id "emergency" is taken');
  });
});

describe("a policy with change-risk.yaml", () => {
  const RISK = {
    factors: FACTORS,
    evidence: [rule("plan", "true", { require: ["change.backoutPlan"], otherwise: "hold" })],
    rollback: [rule("back", "true", ROLLBACK)],
    tiers: TIERS,
    cab: CAB,
  };
  const ROUTED = [{ id: "all", when: "true" }];
  const without = policyOf(ROUTED);
  const scoring = policyOf(ROUTED, undefined, {}, { "change-risk": RISK });

  it("has its rules behind all others in a trace, asks for impact, and keeps its rollback rules", () => {
    const before = without.rules.map(({ name }) => name);
    const more = ["emergency", "production", "plan", "back"].map((id) => `change-risk/${id}`);
    expect(scoring.rules.map(({ name }) => name)).to.deep.equal([...before, ...more]);
    expect(without.asks).to.deep.equal([]);
    expect(scoring.asks).to.deep.equal(["ci", "impact", "aftermath"]);
    expect(scoring.risk?.rollback.rules.map(({ id, does }) => [id, does.watch])).to.deep.equal([["back", 3_600_000]]);
    expect([scoring.checked, without.risk, without.checked]).to.deep.equal([[], undefined, []]);
  });

  it("gives the board four days where it does not say how long, and nobody in its place", () => {
    const { demand, leadTimeMs } = scoring.risk?.cab ?? {};
    expect([demand?.expiresMs, demand?.fallbackGroup, leadTimeMs]).to.deep.equal([345_600_000, null, 172_800_000]);
    const cab = { ...CAB, expires: "1h", fallback: { group: "Managers" } };
    const told = policyOf(ROUTED, undefined, {}, { "change-risk": { ...RISK, cab } }).risk?.cab.demand;
    expect([told?.expiresMs, told?.fallbackGroup]).to.deep.equal([3_600_000, "Managers"]);
  });

  it("has another version with every change of it", () => {
    const tiers = { ...TIERS, very_high: 31 };
    const other = policyOf(ROUTED, undefined, {}, { "change-risk": { ...RISK, tiers } });
    expect(new Set([without.version, scoring.version, other.version]).size).to.equal(3);
  });
});
