import type { CelType } from "../expression.ts";
import { type Mapping, writableFields } from "../mapping/mapping.ts";
import { didYouMean } from "../nearest.ts";
import { CHECKED_FILES } from "../policy/checked.ts";
import { compilePolicy, type PolicyFiles } from "../policy/compile.ts";
import { KeptPolicy, type Policy } from "../policy/policy.ts";
import { desiredOf, RoutingFile } from "../policy/routing.ts";
import { type Problem, ProblemsError } from "../problem.ts";
import { RISK_MODEL_NAME } from "../risk/model.ts";
import { SETTABLE_FIELDS } from "../ticket.ts";
import { parseYaml, type YamlFile } from "./document.ts";
import type { ConfigFiles } from "./files.ts";
import { salvage } from "./salvage.ts";
import { ruleStandIn } from "./stand-ins.ts";

/** Files of the policy folder that rules are compiled from. Every other name in it is a mistake. */
export const POLICY_FILES = [
  "routing",
  "gates",
  "freezes",
  "sla",
  "autonomy",
  "change-risk",
  ...CHECKED_FILES,
] as const;
export type PolicyFileName = (typeof POLICY_FILES)[number];

/**
 * Reads and compiles the rules of a policy folder, or tells everything that is wrong with them. Not `complete` where a
 * mapping has problems of its own, so that not all it offers to rules is known.
 */
export function loadPolicy(
  files: ConfigFiles,
  folder: string,
  mappings: readonly Mapping[],
  complete: boolean,
): Policy | { problems: Problem[] } {
  const problems: Problem[] = strayFiles(files, folder);
  const opened: PolicyFiles = { readIcs: (name) => files.read(`${folder}/${name}`) };
  const model = files.read(`${folder}/${RISK_MODEL_NAME}`);
  if (model !== undefined) {
    opened.riskModel = { path: `${folder}/${RISK_MODEL_NAME}`, text: model };
    if (files.read(`${folder}/change-risk.yaml`) === undefined) problems.push(lonelyModel(opened.riskModel.path));
  }
  for (const name of POLICY_FILES) {
    const path = `${folder}/${name}.yaml`;
    const text = files.read(path);
    if (text === undefined && name !== "routing") continue;
    const parsed = text === undefined ? { problems: [absent(path)] } : parseYaml(path, text);
    if ("problems" in parsed) problems.push(...parsed.problems);
    else opened[name] = parsed.file;
  }
  const custom: Record<string, CelType> = {};
  for (const mapping of mappings) Object.assign(custom, mapping.custom);
  const compiled = compilePolicy(opened, complete ? custom : "record");
  if ("problems" in compiled) problems.push(...compiled.problems);
  if (complete && opened.routing) problems.push(...unwritable(opened.routing, mappings));
  return problems.length > 0 || "problems" in compiled ? { problems } : compiled.policy;
}

/**
 * Compiles a policy version as it was kept. Throws where this program cannot: it was kept by one that knew more.
 * The answer has the version of the same files, or they are not the same.
 */
export function policyFromKept({ version, files, custom }: KeptPolicy): Policy {
  const opened: PolicyFiles = { readIcs: (name) => files[name] };
  const model = files[RISK_MODEL_NAME];
  if (model !== undefined) opened.riskModel = { path: RISK_MODEL_NAME, text: model };
  for (const name of POLICY_FILES) {
    const text = files[`${name}.yaml`];
    const parsed = text === undefined ? undefined : parseYaml(`${name}.yaml`, text);
    if (parsed && "problems" in parsed) throw new ProblemsError(parsed.problems);
    if (parsed) opened[name] = parsed.file;
  }
  const compiled = compilePolicy(opened, custom);
  if ("problems" in compiled) throw new ProblemsError(compiled.problems);
  if (compiled.policy.version !== version)
    throw new Error(
      `the kept files of policy ${version} give version ${compiled.policy.version}; they were changed, or another release of this program kept them`,
    );
  return compiled.policy;
}

/** A policy as it is kept. */
export function keptOf({ version, rules, files, custom }: Policy): KeptPolicy {
  return KeptPolicy.parse({ version, rules, files, custom });
}

function absent(file: string): Problem {
  const fix =
    "Create it, or name the right folders with --config and --mappings (INTERLOCK_CONFIG, INTERLOCK_MAPPINGS)";
  return { file, line: 0, col: 0, path: "", what: "the file is not there", fix };
}

/** A score alone says neither what is high, nor who must see it. */
function lonelyModel(file: string): Problem {
  const what = "a model scores changes, and there is no change-risk.yaml beside it";
  return { file, line: 0, col: 0, path: "", what, fix: "Write one with tiers and cab, or remove the model" };
}

/** A file that nobody reads would be a rule that never holds. */
function strayFiles(files: ConfigFiles, folder: string): Problem[] {
  const known = new Set(POLICY_FILES.flatMap((name) => [`${name}.yaml`, `${name}.test.yaml`]));
  return files
    .list(folder)
    .filter((name) => /\.ya?ml$/.test(name) && !known.has(name))
    .map((name) => ({
      file: `${folder}/${name}`,
      line: 0,
      col: 0,
      path: "",
      what: "no rules are read from a file of this name",
      fix: `${didYouMean(name, [...known])}Rename or remove it; rules stand in ${POLICY_FILES.map((each) => `${each}.yaml`).join(", ")}`,
    }));
}

/** A rule that sets what no mapping can write would decide for ever and change nothing. */
function unwritable(yaml: YamlFile, mappings: readonly Mapping[]): Problem[] {
  const saved = salvage(RoutingFile, yaml.value, ruleStandIn);
  if (!saved) return [];
  const writable = new Set(mappings.flatMap(writableFields));
  const rules = [
    ...saved.value.rules.map((rule, index) => ({ desired: desiredOf(rule), path: ["rules", index, "then"] })),
    { desired: desiredOf(saved.value.default), path: ["default", "then"] },
  ];
  return rules.flatMap(({ desired, path }) =>
    SETTABLE_FIELDS.filter((field) => desired[field] !== undefined && !writable.has(field))
      .map((field) =>
        yaml.problem(
          path,
          `sets ${field}, which no mapping in use can write`,
          `Map ${field} to a field of the vendor, or set one of: ${[...writable].join(", ")}`,
        ),
      )
      .filter((problem) => !saved.consequence(problem)),
  );
}
