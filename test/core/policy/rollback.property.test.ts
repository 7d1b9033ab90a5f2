import fc from "fast-check";
import type { AftermathFact } from "../../../core/policy/aftermath.ts";
import { CHANGE_OUTCOMES, CHANGE_TYPES, TICKET_STATUSES } from "../../../core/ticket.ts";
import { change, FILE, ROUTED, rule } from "../support/changes.ts";
import { decided, policyOf } from "../support/policies.ts";
import { anyAftermath } from "../support/worlds.ts";

const THEN = { watch: "4h", ask: { group: "Managers" }, expires: "30m" };
const ROLLBACK = [
  rule("all", "true", {
    ...THEN,
    on: { incidents: { atLeast: 3, priority: 2 }, failedCheck: true, unsuccessful: true },
  }),
  rule("some", "true", { ...THEN, watch: "1h", on: { incidents: { atLeast: 1, priority: 4 } } }),
  rule("alone", 'ticket.change.type == "standard"', { ...THEN, on: { failedCheck: true }, automatic: true }),
];
const policy = policyOf(ROUTED, undefined, {}, { "change-risk": { ...FILE, rollback: ROLLBACK } });
const END_MS = Date.parse("2026-03-10T20:00:00Z");

const anyDone = fc
  .record({
    status: fc.constantFrom(...TICKET_STATUSES),
    type: fc.constantFrom(...CHANGE_TYPES),
    outcome: fc.constantFrom(...CHANGE_OUTCOMES),
  })
  .map(({ status, type, outcome }) => change({ type, outcome }, { status }));
const anyHour = fc.integer({ min: END_MS - 3_600_000, max: END_MS + 6 * 3_600_000 });

/** The same and more. */
const anyMore = fc.tuple(
  anyAftermath,
  fc.array(fc.nat(2), { minLength: 5, maxLength: 5 }),
  fc.subarray(["deploy", "login"]),
);

function asked(aftermath: AftermathFact | null, ticket: ReturnType<typeof change>, nowMs: number): string[] {
  const { gates, rollback } = decided(ticket, policy, nowMs, { ci: null, impact: null, aftermath });
  const rules = gates.map((gate) => gate.rule);
  return rollback?.automatic ? [...rules, rollback.rule] : rules;
}

describe("a rollback (properties)", () => {
  it("more of what speaks for it never takes it away", () => {
    fc.assert(
      fc.property(anyDone, anyMore, anyHour, (ticket, [less, incidents, checks], nowMs) => {
        const more: AftermathFact = {
          ...less,
          incidents: less.incidents?.map((count, at) => count + (incidents[at] ?? 0)) ?? null,
          failedChecks: [...less.failedChecks, ...checks].sort(),
        };
        const before = asked(less, ticket, nowMs);
        const after = asked(more, ticket, nowMs);
        return before.every((name) => after.includes(name));
      }),
      { numRuns: 2_000 },
    );
  });

  it("goes by itself for standard changes only", () => {
    fc.assert(
      fc.property(anyDone, anyAftermath, anyHour, (ticket, aftermath, nowMs) => {
        const { rollback } = decided(ticket, policy, nowMs, { ci: null, impact: null, aftermath });
        return rollback?.state !== "go" || (rollback.automatic && ticket.change.type === "standard");
      }),
      { numRuns: 2_000 },
    );
  });
});
