import { z } from "zod";
import type { ImpactFact } from "./impact.ts";

export const POINTS_MAX = 1_000;

/** Nothing that is counted may count for nothing. */
export const Points = z.int().min(1).max(POINTS_MAX);

/** What is not known of a change, the points it has unless the file says otherwise, and the sentence people read. */
const IGNORANCE = {
  stale: { points: 10, why: "The item's record in the CMDB is old" },
  orphaned: { points: 15, why: "Nothing in the CMDB leads to the item" },
  duplicate: { points: 10, why: "The CMDB has the item twice, so its relations may stand at the other one" },
  ownerless: { points: 15, why: "Nobody owns the item, so nobody knows it well" },
  relationless: { points: 10, why: "The CMDB says neither what the item needs nor what needs it" },
  noHistory: { points: 10, why: "Nothing is known of earlier changes on the item" },
  unknownItem: { points: 30, why: "The change names no item, or one of which the CMDB says nothing" },
  cut: { points: 10, why: "More depends on the item than could be counted" },
} as const satisfies Record<string, { points: number; why: string }>;

export type Ignorance = keyof typeof IGNORANCE;
export const IGNORANCES = Object.keys(IGNORANCE) as readonly Ignorance[]; // the keys of IGNORANCE

/** `ignorance` of change-risk.yaml. It can be weighed and not be left out: what is not known always raises. */
export const IgnorancePoints = z
  .strictObject({
    stale: Points.default(IGNORANCE.stale.points),
    orphaned: Points.default(IGNORANCE.orphaned.points),
    duplicate: Points.default(IGNORANCE.duplicate.points),
    ownerless: Points.default(IGNORANCE.ownerless.points),
    relationless: Points.default(IGNORANCE.relationless.points),
    noHistory: Points.default(IGNORANCE.noHistory.points),
    unknownItem: Points.default(IGNORANCE.unknownItem.points),
    cut: Points.default(IGNORANCE.cut.points),
  } satisfies Record<Ignorance, z.ZodType>)
  .prefault({});
export type IgnorancePoints = z.infer<typeof IgnorancePoints>;

/** The sentence that people read. */
export function ignoranceWhy(what: Ignorance): string {
  return IGNORANCE[what].why;
}

/** What of it holds for a change. `impact` is null where nothing is known of the item. */
export function ignored(named: boolean, impact: ImpactFact | null): Ignorance[] {
  return IGNORANCES.filter((what) => {
    if (what === "unknownItem") return !named || impact === null;
    if (what === "cut") return impact?.dependentsCut === true;
    return impact?.[what] === true;
  });
}
