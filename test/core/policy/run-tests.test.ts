import { expect } from "chai";
import { loadConfig } from "../../../core/config/load.ts";
import type { TestRun } from "../../../core/mapping/run-tests.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import { runPolicyTests } from "../../../core/policy/run-tests.ts";
import { renderProblem } from "../../../core/problem.ts";
import { edited, FOLDERS, filesOf, SECRETS, type Texts, without } from "../support/config-files.ts";
import { GATES, GATES_TESTS, ROUTING_TESTS, SLA_TESTS, SOUND_POLICY } from "../support/policy-files.ts";

const FOLDER = "config/policy";

function policyOf(texts: Texts): Policy {
  const loaded = loadConfig(filesOf(texts), FOLDERS, SECRETS);
  if (!("config" in loaded)) throw new Error(loaded.problems.map(renderProblem).join("\n"));
  return loaded.config.policy;
}

/** Runs the tests of a policy. */
function run(texts: Texts): TestRun {
  return runPolicyTests(filesOf(texts), FOLDER, policyOf(texts));
}

function faults(texts: Texts): string[] {
  return run(texts).problems.map(renderProblem);
}

function routingTest(text: string): string[] {
  return faults({ ...SOUND_POLICY, [ROUTING_TESTS]: `${SOUND_POLICY[ROUTING_TESTS]}${text}` });
}

describe("the tests of a policy", () => {
  it("pass where they hold, and are counted", () => {
    expect(run(SOUND_POLICY)).to.deep.equal({ passed: 14, problems: [], failed: [] });
  });

  it("say at the wrong expectation what was expected and what came", () => {
    const lines = faults(edited(SOUND_POLICY, ROUTING_TESTS, "rule: phone", "rule: senior"));
    expect(lines).to.deep.equal([
      'config/policy/routing.test.yaml:6:19 1.expect.rule: test "a call stays with the desk" expected rule senior, and got phone. Correct the rules or the test.',
    ]);
  });

  it("count only those that hold", () => {
    expect(run(edited(SOUND_POLICY, ROUTING_TESTS, "rule: phone", "rule: senior")).passed).to.equal(13);
  });

  it("are not asked for where a file is not there", () => {
    expect(run(without(without(SOUND_POLICY, GATES), GATES_TESTS))).to.deep.equal({
      passed: 10,
      problems: [],
      failed: [],
    });
  });

  it("compare lists whole, in any order", () => {
    const test = (gates: string): string[] =>
      routingTest(
        `- { name: both, ticket: { kind: request, category: security, request: { price: 2000 } }, facts: { spend: { month: 0 } }, expect: { gates: ${gates} } }\n`,
      );
    expect(test("[spend, security]")).to.deep.equal([]);
    expect(test("[security, spend]")).to.deep.equal([]);
    expect(test("[security]").join()).to.contain("expected gates security, and got security, spend");
    expect(test("[]").join()).to.contain("expected gates none, and got security, spend");
  });

  it("say why a ticket is held where a rule was expected to decide", () => {
    const broken = edited(
      SOUND_POLICY,
      "config/policy/routing.yaml",
      "ticket.priority <= 2",
      "1 / (2 - ticket.priority) > 0",
    );
    expect(faults(broken).join("\n")).to.match(
      /expected rule senior, and got senior \(rule senior could not be computed: /,
    );
  });

  it("take a fact that is not given as one that nobody knows, and say so", () => {
    const lines = faults(edited(SOUND_POLICY, GATES_TESTS, "  facts: { spend: { month: 500 } }\n", ""));
    expect(lines[0]).to.contain("expected gates spend, and got none (spend asked for and not given)");
  });

  it("know without being told that a ticket which names no item has none, and nobody is in no group", () => {
    const gate = (when: string): string =>
      `- { id: of-it, why: ask, when: '${when}', then: { gate: { approvers: { group: Bosses }, before: [assign], binds: [priority], expires: 1h } } }\n`;
    const test = "- { name: free, ticket: { kind: problem, category: other }, expect: { gates: [], holds: [] } }\n";
    for (const when of ['ci.environment == "production"', 'inGroup(ticket.requester, "Board Office")']) {
      const gated = { ...SOUND_POLICY, [GATES]: `${SOUND_POLICY[GATES]}${gate(when)}` };
      const lines = faults({ ...gated, [ROUTING_TESTS]: `${SOUND_POLICY[ROUTING_TESTS]}${test}` });
      expect(lines.join("\n"), when).to.not.contain("expected");
      const named = test.replace("category", "ci: DB-01, requester: { id: beth }, category");
      const held = faults({ ...gated, [ROUTING_TESTS]: `${SOUND_POLICY[ROUTING_TESTS]}${named}` });
      expect(held.join("\n"), when).to.match(
        /expected holds none, and got of-it .*\((ci|members) asked for and not given\)/,
      );
    }
  });

  it("ask about the given hour, and about the ticket's own where none is given", () => {
    const at = (now: string): string[] => faults(edited(SOUND_POLICY, SLA_TESTS, "2026-03-02T09:30:00Z", now));
    expect(at("2026-03-02T10:30:00+01:00")).to.deep.equal([]);
    expect(at("2026-03-02T09:29:59Z").join()).to.contain("expected escalations half, and got none");
    const asCreated = edited(SOUND_POLICY, SLA_TESTS, "  now: 2026-03-02T09:30:00Z\n", "");
    expect(faults(asCreated).join()).to.contain("got 2026-03-02T09:30:00.000Z");
  });

  const refused: readonly (readonly [string, string, RegExp])[] = [
    ["a rule that is not there", "{ rule: seniors }", /there is no routing rule "seniors"\. Did you mean "senior"\?/],
    ["a gate that is a routing rule", "{ gates: [senior] }", /there is no gate or freeze "senior"/],
    ["a step that is not there", "{ escalations: [halve] }", /there is no step "halve"\. Did you mean "half"\?/],
    ["a rule of another file", "{ becauseNot: [gates/senior] }", /there is no rule "gates\/senior"/],
    ["nothing", "{}", /expects nothing, so it could not fail/],
  ];
  for (const [what, expectation, words] of refused) {
    it(`refuse to expect ${what}`, () => {
      expect(routingTest(`- { name: n, ticket: { priority: 1 }, expect: ${expectation} }\n`).join("\n")).to.match(
        words,
      );
    });
  }

  it("may name a rule with its file or without", () => {
    const test = (id: string): string[] =>
      routingTest(
        `- { name: n, ticket: { priority: 1 }, expect: { because: [${id}], becauseNot: [routing/phone] } }\n`,
      );
    expect([...test("senior"), ...test("routing/senior"), ...test("sla/urgent")]).to.deep.equal([]);
  });

  it("hold the rules of one file only by the tests of that file", () => {
    // The tests of other files still match the rule `spend`, and that is not enough.
    const lines = faults({
      ...SOUND_POLICY,
      [GATES_TESTS]: "- { name: n, ticket: { category: security }, expect: { gates: [security] } }\n",
      [ROUTING_TESTS]: `${SOUND_POLICY[ROUTING_TESTS]}- { name: r, ticket: { kind: request, request: { price: 2000 } }, facts: { spend: { month: 0 } }, expect: { gates: [spend] } }\n`,
    });
    expect(lines.map((line) => line.replace(/\. .*$/, ""))).to.deep.equal([
      'config/policy/gates.yaml:1:7 0.id: no test in gates.test.yaml passes rule "security" by',
      'config/policy/gates.yaml:6:7 1.id: no test in gates.test.yaml makes rule "spend" match',
    ]);
  });

  it("count a rule that was never asked as neither matched nor passed by", () => {
    const first = "- { name: n, ticket: { priority: 1 }, expect: { rule: senior } }\n";
    expect(faults({ ...SOUND_POLICY, [ROUTING_TESTS]: first }).length).to.equal(4);
  });

  it("also cover the files that no decision is made by yet", () => {
    const incidents = `major:
  - id: payments
    why: Payments are down
    when: ticket.service == "Payments" && ticket.priority == 1
    then: { declare: { approvers: { group: Major Incidents }, expires: 1h } }
`;
    const texts = { ...SOUND_POLICY, "config/policy/incidents.yaml": incidents };
    const path = "config/policy/incidents.test.yaml";
    const tests = (service: string): string =>
      `- { name: a, ticket: { priority: 1, service: ${service} }, expect: { because: [incidents/payments] } }\n- { name: b, ticket: {}, expect: { becauseNot: [payments] } }\n`;
    expect(faults({ ...texts, [path]: tests("Payments") })).to.deep.equal([]);
    expect(faults({ ...texts, [path]: tests("Mail") }).join("\n"))
      .to.contain("expected incidents/payments to match")
      .and.to.contain('makes rule "payments" match');
    expect(faults(texts).join()).to.contain("incidents.yaml has no tests");
  });
});
