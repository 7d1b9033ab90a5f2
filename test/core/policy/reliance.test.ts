import { expect } from "chai";
import fc from "fast-check";
import { type ClassifyField, UNANSWERED } from "../../../core/advice/step.ts";
import type { Decision, RELIANCE_LIMITS } from "../../../core/decision.ts";
import { AdviceFact, type Facts } from "../../../core/policy/facts.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { decided, policyOf, type RuleOf } from "../support/policies.ts";
import { ticketWith } from "../support/tickets.ts";

const NOW_MS = Date.parse("2026-03-02T09:00:00Z");

function autonomyOf(targetError: string | undefined): unknown {
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  return { default: { id: "all", why: "It says so", then: { mode: "act", ...(targetError && { targetError }) } } };
}

const RULES: RuleOf[] = [
  { id: "printers", when: 'ticket.title == "printer"', does: { assign: { group: "Printers" } } },
  { id: "network", when: 'advice.category == "network"', does: { assign: { group: "Network" } } },
  { id: "later", when: 'advice.intent == "later"', does: { set: { priority: 5 } } },
  { id: "calm", when: "!advice.security_related", does: { assign: { group: "Calm" } } },
];

const policyWith = (targetError?: string, rules = RULES): Policy =>
  policyOf(rules, { assign: { group: "Service Desk" } }, {}, { autonomy: autonomyOf(targetError) });

/** What is given is answered, with that bound. */
function advised(given: Partial<AdviceFact>, boundBp: number | null = 300): Facts {
  const fields = Object.keys(given).filter((key) => key !== "audited") as ClassifyField[]; // the other keys of the fact
  const evidence = Object.fromEntries(fields.map((field) => [field, { by: "local:abc", boundBp }]));
  return { advice: AdviceFact.parse({ security_related: true, ...given, evidence }) };
}

function made(facts: Facts, given: { policy?: Policy; ticket?: Partial<Ticket> } = {}): Decision {
  const ticket = ticketWith({ assignmentGroup: "", priority: 3, title: "", ...given.ticket });
  return decided(ticket, given.policy ?? policyWith("5%"), NOW_MS, facts);
}

describe("advice that moves a ticket", () => {
  it("counts where its answer is certified to be wrong no more often than the policy allows", () => {
    const { set, suggests, advice, mode } = made(advised({ category: "network" }));
    expect([set, suggests, mode]).to.deep.equal([{ assignmentGroup: "Network" }, {}, "act"]);
    expect(advice).to.deep.include({ moved: true, limit: null, targetBp: 500, rule: null });
  });

  const limited: Record<(typeof RELIANCE_LIMITS)[number], () => Decision> = {
    no_bound: () => made(advised({ category: "network" }, null)),
    over_target: () => made(advised({ category: "network" }, 501)),
    no_target: () => made(advised({ category: "network" }), { policy: policyWith() }),
    against_the_rules: () =>
      made(advised({ category: "network" }), {
        policy: policyWith(
          "5%",
          [RULES[1], RULES[0]].flatMap((rule) => rule ?? []),
        ),
        ticket: { title: "printer" },
      }),
    lowers_care: () => made(advised({ intent: "later" })),
    audit: () => made(advised({ category: "network", audited: true })),
  };
  for (const [limit, decision] of Object.entries(limited))
    it(`${limit}: is only suggested, and the rules alone decide what is written`, () => {
      const { advice, set, suggests, because, mode } = decision();
      expect([advice?.limit, advice?.moved, mode]).to.deep.equal([limit, true, "act"]);
      expect(set).to.deep.equal({ assignmentGroup: limit === "against_the_rules" ? "Printers" : "Service Desk" });
      expect(suggests).to.deep.equal(limit === "lowers_care" ? { priority: 5 } : { assignmentGroup: "Network" });
      expect(because.map(({ rule }) => rule)).not.to.include(advice?.rule?.id);
    });

  it("lowers_care: does not keep a ticket from being raised as the rules by themselves would", () => {
    const raising = policyOf(RULES, { set: { priority: 2 } }, {}, { autonomy: autonomyOf("5%") });
    const { set, advice } = made(advised({ category: "network" }), { policy: raising });
    expect([set, advice?.limit]).to.deep.equal([{ priority: 2 }, "lowers_care"]);
  });

  it("no_bound: does not count by a field that nobody answered, whatever stands in its place", () => {
    const unanswered: Facts = { advice: AdviceFact.parse({ evidence: {} }) };
    const { set, advice } = made(unanswered);
    expect([set, advice?.limit]).to.deep.equal([{ assignmentGroup: "Service Desk" }, "no_bound"]);
  });

  it("over_target: needs every answer on the way to hold, also that of a rule which it passed over", () => {
    const given = advised({ category: "printing", security_related: false }, 200);
    const doubtful = { ...given.advice, evidence: { ...given.advice?.evidence, category: { by: "x", boundBp: 900 } } };
    expect(made(given).set).to.deep.equal({ assignmentGroup: "Calm" });
    expect(made({ advice: AdviceFact.parse(doubtful) }).advice?.limit).to.equal("over_target");
  });

  it("changes nothing where it leads to where the rules lead by themselves", () => {
    const { advice, set } = made(advised({ category: "mail" }, null));
    expect([advice?.moved, advice?.limit, set]).to.deep.equal([false, null, { assignmentGroup: "Service Desk" }]);
  });
});

describe("advice that is absent", () => {
  for (const unadvised of UNANSWERED)
    it(`${unadvised}: stands in the decision, and the rules decide alone`, () => {
      const { advice, set } = made({ advice: null, unadvised });
      expect([advice?.absent, set]).to.deep.equal([unadvised, { assignmentGroup: "Service Desk" }]);
    });

  it("is nothing where nobody was to be asked", () => {
    expect(decided(ticketWith({}), policyOf([]), NOW_MS).advice).to.equal(null);
  });
});

describe("a service level", () => {
  it("may not depend on what a model says", () => {
    const clocks = { resolution: { within: "4h", stops: ["closed"] } };
    // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
    const rules = [{ id: "fast", why: "It says so", when: 'advice.category == "x"', then: { clocks } }];
    expect(() => policyOf([], undefined, {}, { sla: { rules } })).to.throw("1 problem");
  });
});

describe("an uncalibrated model", () => {
  it("moves nothing, whatever it answers (property)", () => {
    const word = fc.constantFrom("", "network", "later", "mail");
    fc.assert(
      fc.property(word, word, fc.boolean(), (category, intent, security_related) => {
        const { set } = made(advised({ category, intent, security_related }, null));
        expect(set).to.deep.equal(made({ advice: null, unadvised: "disabled" }).set);
      }),
    );
  });
});
