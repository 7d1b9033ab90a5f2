import type { YamlFile } from "../config/document.ts";
import { type Path, valueAt } from "../config/issue.ts";
import { type AstNode, equalityTests } from "../expression-tree.ts";
import { comparedLiterals, groupsAsked } from "../policy/compared.ts";
import { treeOf, type WrittenRule, writtenRules } from "../policy/written.ts";
import type { Problem } from "../problem.ts";

/** Where a name stands. */
export type Place = Pick<Problem, "file" | "line" | "col" | "path">;

/** The tickets that a name is for; what is absent does not narrow them. */
export interface Scope {
  connections?: readonly string[];
  kinds?: readonly string[];
  /** Name of the mapping that stands for them all. */
  mapping?: string;
}

/** A group or person that is named; of several names one must be known. */
export interface Party {
  kind: "group" | "person" | "mention";
  anyOf: readonly string[];
  scope: Scope;
  place: Place;
}

/** A value that a rule compares a field with, or sets it to; of several one must be there. */
export interface RuleValue {
  /** `category`, `subcategory` or `custom.<name>`. */
  field: string;
  anyOf: readonly string[];
  sets: boolean;
  scope: Scope;
  place: Place;
}

export interface PolicyNames {
  parties: readonly Party[];
  values: readonly RuleValue[];
}

/** Keys of rules under which a name stands, or a list of them. Every other text of a rule is no name of this kind. */
export const NAME_KEYS: ReadonlyMap<string, Party["kind"]> = new Map([
  ["group", "group"],
  ["groups", "group"],
  ["notify", "group"],
  ["person", "person"],
  ["people", "person"],
  ["mention", "mention"],
]);

const DEPTH_MAX = 16;
const SET_FIELDS = ["category", "subcategory"] as const;

/** Everything that rules name and that only the systems of record know, with its place. Of files that load. */
export function namesOfPolicy(files: readonly YamlFile[]): PolicyNames {
  const each = files.map(namesOfFile);
  return { parties: each.flatMap(({ parties }) => parties), values: each.flatMap(({ values }) => values) };
}

interface ReadRule extends WrittenRule {
  tree: AstNode | undefined;
  scope: Scope;
}

function namesOfFile(yaml: YamlFile): PolicyNames {
  const rules = writtenRules(yaml.value).map((rule): ReadRule => {
    const tree = rule.when && treeOf(rule.when.source);
    return { ...rule, tree, scope: tree ? scopeOf(tree) : {} };
  });
  const scopeAt = (path: Path): Scope => rules.find((rule) => beginsWith(path, rule.path))?.scope ?? {};
  const named = written(yaml.value, []).map(({ kind, name, path }) => {
    return { kind, anyOf: [name], scope: scopeAt(path), place: placeOf(yaml, path) };
  });
  const conditions = rules.map((rule) => conditionNames(yaml, rule));
  return {
    parties: [...named, ...conditions.flatMap(({ parties }) => parties)],
    values: [...rules.flatMap((rule) => valuesSet(yaml, rule)), ...conditions.flatMap(({ values }) => values)],
  };
}

/** Names under the keys of a file that hold some. */
function written(value: unknown, path: Path): { kind: Party["kind"]; name: string; path: Path }[] {
  if (value === null || typeof value !== "object" || path.length > DEPTH_MAX) return [];
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
    const at = [...path, Array.isArray(value) ? Number(key) : key];
    const kind = NAME_KEYS.get(key);
    if (kind === undefined) return written(inner, at);
    if (typeof inner === "string") return [{ kind, name: inner, path: at }];
    const listed: unknown[] = Array.isArray(inner) ? inner : [];
    return listed.flatMap((name, index) => (typeof name === "string" ? [{ kind, name, path: [...at, index] }] : []));
  });
}

function conditionNames(yaml: YamlFile, { when, tree, scope }: ReadRule): PolicyNames {
  if (!when || !tree) return { parties: [], values: [] };
  const place = (offset: number): Place => placeOf(yaml, when.path, offset);
  const compared = comparedLiterals(tree).flatMap(({ path, value, offset }) =>
    // An empty text is nobody's choice, and no name.
    typeof value === "string" && value !== "" ? [{ path, value, offset }] : [],
  );
  const groups = compared.filter(({ path }) => path === "ticket.assignmentGroup");
  return {
    parties: [...groupsAsked(tree), ...groups].map(({ value, offset }) => {
      return { kind: "group", anyOf: [String(value)], scope, place: place(offset) };
    }),
    values: compared.flatMap(({ path, value, offset }): RuleValue[] => {
      const field = /^ticket\.(category|subcategory|custom\.\w+)$/.exec(path)?.[1];
      return field === undefined ? [] : [{ field, anyOf: [value], sets: false, scope, place: place(offset) }];
    }),
  };
}

function valuesSet(yaml: YamlFile, { path, scope }: ReadRule): RuleValue[] {
  return SET_FIELDS.flatMap((field) => {
    const at = [...path, "then", "set", field];
    const value = valueAt(yaml.value, at);
    return typeof value === "string" ? [{ field, anyOf: [value], sets: true, scope, place: placeOf(yaml, at) }] : [];
  });
}

/** What a condition demands of every ticket that it is for. */
function scopeOf(tree: AstNode): Scope {
  const demanded = (path: string): string[] | undefined =>
    equalityTests(tree)
      .filter((test) => test.path === path)
      .map(({ values }) => [...values])
      .reduce<string[] | undefined>(
        (left, values) => left?.filter((value) => values.includes(value)) ?? values,
        undefined,
      );
  const [connections, kinds] = [demanded("ticket.connection"), demanded("ticket.kind")];
  return { ...(connections && { connections }), ...(kinds && { kinds }) };
}

export function placeOf(yaml: YamlFile, path: Path, at: number | "key" = 0): Place {
  const { what: _what, fix: _fix, ...place } = yaml.problem(path, "", "", at);
  return place;
}

function beginsWith(path: Path, start: Path): boolean {
  return start.every((part, index) => path[index] === part);
}
