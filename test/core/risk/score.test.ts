import { expect } from "chai";
import fc from "fast-check";
import { ImpactFact } from "../../../core/policy/impact.ts";
import { RISK_FEATURES } from "../../../core/risk/features.ts";
import { type RiskModelFile, type RiskWeights, RiskModelFile as Schema } from "../../../core/risk/model.ts";
import { BASE, riskChance, riskPoints, riskScorer, wholeParts } from "../../../core/risk/score.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { anyTicket, frozen, TICKET, ticketWith } from "../support/tickets.ts";

/** Small and written by hand, so that every figure can be followed. */
const MODEL: RiskModelFile = Schema.parse({
  version: 1,
  intercept: -2_000_000,
  features: [
    { name: "failedChanges", transform: "log1p", mean: 400_000, scale: 500_000, weight: 800_000 },
    { name: "daysSinceChange", transform: "log1p", mean: 2_000_000, scale: 1_000_000, weight: -300_000 },
    { name: "emergency", transform: "flag", mean: 100_000, scale: 300_000, weight: 500_000 },
    { name: "startsOnFriday", transform: "flag", mean: 140_000, scale: 350_000, weight: 100_000 },
  ],
  learnt: {
    ...{ changes: 1_000, failed: 120, digest: "0".repeat(64) },
    ...{ from: "2024-01-01T00:00:00.000Z", until: "2025-01-01T00:00:00.000Z" },
  },
  validation: { changes: 200, failed: 20, auc: 7_500, error: 500 },
});

const NO_IMPACT: ImpactFact = {
  ...{ dependents: 0, dependentsCut: false, criticalDependents: 0, missing: 0, services: 0 },
  ...{ changes: 0, failedChanges: 0, incidents: 0, neighbourIncidents: 0 },
  ...{ groupChanges: 0, groupFailed: 0, modelChanges: 0, modelFailed: 0 },
  ...{ daysSinceChange: -1, collisions: 0, platformConflicts: -1 },
  ...{ stale: false, orphaned: false, duplicate: false, ownerless: false, relationless: false, noHistory: true },
  quality: 100,
};

function changeWith(change: Partial<Ticket["change"]>): Ticket {
  return ticketWith({ kind: "change", change: { ...TICKET.change, type: "normal", ...change } });
}

const count = fc.nat({ max: 5_000 });
const anyImpact: fc.Arbitrary<ImpactFact> = fc
  .record({
    ...{ changes: count, failedChanges: count, incidents: count, groupChanges: count, groupFailed: count },
    ...{ modelChanges: count, modelFailed: count, daysSinceChange: fc.integer({ min: -1, max: 5_000 }) },
  })
  .map((history) => ImpactFact.parse({ ...NO_IMPACT, ...history }));

const anyWeights: fc.Arbitrary<RiskWeights> = fc.record({
  intercept: fc.integer({ min: -8_000_000, max: 8_000_000 }),
  features: fc.uniqueArray(
    fc.record({
      name: fc.string({ minLength: 1, maxLength: 5 }),
      transform: fc.constantFrom("log1p" as const, "identity" as const, "flag" as const),
      mean: fc.integer({ min: -5_000_000, max: 5_000_000 }),
      scale: fc.integer({ min: 0, max: 5_000_000 }),
      weight: fc.integer({ min: -3_000_000, max: 3_000_000 }),
    }),
    { selector: ({ name }) => name, minLength: 1, maxLength: 8 },
  ),
});
const anyValues = fc.array(fc.option(fc.oneof(fc.nat(), fc.double()), { nil: undefined }), { maxLength: 8 });

describe("a score of change risk", () => {
  it("says the chance in a hundred, and what every value that is known has to do with it", () => {
    const ticket = frozen(changeWith({ type: "emergency", plannedStart: "2026-01-30T20:00:00.000Z" }));
    const impact = frozen({ ...NO_IMPACT, failedChanges: 2, daysSinceChange: 1 });
    expect(riskScorer(MODEL)(ticket, impact)).to.deep.equal({
      points: 78,
      factors: [
        {
          ...{ id: BASE, value: "12", points: 12 },
          why: "So many in a hundred go wrong of changes that are usual in everything",
        },
        {
          ...{ id: "failedChanges", value: "2", points: 23 },
          why: "2 changes on the item went wrong in the 90 days before",
        },
        { id: "daysSinceChange", value: "1", points: 8, why: "The item was last changed 1 day before" },
        { id: "emergency", value: "yes", points: 30, why: "It is an emergency change" },
        { id: "startsOnFriday", value: "yes", points: 5, why: "It begins on a Friday" },
      ],
    });
  });

  it("leaves out what is not known", () => {
    const { factors } = riskScorer(MODEL)(changeWith({ type: "" }), NO_IMPACT);
    expect(factors.map(({ id }) => id)).to.deep.equal([BASE, "failedChanges"]);
  });

  it("is made of points that add up to it, for any change", () => {
    const score = riskScorer(MODEL);
    fc.assert(
      fc.property(anyTicket, anyImpact, (ticket, impact) => {
        const { points, factors } = score(ticket, impact);
        expect(points).to.be.within(0, 100);
        expect(factors.reduce((sum, factor) => sum + factor.points, 0)).to.equal(points);
        for (const factor of factors)
          expect(Number.isInteger(factor.points) && !Object.is(factor.points, -0)).to.equal(true);
      }),
    );
  });

  it("gives each value the points next to its part of the chance, for any weights", () => {
    fc.assert(
      fc.property(anyWeights, anyValues, (weights, values) => {
        const { points, shares } = riskPoints(weights, values);
        const chance = riskChance(weights, values);
        expect(points).to.equal(Math.round(100 * chance));
        expect(shares).to.have.length(weights.features.length);
        shares.forEach((share, at) => {
          const known = values[at] !== undefined && Number.isFinite(values[at]);
          if (!known || weights.features[at]?.weight === 0) expect(share).to.equal(0);
        });
        const usual = riskChance(weights, []);
        const moved = 100 * (chance - usual);
        const sum = shares.reduce((total, share) => total + share, 0);
        expect(Math.abs(sum - moved)).to.be.at.most(shares.length + 1);
      }),
    );
  });

  it("rounds so that parts add up, each to the number above or below it", () => {
    expect(wholeParts([0.4, 0.4, 0.2], 1)).to.deep.equal([1, 0, 0]);
    expect(wholeParts([2.5, -1.5, 0], 1)).to.deep.equal([3, -2, 0]);
    expect(wholeParts([-0.2, 3.2, -0], 3)).to.deep.equal([0, 3, 0]);
    expect(wholeParts([], 0)).to.deep.equal([]);
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -300, max: 300, noNaN: true }), { minLength: 1, maxLength: 20 }),
        (exact) => {
          const total = Math.round(exact.reduce((sum, each) => sum + each, 0));
          const parts = wholeParts(exact, total);
          parts.forEach((part, at) => {
            expect(Math.abs(part - (exact[at] ?? 0))).to.be.at.most(1);
          });
          expect(parts.reduce((sum, part) => sum + part, 0)).to.equal(total);
        },
      ),
    );
  });

  it("never falls with more failures, where its weights for them are not negative", () => {
    const score = riskScorer(MODEL);
    fc.assert(
      fc.property(anyTicket, anyImpact, count, (ticket, impact, more) => {
        const worse = { ...impact, failedChanges: impact.failedChanges + more };
        expect(score(ticket, worse).points).to.be.at.least(score(ticket, impact).points);
      }),
    );
  });

  it("reads nothing about a person, and no text", () => {
    for (const { name } of RISK_FEATURES) expect(name).to.not.match(/person|author|assignee|requester|owner|user|exp/i);
    const all: RiskModelFile = {
      ...MODEL,
      features: RISK_FEATURES.map(({ name, transform }) => ({
        ...{ name, transform, mean: 0, scale: 1_000_000, weight: 100_000 },
      })),
    };
    const score = riskScorer(all);
    fc.assert(
      fc.property(anyTicket, anyTicket, anyImpact, (ticket, other, impact) => {
        const { type, plannedStart, plannedEnd } = ticket.change;
        const times = { ...(plannedStart && { plannedStart }), ...(plannedEnd && { plannedEnd }) };
        const { risk, backoutPlan, cabRequired, onHold, outcome } = other.change;
        const change = { type, risk, backoutPlan, cabRequired, onHold, outcome, ...times };
        expect(score({ ...other, change }, impact)).to.deep.equal(score(ticket, impact));
      }),
    );
  });

  it("has a sentence for every feature", () => {
    for (const { why } of RISK_FEATURES) for (const value of [0, 1, 2]) expect(why(value)).to.match(/^[A-Z0-9].+[^.]$/);
    const find = (name: string) => RISK_FEATURES.find((each) => each.name === name);
    expect(find("failedChanges")?.why(1)).to.equal("1 change on the item went wrong in the 90 days before");
    expect(find("startsUtc00to06")?.why(1)).to.equal("It begins between 00:00 and 06:00 UTC");
    expect(find("startsOnFriday")?.why(0)).to.equal("It does not begin on a Friday");
  });
});
