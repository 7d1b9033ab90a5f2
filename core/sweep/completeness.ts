import type { Limits } from "../limits.ts";
import type { Completeness } from "../store/arrivals.ts";
import type { Store } from "../store/store.ts";

export interface CompletenessLine extends Completeness {
  connection: string;
  recordType: string;
}

export interface CompletenessReport {
  sinceMs: number;
  untilMs: number;
  types: CompletenessLine[];
  /** Over all of them. */
  missing: number;
}

/**
 * What changed at the source from `sinceMs` until now and how it arrived, for every record type that is swept. A change
 * is missing once it is older than two sweeps and neither settled, nor due, nor parked.
 */
export async function completenessReport(
  {
    store,
    limits,
    swept,
  }: { store: Pick<Store, "completeness">; limits: Limits; swept: Iterable<readonly [string, readonly string[]]> },
  { sinceMs, nowMs }: { sinceMs: number; nowMs: number },
): Promise<CompletenessReport> {
  const types: CompletenessLine[] = [];
  const missingBeforeMs = nowMs - 2 * limits.sweepEveryMs;
  for (const [connection, recordTypes] of swept)
    for (const recordType of recordTypes) {
      const counted = await store.completeness({ connection, recordType, sinceMs, missingBeforeMs });
      types.push({ connection, recordType, ...counted });
    }
  return { sinceMs, untilMs: nowMs, types, missing: types.reduce((sum, { missing }) => sum + missing, 0) };
}
