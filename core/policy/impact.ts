import { z } from "zod";
import type { CelType } from "../expression.ts";

const count = z.int().nonnegative();

/**
 * What the CMDB and the history say of a change's item and of those who make the change. Counts and flags only: no names,
 * no text, and nothing about a person. Read once for a version of the change, and the same for every reader of it.
 */
export const ImpactFact = z.strictObject({
  /** Items that depend on the item, down to depth 3, and whether there are more than were counted. */
  dependents: count,
  dependentsCut: z.boolean(),
  /** Of those, the ones that the business calls critical. */
  criticalDependents: count,
  /** Relations that lead to items which are not there. */
  missing: count,
  services: count,
  /** In the 90 days before: changes on the item, and of those the ones that went wrong. */
  changes: count,
  failedChanges: count,
  /** In the 30 days before: incidents on the item, and on what depends on it directly. */
  incidents: count,
  neighbourIncidents: count,
  /** In the 90 days before: closed changes of the same assignment group, and of the same model or template. */
  groupChanges: count,
  groupFailed: count,
  modelChanges: count,
  modelFailed: count,
  /** Since the last change on the item; -1 where there was none. */
  daysSinceChange: z.int().min(-1),
  /** Other open changes whose window overlaps on the item, its dependents or what it depends on. */
  collisions: count,
  /** The platform's own conflict check: -1 where it was not asked or has no answer. */
  platformConflicts: z.int().min(-1),
  /** What is not known about the item: each of these is a risk of its own. */
  stale: z.boolean(),
  orphaned: z.boolean(),
  duplicate: z.boolean(),
  ownerless: z.boolean(),
  relationless: z.boolean(),
  noHistory: z.boolean(),
  /** CMDB quality of the item, 0 to 100. */
  quality: z.int().min(0).max(100),
});
export type ImpactFact = z.infer<typeof ImpactFact>;

/** How rules see it: `impact.dependents`. */
export const IMPACT_TYPES = {
  dependents: "int",
  dependentsCut: "bool",
  criticalDependents: "int",
  missing: "int",
  services: "int",
  changes: "int",
  failedChanges: "int",
  incidents: "int",
  neighbourIncidents: "int",
  groupChanges: "int",
  groupFailed: "int",
  modelChanges: "int",
  modelFailed: "int",
  daysSinceChange: "int",
  collisions: "int",
  platformConflicts: "int",
  stale: "bool",
  orphaned: "bool",
  duplicate: "bool",
  ownerless: "bool",
  relationless: "bool",
  noHistory: "bool",
  quality: "int",
} as const satisfies Record<keyof ImpactFact, CelType>;

/** In the form in which rules compute with it. */
export function impactContext(impact: ImpactFact): Record<string, bigint | boolean> {
  return Object.fromEntries(
    Object.entries(impact).map(([name, value]) => [name, typeof value === "number" ? BigInt(value) : value]),
  );
}

/** Of an item about which all is known, and nothing speaks against a change. */
export const QUIET_IMPACT: ImpactFact = {
  ...{ dependents: 0, dependentsCut: false, criticalDependents: 0, missing: 0, services: 0 },
  ...{ changes: 0, failedChanges: 0, incidents: 0, neighbourIncidents: 0, daysSinceChange: -1 },
  ...{ groupChanges: 0, groupFailed: 0, modelChanges: 0, modelFailed: 0, collisions: 0, platformConflicts: 0 },
  ...{ stale: false, orphaned: false, duplicate: false, ownerless: false, relationless: false, noHistory: false },
  quality: 100,
};
