import { giveBackText, markerOf } from "../act/note.ts";
import { GIVEN_BACK, sameValue } from "../act/plan.ts";
import type { Action } from "../decision.ts";
import { describeError } from "../errors.ts";
import { readPath } from "../mapping/path.ts";
import type { FieldWrite, Overwrite, ReadOutcome, Write, WriteResult } from "../ports.ts";
import type { Claim, Receipt } from "../store/store.ts";
import type { Written } from "./batch.ts";
import type { Desk, ReconcileDeps } from "./deps.ts";
import type { Work } from "./prepare.ts";

/** What people set between our reads and our writes, by the action that replaced it. */
export interface EditsBetween {
  found: ReadonlyMap<string, Overwrite>;
  /** Actions for which it cannot be told. */
  unknown: ReadonlySet<string>;
}

/**
 * Looks for edits between our reads and our writes. The vendors have no conditional write, so the window between the
 * two cannot be closed from outside; what falls into it is found afterwards and given back.
 */
export async function editsBetween(
  deps: ReconcileDeps,
  desk: Desk,
  written: readonly Written[],
): Promise<EditsBetween> {
  const raced = written
    .filter(({ work, result }) => result.raced && work.write.fields.length > 0)
    .map(({ work }) => work.write);
  if (raced.length === 0) return { found: new Map(), unknown: new Set() };
  try {
    const { found, unknown } = await desk.connector.overwritten(raced);
    return { found: new Map(found.map((overwrite) => [overwrite.actionId, overwrite])), unknown: new Set(unknown) };
  } catch (error) {
    const fields = { connection: desk.connector.connection, writes: raced.length, error: describeError(error) };
    deps.log.warn("edits at the same moment could not be looked for", fields);
    return {
      found: new Map(),
      unknown: new Set(raced.flatMap((write) => write.fields.map(({ actionId }) => actionId))),
    };
  }
}

export interface Lost {
  claim: Claim;
  work: Work;
  found: ReadonlyMap<string, Overwrite>;
}

/** Somebody who edits faster than this many of our tries is left to it. */
const TRIES_MAX = 3;

/**
 * Puts people's values back where what stands is still ours, with an intent, a note and receipts of its own. A further
 * edit at that very moment is found the same way and given back in turn. Answers false where it failed.
 */
export async function giveBack(deps: ReconcileDeps, desk: Desk, { claim, work, found }: Lost): Promise<boolean> {
  try {
    let lost = lostWrites(work.write.fields, found);
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const fresh = (await desk.connector.read(claim.type, [claim.recordId]))[0];
      if (!fresh?.found) return false;
      if (deps.mode() !== work.mode) return false;
      if (tries === 0) {
        const ours = stillOurs(desk, work, fresh, lost);
        if (!ours) return false;
        lost = ours;
      }
      if (lost.length === 0) return true;
      const write = giveBackWrite(deps, work, fresh, lost);
      const result = await recordedWrite(deps, desk, { claim, work, write, lost });
      if (!result || result.dropped.length > 0) return false;
      deps.meter.count("interlock_given_back_total", { connection: claim.connection });
      deps.log.info("a person's value was put back", { ticket: claim.ticket, fields: lost.length });
      if (!result.raced) return true;
      const again = await desk.connector.overwritten([write]);
      lost = lostWrites(write.fields, new Map(again.found.map((overwrite) => [overwrite.actionId, overwrite])));
    }
    return lost.length === 0;
  } catch (error) {
    deps.log.warn("a person's value could not be put back", { ticket: claim.ticket, error: describeError(error) });
    return false;
  }
}

interface LostWrite {
  write: FieldWrite;
  overwrite: Overwrite;
}

type Fresh = Extract<ReadOutcome, { found: true }>;

function lostWrites(writes: readonly FieldWrite[], found: ReadonlyMap<string, Overwrite>): LostWrite[] {
  return writes.flatMap((write) => {
    const overwrite = found.get(write.actionId);
    return overwrite ? [{ write, overwrite }] : [];
  });
}

/** A field that a person has changed again since is theirs already; undefined where that cannot be told. */
function stillOurs(desk: Desk, work: Work, fresh: Fresh, lost: readonly LostWrite[]): LostWrite[] | undefined {
  const mapped = desk.mappings.get(fresh.recordType)?.toTicket(work.write.ref, fresh.revision, fresh.record);
  if (!mapped || "drift" in mapped) return undefined;
  return lost.filter(({ write }) => sameValue(write.field, mapped.ticket, write.after));
}

function giveBackWrite(deps: ReconcileDeps, work: Work, fresh: Fresh, lost: readonly LostWrite[]): Write {
  const noteId = deps.ids.short();
  const marker = markerOf(noteId);
  const text = giveBackText(
    lost.map(({ write: { field } }) => field),
    work.decision,
    marker,
  );
  const fields = lost.map(({ write: { field }, overwrite: { patch, value } }): FieldWrite => {
    const seen = Object.fromEntries(Object.keys(patch).map((path) => [path, readPath(fresh.record, path)]));
    return { actionId: deps.ids.short(), field, after: value, patch, seen };
  });
  return {
    ...work.write,
    revision: fresh.revision,
    readAtMs: deps.clock.now(),
    fields,
    note: { actionId: noteId, marker, text },
  };
}

/** Intent, effect, receipt, as for every write. Answers undefined where the claim was lost. */
async function recordedWrite(
  deps: ReconcileDeps,
  desk: Desk,
  { claim, work, write, lost }: { claim: Claim; work: Work; write: Write; lost: readonly LostWrite[] },
): Promise<WriteResult | undefined> {
  const shared = { because: [GIVEN_BACK], decisionId: work.decision.id };
  const actions = write.fields.map(({ actionId, field, after }, index): Action => {
    return { id: actionId, kind: "set", field, before: lost[index]?.write.after ?? null, after, marker: "", ...shared };
  });
  const { note } = write;
  if (note)
    actions.push({
      id: note.actionId,
      kind: "note",
      field: "note",
      before: null,
      after: null,
      marker: note.marker,
      ...shared,
    });
  if (!(await deps.store.intend(claim, actions, []))) return undefined;
  const receipts = (outcome: Receipt["outcome"], detail: string, but: ReadonlySet<string>): Receipt[] =>
    actions.map(({ id }) => ({ actionId: id, outcome: but.has(id) ? "dropped" : outcome, detail }));
  try {
    const result = await desk.connector.write(write);
    await deps.store.receive(
      claim,
      receipts("applied", "put back", new Set(result.dropped.map(({ actionId }) => actionId))),
    );
    return result;
  } catch (error) {
    await deps.store.receive(claim, receipts("abandoned", "could not be put back", new Set()));
    throw error;
  }
}
