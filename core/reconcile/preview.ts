import { KEPT, keptAll, planRevoke } from "../act/revoke.ts";
import type { Mapping } from "../mapping/mapping.ts";
import type { RevokedEnd } from "../revocation.ts";
import type { Revocable } from "../store/undoing.ts";
import { endsOf } from "./take-back.ts";

/**
 * What would come of undoing a ticket's actions, by what is remembered of it: no vendor is asked, so what people have
 * changed since the last look is not known. Pure.
 */
export function previewOf(
  { fields, gates, past }: Revocable,
  { mapping, canAsk }: { mapping: Mapping | undefined; canAsk: boolean },
): RevokedEnd[] {
  const undoing = { revocations: [], past };
  if (!mapping) return keptAll(undoing, KEPT.unmapped);
  const open = past.filter(({ isOpen }) => isOpen).map(({ id }) => id);
  const plan = planRevoke({
    ...{ past, fields, mapping, gates, canAsk, told: true },
    untouched: () => true,
    stands: (field, value) => fields[field]?.wrote === value,
    found: new Set(open),
  });
  return endsOf(plan, undoing, new Map()).map(({ by: _, ...end }) => end);
}
