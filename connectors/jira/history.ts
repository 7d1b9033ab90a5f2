import type { FieldWrite, Overwrite, WriteValue } from "../../core/ports.ts";

/** One changed field of a history entry, as far as it matters here. */
export interface HistoryItem {
  fieldId: string;
  from: string | null;
  fromText: string | null;
  toText: string | null;
}

/** `toString` is a field of Jira's answer and a method of every object: only own properties count. */
export function historyItem(item: object): HistoryItem {
  const own = (key: string): string | null => {
    const value: unknown = Object.getOwnPropertyDescriptor(item, key)?.value;
    return typeof value === "string" ? value : null;
  };
  return { fieldId: own("fieldId") ?? "", from: own("from"), fromText: own("fromString"), toText: own("toString") };
}

/**
 * What a write of ours replaced, by the history (newest first): undefined when our edit is not in it yet, null
 * when it replaced what we had seen.
 */
export function replacedBy(write: FieldWrite, history: readonly HistoryItem[]): Overwrite | null | undefined {
  for (const [path, value] of Object.entries(write.patch)) {
    const first = headOf(path);
    const person = isPerson(value);
    const ours = history.find((item) => item.fieldId === first && (person || item.toText === textOf(value)));
    if (!ours) return undefined;
    const replaced = (person ? ours.from : ours.fromText) ?? "";
    if (replaced === seenText(write.seen[path], person)) continue;
    const patch = replaced === "" ? { [first]: null } : { [path]: again(value, replaced) };
    return { actionId: write.actionId, patch, value: replaced };
  }
  return null;
}

/** The ids of the fields that a set of writes touches; the history is asked for these only. */
export function fieldIds(writes: readonly FieldWrite[]): string[] {
  return [...new Set(writes.flatMap(({ patch }) => Object.keys(patch).map(headOf)))];
}

/** The field of a path: jira.js names fields by their first step. */
export function headOf(path: string): string {
  return path.split(".")[0] ?? path;
}

function textOf(value: WriteValue): string | null {
  if (value === null || typeof value !== "object") return value === null ? null : String(value);
  return "group" in value ? value.group : null;
}

function isPerson(value: WriteValue): value is { user: string } {
  return value !== null && typeof value === "object" && "user" in value;
}

function again(value: WriteValue, replaced: string): WriteValue {
  if (value !== null && typeof value === "object" && "group" in value) return { group: replaced };
  return isPerson(value) ? { user: replaced } : replaced;
}

function seenText(value: unknown, person: boolean): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "object") return String(value);
  const found: unknown = Object.getOwnPropertyDescriptor(value, person ? "accountId" : "name")?.value;
  return typeof found === "string" ? found : "";
}
