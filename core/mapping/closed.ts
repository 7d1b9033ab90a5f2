import type { YamlFile } from "../config/document.ts";
import type { Problem } from "../problem.ts";
import { CHANGE_OUTCOMES, CHANGE_RISKS, CHANGE_TYPES, TICKET_STATUSES } from "../ticket.ts";
import type { CanonicalField, FieldRule, MappingFile } from "./schema.ts";

/** Texts, since a value that is written is one. */
const YES_OR_NO = ["true", "false"] as const;

/** Canonical fields that have these values and no others. */
const CLOSED: Readonly<Partial<Record<CanonicalField, readonly (string | number)[]>>> = {
  status: TICKET_STATUSES,
  priority: [1, 2, 3, 4, 5],
  impact: [1, 2, 3],
  urgency: [1, 2, 3],
  changeType: CHANGE_TYPES,
  changeRisk: CHANGE_RISKS,
  changeOutcome: CHANGE_OUTCOMES,
  cabRequired: YES_OR_NO,
  onHold: YES_OR_NO,
};

/** Canonical values in a mapping that the field does not have: every ticket with one would be parked as drift. */
export function closedProblems(yaml: YamlFile, fields: MappingFile["fields"]): Problem[] {
  return Object.entries(CLOSED).flatMap(([key, allowed]) => {
    const rule = fields[key as CanonicalField]; // the keys of CLOSED
    if (!rule) return [];
    return placesOf(rule).flatMap(({ path, value, inKey }): Problem[] => {
      const known = inKey ? allowed.map(String).includes(String(value)) : allowed.some((each) => each === value);
      if (known) return [];
      const shown = typeof value === "string" ? `"${value.slice(0, 40)}"` : String(value);
      const fix = `Write one of: ${allowed.map((each) => (each === "" ? '""' : String(each))).join(", ")}`;
      return [yaml.problem(["fields", key, ...path], `${shown} is no value of ${key}`, fix, inKey ? "key" : 0)];
    });
  });
}

interface Place {
  path: (string | number)[];
  value: unknown;
  /** It is a key, which YAML makes a text of. */
  inKey: boolean;
}

/** Where a field's rule names canonical values. */
function placesOf({ values, default: absent, intake, writeBack, write }: FieldRule): Place[] {
  const keys = (name: string, table: object): Place[] =>
    Object.keys(table).map((value) => ({ path: [name, value], value, inKey: true }));
  return [
    ...Object.entries(values ?? {}).map(([vendor, value]) => ({ path: ["values", vendor], value, inKey: false })),
    ...(absent === undefined ? [] : [{ path: ["default"], value: absent, inKey: false }]),
    ...(intake ?? []).map((value, index) => ({ path: ["intake", index], value, inKey: false })),
    ...keys("writeBack", writeBack ?? {}),
    ...keys("write", write || {}),
  ];
}
