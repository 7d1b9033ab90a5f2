import type { FieldWrite, Overwrite, WriteValue } from "../../core/ports.ts";

/** Who made an entry of the history; empty where it does not say. */
export interface Author {
  /** Account id; key in Data Center. */
  id: string;
  name: string;
}

/** One changed field of a history entry, as far as it matters here. */
export interface HistoryItem {
  /** Of the entry, which its other fields share. */
  entryId: string;
  author: Author;
  fieldId: string;
  /** By Jira's clock, in ms; NaN where it does not say. */
  atMs: number;
  from: string | null;
  fromText: string | null;
  to: string | null;
  toText: string | null;
}

/** An entry of the history, around its changed fields. */
export interface HistoryEntry {
  id?: unknown;
  created?: unknown;
  author?: unknown;
}

/** `toString` is a field of Jira's answer and a method of every object: only own properties count. */
export function historyItem(item: object, { id, created, author }: HistoryEntry): HistoryItem {
  const own = (key: string): string | null => ownText(item, key);
  return {
    entryId: typeof id === "string" || typeof id === "number" ? String(id) : "",
    author: authorOf(author),
    fieldId: own("fieldId") ?? "",
    atMs: timeOf(created),
    from: own("from"),
    fromText: own("fromString"),
    to: own("to"),
    toText: own("toString"),
  };
}

function ownText(value: unknown, key: string): string | null {
  if (typeof value !== "object" || value === null) return null;
  const found: unknown = Object.getOwnPropertyDescriptor(value, key)?.value;
  return typeof found === "string" ? found : null;
}

function authorOf(author: unknown): Author {
  // People of a Data Center have a key and no account id.
  const id = ownText(author, "accountId") ?? ownText(author, "key") ?? "";
  return { id, name: ownText(author, "displayName") ?? "" };
}

/** No Jira is so old that the ms of its edits are below this; such numbers are seconds. */
const SECONDS_MAX = 100_000_000_000;

/** A time of Jira's in ms; NaN where it is none. The bulk answer of histories gives it as a text, in ms, or as in the vendor's own example in seconds. */
export function timeOf(created: unknown): number {
  if (created instanceof Date) return created.getTime();
  if (typeof created !== "number") return Date.parse(String(created));
  return created < SECONDS_MAX ? created * 1_000 : created;
}

/**
 * What came after a revision, oldest first, of a history that is newest first: there the first edit to our value is
 * ours, and neither an older one nor one that a person makes later is mistaken for it. All of it, where Jira gives no
 * times.
 */
export function since(revision: string, history: readonly HistoryItem[]): HistoryItem[] {
  const sinceMs = Date.parse(revision);
  if (Number.isNaN(sinceMs) || history.some(({ atMs }) => Number.isNaN(atMs))) return [...history];
  return history.filter(({ atMs }) => atMs >= sinceMs).reverse();
}

/**
 * What a write of ours replaced, by the history (see `since`): undefined when our edit is not in it yet, null
 * when it replaced what we had seen. `personKey` is what the history names people by.
 */
export function replacedBy(
  write: FieldWrite,
  history: readonly HistoryItem[],
  personKey: "accountId" | "key",
): Overwrite | null | undefined {
  for (const [path, value] of Object.entries(write.patch)) {
    const first = headOf(path);
    const person = isPerson(value);
    const ours = history.find((item) => item.fieldId === first && (person || (item.toText ?? "") === textOf(value)));
    if (!ours) return undefined;
    const replaced = (person ? ours.from : ours.fromText) ?? "";
    if (replaced === seenText(write.seen[path], person ? personKey : "name")) continue;
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

/** As the history shows it, where an emptied field has no text; undefined for what it shows in no such form. */
function textOf(value: WriteValue): string | undefined {
  if (value === null || typeof value !== "object") return value === null ? "" : String(value);
  return "group" in value ? value.group : undefined;
}

function isPerson(value: WriteValue): value is { user: string } {
  return value !== null && typeof value === "object" && "user" in value;
}

function again(value: WriteValue, replaced: string): WriteValue {
  if (value !== null && typeof value === "object" && "group" in value) return { group: replaced };
  return isPerson(value) ? { user: replaced } : replaced;
}

function seenText(value: unknown, key: string): string {
  if (value === null || value === undefined) return "";
  if (typeof value !== "object") return String(value);
  // An option of a list has its text as value.
  const own = (name: string): unknown => Object.getOwnPropertyDescriptor(value, name)?.value;
  const found = own(key) ?? own("value");
  return typeof found === "string" ? found : "";
}
