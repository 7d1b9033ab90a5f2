import { instant } from "../../../core/clock.ts";
import type { ClosedChange } from "../../../core/risk/history.ts";
import { prng } from "../../support/prng.ts";

const HOUR_MS = 3_600_000;
const BEGIN_MS = Date.parse("2024-01-01T00:00:00.000Z");

/**
 * Closed changes of a made-up desk, three every day: item `ci-0` and emergencies go wrong often, everything else seldom.
 */
export function madeUpChanges(count: number, seed = 7): ClosedChange[] {
  const random = prng(seed);
  return Array.from({ length: count }, (_, at) => {
    const startMs = BEGIN_MS + at * 8 * HOUR_MS + Math.floor(random() * 6) * HOUR_MS;
    const ci = `ci-${Math.floor(random() * 6)}`;
    const emergency = random() < 0.15;
    const chance = 0.03 + (ci === "ci-0" ? 0.3 : 0) + (emergency ? 0.3 : 0);
    const lengthMs = (1 + Math.floor(random() * 4)) * HOUR_MS;
    return {
      number: `CHG${String(at).padStart(7, "0")}`,
      ci,
      group: `group-${Math.floor(random() * 3)}`,
      model: "",
      type: emergency ? "emergency" : "normal",
      plannedStart: instant(startMs),
      plannedEnd: instant(startMs + lengthMs),
      closedAt: instant(startMs + lengthMs + HOUR_MS),
      failed: random() < chance,
    };
  });
}
