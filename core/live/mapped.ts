import type { YamlFile } from "../config/document.ts";
import type { Path } from "../config/issue.ts";
import type { Mapping } from "../mapping/mapping.ts";
import type { FieldRule, MappingFile } from "../mapping/schema.ts";
import type { Policy } from "../policy/policy.ts";
import { SETTABLE_FIELDS, type SettableField } from "../ticket.ts";
import { type Party, type Place, placeOf, type RuleValue } from "./named.ts";

/** A record type of a connection. */
export interface RecordUse {
  connection: string;
  record: string;
}

/** A vendor value that a mapping names. */
export interface MappedValue {
  /** The vendor field that has it. */
  path: string;
  value: string;
  /** A rule may have it written. */
  written: boolean;
  place: Place;
}

/**
 * What a ticket's field may be: these values, those of a vendor field's own choices, names of groups, or anything.
 */
export type Source =
  | { fixed: readonly string[] }
  /** The path whose choices they are, and what the mapping adds to them. */
  | { list: string; given: readonly string[] }
  | "groups"
  | "any";

/** What a mapping names of its vendor, with places, and the record types that it is used for. */
export interface MappedNames {
  mapping: Mapping;
  uses: readonly RecordUse[];
  fields: readonly { path: string; place: Place }[];
  /** Vendor values with a meaning, field by field. */
  values: readonly (readonly MappedValue[])[];
  /** Vendor values of tables of what to write. */
  writes: readonly MappedValue[];
  /** Values that mean nobody has chosen yet. */
  intakes: readonly RuleValue[];
  intakeGroups: readonly Party[];
  sourceOf(field: string): Source;
}

/** What a mapping names. `set`: the fields that the policy may have written. */
export function namesOfMapping(
  { yaml, file, mapping }: { yaml: YamlFile; file: MappingFile; mapping: Mapping },
  uses: readonly RecordUse[],
  set: ReadonlySet<SettableField>,
): MappedNames {
  const rules = rulesOf(file);
  const scope = { connections: [...new Set(uses.map(({ connection }) => connection))], mapping: mapping.name };
  const intakes = rules.flatMap(({ field, rule, path }) => {
    const anyOf = rule.values ? [] : (rule.intake ?? []).map(String);
    return anyOf.length === 0 ? [] : [{ field, anyOf, scope, place: placeOf(yaml, [...path, "intake"]) }];
  });
  return {
    mapping,
    uses,
    fields: rules.flatMap(({ rule, path }) =>
      vendorPaths(rule).map(([vendor, at]) => ({
        path: vendor,
        place: placeOf(yaml, [...path, ...at], at[0] === "write" ? "key" : 0),
      })),
    ),
    values: rules.map((each) => valuesOf(yaml, each, valuesWritten(each, mapping, set))),
    writes: rules.filter(({ field }) => set.has(field as SettableField)).flatMap((each) => tableOf(yaml, each)), // only looked up
    intakes: intakes
      .filter(({ field }) => field === "category" || field === "subcategory")
      .map((intake) => ({ ...intake, sets: false })),
    intakeGroups: intakes
      .filter(({ field }) => field === "assignmentGroup")
      .map(({ anyOf, place }) => ({ kind: "group", anyOf, scope, place })),
    sourceOf: (field) => sourceOf(rules.find((each) => each.field === field)),
  };
}

/** The fields that a policy may have written. */
export function fieldsSetBy({ routing, sla, risk, freezes }: Policy): Set<SettableField> {
  const routed = [...routing.rules, routing.fallback].flatMap(({ desired }) => Object.keys(desired));
  const steps = sla.rules.flatMap(({ clocks }) => clocks.flatMap((clock) => clock.steps));
  const stepped = steps.flatMap(({ does }) => [
    ...(does.escalate ? ["assignmentGroup"] : []),
    ...(does.raise ? [does.raise] : []),
  ]);
  const scored = risk ? ["changeRisk", "cabRequired"] : [];
  const frozen = freezes.rules.some(({ severity }) => severity === "hard") ? ["onHold"] : [];
  const all = new Set<string>([...routed, ...stepped, ...scored, ...frozen]);
  return new Set(SETTABLE_FIELDS.filter((field) => all.has(field)));
}

interface PlacedRule {
  field: string;
  rule: FieldRule;
  path: Path;
  custom: MappingFile["custom"][string] | undefined;
}

function rulesOf({ fields, custom }: MappingFile): PlacedRule[] {
  const own = Object.entries(fields).flatMap(([field, rule]) =>
    rule ? [{ field, rule, path: ["fields", field], custom: undefined }] : [],
  );
  const theirs = Object.entries(custom).map(([name, rule]) => {
    return { field: `custom.${name}`, rule, path: ["custom", name], custom: rule };
  });
  return [...own, ...theirs];
}

/** The vendor fields that a rule reads and writes, each with its place below the rule. */
function vendorPaths({ from, reads = [], write }: FieldRule): [vendor: string, at: Path][] {
  const read: [string, Path][] = [
    ...(from === undefined ? [] : [[from, ["from"]] as [string, Path]]),
    ...reads.map((path, index): [string, Path] => [path, ["reads", index]]),
  ];
  const table = typeof write === "object" ? Object.entries(write) : [];
  return [
    ...read,
    ...table.flatMap(([canonical, patch]) =>
      Object.keys(patch).map((path): [string, Path] => [path, ["write", canonical, path]]),
    ),
  ];
}

/** The vendor values of a field's `values` that a mapping writes; none where it writes others, or nothing. */
export function valuesWritten(
  { field, rule }: { field: string; rule: Pick<FieldRule, "values" | "from"> },
  mapping: Mapping,
  set: ReadonlySet<SettableField>,
): ReadonlySet<string> {
  const settable = SETTABLE_FIELDS.find((each) => each === field);
  if (settable === undefined || !set.has(settable)) return new Set();
  const meanings = Object.values(rule.values ?? {});
  const written = meanings.map((meaning) => String(mapping.toVendor(settable, meaning)?.[rule.from ?? ""] ?? ""));
  return new Set(written.filter((value) => value !== ""));
}

function valuesOf(
  yaml: YamlFile,
  { rule: { from, values = {} }, path }: PlacedRule,
  written: ReadonlySet<string>,
): MappedValue[] {
  if (from === undefined) return [];
  const known = Object.keys(values).filter((value) => value !== "");
  return known.map((value) => ({
    ...{ path: from, value, written: written.has(value) },
    place: placeOf(yaml, [...path, "values", value], "key"),
  }));
}

function tableOf(yaml: YamlFile, { rule: { write }, path }: PlacedRule): MappedValue[] {
  const table = typeof write === "object" ? Object.entries(write) : [];
  return table.flatMap(([canonical, patch]) =>
    Object.entries(patch).flatMap(([vendor, value]) => {
      const place = placeOf(yaml, [...path, "write", canonical, vendor]);
      return value === "" ? [] : [{ path: vendor, value, written: true, place }];
    }),
  );
}

function sourceOf(placed: PlacedRule | undefined): Source {
  if (placed === undefined) return { fixed: [] };
  const { field, rule, custom } = placed;
  if (custom !== undefined && custom.type !== "string") return "any";
  const given = rule.default === undefined ? [] : [String(rule.default)];
  if (rule.values) return { fixed: [...Object.values(rule.values).map(String), ...given] };
  if (field === "assignmentGroup" && (rule.transform ?? "group") === "group") return "groups";
  if (rule.from === undefined) return rule.cel === undefined ? { fixed: given } : "any";
  return (rule.transform ?? "text") === "text" ? { list: rule.from, given } : "any";
}
