/** One field that changed, as the vendor's history has it. */
export interface Change<Value> {
  field: string;
  before: Value;
  after: Value;
}

/** All that changed in one edit. */
export interface Edit<Value> {
  atMs: number;
  revision: string;
  changes: readonly Change<Value>[];
}

/** What stood in the fields that ever changed, from an hour on. A field that is not in `past` stood as it stands now. */
export interface Stand<Value> {
  atMs: number;
  revision: string;
  past: ReadonlyMap<string, Value>;
}

/**
 * What a record went through, told by its edits, oldest first; the first is the record as it was opened. A field is
 * what the last edit before made of it, or what the next one found; after the last one it is what stands now, so that a
 * change that the history left out counts as part of an edit that is in it. Hours never run backwards.
 */
export function standsOf<Value>(
  opened: { atMs: number; revision: string },
  edits: readonly Edit<Value>[],
): Stand<Value>[] {
  const left = new Map<string, number>();
  const past = new Map<string, Value>();
  for (const { changes } of edits) {
    for (const { field, before } of changes) {
      if (!left.has(field)) past.set(field, before);
      left.set(field, (left.get(field) ?? 0) + 1);
    }
  }
  const stands: Stand<Value>[] = [{ ...opened, past: new Map(past) }];
  let { atMs } = opened;
  for (const edit of edits) {
    for (const { field, after } of edit.changes) {
      const more = (left.get(field) ?? 0) - 1;
      left.set(field, more);
      if (more > 0) past.set(field, after);
      else past.delete(field);
    }
    atMs = Math.max(atMs, edit.atMs);
    stands.push({ atMs, revision: edit.revision, past: new Map(past) });
  }
  return stands;
}

/**
 * Whether edits lead from one to the next, and the last to what stands now; where they do not, something was changed
 * that the history does not have. `same` compares a value of the history with what stands now.
 */
export function leadsOn<Value>(
  edits: readonly Edit<Value>[],
  equal: (one: Value, other: Value) => boolean,
  standsNow: (field: string, value: Value) => boolean,
): boolean {
  const last = new Map<string, Value>();
  for (const { changes } of edits) {
    for (const { field, before, after } of changes) {
      const known = last.get(field);
      if (known !== undefined && !equal(known, before)) return false;
      last.set(field, after);
    }
  }
  return [...last].every(([field, value]) => standsNow(field, value));
}
