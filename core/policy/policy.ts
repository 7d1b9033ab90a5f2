import { z } from "zod";
import type { CelType } from "../expression.ts";
import type { Autonomy, AutonomyRule } from "./autonomy.ts";
import type { ChangeRisk, EvidenceRule, FactorRule, RollbackRule } from "./change-risk.ts";
import type { CheckedTable } from "./checked.ts";
import { type ReadPath, readPath } from "./declarations.ts";
import { FACT_NAMES, type FactName } from "./facts.ts";
import type { FreezeRule } from "./freezes.ts";
import type { GateRule } from "./gates.ts";
import type { RiskScorer } from "./risk.ts";
import type { Routing, RoutingRule } from "./routing.ts";
import type { Rule } from "./rule.ts";
import { type RuleIndex, ruleIndex } from "./rule-index.ts";
import type { SlaRule } from "./sla.ts";

/** The compiled rules of all files that decisions are made by. */
export interface PolicyRules {
  routing: Routing;
  gates: readonly GateRule[];
  freezes: readonly FreezeRule[];
  sla: readonly SlaRule[];
  autonomy: Autonomy;
}

/** The rules of one file with their index. */
export interface Table<R extends Rule> {
  file: "routing" | "gates" | "freezes" | "sla" | "autonomy" | "change-risk";
  rules: readonly R[];
  index: RuleIndex;
}

/** How changes are scored and watched: the rules of change-risk.yaml, and all else that stands in it. */
export interface RiskPolicy extends Omit<ChangeRisk, "factors" | "evidence" | "rollback"> {
  factors: Table<FactorRule>;
  evidence: Table<EvidenceRule>;
  rollback: Table<RollbackRule>;
  /** Every path that a trace of a change records. */
  paths: readonly ReadPath[];
  /** Scores instead of the factors, where there is one. */
  model?: RiskScorer;
}

/** Everything the rules are made of, compiled. Immutable; another version is another Policy. */
export interface Policy {
  /** Digest of the files it was compiled from: the same files have the same version everywhere. */
  version: string;
  routing: Table<RoutingRule> & { fallback: RoutingRule };
  gates: Table<GateRule>;
  freezes: Table<FreezeRule>;
  sla: Table<SlaRule>;
  autonomy: Table<AutonomyRule> & Omit<Autonomy, "rules">;
  /** Undefined where there is no change-risk.yaml. */
  risk: RiskPolicy | undefined;
  /** Rules of the other files: sound, testable, and no part of a decision. */
  checked: readonly CheckedTable[];
  /** Types of the customer's own fields. */
  custom: Readonly<Record<string, CelType>>;
  /** Every path that some rule reads, sorted: what a trace records. Those of change-risk.yaml are recorded of changes only. */
  paths: readonly ReadPath[];
  /** Facts that some rule may ask for, the cheapest first. */
  asks: readonly FactName[];
  /** `file/id` and the paths of every rule, in the order of a trace's letters. */
  rules: readonly TracedRule[];
  /** The files it was compiled from, by name. */
  files: Readonly<Record<string, string>>;
}

/** `file/id`, and what the rule may read. */
export const TracedRule = z.strictObject({ name: z.string(), reads: z.array(z.string()) });
export type TracedRule = z.infer<typeof TracedRule>;

/** A policy version as it is kept: enough to explain its decisions, and to compile it again. */
export const KeptPolicy = z.strictObject({
  version: z.string(),
  rules: z.array(TracedRule),
  /** File name → its text. */
  files: z.record(z.string(), z.string()),
  /** Types of the customer's own fields. */
  custom: z.record(z.string(), z.enum(["string", "int", "bool"])),
});
export type KeptPolicy = z.infer<typeof KeptPolicy>;

/** Puts compiled rules together and indexes them. `version` is the digest of their files. */
export function policyFrom(
  version: string,
  rules: PolicyRules,
  custom: Readonly<Record<string, CelType>>,
  files: Readonly<Record<string, string>>,
  {
    checked,
    risk,
    model,
  }: { checked: readonly CheckedTable[]; risk: ChangeRisk | undefined; model?: RiskScorer | undefined },
): Policy {
  const { routing, gates, freezes, sla, autonomy } = rules;
  const tables = {
    routing: { ...table("routing", routing.rules), fallback: routing.fallback },
    gates: table("gates", gates),
    freezes: table("freezes", freezes),
    sla: table("sla", sla),
    autonomy: {
      ...table("autonomy", autonomy.rules),
      fallback: autonomy.fallback,
      killSwitch: autonomy.killSwitch,
      restored: autonomy.restored,
    },
  };
  const scored = risk && {
    ...risk,
    factors: table("change-risk", risk.factors),
    evidence: table("change-risk", risk.evidence),
    rollback: table("change-risk", risk.rollback),
    ...(model && { model }),
  };
  const traced = [
    ...named(tables.routing),
    { name: `routing/${routing.fallback.id}`, reads: [] },
    ...named(tables.gates),
    ...named(tables.freezes),
    ...named(tables.sla),
    ...named(tables.autonomy),
    { name: `autonomy/${autonomy.fallback.id}`, reads: [] },
  ];
  const ofRisk = scored ? [...named(scored.factors), ...named(scored.evidence), ...named(scored.rollback)] : [];
  return {
    ...{ version, ...tables, custom, files, checked },
    risk: scored && { ...scored, paths: pathsOf([...traced, ...ofRisk]) },
    paths: pathsOf(traced),
    asks: asksOf(rules, risk),
    // Behind all others: traces of before there was a score still read.
    rules: [...traced, ...ofRisk],
  };
}

function pathsOf(rules: readonly TracedRule[]): ReadPath[] {
  return [...new Set(rules.flatMap(({ reads }) => reads))].sort().map(readPath);
}

function asksOf({ routing, gates, freezes, sla, autonomy }: PolicyRules, risk: ChangeRisk | undefined): FactName[] {
  const scoring = risk ? [...risk.factors, ...risk.evidence, ...risk.rollback] : [];
  const all: Rule[] = [...routing.rules, ...gates, ...freezes, ...sla, ...autonomy.rules, ...scoring];
  const asked = new Set(all.flatMap(({ condition }) => condition?.asks ?? []));
  if (risk) asked.add("impact");
  if (risk?.advice) asked.add("assessment");
  if (risk && risk.rollback.length > 0) asked.add("aftermath");
  // A scope is no expression, and looks at the item's environment all the same.
  if (freezes.some(({ environments }) => environments !== undefined)) asked.add("ci");
  return FACT_NAMES.filter((name) => asked.has(name));
}

function table<R extends Rule>(file: Table<R>["file"], rules: readonly R[]): Table<R> {
  return { file, rules, index: ruleIndex(rules) };
}

function named({ file, rules }: Table<Rule>): TracedRule[] {
  return rules.map(({ id, condition }) => ({ name: `${file}/${id}`, reads: [...(condition?.expression.reads ?? [])] }));
}

/** Rules that let everything happen: what a file that is not there means. */
export const NO_RULES: Pick<PolicyRules, "gates" | "freezes" | "sla" | "autonomy"> = {
  gates: [],
  freezes: [],
  sla: [],
  autonomy: {
    killSwitch: false,
    restored: [],
    rules: [],
    fallback: {
      id: "as-configured",
      why: "The mode of interlock.yaml holds",
      mode: "act",
      targetBp: null,
      centsPerDayMax: null,
    },
  },
};
