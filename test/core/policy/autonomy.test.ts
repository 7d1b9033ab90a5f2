import { expect } from "chai";
import type { Mode } from "../../../core/config/settings.ts";
import type { Facts } from "../../../core/policy/facts.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import { decided, policyOf } from "../support/policies.ts";
import { TICKET, ticketWith } from "../support/tickets.ts";

const NOW_MS = Date.parse("2026-03-02T09:00:00Z");
const ADVICE = { category: "", service: "", assignment_group: "", intent: "", security_related: true };

function policyThat(rules: readonly (readonly [when: string, mode: Mode])[], rest: Mode, killSwitch = false): Policy {
  const autonomy = {
    killSwitch,
    // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
    rules: rules.map(([when, mode], at) => ({ id: `mode-${at}`, why: "It says so", when, then: { mode } })),
    // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
    default: { id: "rest", why: "It says so", then: { mode: rest } },
  };
  return policyOf([{ when: "true", does: { assign: { group: "Network" } } }], undefined, {}, { autonomy });
}

const modeOf = (policy: Policy, facts: Facts = {}): Mode => decided(TICKET, policy, NOW_MS, facts).mode;

describe("autonomy", () => {
  it("the first rule that matches says how much may happen by itself; otherwise its default does", () => {
    const policy = policyThat(
      [
        ["ticket.priority <= 2", "suggest"],
        ["ticket.priority <= 3", "act"],
      ],
      "observe",
    );
    const modes = [1, 3, 5].map((priority) => decided(ticketWith({ priority }), policy, NOW_MS).mode);
    expect(modes).to.deep.equal(["suggest", "act", "observe"]);
  });

  it("with the kill switch everything is observed, whatever its rules say", () => {
    expect(modeOf(policyThat([["true", "act"]], "act", true))).to.equal("observe");
  });

  it("a rule that fails holds the ticket, and nothing happens by itself", () => {
    const decision = decided(TICKET, policyThat([["ticket.labels[9] == ticket.title", "act"]], "act"), NOW_MS);
    expect([decision.mode, decision.set, decision.holds.length]).to.deep.equal(["observe", {}, 1]);
  });

  it("advice makes the mode more careful, and never less", () => {
    const advised = { advice: { ...ADVICE, urgency_signals: [], evidence: {}, audited: false } };
    const loosens = policyThat([["advice.security_related", "act"]], "suggest");
    expect(modeOf(loosens, advised)).to.equal("suggest");
    const tightens = policyThat([["advice.security_related", "observe"]], "act");
    expect([modeOf(tightens, advised), modeOf(tightens, { advice: null })]).to.deep.equal(["observe", "act"]);
  });
});
