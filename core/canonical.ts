import { hash } from "node:crypto";
import canonicalize from "canonicalize";

/** What our own records may hold: no floats, no undefined, so the same record has the same bytes everywhere. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

const DEPTH_MAX = 32;

/**
 * RFC 8785 canonical JSON of one of our own records. Refuses what would not survive: floats and integers beyond 2^53
 * (JCS renders them, readers disagree on them), lone surrogates, nesting deeper than 32.
 */
export function canonicalJson(value: Json): string {
  refuse(value, 0);
  const text = canonicalize(value);
  if (text === undefined) throw new TypeError("nothing to render as canonical JSON");
  return text;
}

/** Lower-case hexadecimal SHA-256. */
export function sha256Hex(bytes: string | Uint8Array): string {
  return hash("sha256", bytes, "hex");
}

/** The digest of one of our own records. */
export function digestOf(value: Json): string {
  return sha256Hex(canonicalJson(value));
}

function refuse(value: Json, depth: number): void {
  if (depth > DEPTH_MAX) throw new TypeError(`a record may be nested ${DEPTH_MAX} deep at the most`);
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new TypeError("a record may hold whole numbers within 2^53 only");
  }
  if (typeof value === "number" && Object.is(value, -0)) throw new TypeError("a record may not hold -0");
  if (value === null || typeof value !== "object") return;
  for (const item of Array.isArray(value) ? value : Object.values(value)) refuse(item, depth + 1);
}
