import { z } from "zod";
import { type CelType, type Compile, expressionCompiler } from "../expression.ts";
import { Limits, relationsBroken } from "../limits.ts";
import { compileMapping, type Mapping } from "../mapping/mapping.ts";
import { MappingFile } from "../mapping/schema.ts";
import { didYouMean } from "../nearest.ts";
import type { Policy } from "../policy/policy.ts";
import type { Problem } from "../problem.ts";
import { checkAgainst, parseYaml, type YamlFile } from "./document.ts";
import type { ConfigFiles, ConfigFolders } from "./files.ts";
import { valueAt } from "./issue.ts";
import { plainSecrets } from "./plain-secrets.ts";
import { loadPolicy } from "./policy-files.ts";
import { salvage } from "./salvage.ts";
import { hasReference, interpolate, type SecretSource } from "./secrets.ts";
import { Settings } from "./settings.ts";
import { mappingStandIn } from "./stand-ins.ts";

/** A configuration that may start: complete, checked, and consistent across its files. */
export interface Config {
  settings: Settings;
  /** All mappings of the mappings folder, by name. */
  mappings: ReadonlyMap<string, Mapping>;
  policy: Policy;
}

const FILES_MAX = 200;
const VENDORS = ["servicenow", "jira"] as const;

/** What loading came to where something is wrong: the mappings and rules that are sound can still be tested. */
export interface Failed {
  problems: Problem[];
  mappings: ReadonlyMap<string, Mapping>;
  /** Undefined where rules are wrong, or where a mapping is, so that not all it offers them is known. */
  policy: Policy | undefined;
  inUse: readonly string[];
}

export interface Loaded {
  config: Config;
  /** Names of the mappings that some connection names; all where that is not known, and none where one is wrong. */
  inUse: readonly string[];
}

/**
 * Reads and checks everything, and answers with a configuration or with every problem there is: each stage goes as far
 * as it can on what the one before left standing.
 */
export function loadConfig(files: ConfigFiles, folders: ConfigFolders, secrets: SecretSource): Loaded | Failed {
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
  const crossed = settingsFile ? crossCheck(settingsFile.file, found, { folders, secrets }) : [];
  problems.push(...crossed);
  const used = settings ? mappingsInUse(settings.value, mappings) : [...mappings.values()];
  problems.push(...typeConflicts(used, folders));
  // Rules are not blamed for what a mapping that is wrong itself would have offered them.
  const complete = found.whole && found.broken.size === 0 && crossed.length === 0;
  const policy = note(loadPolicy(files, `${folders.config}/policy`, used, complete));
  const inUse = complete ? used.map(({ name }) => name) : [];
  if (problems.length > 0 || !settings || !policy)
    return { problems, mappings, policy: complete ? policy : undefined, inUse };
  return { config: { settings: settings.value, mappings, policy }, inUse };
}

const StoreSettings = Settings.pick({ store: true, limits: true, listen: true });
export type StoreSettings = z.infer<typeof StoreSettings>;

/** What a look at the store or a word to the server needs: no secret of a vendor. */
export function loadStoreSettings(
  files: ConfigFiles,
  folders: ConfigFolders,
  secrets: SecretSource,
): StoreSettings | { problems: Problem[] } {
  const opened = open(files, `${folders.config}/interlock.yaml`);
  if ("problems" in opened) return opened;
  const { file } = opened;
  const part = Object.fromEntries(
    Object.keys(StoreSettings.shape).flatMap((key) => {
      const value = valueAt(file.value, [key]);
      return value === undefined ? [] : [[key, value]];
    }),
  );
  const { value, unresolved } = filledIn(file, part, secrets);
  const checked = checkAgainst(file, StoreSettings, value);
  const found = [...unresolved, ...("problems" in checked ? checked.problems : [])];
  return found.length > 0 || "problems" in checked ? { problems: found } : checked.value;
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
        fix: "Create it, or name the right folders with --config and --mappings (INTERLOCK_CONFIG, INTERLOCK_MAPPINGS)",
      },
    ],
  };
}

/** A document with its secrets filled in, and what could not be. */
function filledIn(yaml: YamlFile, document: unknown, secrets: SecretSource): { value: unknown; unresolved: Problem[] } {
  const { value, missing } = interpolate(document, secrets);
  const unresolved = missing.map(({ path, reference }) => {
    const isFile = reference.startsWith("file:");
    const what = isFile
      ? `the file ${reference.slice(5)} cannot be read or is empty`
      : `the environment variable ${reference} is not set`;
    return yaml.problem(path, what, isFile ? "Mount the secret there" : `Set ${reference} before starting`);
  });
  return { value, unresolved };
}

function readSettings(yaml: YamlFile, secrets: SecretSource): { value: Settings } | { problems: Problem[] } {
  const { value, unresolved } = filledIn(yaml, yaml.value, secrets);
  const checked = checkAgainst(yaml, Settings, value);
  // A value that could not be filled in is one problem, not two.
  const known = new Set(unresolved.map(({ line, path }) => `${line} ${path}`));
  const wrong = "problems" in checked ? checked.problems.filter(({ line, path }) => !known.has(`${line} ${path}`)) : [];
  const limits = Limits.safeParse(valueAt(value, ["limits"]) ?? {});
  const relations = (limits.success ? relationsBroken(limits.data) : []).map((what) =>
    yaml.problem(["limits"], what, "Change one of the two"),
  );
  const strange = "problems" in checked ? [] : strangeBudgets(yaml, checked.value);
  const found = [...unresolved, ...wrong, ...relations, ...strange, ...plainSecrets(yaml)];
  return found.length > 0 || "problems" in checked ? { problems: found } : checked;
}

/** A cap on a connection that is not there would never hold. */
function strangeBudgets(yaml: YamlFile, { ai, connections }: Settings): Problem[] {
  const known = Object.keys(connections);
  return Object.keys(ai?.budgets.connections ?? {})
    .filter((name) => !known.includes(name))
    .map((name) => {
      const fix = `${didYouMean(name, known)}Write one of: ${known.join(", ")}`;
      return yaml.problem(["ai", "budgets", "connections", name], "is no connection, so its cap would never hold", fix);
    });
}

type Note = <T>(result: { problems: Problem[] } | T) => T | undefined;

interface FoundMappings {
  mappings: Map<string, Mapping>;
  /** Names of those whose own problems are told already. */
  broken: Set<string>;
  /** False where the folder itself is not there, or holds none. */
  whole: boolean;
}

function loadMappings(files: ConfigFiles, folder: string, note: Note): FoundMappings {
  const compile = expressionCompiler({ record: "record" });
  const mappings = new Map<string, Mapping>();
  const broken = new Set<string>();
  const names = files.list(folder).filter((name) => name.endsWith(".yaml") && !name.endsWith(".test.yaml"));
  const folderProblem = (what: string, fix: string): void =>
    void note({ problems: [{ file: folder, line: 0, col: 0, path: "", what, fix }] });
  if (names.length === 0)
    folderProblem("there are no mappings in this folder", "Name the right one with --mappings or INTERLOCK_MAPPINGS");
  if (names.length > FILES_MAX)
    folderProblem(`the folder holds ${names.length} mappings`, `Keep ${FILES_MAX} at the most`);
  for (const fileName of names.slice(0, FILES_MAX)) {
    const name = fileName.slice(0, -".yaml".length);
    const opened = note(open(files, `${folder}/${fileName}`));
    const compiled = opened && note(readMapping(name, opened.file, compile));
    if (compiled) mappings.set(name, compiled.mapping);
    else broken.add(name);
  }
  return { mappings, broken, whole: names.length > 0 };
}

function readMapping(name: string, yaml: YamlFile, compile: Compile): ReturnType<typeof compileMapping> {
  const checked = checkAgainst(yaml, MappingFile);
  if (!("problems" in checked)) return compileMapping(name, yaml, checked.value, compile);
  const saved = salvage(MappingFile, yaml.value, mappingStandIn);
  const rest = saved && compileMapping(name, yaml, saved.value, compile);
  const more = rest && "problems" in rest ? rest.problems.filter((problem) => !saved.consequence(problem)) : [];
  return { problems: [...checked.problems, ...more] };
}

/** The records of every connection, however wrong the rest of the file may be. */
const Links = z.looseObject({
  connections: z
    .record(
      z.string(),
      z.looseObject({ type: z.unknown(), records: z.record(z.string(), z.unknown()).catch({}) }).catch({
        type: undefined,
        records: {},
      }),
    )
    .catch({}),
});

function crossCheck(
  yaml: YamlFile,
  { mappings, broken, whole }: FoundMappings,
  { folders, secrets }: { folders: ConfigFolders; secrets: SecretSource },
): Problem[] {
  const problems: Problem[] = [];
  const links = Links.safeParse(interpolate(yaml.value, secrets).value);
  if (!links.success || !whole) return problems;
  for (const [connection, { type, records }] of Object.entries(links.data.connections)) {
    const vendor = VENDORS.find((known) => known === type);
    for (const [record, name] of Object.entries(records)) {
      if (typeof name !== "string" || hasReference(name) || broken.has(name)) continue;
      const mapping = mappings.get(name);
      const path = ["connections", connection, "records", record];
      const offered = [...mappings.values()]
        .filter((known) => vendor === undefined || known.vendor === vendor)
        .map((known) => known.name);
      const fix = offered.length > 0 ? `Use one of: ${offered.join(", ")}` : `Create it in ${folders.mappings}`;
      const written = String(valueAt(yaml.value, path)); // as it stands in the file, before secrets were filled in
      if (!mapping) problems.push(yaml.problem(path, `there is no mapping "${written}" in ${folders.mappings}`, fix));
      else if (vendor !== undefined && mapping.vendor !== vendor)
        problems.push(yaml.problem(path, `mapping ${name} is for ${mapping.vendor}`, fix));
    }
  }
  return problems;
}

/** The mappings that some connection names. */
export function mappingsInUse(settings: Settings, mappings: ReadonlyMap<string, Mapping>): Mapping[] {
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
