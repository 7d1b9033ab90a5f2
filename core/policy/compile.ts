import type { z } from "zod";
import { digestOf, type Json, sha256Hex } from "../canonical.ts";
import { checkAgainst, type YamlFile } from "../config/document.ts";
import { type CelType, type Compile, expressionCompiler } from "../expression.ts";
import type { NamedTimes } from "../expression-own.ts";
import type { Problem } from "../problem.ts";
import { RISK_MODEL_NAME, type RiskModelFile, type RiskModelRefused, readRiskModel } from "../risk/model.ts";
import { riskScorer } from "../risk/score.ts";
import { AutonomyFile, compileAutonomy } from "./autonomy.ts";
import { type Calendar, calendarOf } from "./calendar.ts";
import { type ChangeRisk, compileChangeRisk } from "./change-risk.ts";
import { CHECKED_FILES, type CheckedFileName, type CheckedTable, compileChecked } from "./checked.ts";
import { policyDeclarations } from "./declarations.ts";
import { compileFreezes, FreezesFile, sharedIds } from "./freezes.ts";
import { compileGates, GatesFile } from "./gates.ts";
import { NO_RULES, type Policy, type PolicyRules, policyFrom } from "./policy.ts";
import { compileRouting, RoutingFile } from "./routing.ts";
import { conditionProblems } from "./rule.ts";
import { compileSla, SlaFile } from "./sla.ts";
import { type Window, windowOf } from "./window.ts";

/** The files of a policy folder that are there; routing must be, or be told of elsewhere. */
export interface PolicyFiles extends Partial<Record<CheckedFileName, YamlFile>> {
  routing?: YamlFile;
  gates?: YamlFile;
  freezes?: YamlFile;
  sla?: YamlFile;
  autonomy?: YamlFile;
  "change-risk"?: YamlFile;
  /** What `interlock train --changes` wrote beside them. */
  riskModel?: { path: string; text: string };
  /** The text of a calendar file of the folder; undefined where there is none of that name. */
  readIcs(name: string): string | undefined;
}

/**
 * Compiles the rules of a policy, or lists everything that is wrong with any of them. `custom` are the customer's own
 * fields, or `record` where they are not all known: then a rule may read any.
 */
export function compilePolicy(
  files: PolicyFiles,
  custom: Readonly<Record<string, CelType>> | "record",
): { policy: Policy } | { problems: Problem[] } {
  const problems: Problem[] = [];
  const keep = <T>(result: T | { problems: Problem[] }): T | undefined => {
    if (!isProblems(result)) return result;
    problems.push(...result.problems);
    return undefined;
  };
  const read = <T>(yaml: YamlFile | undefined, schema: z.ZodType<T>): T | undefined =>
    yaml && keep(checkAgainst(yaml, schema))?.value;
  const routing = read(files.routing, RoutingFile);
  const gates = read(files.gates, GatesFile);
  const freezes = read(files.freezes, FreezesFile);
  const sla = read(files.sla, SlaFile);
  const autonomy = read(files.autonomy, AutonomyFile);
  const calendars = new Map(Object.entries(sla?.calendars ?? {}).map(([name, file]) => [name, calendarOf(file)]));
  const complete = (!files.sla || sla !== undefined) && (!files.freezes || freezes !== undefined);
  const windows = windowsOf(freezes ?? [], files.readIcs);
  const compile = compilerFor(custom, { calendars, windows, complete });
  /** A file that is badly formed somewhere still has its conditions checked. */
  const compiled = <F, R>(
    yaml: YamlFile | undefined,
    file: F | undefined,
    none: R | undefined,
    make: (yaml: YamlFile, file: F) => R | { problems: Problem[] },
  ): R | undefined => {
    if (!yaml) return none;
    if (file !== undefined) return keep(make(yaml, file));
    problems.push(...conditionProblems(yaml, compile));
    return undefined;
  };
  const rules: { [K in keyof PolicyRules]: PolicyRules[K] | undefined } = {
    routing: compiled(files.routing, routing, undefined, (yaml, file) => compileRouting(yaml, file, compile)),
    gates: compiled(files.gates, gates, NO_RULES.gates, (yaml, file) => compileGates(yaml, file, compile)),
    freezes: compiled(files.freezes, freezes, NO_RULES.freezes, (yaml, file) =>
      compileFreezes(yaml, file, compile, files.readIcs),
    ),
    sla: compiled(files.sla, sla, NO_RULES.sla, (yaml, file) => compileSla(yaml, file, compile, calendars)),
    autonomy: compiled(files.autonomy, autonomy, NO_RULES.autonomy, (yaml, file) =>
      compileAutonomy(yaml, file, compile),
    ),
  };
  const model = files.riskModel && keep(modelOf(files.riskModel));
  const compileRisk = (yaml: YamlFile) => compileChangeRisk(yaml, compile, files.riskModel !== undefined);
  const risk = files["change-risk"] && keep(compileRisk(files["change-risk"]));
  const checked: CheckedTable[] = CHECKED_FILES.flatMap((name) => {
    const yaml = files[name];
    return (yaml && keep(compileChecked(name, yaml, compile))) ?? [];
  });
  if (files.routing && isComplete(rules)) problems.push(...adviceEchoes(files.routing, rules, risk));
  if (files.freezes) problems.push(...sharedIds(files.freezes, freezes ?? [], gates ?? []));
  if (problems.length > 0 || !isComplete(rules)) return { problems };
  const known = custom === "record" ? {} : custom;
  const version = versionOf(files, freezes ?? [], known);
  const parts = { checked, risk, model: model && riskScorer(model) };
  return { policy: policyFrom(version, rules, known, sourcesOf(files, freezes ?? []), parts) };
}

function modelOf({ path, text }: NonNullable<PolicyFiles["riskModel"]>): RiskModelFile | { problems: Problem[] } {
  const read = readRiskModel(text);
  if (!("fault" in read)) return read;
  const { what, fix } = REFUSED_MODEL[read.fault];
  return { problems: [{ file: path, line: 0, col: 0, path: "", what, fix }] };
}

const RETRAIN = "Run interlock train --changes, or remove the file: then the factors of change-risk.yaml count";
const REFUSED_MODEL: Readonly<Record<RiskModelRefused["fault"], { what: string; fix: string }>> = {
  foreign: { what: "it is no model of change risk", fix: RETRAIN },
  other_version: { what: "another version of Interlock wrote this model", fix: RETRAIN },
};

const LEVELS: ReadonlySet<string> = new Set(["priority", "impact", "urgency"]);

/**
 * A rule that sets by advice what a guard or a service level reads would change them one look later, when the value is
 * the ticket's own: what a model says would have lifted a gate, or moved a promise.
 */
function adviceEchoes(
  yaml: YamlFile,
  { routing, gates, freezes, sla }: PolicyRules,
  risk: ChangeRisk | undefined,
): Problem[] {
  const readBy = new Map<string, string>();
  const scoring = risk ? [...risk.factors, ...risk.evidence, ...risk.rollback] : [];
  for (const [file, rules] of Object.entries({ gates, freezes, sla, "change-risk": scoring }))
    for (const { id, condition } of rules)
      for (const path of condition?.expression.reads ?? []) readBy.set(path, `${file}/${id}`);
  return routing.rules.flatMap(({ condition, desired }, at) =>
    condition?.asks.includes("advice")
      ? Object.keys(desired).flatMap((field) => {
          // Advice can only make a ticket more urgent, which is more care.
          const reader = LEVELS.has(field) ? undefined : readBy.get(`ticket.${field}`);
          if (reader === undefined) return [];
          const what = `sets ${field} by advice, and ${reader} reads it: what a model says would change that rule's answer`;
          return [
            yaml.problem(["rules", at, "then"], what, "Leave the field to rules that read no advice, or suggest it"),
          ];
        })
      : [],
  );
}

function compilerFor(
  custom: Readonly<Record<string, CelType>> | "record",
  named: { calendars: ReadonlyMap<string, Calendar>; windows: ReadonlyMap<string, Window>; complete: boolean },
): Compile {
  const { calendars, windows, complete } = named;
  const times: NamedTimes = {
    complete,
    windows: [...windows.keys(), ...calendars.keys()],
    calendars: [...calendars.keys()],
    within(at, name) {
      const ms = at.getTime();
      const window = windows.get(name);
      if (window) {
        const hit = window.overlapping({ fromMs: ms, toMs: ms });
        if (hit === "unknown") throw new Error("the window is too far away");
        return hit !== undefined;
      }
      const calendar = calendars.get(name);
      return calendar && calendar.between(ms, ms + 1) > 0;
    },
    businessHours(from, to, name) {
      const counted = calendars.get(name)?.between(from.getTime(), to.getTime());
      return counted === undefined ? undefined : Math.floor(counted / 3_600_000);
    },
  };
  return expressionCompiler(policyDeclarations(custom), times);
}

/** Windows that rules may name; what is wrong with one is told when its freeze is compiled. */
function windowsOf(freezes: FreezesFile, readIcs: PolicyFiles["readIcs"]): Map<string, Window> {
  const windows = new Map<string, Window>();
  for (const { id, window } of freezes) {
    try {
      windows.set(id, windowOf(window, "ics" in window ? readIcs(window.ics) : undefined));
    } catch {
      windows.set(id, { overlapping: () => undefined, lastMs: undefined });
    }
  }
  return windows;
}

function versionOf(files: PolicyFiles, freezes: FreezesFile, custom: Readonly<Record<string, CelType>>): string {
  const { routing, gates, freezes: freezesFile, sla, autonomy } = files;
  const values: Record<string, unknown> = Object.fromEntries(
    Object.entries({ routing, gates, freezes: freezesFile, sla, autonomy }).map(([name, file]) => [
      name,
      file?.value ?? null,
    ]),
  );
  for (const name of CHECKED_FILES) if (files[name]) values[name] = files[name].value;
  // Policies of before changes were scored and watched had this file, and not all rules of it in their traces.
  if (files["change-risk"]) values["change-risk"] = { watches: files["change-risk"].value };
  if (files.riskModel) values[RISK_MODEL_NAME] = sha256Hex(files.riskModel.text);
  const ics = freezes.flatMap(({ window }) =>
    "ics" in window ? [[window.ics, sha256Hex(files.readIcs(window.ics) ?? "")]] : [],
  );
  const text = JSON.stringify({ values, ics, custom });
  return digestOf(JSON.parse(text) as Json).slice(0, 16); // what JSON.parse returns is Json
}

/** The files of a policy as texts: what its version can be compiled from again. */
function sourcesOf(files: PolicyFiles, freezes: FreezesFile): Record<string, string> {
  const { readIcs, riskModel, ...yaml } = files;
  const texts = Object.entries(yaml).flatMap(([name, file]) => (file ? [[`${name}.yaml`, file.text] as const] : []));
  const ics = freezes.flatMap(({ window }) =>
    "ics" in window ? [[window.ics, readIcs(window.ics) ?? ""] as const] : [],
  );
  return Object.fromEntries([...texts, ...(riskModel ? [[RISK_MODEL_NAME, riskModel.text] as const] : []), ...ics]);
}

function isProblems(result: unknown): result is { problems: Problem[] } {
  return typeof result === "object" && result !== null && "problems" in result;
}

function isComplete(rules: { [K in keyof PolicyRules]: PolicyRules[K] | undefined }): rules is PolicyRules {
  return Object.values(rules).every((part) => part !== undefined);
}
