import type { Compile, Expression } from "../expression.ts";
import type { VendorPatch, VendorRecord } from "../ports.ts";
import type { CustomValue, FieldValue } from "../ticket.ts";
import type { FieldRule } from "./schema.ts";
import {
  pathsRead,
  readAdf,
  readBoolean,
  readHtml,
  readInstant,
  readInteger,
  readList,
  readSeconds,
  readText,
  type Transform,
  UnreadableValueError,
  writeValue,
} from "./transforms.ts";

/** A vendor value the mapping does not know. `received` is the value of a closed list, never free text. */
export interface Drift {
  field: string;
  path: string;
  received: string;
}

/** The value of a field, or why it cannot be known. `undefined` where the vendor's field is empty and has no default. */
export type FieldReading = { value: CustomValue | string[] | undefined } | { drift: Drift };

/** One canonical field, ready to be read and written. */
export interface MappedField {
  name: string;
  rule: FieldRule;
  transform: Transform;
  /** Vendor paths it needs. */
  reads: readonly string[];
  read(record: VendorRecord): FieldReading;
  /** The vendor fields that give it this value, or undefined where it cannot be written. */
  write?: (value: FieldValue) => VendorPatch | undefined;
}

const RECEIVED_MAX = 60;

/** Compiles one field rule, with the transform that is usual for the field. Faults name the key of the rule they are about. */
export function compileField(
  name: string,
  rule: FieldRule,
  compile: Compile,
  usual: Transform = "text",
): { field: MappedField } | { key: string; what: string; fix: string; offset?: number } {
  const transform = rule.transform ?? usual;
  if (rule.from !== undefined && rule.cel !== undefined) {
    return { key: "cel", what: "stands beside from", fix: "Keep one of the two" };
  }
  if (rule.from === undefined && rule.cel === undefined && rule.default === undefined) {
    return { key: "", what: "does not say where its value comes from", fix: "Give it from, cel or default" };
  }
  const inverse = invert(rule);
  if ("what" in inverse) return inverse;

  let expression: Expression | undefined;
  if (rule.cel !== undefined) {
    const compiled = compile(rule.cel, expressionType(rule));
    if ("fault" in compiled) return { key: "cel", ...compiled.fault };
    expression = compiled.expression;
  }
  const path = rule.from ?? "";
  const source = expression ? evaluated(expression) : (record: VendorRecord) => transformed(record, path, transform);
  const field: MappedField = {
    name,
    rule,
    transform,
    reads: expression ? (rule.reads ?? []) : path === "" ? [] : pathsRead(transform, path),
    read: (record) =>
      readField(name, rule, path === "" ? "cel" : path, () =>
        path === "" && !expression ? undefined : source(record),
      ),
  };
  const write = writerOf(rule, transform, inverse.back);
  return { field: write ? { ...field, write } : field };
}

function expressionType(rule: FieldRule): "string" | "int" | "bool" {
  if (typeof rule.default === "boolean") return "bool";
  return typeof rule.default === "number" ? "int" : "string";
}

function evaluated(expression: Expression): (record: VendorRecord) => CustomValue | undefined {
  return (record) => {
    const value = expression.evaluate({ record });
    if (typeof value === "bigint") return Number(value);
    if (typeof value === "string") return value.toWellFormed();
    return typeof value === "boolean" ? value : undefined;
  };
}

function transformed(record: VendorRecord, path: string, transform: Transform): CustomValue | string[] | undefined {
  switch (transform) {
    case "html":
      return readHtml(record, path);
    case "adf":
      return readAdf(record, path);
    case "datetime":
      return readInstant(record, path);
    case "duration":
      return readSeconds(record, path);
    case "integer":
      return readInteger(record, path);
    case "boolean":
      return readBoolean(record, path);
    case "list":
      return readList(record, path);
    default:
      return readText(record, path);
  }
}

function readField(
  name: string,
  rule: FieldRule,
  path: string,
  source: () => CustomValue | string[] | undefined,
): FieldReading {
  let value: CustomValue | string[] | undefined;
  try {
    value = source();
  } catch (error) {
    // The value itself may be ticket text, so only what was expected of it is said.
    const received = error instanceof UnreadableValueError ? error.message : "not computable";
    return { drift: { field: name, path, received } };
  }
  if (rule.values !== undefined) {
    const key = value === undefined ? "" : String(value);
    if (Object.hasOwn(rule.values, key)) return { value: rule.values[key] };
    if (key === "" && rule.default !== undefined) return { value: rule.default };
    return {
      drift: { field: name, path, received: key === "" ? "(empty)" : key.slice(0, RECEIVED_MAX).toWellFormed() },
    };
  }
  return { value: value === undefined || value === "" ? (rule.default ?? value) : value };
}

type Inverse = { back: ReadonlyMap<string, string> } | { key: string; what: string; fix: string };

/** The value map read backwards. Two vendor values with the same meaning need a `writeBack` to say which one to write. */
function invert(rule: FieldRule): Inverse {
  const back = new Map<string, string>();
  const chosen = rule.writeBack ?? {};
  for (const [canonical, vendor] of Object.entries(chosen)) {
    if (String(rule.values?.[vendor] ?? "") !== canonical) {
      return {
        key: `writeBack.${canonical}`,
        what: `"${vendor}" does not mean "${canonical}" in values`,
        fix: "Name a vendor value that stands in values with this meaning",
      };
    }
    back.set(canonical, vendor);
  }
  if (rule.write !== undefined) return { back };
  for (const [vendor, canonical] of Object.entries(rule.values ?? {})) {
    const key = String(canonical);
    const taken = back.get(key);
    if (taken === undefined) back.set(key, vendor);
    else if (taken !== vendor && !Object.hasOwn(chosen, key)) {
      return {
        key: `values.${vendor}`,
        what: `"${taken}" and "${vendor}" both mean "${key}", so it cannot be written back`,
        fix: `Say which one to write: writeBack: { ${key}: "${taken}" }, or write: false`,
      };
    }
  }
  return { back };
}

function writerOf(rule: FieldRule, transform: Transform, back: ReadonlyMap<string, string>): MappedField["write"] {
  const path = rule.from;
  const table = rule.write;
  if (table === false) return undefined;
  if (table !== undefined) return (value) => (Object.hasOwn(table, String(value)) ? table[String(value)] : undefined);
  if (path === undefined) return undefined;
  if (rule.values === undefined) return (value) => ({ [path]: writeValue(transform, value) });
  return (value) => {
    const vendor = back.get(String(value));
    return vendor === undefined ? undefined : { [path]: vendor };
  };
}
