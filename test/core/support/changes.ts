import type { Facts } from "../../../core/policy/facts.ts";
import { type ImpactFact, QUIET_IMPACT } from "../../../core/policy/impact.ts";
import { writeRiskModel } from "../../../core/risk/model.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { policyOf } from "./policies.ts";
import { ticketWith } from "./tickets.ts";

/** Before the changes that are planned here. */
export const NOW_MS = Date.parse("2026-03-02T09:00:00Z");
export const ROUTED = [{ id: "all", when: "true" }];

export function rule(id: string, when: string, does: object): object {
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  return { id, why: `Because of ${id}`, when, then: does };
}

/** A change-risk.yaml. */
export const FILE = {
  factors: [
    rule("production", 'ci.environment == "Production"', { points: 15 }),
    rule("wide", "impact.dependents >= 20", { points: 20 }),
    rule("odd-title", 'ticket.title.contains("odd")', { points: 5 }),
    rule("emergency", 'ticket.change.type == "emergency"', { points: 50 }),
  ],
  evidence: [
    rule("way-back", 'ticket.change.type != "standard"', { require: ["change.backoutPlan"], otherwise: "hold" }),
    rule("who", "true", { require: ["assignmentGroup", "service"], otherwise: { points: 7 } }),
  ],
  tiers: { moderate: 20, high: 40, very_high: 70 },
  cab: { from: "high", approvers: { groups: ["Board"], need: 2 }, leadTime: "48h", fallback: { group: "Managers" } },
};

export const policy = policyOf(ROUTED, undefined, {}, { "change-risk": FILE });

export const WINDOW = { plannedStart: "2026-03-10T19:00:00.000Z", plannedEnd: "2026-03-10T20:00:00.000Z" };

/** A change that nothing speaks against. */
export function change(facet: Partial<Ticket["change"]> = {}, more: Partial<Ticket> = {}): Ticket {
  const quiet = {
    type: "normal",
    risk: "",
    backoutPlan: "Put it back.",
    cabRequired: false,
    onHold: false,
    outcome: "",
  } as const;
  return ticketWith({
    ...{ kind: "change", service: "Mail", assignmentGroup: "Servers" },
    ...{ change: { ...quiet, ...WINDOW, ...facet }, ...more },
  });
}

export const TEST = { name: "", className: "", environment: "Test", criticality: "", owner: "" };

/** All is known of its item, and quiet but for this. */
export function facts(impact: Partial<ImpactFact> = {}): Facts {
  return { ci: TEST, impact: { ...QUIET_IMPACT, ...impact } };
}

/** Of an item that makes a change of high risk. */
export const RISKY = facts({ dependents: 25, stale: true, orphaned: true });

/** A change-risk.model.json: usual changes go wrong 12 times in a hundred. */
export function riskModelText(intercept = -2_000_000): string {
  return writeRiskModel({
    intercept,
    features: [
      { name: "failedChanges", transform: "log1p", mean: 400_000, scale: 500_000, weight: 800_000 },
      { name: "emergency", transform: "flag", mean: 100_000, scale: 300_000, weight: 500_000 },
    ],
    learnt: {
      ...{ changes: 1_000, failed: 120, digest: "0".repeat(64) },
      ...{ from: "2024-01-01T00:00:00.000Z", until: "2025-01-01T00:00:00.000Z" },
    },
    validation: { changes: 200, failed: 20, auc: 7_500, error: 500 },
  });
}
