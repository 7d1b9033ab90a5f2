import { expect } from "chai";
import fc from "fast-check";
import { canonicalJson, type Json } from "../../../core/canonical.ts";
import { Decision } from "../../../core/decision.ts";
import { outcomeDigest } from "../../../core/policy/decide.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import { traceLines } from "../../../core/policy/trace.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { configOf, SOUND } from "../support/config-files.ts";
import { decided, policyOf } from "../support/policies.ts";
import { anyTicket, frozen, ticketWith } from "../support/tickets.ts";

const anyHour = fc
  .date({ min: new Date(0), max: new Date("2099-12-31"), noInvalidDate: true })
  .map((at) => at.getTime());

/** Rules that read texts in every way the language has, and fail with them in every way it has. */
const CURIOUS = [
  'ticket.title == "a"',
  'ticket.description.matches("(?i)vpn")',
  "bool(ticket.title)",
  'duration(ticket.title) > duration("1s")',
  "timestamp(ticket.description) > now",
  "int(ticket.title) > 1",
  "double(ticket.description) > 1.0",
  '{"a": true}[ticket.title]',
  "{ticket.title: 1}[ticket.description] == 1",
  "ticket.createdAt.getHours(ticket.title) == 1",
  "dyn(ticket.title)",
  "dyn(ticket.title) > 1",
  'bytes(ticket.description).json()["a"] == 1',
  "ticket.labels[7] == ticket.title",
  "ticket.labels.exists(label, int(label) > 1)",
  'ticket.title.split("a")[9] == "b"',
  'ticket.requester.name == "a" || bool(ticket.requester.email)',
  "bool(ticket.assignee.name)",
  "bool(ticket.change.backoutPlan)",
  "cel.bind(copy, ticket.title, bool(copy))",
  "ticket.change.plannedStart > now",
  "dyn(ticket)[ticket.title] == 1",
];

function asJson(decision: Decision): Json {
  return JSON.parse(JSON.stringify(decision)) as Json; // what JSON.parse returns is Json
}

const anyPolicy: fc.Arbitrary<Policy> = fc
  .array(fc.constantFrom(...CURIOUS, "ticket.priority <= 2", 'ticket.kind == "incident"'), { maxLength: 4 })
  .map((conditions) => policyOf(conditions.map((when) => ({ when, does: { assign: { group: "Some group" } } }))));

/** The same value with its keys in the opposite order. */
function reordered<T>(value: T): T {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(reordered) as T; // an array of the same shape
  const entries = Object.entries(value).reverse();
  return Object.fromEntries(entries.map(([key, inner]) => [key, reordered(inner)])) as T; // the same keys
}

describe("decide (properties)", () => {
  it("same inputs give the same bytes, in whatever order their keys stand", () => {
    fc.assert(
      fc.property(anyTicket, anyPolicy, anyHour, (ticket, policy, nowMs) => {
        const first = canonicalJson(asJson(decided(ticket, policy, nowMs)));
        expect(canonicalJson(asJson(decided(structuredClone(ticket), policy, nowMs)))).to.equal(first);
        expect(canonicalJson(asJson(decided(reordered(ticket), policy, nowMs)))).to.equal(first);
      }),
    );
  });

  it("same inputs give the same bytes in every zone", () => {
    const zones = ["UTC", "America/St_Johns", "Pacific/Apia"];
    const before = process.env["TZ"];
    const policy = policyOf([
      { when: 'ticket.createdAt.getHours("Europe/Berlin") >= 18 || ticket.createdAt.getDayOfYear() == 60' },
      { when: "now.getHours() < 8 || now.getDayOfWeek() == 0" },
    ]);
    try {
      fc.assert(
        fc.property(anyTicket, anyHour, (ticket, nowMs) => {
          const answers = zones.map((zone) => {
            process.env["TZ"] = zone;
            return canonicalJson(asJson(decided(ticket, policy, nowMs)));
          });
          expect(new Set(answers).size).to.equal(1);
        }),
      );
    } finally {
      process.env["TZ"] = before;
    }
  });

  it("changes none of its inputs", () => {
    fc.assert(
      fc.property(anyTicket, anyPolicy, anyHour, (ticket, policy, nowMs) => {
        const copy = structuredClone(ticket);
        decided(frozen(ticket), Object.freeze(policy), nowMs, frozen({}));
        expect(ticket).to.deep.equal(copy);
      }),
    );
  });

  it("is never without a reason: a rule determined it, or it holds", () => {
    fc.assert(
      fc.property(anyTicket, anyPolicy, anyHour, (ticket, policy, nowMs) => {
        const decision = Decision.parse(decided(ticket, policy, nowMs));
        expect(decision.because.length + decision.holds.length).to.equal(1);
        if (decision.holds.length > 0) expect(decision.set).to.deep.equal({});
        expect(traceLines(decision.trace, policy.rules)).to.have.length(policy.routing.rules.length + 2);
      }),
    );
  });

  it("an outcome does not depend on the revision", () => {
    fc.assert(
      fc.property(anyTicket, fc.string({ unit: "binary" }), anyPolicy, anyHour, (ticket, revision, policy, nowMs) => {
        const one = decided(ticket, policy, nowMs);
        const other = decided({ ...ticket, revision }, policy, nowMs);
        expect(outcomeDigest(other)).to.equal(outcomeDigest(one));
      }),
    );
  });

  describe("no ticket text is in a decision", () => {
    const CANARY = /Kanari[0-9a-f]{8}/;
    const canary = fc.stringMatching(/^Kanari[0-9a-f]{8}$/);
    const withCanary = canary.map((word): Ticket => {
      const person = { id: "u1", name: word, email: `${word}@example.com` };
      return ticketWith({
        title: word,
        description: word,
        requester: person,
        assignee: person,
        labels: [word],
        change: { type: "normal", risk: "low", backoutPlan: word, cabRequired: false, onHold: false, outcome: "" },
        custom: { contactType: word },
      });
    });

    for (const when of CURIOUS) {
      it(`by ${when} (property)`, () => {
        const policy = policyOf([{ when }]);
        fc.assert(
          fc.property(withCanary, anyHour, (ticket, nowMs) => {
            expect(JSON.stringify(decided(ticket, policy, nowMs))).not.to.match(CANARY);
          }),
          { numRuns: 5 },
        );
      });
    }

    it("by the rules of a mapping's own fields (property)", () => {
      const { policy } = configOf(SOUND);
      const bool = policyOf([{ when: "bool(ticket.custom.contactType)" }], { leave: true }, { contactType: "string" });
      fc.assert(
        fc.property(withCanary, fc.constantFrom(policy, bool), anyHour, (ticket, each, nowMs) => {
          expect(JSON.stringify(decided(ticket, each, nowMs))).not.to.match(CANARY);
        }),
      );
    });
  });
});
