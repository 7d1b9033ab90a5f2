import { digestOf, type Json } from "../canonical.ts";
import type { YamlFile } from "../config/document.ts";
import type { CelType, Compile } from "../expression.ts";
import type { VendorPatch, VendorRecord } from "../ports.ts";
import type { Problem } from "../problem.ts";
import {
  type CustomValue,
  type FieldValue,
  NOBODY,
  SETTABLE_FIELDS,
  type SettableField,
  Ticket,
  type TicketRef,
} from "../ticket.ts";
import { closedProblems } from "./closed.ts";
import { compileField, type Drift, type FieldReading, type MappedField } from "./field.ts";
import type { CanonicalField, MappingFile } from "./schema.ts";
import { readPerson, readReference, type Transform, UnreadableValueError } from "./transforms.ts";

/** A compiled mapping: vendor record → canonical ticket, and a rule's values back into vendor fields. Pure. */
export interface Mapping {
  name: string;
  /** Digest of the file it was compiled from: the same content has the same version everywhere. */
  version: string;
  vendor: MappingFile["vendor"];
  kind: MappingFile["kind"];
  /** Vendor paths that must be read for it, sorted. */
  reads: readonly string[];
  /** How each vendor path that a field comes from is read; those that only expressions read are not in it. */
  transforms: ReadonlyMap<string, Transform>;
  /** Types of `ticket.custom`, for the expression compiler. */
  custom: Readonly<Record<string, CelType>>;
  /** The ticket, or every unknown value that keeps it from being one. */
  toTicket(ref: TicketRef, revision: string, record: VendorRecord): { ticket: Ticket } | { drift: readonly Drift[] };
  canWrite(field: SettableField): boolean;
  /** Vendor fields that give `field` this value; undefined where this mapping cannot express it. */
  toVendor(field: SettableField, value: FieldValue): VendorPatch | undefined;
  /** Values of `field` that mean nobody has chosen yet. */
  intake(field: SettableField): readonly FieldValue[];
}

/** What a field is unless its rule says otherwise. */
const USUAL_TRANSFORMS: Readonly<Record<string, Transform>> = {
  assignmentGroup: "group",
  assignee: "user",
  requester: "user",
  ci: "ci",
  service: "ci",
  requestItem: "ci",
  labels: "list",
  createdAt: "datetime",
  updatedAt: "datetime",
  plannedStart: "datetime",
  plannedEnd: "datetime",
  actualEnd: "datetime",
  requestQuantity: "integer",
  requestPrice: "integer",
};
const REFERENCES: readonly Transform[] = ["group", "user", "ci"];
const CUSTOM_TRANSFORMS = { string: "text", int: "integer", bool: "boolean" } as const;

/** Compiles a checked mapping file, or lists everything that is wrong with it. */
export function compileMapping(
  name: string,
  yaml: YamlFile,
  file: MappingFile,
  compile: Compile,
): { mapping: Mapping } | { problems: Problem[] } {
  const problems: Problem[] = closedProblems(yaml, file.fields);
  const fields = new Map<string, MappedField>();
  const custom = new Map<string, MappedField>();
  const add = (
    target: Map<string, MappedField>,
    group: "fields" | "custom",
    key: string,
    rule: MappedField["rule"],
  ): void => {
    const usual = group === "fields" ? USUAL_TRANSFORMS[key] : CUSTOM_TRANSFORMS[file.custom[key]?.type ?? "string"];
    const compiled = compileField(group === "custom" ? `custom.${key}` : key, rule, compile, usual);
    if ("field" in compiled) {
      target.set(key, compiled.field);
      return;
    }
    const path = [group, key, ...compiled.key.split(".").filter((part) => part !== "")];
    problems.push(yaml.problem(path, compiled.what, compiled.fix, compiled.offset));
  };
  for (const [key, rule] of Object.entries(file.fields)) {
    if (rule) add(fields, "fields", key, rule);
    // A reference is an id with a name, read as one: what these keys say would be passed over without a word.
    const idle = (["cel", "values", "default"] as const).find((name) => rule?.[name] !== undefined);
    if (idle !== undefined && REFERENCES.includes(USUAL_TRANSFORMS[key] ?? "text"))
      problems.push(yaml.problem(["fields", key, idle], `has no effect on ${key}`, "Remove it, and say where from"));
  }
  for (const [key, rule] of Object.entries(file.custom)) add(custom, "custom", key, rule);
  if (problems.length > 0) return { problems };

  const writable = (field: SettableField): MappedField["write"] => {
    const mapped = fields.get(field);
    const dotWalk = file.vendor === "servicenow" && (mapped?.rule.from?.includes(".") ?? false);
    return dotWalk ? undefined : mapped?.write;
  };
  const all = [...fields.values(), ...custom.values()];
  const reads = all.flatMap((field) => field.reads);
  const transforms = all.flatMap(({ rule, transform }) =>
    rule.from === undefined ? [] : [[rule.from, transform] as const],
  );
  return {
    mapping: {
      name,
      version: digestOf(JSON.parse(JSON.stringify(file)) as Json).slice(0, 16), // what JSON.parse returns is Json
      vendor: file.vendor,
      kind: file.kind,
      reads: [...new Set(reads)].sort(),
      transforms: new Map(transforms),
      custom: Object.fromEntries(Object.entries(file.custom).map(([key, rule]) => [key, rule.type])),
      toTicket: (ref, revision, record) => assemble(file, { fields, custom }, { ref, revision, record }),
      canWrite: (field) => writable(field) !== undefined,
      toVendor: (field, value) => writable(field)?.(value),
      intake: (field) => fields.get(field)?.rule.intake ?? [],
    },
  };
}

/** Settable fields of a mapping that can be written, for messages. */
export function writableFields(mapping: Mapping): SettableField[] {
  return SETTABLE_FIELDS.filter((field) => mapping.canWrite(field));
}

interface Compiled {
  fields: ReadonlyMap<string, MappedField>;
  custom: ReadonlyMap<string, MappedField>;
}

const CHANGE_TIMES = ["plannedStart", "plannedEnd", "actualEnd"] as const;

function assemble(
  file: MappingFile,
  compiled: Compiled,
  { ref, revision, record }: { ref: TicketRef; revision: string; record: VendorRecord },
): ReturnType<Mapping["toTicket"]> {
  const drift: Drift[] = [];
  const take = (reading: FieldReading | undefined): CustomValue | string[] | undefined => {
    if (reading && "drift" in reading) drift.push(reading.drift);
    return reading && "value" in reading ? reading.value : undefined;
  };
  const value = (field: CanonicalField): CustomValue | string[] | undefined =>
    take(compiled.fields.get(field)?.read(record));
  const text = (field: CanonicalField): string => String(value(field) ?? "");
  const number = (field: CanonicalField, absent: number): number => Number(value(field) ?? absent);
  const optional = (field: CanonicalField): string | undefined => {
    const found = value(field);
    return found === undefined || found === "" ? undefined : String(found);
  };
  const reference = (field: CanonicalField) =>
    ownPath(compiled, field, drift, (path) => readReference(record, path), { id: "", name: "" });
  const person = (field: CanonicalField) => ownPath(compiled, field, drift, (path) => readPerson(record, path), NOBODY);
  const ci = reference("ci");
  const times = CHANGE_TIMES.map((field) => [field, optional(field)] as const).filter(([, at]) => at !== undefined);
  const custom = [...compiled.custom].map(([key, field]) => [key, take(field.read(record)) ?? emptyOf(file, key)]);
  const candidate = {
    ref,
    kind: file.kind,
    title: text("title"),
    description: text("description"),
    status: value("status"),
    priority: value("priority"),
    impact: number("impact", 3),
    urgency: number("urgency", 3),
    category: text("category"),
    subcategory: text("subcategory"),
    assignmentGroup: reference("assignmentGroup").name,
    assignee: person("assignee"),
    requester: person("requester"),
    ci: ci.name,
    ciId: ci.id,
    service: reference("service").name,
    labels: value("labels") ?? [],
    createdAt: value("createdAt"),
    updatedAt: value("updatedAt"),
    revision,
    change: {
      ...{ type: text("changeType"), risk: text("changeRisk"), backoutPlan: text("backoutPlan") },
      ...Object.fromEntries(times),
      ...{ cabRequired: text("cabRequired") === "true", onHold: text("onHold") === "true" },
      outcome: text("changeOutcome"),
    },
    request: {
      item: reference("requestItem").name,
      quantity: number("requestQuantity", 0),
      price: number("requestPrice", 0),
    },
    custom: Object.fromEntries(custom),
  };
  if (drift.length > 0) return { drift };
  const parsed = Ticket.safeParse(candidate);
  if (parsed.success) return { ticket: parsed.data };
  // Only the place is named: what stands there may be ticket text.
  return {
    drift: parsed.error.issues.map((issue) => ({
      field: issue.path.map(String).join("."),
      path: "",
      received: issue.code,
    })),
  };
}

function ownPath<T>(
  compiled: Compiled,
  field: CanonicalField,
  drift: Drift[],
  read: (path: string) => T,
  absent: T,
): T {
  const path = compiled.fields.get(field)?.rule.from;
  if (path === undefined) return absent;
  try {
    return read(path);
  } catch (error) {
    if (!(error instanceof UnreadableValueError)) throw error;
    drift.push({ field, path, received: error.message });
    return absent;
  }
}

function emptyOf(file: MappingFile, key: string): CustomValue {
  const type = file.custom[key]?.type;
  if (type === "int") return 0;
  return type === "bool" ? false : "";
}
