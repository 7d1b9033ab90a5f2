import { expect } from "chai";
import fc from "fast-check";
import type { Decision, Gate, Hold } from "../../../core/decision.ts";
import { decide, inputsOf, redecide } from "../../../core/policy/decide.ts";
import { type ClocksFact, FACT_NAMES } from "../../../core/policy/facts.ts";
import { Inputs } from "../../../core/policy/inputs.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import type { Rule } from "../../../core/policy/rule.ts";
import type { RuleIndex } from "../../../core/policy/rule-index.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { decided } from "../support/policies.ts";
import {
  anyAdvice,
  anyHour,
  anyOtherFacts,
  anyPolicy,
  anyWorldTicket,
  factsOf,
  POLICIES,
  policyBy,
} from "../support/worlds.ts";

const RUNS = { numRuns: 10_000 };

/** A world with advice or without, and what is remembered of its clocks. */
const anyFacts = fc
  .record({ others: anyOtherFacts, advice: fc.option(anyAdvice), remembers: fc.boolean() })
  .map(({ others, advice, remembers }) => ({
    ...factsOf(others, advice),
    ...(remembers && { clocks: MEMORY }),
  }));

const MEMORY: ClocksFact = {
  "all/response": {
    ...{ elapsedMs: 3_600_000, atMs: Date.parse("2026-03-02T09:00:00Z"), running: true, taken: [], passed: [] },
    from: { priority: 4, impact: 2, urgency: 2 },
  },
};

function bytes(decision: Decision): string {
  return JSON.stringify(decision);
}

/** The same value with the keys of every record in the opposite order. */
function reordered<T>(value: T): T {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(reordered) as T; // an array of the same shape
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(entries.map(([key, inner]) => [key, reordered(inner)])) as T; // the same keys
}

/** Every rule is a candidate: nothing is looked up. */
function unindexed(policy: Policy): Policy {
  const all = (rules: readonly Rule[]): RuleIndex => ({ candidates: () => [...rules.keys()] });
  const { routing, gates, freezes, sla, autonomy } = policy;
  return {
    ...policy,
    routing: { ...routing, index: all(routing.rules) },
    gates: { ...gates, index: all(gates.rules) },
    freezes: { ...freezes, index: all(freezes.rules) },
    sla: { ...sla, index: all(sla.rules) },
    autonomy: { ...autonomy, index: all(autonomy.rules) },
  };
}

const UNINDEXED = new Map(POLICIES.map(({ policy }) => [policy, unindexed(policy)]));

const gateNames = (gates: readonly Gate[]): string[] => gates.map(({ rule, bindsDigest }) => `${rule} ${bindsDigest}`);
const holdNames = (holds: readonly Hold[]): string[] => holds.map(({ rule, reason }) => `${rule} ${reason}`);

describe("the policy engine (properties)", () => {
  it("decides twice with the same bytes, in whatever order keys stand", () => {
    fc.assert(
      fc.property(anyWorldTicket, anyFacts, anyPolicy, anyHour, (ticket, facts, { policy }, nowMs) => {
        const first = bytes(decided(ticket, policy, nowMs, facts));
        expect(bytes(decided(structuredClone(ticket), policy, nowMs, structuredClone(facts)))).to.equal(first);
        expect(bytes(decided(reordered(ticket), policy, nowMs, reordered(facts)))).to.equal(first);
      }),
      RUNS,
    );
  });

  it("for any advice, gates and holds are a superset of those without it", () => {
    fc.assert(
      fc.property(
        ...([anyWorldTicket, anyOtherFacts, anyAdvice, anyPolicy, anyHour] as const),
        (ticket, others, advice, { policy }, nowMs) => {
          const without = decided(ticket, policy, nowMs, factsOf(others, null));
          const advised = decided(ticket, policy, nowMs, factsOf(others, advice));
          expect(gateNames(advised.gates)).to.include.members(gateNames(without.gates));
          expect(holdNames(advised.holds)).to.include.members(holdNames(without.holds));
        },
      ),
      RUNS,
    );
  });

  it("no rule that fails removes a gate", () => {
    const failing = "ticket.labels[99] == ticket.title";
    const beside = new Map(
      POLICIES.map(({ plan, policy }) => {
        // Behind the others, so that the others keep their ids.
        const more = { gates: [...plan.gates, failing], freezes: [...plan.freezes, failing] };
        const front = { routing: [failing, ...plan.routing], autonomy: [failing, ...plan.autonomy] };
        return [policy, policyBy({ ...plan, ...more, ...front })] as const;
      }),
    );
    fc.assert(
      fc.property(anyWorldTicket, anyFacts, anyPolicy, anyHour, (ticket, facts, { policy }, nowMs) => {
        const sound = decided(ticket, policy, nowMs, facts);
        const broken = decided(ticket, beside.get(policy) ?? policy, nowMs, facts);
        expect(gateNames(broken.gates)).to.include.members(gateNames(sound.gates));
        expect(broken.holds.length).to.be.greaterThan(0);
        expect(broken.set).to.deep.equal({});
      }),
      RUNS,
    );
  });

  it("the index of rules changes no outcome", () => {
    fc.assert(
      fc.property(anyWorldTicket, anyFacts, anyPolicy, anyHour, (ticket, facts, { policy }, nowMs) => {
        const slow = UNINDEXED.get(policy) ?? policy;
        expect(bytes(decided(ticket, policy, nowMs, facts))).to.equal(bytes(decided(ticket, slow, nowMs, facts)));
      }),
      RUNS,
    );
  });

  it("is made again with the same bytes from what is kept, which holds no text", () => {
    const word = "Kanarienvogel";
    const texts: Partial<Ticket> = { title: `a ${word}`, description: word, labels: [word] };
    fc.assert(
      fc.property(
        ...([anyWorldTicket, anyFacts, anyPolicy, anyHour, fc.boolean()] as const),
        (drawn, facts, { policy }, nowMs, hasText) => {
          const someone = { ...drawn.requester, name: word, email: `${word}@example.com` };
          const people = { requester: someone, assignee: { ...someone, id: "u2" } };
          const change = { ...drawn.change, backoutPlan: word };
          const custom = { ...drawn.custom, text: word };
          const ticket = hasText ? { ...drawn, ...texts, ...people, change, custom } : drawn;
          const decision = decided(ticket, policy, nowMs, facts);
          const kept = JSON.stringify(inputsOf(ticket, facts, policy, nowMs, decision));
          expect(kept).not.to.include(word);
          expect(bytes(decision)).not.to.include(word);
          const again = redecide(Inputs.parse(JSON.parse(kept)), policy);
          expect("decision" in again && bytes(again.decision)).to.equal(bytes(decision));
        },
      ),
      RUNS,
    );
  });

  it("the zone and the language of the machine change nothing", () => {
    const before = process.env["TZ"];
    const zones = ["UTC", "America/St_Johns", "Pacific/Apia"];
    try {
      fc.assert(
        fc.property(anyWorldTicket, anyFacts, anyPolicy, anyHour, (ticket, facts, { policy }, nowMs) => {
          const answers = zones.map((zone) => {
            process.env["TZ"] = zone;
            return bytes(decided(ticket, policy, nowMs, facts));
          });
          expect(new Set(answers).size).to.equal(1);
        }),
        RUNS,
      );
    } finally {
      if (before === undefined) delete process.env["TZ"];
      else process.env["TZ"] = before;
    }
  });

  it("names what it needs with the cheapest first, and never what it was given", () => {
    const subset = fc.subarray([...FACT_NAMES]);
    fc.assert(
      fc.property(anyWorldTicket, anyFacts, subset, anyPolicy, anyHour, (ticket, facts, given, { policy }, nowMs) => {
        const known = Object.fromEntries(given.map((name) => [name, facts[name] ?? null]));
        const outcome = decide(ticket, known, policy, nowMs);
        if ("decision" in outcome) return;
        expect(outcome.needs).to.deep.equal(FACT_NAMES.filter((name) => outcome.needs.includes(name)));
        expect(outcome.needs.some((name) => given.includes(name))).to.equal(false);
      }),
      RUNS,
    );
  });
});
