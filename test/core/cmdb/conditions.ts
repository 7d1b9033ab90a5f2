import fc from "fast-check";
import type { ItemCondition } from "../../../core/cmdb/quality.ts";

export const DAY_MS = 86_400_000;
export const NOW_MS = Date.UTC(2026, 0, 31, 10);

export const WELL_KEPT: ItemCondition = {
  hasName: true,
  hasClass: true,
  hasEnvironment: true,
  hasOwner: true,
  hasGroup: true,
  updatedAtMs: NOW_MS,
  discoveredAtMs: NOW_MS,
  hasRelation: true,
  hasService: true,
  isDuplicate: false,
};

const hour = fc.integer({ min: 0, max: NOW_MS });
export const anyCondition: fc.Arbitrary<ItemCondition> = fc.record({
  hasName: fc.boolean(),
  hasClass: fc.boolean(),
  hasEnvironment: fc.boolean(),
  hasOwner: fc.boolean(),
  hasGroup: fc.boolean(),
  updatedAtMs: hour,
  discoveredAtMs: fc.option(hour),
  hasRelation: fc.boolean(),
  hasService: fc.boolean(),
  isDuplicate: fc.boolean(),
});
