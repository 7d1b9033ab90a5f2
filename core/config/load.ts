import { digestOf, type Json } from "../canonical.ts";
import { type CelType, expressionCompiler } from "../expression.ts";
import { relationsBroken } from "../limits.ts";
import { compileMapping, type Mapping, writableFields } from "../mapping/mapping.ts";
import { MappingFile } from "../mapping/schema.ts";
import { policyDeclarations } from "../policy/declarations.ts";
import type { Policy } from "../policy/policy.ts";
import { compileRouting, conditionProblems, type Routing, RoutingFile } from "../policy/routing.ts";
import type { Problem } from "../problem.ts";
import { SETTABLE_FIELDS } from "../ticket.ts";
import { checkAgainst, parseYaml, type YamlFile } from "./document.ts";
import type { ConfigFiles, ConfigFolders } from "./files.ts";
import { valueAt } from "./issue.ts";
import { interpolate, type SecretSource } from "./secrets.ts";
import { Settings } from "./settings.ts";

/** A configuration that may start: complete, checked, and consistent across its files. */
export interface Config {
  settings: Settings;
  /** All mappings of the mappings folder, by name. */
  mappings: ReadonlyMap<string, Mapping>;
  policy: Policy;
}

const FILES_MAX = 200;

/** Reads and checks everything, and answers with a configuration or with every problem there is. */
export function loadConfig(
  files: ConfigFiles,
  folders: ConfigFolders,
  secrets: SecretSource,
): { config: Config } | { problems: Problem[] } {
  const problems: Problem[] = [];
  const note = <T>(result: { problems: Problem[] } | T): T | undefined => {
    if (typeof result === "object" && result !== null && "problems" in result) {
      problems.push(...(result as { problems: Problem[] }).problems); // narrowed by its key; T never has one
      return undefined;
    }
    return result as T; // the other branch of the union
  };
  const settingsFile = note(open(files, `${folders.config}/interlock.yaml`));
  const settings = settingsFile && note(readSettings(settingsFile.file, secrets));
  const found = loadMappings(files, folders.mappings, note);
  const { mappings } = found;
  const crossed = settingsFile && settings ? crossCheck(settingsFile.file, settings.value, found, folders) : [];
  problems.push(...crossed);
  const routingFile = note(open(files, `${folders.config}/policy/routing.yaml`));
  const used = settings ? mappingsInUse(settings.value, mappings) : [...mappings.values()];
  problems.push(...typeConflicts(used, folders));
  // Rules are not blamed for what a mapping that is wrong itself would have offered them.
  const complete = found.broken.size === 0 && crossed.length === 0;
  const policy = routingFile && note(loadPolicy(routingFile.file, used, complete));
  if (problems.length > 0 || !settings || !policy) return { problems };
  return { config: { settings: settings.value, mappings, policy } };
}

function open(files: ConfigFiles, path: string): { file: YamlFile } | { problems: Problem[] } {
  const text = files.read(path);
  if (text !== undefined) return parseYaml(path, text);
  return {
    problems: [
      {
        file: path,
        line: 0,
        col: 0,
        path: "",
        what: "the file is not there",
        fix: "Create it, or point INTERLOCK_CONFIG and INTERLOCK_MAPPINGS at the right folders",
      },
    ],
  };
}

function readSettings(yaml: YamlFile, secrets: SecretSource): { value: Settings } | { problems: Problem[] } {
  const { value, missing } = interpolate(yaml.value, secrets);
  const unresolved = missing.map(({ path, reference }) => {
    const isFile = reference.startsWith("file:");
    const what = isFile
      ? `the file ${reference.slice(5)} cannot be read or is empty`
      : `the environment variable ${reference} is not set`;
    return yaml.problem(path, what, isFile ? "Mount the secret there" : `Set ${reference} before starting`);
  });
  const checked = checkAgainst(yaml, Settings, value);
  if ("problems" in checked) {
    // A value that could not be filled in is one problem, not two.
    const known = new Set(unresolved.map(({ line, path }) => `${line} ${path}`));
    return { problems: [...unresolved, ...checked.problems.filter(({ line, path }) => !known.has(`${line} ${path}`))] };
  }
  const relations = relationsBroken(checked.value.limits).map((what) =>
    yaml.problem(["limits"], what, "Change one of the two"),
  );
  const found = [...unresolved, ...relations];
  return found.length > 0 ? { problems: found } : checked;
}

type Note = <T>(result: { problems: Problem[] } | T) => T | undefined;

interface FoundMappings {
  mappings: Map<string, Mapping>;
  /** Names of those whose own problems are told already. */
  broken: Set<string>;
}

function loadMappings(files: ConfigFiles, folder: string, note: Note): FoundMappings {
  const compile = expressionCompiler({ record: "record" });
  const mappings = new Map<string, Mapping>();
  const broken = new Set<string>();
  const names = files.list(folder).filter((name) => name.endsWith(".yaml") && !name.endsWith(".test.yaml"));
  if (names.length > FILES_MAX) {
    const what = `the folder holds ${names.length} mappings`;
    note({ problems: [{ file: folder, line: 0, col: 0, path: "", what, fix: `Keep ${FILES_MAX} at the most` }] });
  }
  for (const fileName of names.slice(0, FILES_MAX)) {
    const name = fileName.slice(0, -".yaml".length);
    const opened = note(open(files, `${folder}/${fileName}`));
    const checked = opened && note(checkAgainst(opened.file, MappingFile));
    const compiled = checked && note(compileMapping(name, opened.file, checked.value, compile));
    if (compiled) mappings.set(name, compiled.mapping);
    else broken.add(name);
  }
  return { mappings, broken };
}

function crossCheck(
  yaml: YamlFile,
  settings: Settings,
  { mappings, broken }: FoundMappings,
  folders: ConfigFolders,
): Problem[] {
  const problems: Problem[] = [];
  for (const [connection, { type, records }] of Object.entries(settings.connections)) {
    for (const [record, name] of Object.entries(records)) {
      if (broken.has(name)) continue;
      const mapping = mappings.get(name);
      const path = ["connections", connection, "records", record];
      const offered = [...mappings.values()].filter(({ vendor }) => vendor === type).map((known) => known.name);
      const fix = offered.length > 0 ? `Use one of: ${offered.join(", ")}` : `Create it in ${folders.mappings}`;
      const written = String(valueAt(yaml.value, path)); // as it stands in the file, before secrets were filled in
      if (!mapping) problems.push(yaml.problem(path, `there is no mapping "${written}" in ${folders.mappings}`, fix));
      else if (mapping.vendor !== type)
        problems.push(yaml.problem(path, `mapping ${name} is for ${mapping.vendor}`, fix));
    }
  }
  return problems;
}

function mappingsInUse(settings: Settings, mappings: ReadonlyMap<string, Mapping>): Mapping[] {
  const names = new Set(Object.values(settings.connections).flatMap(({ records }) => Object.values(records)));
  return [...mappings.values()].filter(({ name }) => names.has(name));
}

/** One name in rules is one type: two mappings that disagree would make a rule fail on half of its tickets. */
function typeConflicts(mappings: readonly Mapping[], folders: ConfigFolders): Problem[] {
  const first = new Map<string, { mapping: string; type: CelType }>();
  const problems: Problem[] = [];
  for (const mapping of mappings) {
    for (const [key, type] of Object.entries(mapping.custom)) {
      const known = first.get(key);
      if (known === undefined) first.set(key, { mapping: mapping.name, type });
      else if (known.type !== type) {
        const what = `is ${String(type)} here and ${String(known.type)} in mapping ${known.mapping}`;
        const file = `${folders.mappings}/${mapping.name}.yaml`;
        problems.push({ file, line: 0, col: 0, path: `custom.${key}`, what, fix: "Give both one type, or two names" });
      }
    }
  }
  return problems;
}

/** Not `complete` where a mapping has problems of its own, so that not all it offers to rules is known. */
function loadPolicy(yaml: YamlFile, mappings: readonly Mapping[], complete: boolean): Policy | { problems: Problem[] } {
  const custom: Record<string, CelType> = {};
  for (const mapping of mappings) Object.assign(custom, mapping.custom);
  const compile = expressionCompiler(policyDeclarations(complete ? custom : "record"));
  const checked = checkAgainst(yaml, RoutingFile);
  // One rule that is badly formed does not keep the others' conditions from being checked.
  if ("problems" in checked) return { problems: [...checked.problems, ...conditionProblems(yaml, compile)] };
  const compiled = compileRouting(yaml, checked.value, compile);
  if ("problems" in compiled) return compiled;
  const unwritable = complete ? unwritableFields(yaml, compiled.routing, mappings) : [];
  if (unwritable.length > 0) return { problems: unwritable };
  const version = digestOf(JSON.parse(JSON.stringify({ routing: checked.value, custom })) as Json); // what JSON.parse returns is Json
  return { version: version.slice(0, 16), routing: compiled.routing, custom };
}

/** A rule that sets what no mapping can write would decide for ever and change nothing. */
function unwritableFields(yaml: YamlFile, routing: Routing, mappings: readonly Mapping[]): Problem[] {
  const writable = new Set(mappings.flatMap(writableFields));
  const rules = [
    ...routing.rules.map((rule, index) => ({ rule, path: ["rules", index, "then"] })),
    { rule: routing.fallback, path: ["default", "then"] },
  ];
  return rules.flatMap(({ rule, path }) =>
    SETTABLE_FIELDS.filter((field) => rule.desired[field] !== undefined && !writable.has(field)).map((field) =>
      yaml.problem(
        path,
        `sets ${field}, which no mapping in use can write`,
        `Map ${field} to a field of the vendor, or set one of: ${[...writable].join(", ")}`,
      ),
    ),
  );
}
