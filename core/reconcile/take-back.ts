import { fieldName, markerOf, takeBackText } from "../act/note.ts";
import { ownedByPeople, standsIn } from "../act/plan.ts";
import { KEPT, planRevoke, type RevokePlan } from "../act/revoke.ts";
import { instant } from "../clock.ts";
import type { Action } from "../decision.ts";
import type { GateMemory } from "../gates/gate.ts";
import type { Draft } from "../ledger/entry.ts";
import { readPath } from "../mapping/path.ts";
import type { FieldWrite, VendorPatch, VendorRecord, Write } from "../ports.ts";
import { REVOKED, type RevokedEnd } from "../revocation.ts";
import type { Receipt, Settlement } from "../store/store.ts";
import type { Undoing } from "../store/undoing.ts";
import { modeOf, type ReconcileDeps } from "./deps.ts";
import type { Next, Plain, Prepared } from "./prepare.ts";
import type { Work } from "./work.ts";

/** The end of an action, once it is known what became of the one that undoes it. */
export interface PlannedEnd extends RevokedEnd {
  /** The action that undoes it; undefined where that is done, or never will be. */
  by: string | undefined;
}

/**
 * What somebody wants undone, before anything new is done: fields go back, requests are taken back, a note says so.
 * Undefined where nothing is. Where the mode does not allow it the ticket waits, and nothing else is done about it.
 */
export function nextOfRevoked(
  deps: ReconcileDeps,
  prepared: Prepared,
  { plain, entries, settle }: { plain: Plain; entries: Draft[]; settle: (rest: Partial<Settlement>) => Next },
): Next | undefined {
  const { claim, receipts, recovery } = prepared;
  const { undoing } = claim;
  if (!undoing) return undefined;
  const plan = planFor(prepared, undoing);
  const isWrite =
    plan.restores.some(({ patch }) => patch !== undefined) ||
    plan.cancels.length + plan.notes.length > 0 ||
    plan.done.some(({ untold }) => untold);
  const after = { ...plain, wakeAtMs: claim.claimedAtMs };
  if (isWrite && modeOf(deps, claim.connection) !== "act") return settle({});
  if (isWrite)
    return { kind: "write", work: { ...takeBackWork(deps, prepared, plan, undoing), entries, settlement: after } };
  const closed = [...receipts, ...receiptsOf(undoing, recovery.owedReceipts)];
  const ends = endsOf(plan, undoing, new Map());
  return settle({ ...after, receipts: closed, revoked: ends.map(endOf), fields: fieldsAfter(prepared, plan) });
}

function planFor(
  { ticket, mapping, found, planned, recovery, judged, canAsk }: Prepared,
  undoing: Undoing,
): RevokePlan {
  const certain = [...recovery.receipts, ...recovery.owedReceipts, ...recovery.askReceipts];
  return planRevoke({
    past: undoing.past,
    fields: planned.fields,
    stands: (field, value) => standsIn(field, ticket, value),
    mapping,
    untouched: ({ basis }) => isUntouched(basis?.patch ?? {}, found.record),
    // As the queue shows them now: what was answered in the meantime is not taken back.
    gates: judged.map(({ memory }) => memory),
    canAsk,
    found: new Set(certain.filter(({ outcome }) => outcome !== "abandoned").map(({ actionId }) => actionId)),
    told: recovery.told.some(({ because }) => because[0] === REVOKED),
  });
}

/** Whether every plain field of the vendor still is what we wrote: several may make up one of ours. */
function isUntouched(patch: VendorPatch, record: VendorRecord): boolean {
  return Object.entries(patch).every(
    ([path, wrote]) =>
      (typeof wrote !== "string" && typeof wrote !== "number") ||
      String(readPath(record, path) ?? "") === String(wrote),
  );
}

/** Like any other write, so that a crash, a race or a limit on the way is dealt with as with any other. */
function takeBackWork(
  deps: ReconcileDeps,
  prepared: Prepared,
  plan: RevokePlan,
  undoing: Undoing,
): Omit<Work, "settlement" | "entries"> {
  const { ticket, decision, found, readAtMs, recovery, nowMs } = prepared;
  const shared = { decisionId: decision.id };
  const by = new Map<string, string>();
  const fields: FieldWrite[] = [];
  const actions: Action[] = [];
  for (const { field, ours, to, patch, undoes } of plan.restores) {
    if (!patch) continue;
    const id = deps.ids.short();
    for (const undone of undoes) by.set(undone, id);
    const seen = Object.fromEntries(Object.keys(patch).map((path) => [path, readPath(found.record, path)]));
    fields.push({ actionId: id, field, after: to, patch, seen });
    actions.push({
      id,
      kind: "set",
      field,
      before: ours,
      after: to,
      because: [REVOKED, ...undoes],
      marker: "",
      ...shared,
    });
  }
  const plainGate = { field: "gate", before: null, after: null } as const;
  const cancels = plan.cancels.map(({ memory, undoes }) => {
    const id = deps.ids.short();
    by.set(undoes, id);
    actions.push({ id, kind: "cancel", ...plainGate, because: [REVOKED, undoes], marker: memory.marker, ...shared });
    return { actionId: id, memory };
  });
  const noteId = deps.ids.short();
  for (const undone of plan.notes) by.set(undone, noteId);
  const marker = markerOf(noteId);
  const plainNote = { field: "note", before: null, after: null } as const;
  actions.push({ id: noteId, kind: "note", ...plainNote, because: [REVOKED, ...plan.notes], marker, ...shared });
  const write: Write = {
    ...{ ref: ticket.ref, recordType: found.recordType, revision: ticket.revision, readAtMs, fields },
    note: { actionId: noteId, marker, text: noteOf(plan, undoing, { decision: decision.id, marker }) },
  };
  return {
    write,
    actions,
    // What is put back is not ours: nothing of it is remembered as our own value.
    changes: [],
    ...{ approvals: { asks: [], cancels, undos: [] }, asked: [], held: false, requester: ticket.requester.id },
    mode: modeOf(deps, prepared.claim.connection),
    earlier: [...prepared.receipts, ...receiptsOf(undoing, recovery.owedReceipts)],
    owedReceipts: [],
    fields: fieldsAfter(prepared, plan),
    givesBack: false,
    revokes: endsOf(plan, undoing, by),
    ...(cancels.length > 0 && { gates: withdrawn(prepared, plan, nowMs) }),
  };
}

/** Effects that are undone in the same go need no note of their own any more. */
function receiptsOf({ past }: Undoing, owed: readonly Receipt[]): Receipt[] {
  const wanted = new Set(past.filter(({ revoked }) => revoked?.wanted).map(({ id }) => id));
  return owed.filter(({ actionId }) => wanted.has(actionId));
}

/** Whoever undoes says what the field shall be: it is people's from then on, so that the same rule does not set it again. */
function fieldsAfter({ planned }: Prepared, { restores, done }: RevokePlan): Prepared["planned"]["fields"] {
  const theirs = [...restores.map(({ field }) => field), ...done.flatMap(({ field }) => field ?? [])];
  return ownedByPeople(planned.fields, theirs);
}

/**
 * A request that was taken back is over without an answer, as one whose time has run out: what waits for it goes on
 * waiting, and nobody is asked again before a bound field changes or a person redrives the ticket.
 */
function withdrawn({ claim, judged }: Prepared, { cancels }: RevokePlan, nowMs: number): GateMemory[] {
  const markers = new Set(cancels.map(({ memory }) => memory.marker));
  const rounds = claim.memory?.gates ?? [];
  // A crash may have left a round half asked: the queue knows it, and nobody here.
  const half = judged.flatMap(({ memory }) => (rounds.some(({ marker }) => marker === memory.marker) ? [] : [memory]));
  return [...rounds, ...half.filter(({ marker }) => markers.has(marker))].map((round) =>
    markers.has(round.marker) ? { ...round, state: "expired", expiresAt: instant(nowMs), told: true } : round,
  );
}

/** What is to become of each action; `by` says which of ours undoes it. */
export function endsOf(plan: RevokePlan, { past }: Undoing, by: ReadonlyMap<string, string>): PlannedEnd[] {
  const known = new Map(past.map((action) => [action.id, action]));
  const end = (id: string, state: RevokedEnd["state"], reason = ""): PlannedEnd => {
    const revocation = known.get(id)?.revoked?.revocation ?? "";
    return { actionId: id, revocation, state, reason, by: by.get(id) };
  };
  return [
    ...plan.restores.flatMap(({ undoes }) => undoes.map((id) => end(id, "restored"))),
    ...plan.cancels.map(({ undoes }) => end(undoes, "restored")),
    ...plan.notes.map((id) => end(id, "corrected")),
    ...plan.done.map(({ action }) => end(action.id, action.kind === "note" ? "corrected" : "restored")),
    ...plan.kept.map(({ action, reason }) => end(action.id, "kept", reason)),
  ];
}

function endOf({ by: _, ...end }: PlannedEnd): RevokedEnd {
  return end;
}

/** What became of the actions that a write has undone, by its receipts. */
export function endsAfter(ends: readonly PlannedEnd[], receipts: readonly Receipt[]): RevokedEnd[] {
  return ends.map((end) => {
    const receipt = receipts.find(({ actionId }) => actionId === end.by);
    if (receipt?.outcome !== "dropped") return endOf(end);
    return { ...endOf(end), state: "kept", reason: receipt.detail };
  });
}

function noteOf(plan: RevokePlan, { revocations, past }: Undoing, about: { decision: string; marker: string }): string {
  const wanted = past.filter(({ revoked }) => revoked?.wanted);
  return takeBackText({
    restored: [
      ...plan.restores.map(({ field, ours, to }) => ({ field, before: ours, after: to })),
      ...plan.done.flatMap(({ action, field, to }) =>
        field && to !== null ? [{ field, before: action.after ?? "", after: to }] : [],
      ),
    ],
    withdrawn: plan.cancels.map(({ memory }) => memory.rule),
    kept: keptFields(plan.kept),
    rules: [...new Set(wanted.flatMap(({ because }) => because))],
    revocations,
    ...about,
  });
}

/** Of each field the reason once. */
function keptFields(kept: RevokePlan["kept"]): string[] {
  const lines = kept.flatMap(({ action, reason }) =>
    action.field === "note" || action.field === "gate" || reason === KEPT.never
      ? []
      : [`${fieldName(action.field)} stays as it is: ${reason}.`],
  );
  return [...new Set(lines)];
}
