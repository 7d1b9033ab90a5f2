import { givenValues } from "../mapping/given.ts";
import { runMappingTests } from "../mapping/run-tests.ts";
import { MappingFile } from "../mapping/schema.ts";
import { CHECKED_FILES } from "../policy/checked.ts";
import { CONNECTION, lintPolicy } from "../policy/lint.ts";
import type { Policy } from "../policy/policy.ts";
import { runPolicyTests } from "../policy/run-tests.ts";
import { type Problem, ProblemsError } from "../problem.ts";
import { RISK_MODEL_NAME, type RiskModelFile, readRiskModel } from "../risk/model.ts";
import { parseYaml } from "./document.ts";
import type { ConfigFiles, ConfigFolders } from "./files.ts";
import { type Config, loadConfig } from "./load.ts";
import { POLICY_FILES } from "./policy-files.ts";
import type { SecretSource } from "./secrets.ts";
import { unaskable } from "./unaskable.ts";

/** What a check found. */
export interface Checked {
  /** By file, line and column. */
  problems: readonly Problem[];
  mappingTestsPassed: number;
  /** Undefined where they could not be run, since rules or mappings have problems of their own. */
  policyTestsPassed: number | undefined;
  /** Files whose rules are checked and tested, and that no decision is made by yet. */
  notActedOn: readonly string[];
  /** Connections whose people cannot be asked for an approval, though rules may ask for one. */
  unaskable: readonly string[];
  /** The model that scores changes: what it learnt from, and how well it tells. Undefined where there is none. */
  riskModel: Pick<RiskModelFile, "learnt" | "validation"> | undefined;
  /** Undefined where there is no sound configuration. */
  policyVersion: string | undefined;
}

/**
 * Everything that can be said of a configuration without calling anyone: what does not load, what cannot be meant, and
 * what its own tests find. `nowMs`, in ms since 1970, tells which windows are over.
 */
export function checkConfig(files: ConfigFiles, folders: ConfigFolders, secrets: SecretSource, nowMs: number): Checked {
  const loaded = loadConfig(files, folders, secrets);
  const { mappings, policy, inUse } = "config" in loaded ? { ...loaded.config, inUse: loaded.inUse } : loaded;
  const folder = `${folders.config}/policy`;
  const given = givenValues(inUse.flatMap((name) => mappingFile(files, `${folders.mappings}/${name}.yaml`)));
  if ("config" in loaded) given.set(CONNECTION, Object.keys(loaded.config.settings.connections));
  const lint = lintPolicy(files, { folder, names: POLICY_FILES }, given, nowMs);
  const mappingTests = runMappingTests(files, folders.mappings, mappings);
  const policyTests = policy && runPolicyTests(files, folder, policy);
  const found = "problems" in loaded ? loaded.problems : [];
  const { problems } = new ProblemsError([
    ...found,
    ...lint,
    ...mappingTests.problems,
    ...(policyTests?.problems ?? []),
  ]);
  return {
    problems,
    mappingTestsPassed: mappingTests.passed,
    policyTestsPassed: policyTests?.passed,
    notActedOn: CHECKED_FILES.map((name) => `${name}.yaml`).filter(
      (name) => files.read(`${folder}/${name}`) !== undefined,
    ),
    unaskable: "config" in loaded ? unaskable(loaded.config) : [],
    riskModel: policy && riskModelOf(policy),
    policyVersion: "config" in loaded ? loaded.config.policy.version : undefined,
  };
}

function riskModelOf({ files }: Policy): Checked["riskModel"] {
  const text = files[RISK_MODEL_NAME];
  const read = text === undefined ? undefined : readRiskModel(text);
  if (!read || "fault" in read) return undefined;
  const { learnt, validation } = read;
  return { learnt, validation };
}

/**
 * Tests of mappings and rules that fail: what their authors say must not happen would. Nothing else that a check finds
 * keeps a configuration that loads from ruling. With the kill switch on nothing is written, whatever the rules say, and
 * that must never wait for a test.
 */
export function failedTests(
  files: ConfigFiles,
  folders: ConfigFolders,
  { mappings, policy }: Pick<Config, "mappings" | "policy">,
): Problem[] {
  if (policy.autonomy.killSwitch) return [];
  const runs = [
    runMappingTests(files, folders.mappings, mappings),
    runPolicyTests(files, `${folders.config}/policy`, policy),
  ];
  return runs.flatMap(({ failed }) => failed);
}

/** A mapping as it is written; nothing where it is wrong, which loading it says. */
function mappingFile(files: ConfigFiles, path: string): MappingFile[] {
  const parsed = parseYaml(path, files.read(path) ?? "");
  const checked = "file" in parsed ? MappingFile.safeParse(parsed.file.value) : undefined;
  return checked?.success ? [checked.data] : [];
}
