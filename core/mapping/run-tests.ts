import { isDeepStrictEqual } from "node:util";
import { checkAgainst, parseYaml, type YamlFile } from "../config/document.ts";
import type { ConfigFiles } from "../config/files.ts";
import type { Problem } from "../problem.ts";
import { SETTABLE_FIELDS, type SettableField, type Ticket } from "../ticket.ts";
import type { Mapping } from "./mapping.ts";
import { MappingTests } from "./schema.ts";

export interface TestRun {
  passed: number;
  problems: Problem[];
  /** Of those, tests that came out otherwise than they expect. */
  failed: Problem[];
}

/** Runs `<name>.test.yaml` of every mapping, offline. A mapping without tests is a problem: nobody knows what it does. */
export function runMappingTests(files: ConfigFiles, folder: string, mappings: ReadonlyMap<string, Mapping>): TestRun {
  const run: TestRun = { passed: 0, problems: [], failed: [] };
  for (const mapping of mappings.values()) {
    const path = `${folder}/${mapping.name}.test.yaml`;
    const text = files.read(path);
    if (text === undefined) {
      run.problems.push({
        file: path,
        line: 0,
        col: 0,
        path: "",
        what: `mapping ${mapping.name} has no tests`,
        fix: "Write one for a record that maps, one for a value it does not know, and one for each field it writes",
      });
      continue;
    }
    const parsed = parseYaml(path, text);
    const checked = "file" in parsed ? checkAgainst(parsed.file, MappingTests) : parsed;
    if ("problems" in checked) run.problems.push(...checked.problems);
    else if ("file" in parsed) runFile(parsed.file, checked.value, mapping, run);
  }
  return run;
}

function runFile(yaml: YamlFile, tests: MappingTests, mapping: Mapping, run: TestRun): void {
  tests.forEach((test, index) => {
    const faults = faultsOf(test, mapping);
    if (faults.length === 0) run.passed += 1;
    const failed = faults.map((fault) =>
      yaml.problem([index, "name"], `test "${test.name}": ${fault}`, "Correct the mapping or the test"),
    );
    run.problems.push(...failed);
    run.failed.push(...failed);
  });
}

function faultsOf(test: MappingTests[number], mapping: Mapping): string[] {
  if ("write" in test) return writeFaults(test.write, test.expect, mapping);
  const ref = { connection: "test", type: "test", id: "test", key: "TEST-1" };
  const mapped = mapping.toTicket(ref, "1", test.record);
  if ("drift" in test) {
    const reported = "drift" in mapped ? mapped.drift.map(({ field }) => field) : [];
    return test.drift
      .filter((field) => !reported.includes(field))
      .map((field) => `${field} was expected to be unknown, and is not`);
  }
  if ("drift" in mapped) return mapped.drift.map(({ field, received }) => `${field} is unknown: ${received}`);
  return Object.entries(test.expect).flatMap(([path, wanted]) => {
    const got = valueAt(mapped.ticket, path);
    return matches(got, wanted) ? [] : [`${path} is ${JSON.stringify(got)}, not ${JSON.stringify(wanted)}`];
  });
}

/** An object that is expected may name some of the fields only. */
function matches(got: unknown, wanted: unknown): boolean {
  if (wanted === null || typeof wanted !== "object" || Array.isArray(wanted)) return isDeepStrictEqual(got, wanted);
  if (got === null || typeof got !== "object") return false;
  return Object.entries(wanted).every(
    ([key, value]) => Object.hasOwn(got, key) && matches((got as Record<string, unknown>)[key], value),
  ); // own property
}

function writeFaults(
  write: Readonly<Record<string, string | number>>,
  expected: Readonly<Record<string, unknown>>,
  mapping: Mapping,
): string[] {
  const patch: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(write)) {
    const written = isSettable(field) ? mapping.toVendor(field, value) : undefined;
    if (!written) return [`${field} cannot be written as ${JSON.stringify(value)}`];
    Object.assign(patch, written);
  }
  return isDeepStrictEqual(patch, { ...expected })
    ? []
    : [`it writes ${JSON.stringify(patch)}, not ${JSON.stringify(expected)}`];
}

function isSettable(field: string): field is SettableField {
  return (SETTABLE_FIELDS as readonly string[]).includes(field);
}

function valueAt(ticket: Ticket, path: string): unknown {
  let at: unknown = ticket;
  for (const part of path.split(".")) {
    if (at === null || typeof at !== "object" || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<string, unknown>)[part]; // an own property, just checked
  }
  return at;
}
