import { expect } from "chai";
import { expressionCompiler } from "../../../core/expression.ts";
import { type CheckedFileName, type CheckedTable, compileChecked, matchedBy } from "../../../core/policy/checked.ts";
import { compilePolicy } from "../../../core/policy/compile.ts";
import { policyDeclarations } from "../../../core/policy/declarations.ts";
import { renderProblem } from "../../../core/problem.ts";
import { policyOf, yamlOf } from "../support/policies.ts";
import { ticketWith } from "../support/tickets.ts";

const compile = expressionCompiler(policyDeclarations({}));

const WHY = "It says so";
const ASK = { approvers: { group: "Managers" }, expires: "1h" };

function rule(id: string, when: string, does: object): object {
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  return { id, why: WHY, when, then: does };
}

function otherwise(does: object): object {
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  return { id: "rest", why: WHY, then: does };
}

function problemsOf(name: CheckedFileName, value: unknown): string[] {
  const compiled = compileChecked(name, yamlOf(`${name}.yaml`, value), compile);
  return "problems" in compiled ? compiled.problems.map(({ path, what, fix }) => `${path}: ${what}. ${fix}.`) : [];
}

function tableOf(name: CheckedFileName, value: unknown): CheckedTable {
  const compiled = compileChecked(name, yamlOf(`${name}.yaml`, value), compile);
  if ("problems" in compiled) throw new Error(compiled.problems.map(renderProblem).join("\n"));
  return compiled;
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
    expect(problemsOf("change-risk", file({}))).to.deep.equal([]);
  });

  it("has tiers that rise", () => {
    expect(problemsOf("change-risk", file({ tiers: { moderate: 10, high: 10, very_high: 30 } }))).to.deep.equal([
      "tiers: the tiers do not rise. Write moderate < high < very_high.",
    ]);
  });

  it("has a board that some change can reach", () => {
    expect(problemsOf("change-risk", file({ factors: FACTORS.slice(1) }))).to.deep.equal([
      "cab.from: no change can reach high: all factors together give 15 of 20 points. Give the factors more points, or lower the tier.",
    ]);
  });

  it("counts what missing evidence adds, and not what it holds", () => {
    const evidence = (then: unknown): object =>
      rule("plan", "true", { require: ["change.backoutPlan"], otherwise: then });
    const one = { factors: FACTORS.slice(1) };
    expect(problemsOf("change-risk", file({ ...one, evidence: [evidence({ points: 5 })] }))).to.deep.equal([]);
    expect(problemsOf("change-risk", file({ ...one, evidence: [evidence("hold")] }))).to.have.lengthOf(1);
  });

  it("takes back without asking what is standard only", () => {
    const rollback = (when: string): object =>
      file({ rollback: [rule("back", when, { ...ROLLBACK, automatic: true })] });
    expect(
      problemsOf("change-risk", rollback('ticket.change.type == "standard" && ticket.priority > 2')),
    ).to.deep.equal([]);
    for (const when of ['ticket.change.type in ["standard", "normal"]', 'ticket.change.type != "emergency"', "true"])
      expect(problemsOf("change-risk", rollback(when)), when).to.deep.equal([
        'rollback.0.then.automatic: goes back without asking, and not for standard changes only. Begin the condition with ticket.change.type == "standard" &&, or write automatic: false.',
      ]);
  });

  it("watches something", () => {
    const back = rule("back", "true", { ...ROLLBACK, on: {} });
    expect(problemsOf("change-risk", file({ rollback: [back] }))[0]).to.include("watches nothing");
  });

  it("has ids of its own over all sections", () => {
    const evidence = [rule("emergency", "true", { require: ["ci"], otherwise: "hold" })];
    expect(problemsOf("change-risk", file({ evidence }))[0]).to.include('the id "emergency" is taken');
  });
});

describe("requests.yaml", () => {
  const FULFIL = [{ id: "do", group: "Desk", task: "Do it" }];
  const file = (does: object): object => ({ default: otherwise({ approve: [], fulfil: FULFIL, ...does }) });

  it("says who decides beyond its limits, and only then", () => {
    expect(problemsOf("requests", file({ limits: { priceMax: 1 }, overLimit: ASK }))).to.deep.equal([]);
    expect(problemsOf("requests", file({ limits: { priceMax: 1 } }))).to.deep.equal([
      "default.then.limits: has limits, and nobody who decides beyond them. Write limits and overLimit together, or neither.",
    ]);
    expect(problemsOf("requests", file({ overLimit: ASK }))[0]).to.include("beyond limits that are not there");
    expect(problemsOf("requests", file({ limits: {}, overLimit: ASK }))[0]).to.include(
      "beyond limits that are not there",
    );
  });

  it("has steps that wait for steps before them", () => {
    const step = (id: string, after: string[]): object => ({ id, group: "Desk", task: "Do it", after });
    expect(problemsOf("requests", file({ fulfil: [step("a", []), step("b", ["a"])] }))).to.deep.equal([]);
    expect(problemsOf("requests", file({ fulfil: [step("a", ["b"]), step("b", [])] }))).to.deep.equal([
      'default.then.fulfil.0.after.0: there is no step "b" before this one. The first step waits for none.',
    ]);
    expect(problemsOf("requests", file({ fulfil: [step("a", []), step("b", ["b"])] }))[0]).to.include("Use one of: a");
  });

  it("has steps that can be told apart", () => {
    const approve = [
      { id: "boss", ...ASK },
      { id: "boss", ...ASK },
    ];
    expect(problemsOf("requests", file({ approve }))).to.deep.equal([
      'default.then.approve.1.id: the step "boss" stands here twice. Give every step an id of its own.',
    ]);
  });

  it("has a default", () => {
    expect(problemsOf("requests", { rules: [] })[0]).to.match(/^default: is missing/);
  });
});

describe("incidents.yaml", () => {
  const major = rule("big", "ticket.priority == 1", { declare: ASK, correlated: 5 });
  const same = rule("one", 'ticket.ci != ""', { same: ["ci"], within: "30m", atLeast: 3, link: "parent" });

  it("sees incidents as one before it waits for them", () => {
    expect(problemsOf("incidents", { major: [major], correlation: [same] })).to.deep.equal([]);
    expect(problemsOf("incidents", { major: [major] })).to.deep.equal([
      "major.0.then.correlated: waits for 5 incidents that are seen as one, and no rule sees any as one. Add a rule under correlation, or leave correlated out.",
    ]);
  });

  it("has contracts that end", () => {
    const known = (until: string): object => ({ knownErrors: [rule("k", "true", { problem: "PRB1", until })] });
    expect(problemsOf("incidents", known("2027-03-31"))).to.deep.equal([]);
    expect(problemsOf("incidents", known("some day"))).to.have.lengthOf(1);
  });
});

describe("knowledge.yaml", () => {
  const close = (scoreMin: string): object => ({ scoreMin, confirmedBy: "requester", waits: "48h" });
  const file = (does: object): object => ({ default: otherwise(does) });

  it("asks more of a match that closes than of one that is offered", () => {
    expect(problemsOf("knowledge", file({ offer: { scoreMin: "60%" }, close: close("60%") }))).to.deep.equal([]);
    expect(problemsOf("knowledge", file({ offer: { scoreMin: "60%" }, close: close("59%") }))).to.deep.equal([
      "default.then.close.scoreMin: asks less of a match (59%) than an offer does (60%). Write 60% or more.",
    ]);
  });

  it("closes nothing by what was never offered", () => {
    expect(problemsOf("knowledge", file({ never: true, close: close("90%") }))[0]).to.include("never offered");
  });

  it("offers, or says never, and not both", () => {
    expect(problemsOf("knowledge", file({}))[0]).to.include("does nothing");
    expect(problemsOf("knowledge", file({ never: true, offer: { scoreMin: "60%" } }))[0]).to.include("beside offer");
  });

  it("has shares in whole percent", () => {
    for (const scoreMin of ["0%", "101%", "0.6", "60 %"])
      expect(problemsOf("knowledge", file({ offer: { scoreMin } }))[0], scoreMin).to.include("is not a share");
  });
});

describe("a file that is only checked", () => {
  const RISK = { factors: FACTORS, tiers: TIERS, cab: CAB };

  it("has its conditions checked, also where its form is wrong", () => {
    const wrong = [rule("a", "ticket.chnge.type == 1", { points: 5 })];
    expect(problemsOf("change-risk", { factors: [...FACTORS, ...wrong], tiers: TIERS, cab: CAB })).to.have.lengthOf(1);
    const both = problemsOf("change-risk", { factors: wrong, tiers: TIERS });
    expect(both.join("\n")).to.include("cab: is missing").and.to.include('ticket has no field "chnge"');
  });

  it("is part of the policy's version and of what is kept, and of no trace", () => {
    const files = (value: object | undefined) => ({
      routing: yamlOf("routing.yaml", {
        rules: [],
        default: otherwise({ leave: true }),
      }),
      ...(value && { "change-risk": yamlOf("change-risk.yaml", value) }),
      readIcs: () => undefined,
    });
    const [without, with1, with2] = [undefined, RISK, { ...RISK, tiers: { ...TIERS, very_high: 29 } }].map((value) => {
      const compiled = compilePolicy(files(value), {});
      if ("problems" in compiled) throw new Error(compiled.problems.map(renderProblem).join("\n"));
      return compiled.policy;
    });
    expect(new Set([without?.version, with1?.version, with2?.version]).size).to.equal(3);
    expect(Object.keys(with1?.files ?? {})).to.include("change-risk.yaml");
    expect(with1?.rules.map(({ name }) => name)).to.deep.equal(without?.rules.map(({ name }) => name));
    expect(with1?.checked.map(({ file, rules }) => [file, rules.length])).to.deep.equal([["change-risk", 2]]);
    expect(policyOf([]).checked).to.deep.equal([]);
  });

  it("tells which of its rules a ticket meets: all of them, or the first", () => {
    const emergency = ticketWith({ kind: "change", change: { type: "emergency", risk: "", backoutPlan: "", cabRequired: false, onHold: false } });
    const risk = tableOf("change-risk", RISK);
    const ci = { name: "", className: "", environment: "Production", criticality: "", owner: "" };
    expect(matchedBy(risk, emergency, { ci }, 0, {})).to.deep.equal({
      matched: ["emergency", "production"],
      errored: [],
    });
    const fulfil = [{ id: "do", group: "Desk", task: "Do it" }];
    const requests = tableOf("requests", {
      rules: [
        rule("a", 'ticket.kind == "problem"', { approve: [], fulfil }),
        rule("b", 'ticket.kind == "change"', { approve: [], fulfil }),
        rule("c", "true", { approve: [], fulfil }),
      ],
      default: otherwise({ approve: [], fulfil }),
    });
    expect(matchedBy(requests, emergency, {}, 0, {})).to.deep.equal({ matched: ["b"], errored: [] });
    expect(matchedBy(requests, ticketWith({ kind: "problem" }), {}, 0, {})).to.deep.equal({
      matched: ["a"],
      errored: [],
    });
  });

  it("asks for a fact first, and errs where it is not to be had", () => {
    const risk = tableOf("change-risk", RISK);
    expect(matchedBy(risk, ticketWith({}), {}, 0, {})).to.deep.equal({ needs: ["ci"] });
    expect(matchedBy(risk, ticketWith({}), { ci: null }, 0, {})).to.deep.equal({
      matched: [],
      errored: ["production"],
    });
  });
});
