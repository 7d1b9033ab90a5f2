import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";
import fc from "fast-check";
import { MODES } from "../../../core/config/settings.ts";
import type { Gate, Hold } from "../../../core/decision.ts";
import { decide, inputsOf, redecide } from "../../../core/policy/decide.ts";
import { FACT_NAMES } from "../../../core/policy/facts.ts";
import { Inputs } from "../../../core/policy/inputs.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import type { Rule } from "../../../core/policy/rule.ts";
import type { RuleIndex } from "../../../core/policy/rule-index.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { decided } from "../support/policies.ts";
import {
  anyAdvice,
  anyFacts,
  anyHour,
  anyOtherFacts,
  anyPolicy,
  anyWorldTicket,
  factsOf,
  POLICIES,
  policyBy,
  reordered,
} from "../support/worlds.ts";

const CASES = 10_000;
const RUNS = { numRuns: CASES };

/** Every rule is a candidate: nothing is looked up. */
function unindexed(policy: Policy): Policy {
  const all = (rules: readonly Rule[]): RuleIndex => ({ candidates: () => [...rules.keys()] });
  const { routing, gates, freezes, sla, autonomy, risk } = policy;
  return {
    ...policy,
    routing: { ...routing, index: all(routing.rules) },
    gates: { ...gates, index: all(gates.rules) },
    freezes: { ...freezes, index: all(freezes.rules) },
    sla: { ...sla, index: all(sla.rules) },
    autonomy: { ...autonomy, index: all(autonomy.rules) },
    risk: risk && {
      ...risk,
      factors: { ...risk.factors, index: all(risk.factors.rules) },
      evidence: { ...risk.evidence, index: all(risk.evidence.rules) },
    },
  };
}

/** What is made of every policy, once: compiling is far slower than deciding. */
function ofEach(make: (plan: (typeof POLICIES)[number]["plan"], policy: Policy) => Policy): (policy: Policy) => Policy {
  const made = new Map(POLICIES.map(({ plan, policy }) => [policy, make(plan, policy)]));
  return (policy) => made.get(policy) ?? policy;
}

/** A gate is bound to what the decision would set, and that may differ: what it asks of whom may not. */
const gateNames = (gates: readonly Gate[]): string[] =>
  gates.map(({ rule, groups, people, need, before, binds }) =>
    JSON.stringify([rule, groups, people, need, before, binds]),
  );
const holdNames = (holds: readonly Hold[]): string[] => holds.map(({ rule, reason }) => `${rule} ${reason}`);
const hasAll = (all: readonly string[], some: readonly string[]): boolean => some.every((one) => all.includes(one));

/** A decision's id is the digest of the bytes of all the rest, so equal ids are equal bytes. */
describe("the policy engine (properties)", function (this: Mocha.Suite) {
  // 10,000 cases each: seconds on a machine of its own, and longer on a busy one.
  this.timeout(120_000);
  const { stackTraceLimit } = Error;
  // Rules that fail are in every case here, and nobody reads where they did: gathering that takes most of the time.
  before(() => {
    Error.stackTraceLimit = 0;
  });
  after(() => {
    Error.stackTraceLimit = stackTraceLimit;
  });

  it("decides twice with the same bytes, in whatever order keys stand", () => {
    fc.assert(
      fc.property(anyWorldTicket, anyFacts, anyPolicy, anyHour, (ticket, facts, { policy }, nowMs) => {
        const first = decided(ticket, policy, nowMs, facts);
        const again = decided(reordered(ticket), policy, nowMs, reordered(facts));
        return first.id === again.id && JSON.stringify(first) === JSON.stringify(again);
      }),
      RUNS,
    );
  });

  it("for any advice, gates and holds are a superset of those without it, and no more happens by itself", () => {
    fc.assert(
      fc.property(
        ...([anyWorldTicket, anyOtherFacts, anyAdvice, anyPolicy, anyHour] as const),
        (ticket, others, advice, { policy }, nowMs) => {
          const without = decided(ticket, policy, nowMs, factsOf(others, null));
          const advised = decided(ticket, policy, nowMs, factsOf(others, advice));
          return (
            hasAll(gateNames(advised.gates), gateNames(without.gates)) &&
            hasAll(holdNames(advised.holds), holdNames(without.holds)) &&
            (advised.risk?.points ?? -1) >= (without.risk?.points ?? -1) &&
            MODES.indexOf(advised.mode) <= MODES.indexOf(without.mode)
          );
        },
      ),
      RUNS,
    );
  });

  it("the order of files, and of the keys in them, changes nothing", () => {
    const elsewhere = ofEach((plan) => policyBy(plan, reordered));
    fc.assert(
      fc.property(anyWorldTicket, anyFacts, anyPolicy, anyHour, (ticket, facts, { policy }, nowMs) => {
        const other = elsewhere(policy);
        return other !== policy && decided(ticket, policy, nowMs, facts).id === decided(ticket, other, nowMs, facts).id;
      }),
      RUNS,
    );
  });

  it("no rule that fails removes a gate", () => {
    const failing = "ticket.labels[99] == ticket.title";
    const beside = ofEach((plan) => {
      // Behind the others, so that the others keep their ids.
      const more = {
        ...{ gates: [...plan.gates, failing], freezes: [...plan.freezes, failing] },
        ...{ factors: [...plan.factors, failing], evidence: [...plan.evidence, failing] },
      };
      const front = { routing: [failing, ...plan.routing], autonomy: [failing, ...plan.autonomy] };
      return policyBy({ ...plan, ...more, ...front });
    });
    fc.assert(
      fc.property(anyWorldTicket, anyFacts, anyPolicy, anyHour, (ticket, facts, { policy }, nowMs) => {
        const sound = decided(ticket, policy, nowMs, facts);
        const broken = decided(ticket, beside(policy), nowMs, facts);
        const untouched = Object.keys(broken.set).length === 0;
        const asRisky = (broken.risk?.points ?? -1) >= (sound.risk?.points ?? -1);
        return (
          asRisky && hasAll(gateNames(broken.gates), gateNames(sound.gates)) && broken.holds.length > 0 && untouched
        );
      }),
      RUNS,
    );
  });

  it("the index of rules changes no outcome", () => {
    const slow = ofEach((_, policy) => unindexed(policy));
    fc.assert(
      fc.property(
        ...([anyWorldTicket, anyFacts, anyPolicy, anyHour] as const),
        (ticket, facts, { policy }, nowMs) =>
          decided(ticket, policy, nowMs, facts).id === decided(ticket, slow(policy), nowMs, facts).id,
      ),
      RUNS,
    );
  });

  it("is made again with the same bytes from what is kept, which holds no text, no membership and no owner", () => {
    const group = '["VIP"]';
    const word = "Kanarienvogel";
    const texts: Partial<Ticket> = { title: `a ${word}`, description: word, labels: [word] };
    fc.assert(
      fc.property(
        ...([anyWorldTicket, anyFacts, anyPolicy, anyHour, fc.boolean()] as const),
        (drawn, known, { policy }, nowMs, hasText) => {
          const facts = hasText && known.ci ? { ...known, ci: { ...known.ci, owner: word } } : known;
          const someone = { ...drawn.requester, name: word, email: `${word}@example.com` };
          const people = { requester: someone, assignee: { ...someone, id: "u2" } };
          const change = { ...drawn.change, backoutPlan: word };
          const custom = { ...drawn.custom, text: word };
          const ticket = hasText ? { ...drawn, ...texts, ...people, change, custom } : drawn;
          const decision = decided(ticket, policy, nowMs, facts);
          const kept = JSON.stringify(inputsOf(ticket, facts, policy, nowMs, decision));
          const again = redecide(Inputs.parse(JSON.parse(kept)), policy);
          const told = [kept, JSON.stringify(decision)].some((text) => text.includes(word) || text.includes(group));
          return !told && "decision" in again && again.decision.id === decision.id;
        },
      ),
      RUNS,
    );
  });

  it("the zone and the language of the machine change nothing", async () => {
    const hosts = [
      { TZ: "UTC", LC_ALL: "en_US.UTF-8" },
      { TZ: "Pacific/Apia", LC_ALL: "tr_TR.UTF-8" },
    ];
    const script = fileURLToPath(new URL("decided-elsewhere.ts", import.meta.url));
    const run = promisify(execFile);
    const told = await Promise.all(
      hosts.map((env) => run(process.execPath, [script, String(CASES), "11"], { env: { ...process.env, ...env } })),
    );
    const answers = told.map(({ stdout }): Record<string, unknown> => JSON.parse(stdout));
    expect(answers.map(({ timeZone, locale }) => [timeZone, locale])).to.deep.equal([
      ["UTC", "en-US"],
      ["Pacific/Apia", "tr-TR"],
    ]);
    expect(answers[0]?.["cases"]).to.equal(CASES);
    expect(answers[1]?.["digest"]).to.equal(answers[0]?.["digest"]);
  });

  it("names what it needs with the cheapest first, and never what it was given", () => {
    const subset = fc.subarray([...FACT_NAMES]);
    fc.assert(
      fc.property(anyWorldTicket, anyFacts, subset, anyPolicy, anyHour, (ticket, facts, given, { policy }, nowMs) => {
        const known = Object.fromEntries(given.map((name) => [name, facts[name] ?? null]));
        const outcome = decide(ticket, known, policy, nowMs);
        if ("decision" in outcome) return true;
        const { needs } = outcome;
        const inOrder = FACT_NAMES.filter((name) => needs.includes(name)).join() === needs.join();
        return inOrder && needs.length > 0 && !needs.some((name) => given.includes(name));
      }),
      RUNS,
    );
  });
});
