import { sha256Hex } from "../canonical.ts";
import { boundOf, type Calibration } from "./calibration/calibration.ts";
import { lowerBoundBp } from "./calibration/clopper-pearson.ts";
import type { Bounds } from "./chain.ts";
import type { AdvisedClass, Demotion } from "./remembered.ts";
import type { ScoredLabel } from "./score.ts";
import type { LabelField } from "./step.ts";

/** A class that an admin trusts again, from that moment on: what was demoted before it counts no more. */
export interface Restored {
  field: LabelField;
  label: string;
  /** Milliseconds since 1970. */
  sinceMs: number;
}

/** What was measured of each model: `local:checksum`, or the digest of `provider:model`, → field → calibration. */
export type Calibrations = ReadonlyMap<string, Partial<Record<LabelField, Calibration>>>;

/** How far answers are relied on: as far as it was measured, until outcomes refute it. */
export class Trust implements Bounds {
  readonly #calibrations: Calibrations;
  readonly #restored: () => readonly Restored[];
  #demotions: readonly Demotion[] = [];

  /** `restored` is asked each time: it stands in a file that is reloaded. */
  constructor(calibrations: Calibrations, restored: () => readonly Restored[]) {
    this.#calibrations = calibrations;
    this.#restored = restored;
  }

  boundOf(by: string, field: LabelField, { label, score }: ScoredLabel): number | null {
    // A provider's model is known by the digest of its name: which build answers is seen when it does.
    const measured = this.#calibrations.get(by) ?? this.#calibrations.get(sha256Hex(by));
    const calibration = measured?.[field];
    if (!calibration || this.isDemoted({ by, field, label })) return null;
    return boundOf(calibration, label, score);
  }

  /** What any process has found out; asked for anew from time to time. */
  know(demotions: readonly Demotion[]): void {
    this.#demotions = demotions;
  }

  isDemoted({ by, field, label }: AdvisedClass): boolean {
    const found = this.#demotions.find((each) => each.by === by && each.field === field && each.label === label);
    return found !== undefined && this.restoredMs({ field, label }) < Date.parse(found.since);
  }

  /** Up to when outcomes of a class count no more, since an admin trusts it again; 0 where nobody said so. */
  restoredMs({ field, label }: Pick<AdvisedClass, "field" | "label">): number {
    const restored = this.#restored().filter((each) => each.field === field && each.label === label);
    return Math.max(0, ...restored.map(({ sinceMs }) => sinceMs));
  }
}

/** Outcomes of a class that are looked at: older ones tell of other times. */
export const WINDOW_TICKETS = 200;

const ALPHA = 0.05;

/**
 * Whether outcomes refute, with 95 % confidence, that answers are wrong no more often than was allowed. A few errors more
 * than the target are chance; this many are not.
 */
export function isRefuted({ tickets, errors }: { tickets: number; errors: number }, targetBp: number): boolean {
  return tickets > 0 && lowerBoundBp(errors, tickets, ALPHA) > targetBp;
}
