import type { VendorRecord } from "../ports.ts";

const FORBIDDEN = new Set(["__proto__", "prototype", "constructor"]);
const PATH = /^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$/;

/** Whether a text may be used as a path into vendor records and patches. */
export function isPath(text: string): boolean {
  return PATH.test(text) && !text.split(".").some((part) => FORBIDDEN.has(part));
}

/**
 * The value at a dotted path: a flat dotted key where the vendor answers so (a dot-walk), else a walk through nested
 * objects. Own properties only; undefined where there is nothing.
 */
export function readPath(record: VendorRecord, path: string): unknown {
  if (Object.hasOwn(record, path)) return record[path];
  let at: unknown = record;
  for (const part of path.split(".")) {
    if (at === null || typeof at !== "object" || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<string, unknown>)[part]; // an own property of an object, just checked
  }
  return at;
}
