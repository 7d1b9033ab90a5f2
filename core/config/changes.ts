import { parse } from "yaml";
import { digestOf } from "../canonical.ts";
import type { Mapping } from "../mapping/mapping.ts";
import type { Policy } from "../policy/policy.ts";

/** What differs between two policies, rule by rule: `gates/big-spend was added`. Sorted; empty where nothing does. */
export function policyChanges(before: Policy, after: Policy): string[] {
  const [old, now] = [entriesOf(before), entriesOf(after)];
  const names = [...new Set([...old.keys(), ...now.keys()])].sort();
  return names.flatMap((name) => {
    const [then, later] = [old.get(name), now.get(name)];
    if (then === later) return [];
    if (then === undefined) return [`${name} was added`];
    return [later === undefined ? `${name} was removed` : `${name} was changed`];
  });
}

/** What differs between two sets of mappings: `mapping jira.incident was changed (<version>, before <version>)`. */
export function mappingChanges(before: readonly Mapping[], after: readonly Mapping[]): string[] {
  const old = new Map(before.map(({ name, version }) => [name, version]));
  return after.flatMap(({ name, version }) => {
    const then = old.get(name);
    return then === version ? [] : [`mapping ${name} was changed (${version}, before ${then ?? "absent"})`];
  });
}

/** One version for a set of mappings. */
export function mappingsVersion(mappings: readonly Mapping[]): string {
  return digestOf(Object.fromEntries(mappings.map(({ name, version }) => [name, version]))).slice(0, 16);
}

/** Every named part of a policy's files as text: rules by their id, and what stands beside them by its key. */
function entriesOf({ files }: Policy): Map<string, string> {
  const entries = new Map<string, string>();
  for (const [fileName, text] of Object.entries(files)) {
    const file = fileName.replace(/\.yaml$/, "");
    if (file === fileName) entries.set(fileName, text);
    else walk(file, parse(text), entries); // the files of a policy were parsed before it was one
  }
  return entries;
}

function walk(file: string, value: unknown, entries: Map<string, string>): void {
  const rules: readonly unknown[] = Array.isArray(value) ? value : [];
  for (const [at, rule] of rules.entries()) entries.set(`${file}/${idOf(rule) ?? at}`, JSON.stringify(rule));
  const keys = value !== null && typeof value === "object" && !Array.isArray(value) ? Object.entries(value) : [];
  for (const [key, inner] of keys) {
    if (key === "rules") walk(file, inner, entries);
    else entries.set(`${file}/${idOf(inner) ?? key}`, JSON.stringify(inner));
  }
}

function idOf(rule: unknown): string | undefined {
  return rule !== null && typeof rule === "object" && "id" in rule && typeof rule.id === "string" ? rule.id : undefined;
}
