import { expect } from "chai";
import { Decision } from "../../../core/decision.ts";
import { outcomeDigest } from "../../../core/policy/decide.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import { type TraceLine, traceLines } from "../../../core/policy/trace.ts";
import { decided as decidedBy, policyOf, type RuleOf } from "../support/policies.ts";
import { TICKET, ticketWith } from "../support/tickets.ts";

const NOW_MS = Date.parse("2026-03-02T09:00:00Z");

function decided(rules: readonly RuleOf[], ticket = TICKET): Decision {
  return decidedBy(ticket, withDesk(rules), NOW_MS);
}

function withDesk(rules: readonly RuleOf[]): Policy {
  return policyOf(rules, { assign: { group: "Service Desk" } });
}

/** The lines of the routing rules; the last line of a policy is the default of its autonomy. */
function traceOf(rules: readonly RuleOf[], ticket = TICKET): TraceLine[] {
  return traceLines(decided(rules, ticket).trace, withDesk(rules).rules).slice(0, -1);
}

const toNetwork = { assign: { group: "Network" } };

describe("decide", () => {
  it("first match wins, and the others are not asked", () => {
    const rules: RuleOf[] = [
      { when: "ticket.priority == 1", does: { assign: { group: "A" } } },
      { when: 'ticket.category == "network"', does: toNetwork },
      { when: "true", does: { assign: { group: "C" } } },
    ];
    const decision = decided(rules);
    expect(decision.set).to.deep.equal({ assignmentGroup: "Network" });
    expect(decision.because).to.deep.equal([{ rule: "rule-2", why: "It says so" }]);
    expect(traceOf(rules).map(({ verdict }) => verdict)).to.deep.equal([
      "not_matched",
      "matched",
      "not_asked",
      "not_asked",
    ]);
  });

  it("the default decides when no rule matches", () => {
    const decision = decided([{ when: "false" }]);
    expect(decision.set).to.deep.equal({ assignmentGroup: "Service Desk" });
    expect(decision.because).to.deep.equal([{ rule: "the-rest", why: "No rule matched" }]);
  });

  it("a rule may leave the ticket to people", () => {
    expect(decided([{ when: "true", does: { leave: true } }]).set).to.deep.equal({});
  });

  it("sets every field that a rule may set", () => {
    const set = { category: "c", subcategory: "s", priority: 1, impact: 2, urgency: 3 } as const;
    const does = { assign: { group: "G", person: "maria@example.com" }, set };
    expect(decided([{ when: "true", does }]).set).to.deep.equal({
      assignmentGroup: "G",
      assignee: "maria@example.com",
      ...set,
    });
  });

  it("sees now as the hour it is given", () => {
    const rules = [{ when: 'now == timestamp("2026-03-02T09:00:00Z")', does: toNetwork }];
    expect(decided(rules).set).to.deep.equal({ assignmentGroup: "Network" });
  });

  it("sees custom fields with their types, and empty where a mapping has none", () => {
    const custom = { text: "string", number: "int", flag: "bool" } as const;
    const rules = [
      { when: 'ticket.custom.text == "a" && ticket.custom.number == 2 && ticket.custom.flag', does: toNetwork },
    ];
    const policy = policyOf(rules, { leave: true }, custom);
    const full = ticketWith({ custom: { text: "a", number: 2, flag: true } });
    expect(decidedBy(full, policy, NOW_MS).set).to.deep.equal({ assignmentGroup: "Network" });
    const verdict = decidedBy(TICKET, policy, NOW_MS).trace.verdicts[0];
    expect(verdict, "absent ones are empty, not an error").to.equal("n");
  });

  it("is a record of its schema", () => {
    for (const when of ["true", "false", "ticket.priority / 0 == 1"]) Decision.parse(decided([{ when }]));
  });

  describe("verdicts", () => {
    it("matched", () => {
      expect(traceOf([{ when: 'ticket.category == "network"' }])[0]).to.deep.equal({
        rule: "routing/rule-1",
        verdict: "matched",
        reads: { "ticket.category": "network" },
        message: undefined,
      });
    });

    it("not_matched", () => {
      expect(traceOf([{ when: "ticket.priority == 1" }])[0]).to.deep.equal({
        rule: "routing/rule-1",
        verdict: "not_matched",
        reads: { "ticket.priority": "3" },
        message: undefined,
      });
    });

    it("not_asked", () => {
      expect(traceOf([{ when: "true" }, { when: "ticket.priority == 1" }])[1]).to.deep.equal({
        rule: "routing/rule-2",
        verdict: "not_asked",
        reads: { "ticket.priority": "3" },
        message: undefined,
      });
    });

    it("errored", () => {
      const rules = [
        { when: "false" },
        { when: "ticket.change.plannedStart > ticket.createdAt", does: toNetwork },
        { when: "true", does: toNetwork },
      ];
      const decision = decided(rules);
      expect(traceOf(rules)[1]).to.deep.equal({
        rule: "routing/rule-2",
        verdict: "errored",
        reads: { "ticket.change.plannedStart": "(absent)", "ticket.createdAt": TICKET.createdAt },
        message: "plannedStart is absent",
      });
      // A guard that cannot answer holds: nothing is set, no later rule is asked, not even the default.
      expect(decision.holds).to.deep.equal([
        { rule: "rule-2", reason: "rule rule-2 could not be computed: plannedStart is absent" },
      ]);
      expect(decision.set).to.deep.equal({});
      expect(decision.because).to.deep.equal([]);
      expect(
        traceOf(rules)
          .slice(2)
          .map(({ verdict }) => verdict),
      ).to.deep.equal(["not_asked", "not_asked"]);
    });
  });

  describe("holds", () => {
    const errors: readonly (readonly [string, string, string])[] = [
      ["an absent value", "ticket.change.plannedEnd > now", "plannedEnd is absent"],
      ["a division by zero", "ticket.priority / (ticket.impact - 2) == 1", "division by zero"],
      ["a place a list has not", 'ticket.labels[3] == "a"', "No such key"],
      ["an answer that is no yes or no", "dyn(ticket.title)", "the answer is neither true nor false"],
      ["an untyped number", "dyn(ticket.priority)", "the answer is neither true nor false"],
      ["a number that is none", "int(ticket.title) == 1", "int() type error"],
      ["an overflow", "ticket.priority * 9223372036854775807 > 0", "integer overflow"],
    ];
    for (const [name, when, message] of errors) {
      it(`for ${name}`, () => {
        const decision = decided([{ when }]);
        expect(traceOf([{ when }])[0]?.verdict).to.equal("errored");
        expect(traceOf([{ when }])[0]?.message).to.equal(message);
        expect(decision.holds).to.have.length(1);
        expect(decision.set).to.deep.equal({});
      });
    }
  });

  describe("a trace", () => {
    it("keeps the value of closed fields and the name of texts only", () => {
      const when =
        'ticket.kind == "incident" && ticket.impact < 3 && !ticket.title.contains("x") && ticket.requester.email != "x" && ticket.ci != ""';
      expect(traceOf([{ when }])[0]?.reads).to.deep.equal({
        "ticket.ci": "vpn-rtm-01",
        "ticket.impact": "2",
        "ticket.kind": "incident",
        "ticket.requester.email": "(text, not kept)",
        "ticket.title": "(text, not kept)",
      });
    });

    it("knows the connection and the key", () => {
      const when = 'ticket.connection == "snow" && ticket.key == "INC0010001"';
      expect(traceOf([{ when }])[0]?.reads).to.deep.equal({ "ticket.connection": "snow", "ticket.key": "INC0010001" });
    });
  });
});

describe("the digest of an outcome", () => {
  const rules = [{ when: 'ticket.category == "network"', does: toNetwork }];

  it("ignores revision, text and the hour", () => {
    const one = decided(rules);
    const other = decidedBy(
      ticketWith({ revision: "5", title: "x", updatedAt: "2026-03-02T08:59:00.000Z" }),
      withDesk(rules),
      NOW_MS + 60_000,
    );
    expect(other.id, "the decisions are two").not.to.equal(one.id);
    expect(outcomeDigest(other)).to.equal(outcomeDigest(one));
  });

  it("differs when another rule decides, another value is set, or the ticket is held", () => {
    const outcomes = [
      decided(rules),
      decided([{ ...rules[0], id: "renamed", when: "true" }]),
      decided([{ when: "true", does: { assign: { group: "Another" } } }]),
      decided([{ when: "false" }]),
      decided([{ when: "ticket.change.plannedStart > now" }]),
    ].map(outcomeDigest);
    expect(new Set(outcomes).size).to.equal(outcomes.length);
  });
});
