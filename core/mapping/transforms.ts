import { convert } from "html-to-text";
import type { VendorRecord, WriteValue } from "../ports.ts";
import { type CustomValue, NOBODY, type Person } from "../ticket.ts";
import { adfToText } from "./adf.ts";
import { readPath } from "./path.ts";

export const TRANSFORMS = [
  "text",
  "html",
  "adf",
  "datetime",
  "user",
  "group",
  "ci",
  "duration",
  "integer",
  "boolean",
  "list",
] as const;
export type Transform = (typeof TRANSFORMS)[number];

/** The vendor said something a transform cannot read: drift, not a default. */
export class UnreadableValueError extends Error {
  constructor(expected: string) {
    super(`not ${expected}`);
    this.name = "UnreadableValueError";
  }
}

/** Vendor paths a transform reads for a field at `path`: a reference needs its name beside its id. */
export function pathsRead(transform: Transform, path: string): string[] {
  if (transform === "group" || transform === "ci") return [path, `${path}.name`];
  if (transform === "user") return [path, `${path}.name`, `${path}.email`];
  return [path];
}

export function readText(record: VendorRecord, path: string): string {
  return scalarText(readPath(record, path));
}

export function readHtml(record: VendorRecord, path: string): string {
  const limits = { maxInputLength: 500_000, maxDepth: 40, ellipsis: "" };
  return convert(readText(record, path), {
    wordwrap: false,
    limits,
    selectors: [{ selector: "img", format: "skip" }],
  }).trim();
}

export function readAdf(record: VendorRecord, path: string): string {
  const value = readPath(record, path);
  return (typeof value === "string" ? value : adfToText(value)).toWellFormed();
}

/** `YYYY-MM-DD HH:MM:SS` (UTC by ServiceNow's contract) or ISO 8601 with an offset; undefined when empty. */
export function readInstant(record: VendorRecord, path: string): string | undefined {
  const text = readText(record, path);
  if (text === "") return undefined;
  const bare = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})$/.exec(text);
  // Jira writes the offset without a colon, which the date parser does not promise to read.
  const iso = bare ? `${bare[1]}T${bare[2]}Z` : text.replace(/([+-]\d{2})(\d{2})$/, "$1:$2");
  // The date parser guesses at other forms, and turns the 30th of February into the 2nd of March.
  const zoned = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/.exec(iso);
  const ms = zoned?.[1] && isDay(zoned[1]) ? Date.parse(iso) : Number.NaN;
  if (Number.isNaN(ms)) throw new UnreadableValueError("a date with a known zone");
  return new Date(ms).toISOString();
}

function isDay(text: string): boolean {
  const at = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}

/** A duration in whole seconds: seconds as a number, or ServiceNow's count from 1970-01-01 00:00:00. */
export function readSeconds(record: VendorRecord, path: string): number | undefined {
  const value = readPath(record, path);
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  const text = scalarText(value);
  if (text === "") return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  const at = readInstant(record, path);
  if (at === undefined) throw new UnreadableValueError("a duration");
  return Math.round(Date.parse(at) / 1000);
}

export function readInteger(record: VendorRecord, path: string): number | undefined {
  const text = scalarText(readPath(record, path));
  if (text === "") return undefined;
  const digits = /^(?:[A-Z]{3}[;\s])?(-?\d+(?:\.\d+)?)$/.exec(text.trim())?.[1]; // a currency field is "EUR;1200.50"
  const number = digits === undefined ? Number.NaN : Math.ceil(Number(digits)) + 0; // + 0 makes 0 of -0
  if (!Number.isSafeInteger(number)) throw new UnreadableValueError("a number");
  return number;
}

export function readBoolean(record: VendorRecord, path: string): boolean | undefined {
  const text = scalarText(readPath(record, path)).toLowerCase();
  if (text === "") return undefined;
  if (text !== "true" && text !== "false") throw new UnreadableValueError("true or false");
  return text === "true";
}

export function readList(record: VendorRecord, path: string): string[] {
  const value = readPath(record, path);
  if (Array.isArray(value)) return value.map(scalarText).filter((text) => text !== "");
  return scalarText(value)
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/**
 * A reference as `{id, name}`: a bare id with a dotted sibling for its name, or the vendor's own object. A list, or an
 * object of another kind, that is not empty names something that cannot be told, which is not the same as nothing.
 */
export function readReference(record: VendorRecord, path: string): { id: string; name: string } {
  const value = readPath(record, path);
  if (value !== null && typeof value === "object") {
    // People of a Data Center have a key and no id.
    const id = firstText(value, ["groupId", "accountId", "id", "value", "key"]);
    const name = firstText(value, ["name", "displayName", "display_value", "value"]);
    if (id === "" && name === "" && Object.keys(value).length > 0) throw new UnreadableValueError("one reference");
    return { id, name };
  }
  const id = scalarText(value);
  if (id === "") return { id: "", name: "" };
  const sibling = Object.hasOwn(record, `${path}.name`) ? scalarText(record[`${path}.name`]) : "";
  return { id, name: sibling === "" ? id : sibling };
}

export function readPerson(record: VendorRecord, path: string): Person {
  const value = readPath(record, path);
  const { id, name } = readReference(record, path);
  if (id === "") return NOBODY;
  if (value !== null && typeof value === "object")
    return { id, name, email: firstText(value, ["emailAddress", "email"]) };
  return { id, name, email: Object.hasOwn(record, `${path}.email`) ? scalarText(record[`${path}.email`]) : "" };
}

/** The value a canonical one is written as; the connector gives it the vendor's form. */
export function writeValue(transform: Transform, value: CustomValue): WriteValue {
  switch (transform) {
    case "group":
      return { group: String(value) };
    case "user":
      return { user: String(value) };
    case "datetime":
      return { instant: String(value) };
    case "duration":
      return { seconds: Number(value) };
    case "adf":
      return { adf: String(value) };
    case "html":
      return escapeHtml(String(value));
    default:
      return typeof value === "boolean" ? value : String(value);
  }
}

function escapeHtml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

/** Half a character, as where a vendor cut a text, would have no digest and no place in a ledger. */
function scalarText(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return String(value);
  throw new UnreadableValueError("a plain value");
}

function firstText(value: object, keys: readonly string[]): string {
  for (const key of keys) {
    if (!Object.hasOwn(value, key)) continue;
    const found: unknown = (value as Record<string, unknown>)[key]; // an own property, just checked
    if (typeof found === "string" || typeof found === "number") return String(found).toWellFormed();
  }
  return "";
}
