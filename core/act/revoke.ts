import type { GateMemory } from "../gates/gate.ts";
import type { Mapping } from "../mapping/mapping.ts";
import type { VendorPatch } from "../ports.ts";
import { REVOKED, type RevokedEnd } from "../revocation.ts";
import type { TicketMemory } from "../store/store.ts";
import type { PastAction, Undoing } from "../store/undoing.ts";
import { type FieldValue, SETTABLE_FIELDS, type SettableField } from "../ticket.ts";

/** A field that goes back to what it was. */
export interface Restore {
  field: SettableField;
  /** Our value that stands there. */
  ours: FieldValue;
  to: FieldValue;
  /** Undefined where that stands there already. */
  patch: VendorPatch | undefined;
  /** The actions that this undoes. */
  undoes: string[];
}

export interface RevokePlan {
  restores: Restore[];
  /** Requests that are taken back, with the action that made each. */
  cancels: { memory: GateMemory; undoes: string }[];
  /** Notes that a correction has to follow. */
  notes: string[];
  /** Undone already by a write whose end was not recorded; `untold` where no note tells of it. */
  done: { action: PastAction; field: SettableField | undefined; to: FieldValue | null; untold: boolean }[];
  /** Actions that stay as they are, and why. */
  kept: { action: PastAction; reason: string }[];
}

export interface RevokeInput {
  past: Undoing["past"];
  /** Ownership as the present look at the ticket shows it, or as it is remembered. */
  fields: TicketMemory["fields"];
  /** Whether a field has a value now. */
  stands: (field: SettableField, value: FieldValue) => boolean;
  /** Whether the vendor's own fields still are what an action wrote there; true where nothing can be told of them. */
  untouched: (action: PastAction) => boolean;
  mapping: Pick<Mapping, "canWrite" | "toVendor" | "intake">;
  /** Rounds as the queue shows them. */
  gates: readonly GateMemory[];
  canAsk: boolean;
  /** Open actions that this look has found to be in effect. */
  found: ReadonlySet<string>;
  /** Open notes of ours that stand. */
  told: boolean;
}

export const KEPT = {
  changed: "somebody has changed it since",
  between: "it was changed by others between two actions of ours",
  later: "a later decision set it",
  unwritable: "the mapping cannot write what stood there before",
  never: "it never took effect",
  answered: "the request was answered, or is over",
  noQueue: "the connection does not say any more where people approve",
  cancel: "a request that was taken back is not made again",
  undo: "what came about past an approval is not brought about again",
  gone: "the record is gone, or hidden from the integration account",
  unmapped: "no mapping is configured for the record any more",
} as const;

/** What undoing comes to on one ticket: a field goes back only where our value still stands. Pure. */
export function planRevoke(input: RevokeInput): RevokePlan {
  const plan: RevokePlan = { restores: [], cancels: [], notes: [], done: [], kept: [] };
  const effective = input.past.filter(({ id, isOpen }) => !isOpen || input.found.has(id));
  const ids = new Set(effective.map(({ id }) => id));
  const undone = undoneBy(effective);
  const left: PastAction[] = [];
  for (const action of input.past.filter(({ revoked }) => revoked?.wanted)) {
    const by = undone.get(action.id);
    if (by && isStill(by, input)) plan.done.push(doneBy(action, by, input.told));
    else if (!ids.has(action.id)) plan.kept.push({ action, reason: KEPT.never });
    else left.push(action);
  }
  for (const field of SETTABLE_FIELDS) {
    const wanted = left.filter((action) => action.field === field);
    if (wanted.length > 0) planField(field, wanted, { input, effective, plan });
  }
  for (const action of left) planOther(action, input, plan);
  return plan;
}

/** Action → the later one that has undone it. */
function undoneBy(effective: readonly PastAction[]): ReadonlyMap<string, PastAction> {
  const undoing = effective.filter(({ because }) => because[0] === REVOKED);
  return new Map(undoing.flatMap((by) => by.because.slice(1).map((id) => [id, by] as const)));
}

/** What was undone and changed by a person after that is theirs. */
function isStill({ field, after }: PastAction, { stands }: RevokeInput): boolean {
  return field === "note" || field === "gate" || (after !== null && stands(field, after));
}

function doneBy(action: PastAction, by: PastAction, told: boolean): RevokePlan["done"][number] {
  const field = action.field === "note" || action.field === "gate" ? undefined : action.field;
  return { action, field, to: by.after, untold: by.isOpen && by.kind !== "note" && !told };
}

function planField(
  field: SettableField,
  wanted: readonly PastAction[],
  { input, effective, plan }: { input: RevokeInput; effective: readonly PastAction[]; plan: RevokePlan },
): void {
  const keep = (actions: readonly PastAction[], reason: string): void => {
    for (const action of actions) plan.kept.push({ action, reason });
  };
  const memory = input.fields[field];
  const { wrote } = memory ?? {};
  const sets = effective.filter((action) => action.kind === "set" && action.field === field);
  const chain = chainOf(sets);
  const [first] = chain;
  if (wrote === undefined || memory?.theirs || !input.stands(field, wrote)) keep(wanted, KEPT.changed);
  else if (!first) keep(wanted, KEPT.later);
  else if (!chain.slice(-1).every(input.untouched)) keep(wanted, KEPT.changed);
  else {
    const undone = wanted.filter((action) => chain.includes(action));
    const broken = sets.at(-1 - chain.length)?.revoked !== undefined;
    keep(
      wanted.filter((action) => !chain.includes(action)),
      broken ? KEPT.between : KEPT.later,
    );
    const target = targetOf(field, first, input);
    if (target) plan.restores.push({ field, ours: wrote, ...target, undoes: undone.map(({ id }) => id) });
    else keep(undone, KEPT.unwritable);
  }
}

/** The last sets of a field that are all to be undone, each on top of the one before it. */
function chainOf(sets: readonly PastAction[]): PastAction[] {
  const chain: PastAction[] = [];
  for (const action of sets.toReversed()) {
    const next = chain[0];
    if (!action.revoked || (next && action.after !== next.before)) return chain;
    chain.unshift(action);
  }
  return chain;
}

/** What stood before; where that was nothing and nothing cannot be written, the intake value. */
function targetOf(
  field: SettableField,
  first: PastAction,
  { mapping, stands }: RevokeInput,
): Pick<Restore, "to" | "patch"> | undefined {
  if (!mapping.canWrite(field)) return undefined;
  const before = first.before ?? "";
  if (stands(field, before)) return { to: before, patch: undefined };
  const exact = exactPatch(first) ?? written(mapping.toVendor(field, before), before);
  if (exact) return { to: before, patch: exact };
  const instead = before === "" ? mapping.intake(field) : [];
  for (const to of instead) {
    const patch = mapping.toVendor(field, to);
    if (patch) return { to, patch };
  }
  return undefined;
}

/** What stood in the vendor's own fields, where that is known to the letter: a priority may be several of them. */
function exactPatch({ basis }: PastAction): VendorPatch | undefined {
  const paths = Object.keys(basis?.patch ?? {});
  const pairs = paths.flatMap((path): [string, string | number | null][] => {
    const [wrote, seen] = [basis?.patch[path], basis?.seen[path] ?? null];
    if (!isPlain(wrote)) return [];
    if (seen === null) return [[ownerOf(path), null]];
    return isPlain(seen) ? [[path, seen]] : [];
  });
  return paths.length > 0 && pairs.length === paths.length ? Object.fromEntries(pairs) : undefined;
}

/** Nothing is written as nothing, and not as an empty text in a part of a field. */
function written(patch: VendorPatch | undefined, value: FieldValue): VendorPatch | undefined {
  if (!patch || value !== "") return patch;
  return Object.fromEntries(
    Object.entries(patch).map(([path, part]) => (part === "" ? [ownerOf(path), null] : [path, part])),
  );
}

/** The field that a path leads into. */
function ownerOf(path: string): string {
  return path.split(".")[0] ?? path;
}

function isPlain(value: unknown): value is string | number {
  return typeof value === "string" || typeof value === "number";
}

function planOther(action: PastAction, { gates, canAsk }: RevokeInput, plan: RevokePlan): void {
  if (action.kind === "note") plan.notes.push(action.id);
  if (action.kind === "cancel") plan.kept.push({ action, reason: KEPT.cancel });
  if (action.kind === "undo") plan.kept.push({ action, reason: KEPT.undo });
  if (action.kind !== "ask") return;
  const memory = gates.find(({ marker }) => marker === action.marker);
  if (memory?.state !== "requested") plan.kept.push({ action, reason: KEPT.answered });
  else if (!canAsk) plan.kept.push({ action, reason: KEPT.noQueue });
  else plan.cancels.push({ memory, undoes: action.id });
}

/** Ends of all that a ticket was to have undone, where nothing can be done about it. */
export function keptAll({ past }: Undoing, reason: string): RevokedEnd[] {
  return past.flatMap(({ id, revoked }) =>
    revoked?.wanted ? [{ actionId: id, revocation: revoked.revocation, state: "kept" as const, reason }] : [],
  );
}
