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
  const KNOWN = { problem: "PRB1", until: "2027-03-31" };
  const CONTRACTS = {
    knownErrors: [
      rule("urgent", "ticket.priority == 1", KNOWN),
      rule("production", 'ci.environment == "Production"', KNOWN),
    ],
  };

  it("has its conditions checked, also where its form is wrong", () => {
    const wrong = rule("a", "ticket.chnge.type == 1", KNOWN);
    expect(problemsOf("incidents", { knownErrors: [...CONTRACTS.knownErrors, wrong] })).to.have.lengthOf(1);
    const both = problemsOf("incidents", { knownErrors: [wrong, rule("b", "true", { problem: "PRB1" })] });
    expect(both.join("\n")).to.include("until: is missing").and.to.include('ticket has no field "chnge"');
  });

  it("is part of the policy's version and of what is kept, and of no trace", () => {
    const files = (value: object | undefined) => ({
      routing: yamlOf("routing.yaml", {
        rules: [],
        default: otherwise({ leave: true }),
      }),
      ...(value && { incidents: yamlOf("incidents.yaml", value) }),
      readIcs: () => undefined,
    });
    const fewer = { knownErrors: CONTRACTS.knownErrors.slice(1) };
    const [without, with1, with2] = [undefined, CONTRACTS, fewer].map((value) => {
      const compiled = compilePolicy(files(value), {});
      if ("problems" in compiled) throw new Error(compiled.problems.map(renderProblem).join("\n"));
      return compiled.policy;
    });
    expect(new Set([without?.version, with1?.version, with2?.version]).size).to.equal(3);
    expect(Object.keys(with1?.files ?? {})).to.include("incidents.yaml");
    expect(with1?.rules.map(({ name }) => name)).to.deep.equal(without?.rules.map(({ name }) => name));
    expect(with1?.checked.map(({ file, rules }) => [file, rules.length])).to.deep.equal([["incidents", 2]]);
    expect(policyOf([]).checked).to.deep.equal([]);
  });

  it("tells which of its rules a ticket meets: all of them, or the first", () => {
    const urgent = ticketWith({ kind: "change", priority: 1 });
    const contracts = tableOf("incidents", CONTRACTS);
    const ci = { name: "", className: "", environment: "Production", criticality: "", owner: "" };
    expect(matchedBy(contracts, urgent, { ci }, 0, {})).to.deep.equal({
      matched: ["urgent", "production"],
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
    expect(matchedBy(requests, urgent, {}, 0, {})).to.deep.equal({ matched: ["b"], errored: [] });
    expect(matchedBy(requests, ticketWith({ kind: "problem" }), {}, 0, {})).to.deep.equal({
      matched: ["a"],
      errored: [],
    });
  });

  it("asks for a fact first, and errs where it is not to be had", () => {
    const contracts = tableOf("incidents", CONTRACTS);
    expect(matchedBy(contracts, ticketWith({}), {}, 0, {})).to.deep.equal({ needs: ["ci"] });
    expect(matchedBy(contracts, ticketWith({}), { ci: null }, 0, {})).to.deep.equal({
      matched: [],
      errored: ["production"],
    });
  });
});
