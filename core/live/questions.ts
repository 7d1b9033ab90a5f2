import { checkAgainst, parseYaml, type YamlFile } from "../config/document.ts";
import type { ConfigFiles, ConfigFolders } from "../config/files.ts";
import type { Config } from "../config/load.ts";
import { POLICY_FILES } from "../config/policy-files.ts";
import { MappingFile } from "../mapping/schema.ts";
import type { LiveQuestion, RecordQuestion } from "./answer.ts";
import { fieldsSetBy, type MappedNames, namesOfMapping, type RecordUse } from "./mapped.ts";
import { namesOfPolicy, type PolicyNames, type Scope } from "./named.ts";

/** Everything that a configuration names and that only its systems of record know. */
export interface Named extends PolicyNames {
  connections: readonly string[];
  mappings: readonly MappedNames[];
  /** interlock.yaml. */
  settings: YamlFile;
}

/** Reads the files of a configuration that loads once more, for its names and their places. Undefined where they changed meanwhile. */
export function namedIn(files: ConfigFiles, folders: ConfigFolders, config: Config): Named | undefined {
  const open = (path: string): YamlFile | undefined => {
    const parsed = parseYaml(path, files.read(path) ?? "");
    return "file" in parsed && parsed.file.value !== null ? parsed.file : undefined;
  };
  const settings = open(`${folders.config}/interlock.yaml`);
  if (!settings) return undefined;
  const { parties, values } = namesOfPolicy(
    POLICY_FILES.flatMap((name) => open(`${folders.config}/policy/${name}.yaml`) ?? []),
  );
  const set = fieldsSetBy(config.policy);
  const mappings = [...usesOf(config)].flatMap(([name, uses]) => {
    const [mapping, yaml] = [config.mappings.get(name), open(`${folders.mappings}/${name}.yaml`)];
    const checked = yaml && checkAgainst(yaml, MappingFile);
    if (!mapping || !checked || "problems" in checked) return [];
    return [namesOfMapping({ yaml, file: checked.value, mapping }, uses, set)];
  });
  return {
    connections: Object.keys(config.settings.connections),
    parties: [...parties, ...mappings.flatMap(({ intakeGroups }) => intakeGroups)],
    values: [...values, ...mappings.flatMap(({ intakes }) => intakes)],
    mappings,
    settings,
  };
}

function usesOf({ settings }: Config): Map<string, RecordUse[]> {
  const uses = new Map<string, RecordUse[]>();
  for (const [connection, { records }] of Object.entries(settings.connections))
    for (const [record, name] of Object.entries(records))
      uses.set(name, [...(uses.get(name) ?? []), { connection, record }]);
  return uses;
}

/** Whether a name is for tickets of a connection, as far as can be told. */
export function isAbout({ connections }: Scope, connection: string): boolean {
  return connections?.includes(connection) ?? true;
}

/** What one connection is asked. */
export function questionFor(named: Named, connection: string): LiveQuestion {
  const asked = (kind: "group" | "person" | "mention"): string[] => [
    ...new Set(
      named.parties
        .filter((party) => party.kind === kind && isAbout(party.scope, connection))
        .flatMap(({ anyOf }) => anyOf),
    ),
  ];
  const records = named.mappings.flatMap((mapped) =>
    mapped.uses
      .filter((use) => use.connection === connection)
      .map(({ record }): RecordQuestion => {
        const fields = [...new Set(mapped.fields.map(({ path }) => path))];
        return { record, fields, lists: listsOf(mapped, named) };
      }),
  );
  return { groups: asked("group"), people: asked("person"), mentions: asked("mention"), records };
}

/** The vendor fields whose choices something is held against. */
function listsOf(mapped: MappedNames, { values }: Named): string[] {
  const valued = [...mapped.values.flat(), ...mapped.writes].map(({ path }) => path);
  const fields = new Set(["assignmentGroup", ...values.map(({ field }) => field)]);
  const sources = [...fields].flatMap((field) => {
    const source = mapped.sourceOf(field);
    return typeof source === "object" && "list" in source ? [source.list] : [];
  });
  return [...new Set([...valued, ...sources])];
}
