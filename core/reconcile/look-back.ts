import type { Connector, FieldWrite, MarkerQuery, Overwrite, ReadOutcome, Write } from "../ports.ts";
import type { Claim, OpenAction } from "../store/store.ts";
import type { Desk, ReconcileDeps } from "./deps.ts";
import { handleFailure } from "./failure.ts";
import type { MarkerState } from "./recover.ts";

/** What people set between our reads and our writes, by the action that replaced it. */
export interface EditsBetween {
  found: ReadonlyMap<string, Overwrite>;
  /** Actions that the vendor's history does not show. */
  unknown: ReadonlySet<string>;
}

/** What the vendors show of writes whose end we have not recorded. */
export interface LookBack {
  markers: ReadonlyMap<string, MarkerState>;
  edits: EditsBetween;
}

/** The reason under which a ticket waits for a person whose simultaneous edit nobody can look for. */
export const HISTORY_UNREADABLE = "history_unreadable";

const NOTHING: LookBack = { markers: new Map(), edits: { found: new Map(), unknown: new Set() } };

/**
 * Looks for edits between our reads and our writes. The vendors have no conditional write, so the window between the
 * two cannot be closed from outside; what falls into it is found afterwards and given back.
 */
export async function editsBetween(connector: Connector, writes: readonly Write[]): Promise<EditsBetween> {
  if (writes.length === 0) return NOTHING.edits;
  const { found, unknown } = await connector.overwritten(writes);
  return { found: new Map(found.map((overwrite) => [overwrite.actionId, overwrite])), unknown: new Set(unknown) };
}

/**
 * Asks the vendor, for all open actions of a batch at once, which notes stand and what our writes replaced. Tickets for
 * which it cannot be told are ended as failed; answers those that may go on.
 */
export async function lookBack(
  deps: ReconcileDeps,
  desk: Desk,
  claims: readonly Claim[],
  outcomes: ReadonlyMap<string, ReadOutcome>,
): Promise<LookBack & { clear: readonly Claim[] }> {
  const doubtful = claims.filter((claim) => claim.open.length > 0 && outcomes.get(claim.recordId)?.found);
  let reason: string | undefined;
  try {
    const queries = doubtful.flatMap((claim) => markerQueries(claim, outcomes.get(claim.recordId)));
    const markers: LookBack["markers"] = queries.length > 0 ? await desk.connector.confirm(queries) : NOTHING.markers;
    reason = HISTORY_UNREADABLE;
    const writes = doubtful.flatMap((claim) => openWrites(claim, outcomes.get(claim.recordId)));
    return { markers, edits: await editsBetween(desk.connector, writes), clear: claims };
  } catch (error) {
    await Promise.all(doubtful.map((claim) => handleFailure(deps, claim, error, reason)));
    return { ...NOTHING, clear: claims.filter((claim) => !doubtful.includes(claim)) };
  }
}

function refOf(claim: Claim, outcome: ReadOutcome | undefined): Write["ref"] | undefined {
  const { connection, type, recordId: id } = claim;
  return outcome?.found ? { connection, type, id, key: outcome.key } : undefined;
}

function markerQueries(claim: Claim, outcome: ReadOutcome | undefined): MarkerQuery[] {
  const ref = refOf(claim, outcome);
  return ref ? claim.open.filter(({ kind }) => kind === "note").map(({ marker }) => ({ ref, marker })) : [];
}

/** The open sets of a ticket as the writes they were, as far as the history needs them. */
function openWrites(claim: Claim, outcome: ReadOutcome | undefined): Write[] {
  const ref = refOf(claim, outcome);
  return claim.open.flatMap((action): Write[] => {
    const field = writtenField(action);
    if (!ref || !field || !action.basis) return [];
    const { recordType, revision } = action.basis;
    return [{ ref, recordType, revision, readAtMs: action.intentAtMs, fields: [field] }];
  });
}

/** A recorded set as the connector wrote it; undefined for notes, and for those recorded without their basis. */
export function writtenField({ id, field, after, basis }: OpenAction): FieldWrite | undefined {
  if (field === "note" || field === "gate" || after === null || !basis) return undefined;
  return { actionId: id, field, after, patch: basis.patch, seen: basis.seen };
}
