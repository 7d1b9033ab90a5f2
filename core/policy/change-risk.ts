import { z } from "zod";
import { checkAgainst, type YamlFile } from "../config/document.ts";
import type { Path } from "../config/issue.ts";
import type { Compile } from "../expression.ts";
import type { Problem } from "../problem.ts";
import { RISK_POINTS_MAX } from "../risk/score.ts";
import { CHANGE_RISKS } from "../ticket.ts";
import { watchOf } from "./aftermath.ts";
import { type ReadPath, readPath } from "./declarations.ts";
import { DurationMs } from "./duration.ts";
import { Approvers, BINDABLE, type Bindable, type GateDemand, whoOf } from "./gates.ts";
import { IgnorancePoints, Points } from "./ignorance.ts";
import { compileCondition, conditionProblems, doubleIds, RULE_HEAD, RULES_MAX, type Rule } from "./rule.ts";

/** What a change adds to its own risk: every factor that matches counts. */
const Factor = z.strictObject({
  ...RULE_HEAD,
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  then: z.strictObject({ points: Points }),
});

/** What must be written down before a change goes on. */
const Evidence = z.strictObject({
  ...RULE_HEAD,
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  then: z.strictObject({
    require: z.array(z.enum(BINDABLE)).min(1).max(BINDABLE.length),
    /** hold: the change waits for it. Otherwise its absence is so much more risk. */
    otherwise: z.union([z.literal("hold"), z.strictObject({ points: Points })]),
  }),
});

const RollbackThen = z.strictObject({
  /** How long after the implementation. */
  watch: DurationMs,
  /** Any one of these. */
  on: z
    .strictObject({
      /** So many incidents of at least that priority on the item and what depends on it. */
      incidents: z.strictObject({ atLeast: z.int().min(1).max(1_000), priority: z.int().min(1).max(5) }).optional(),
      /** A check of the change's own reported a failure. */
      failedCheck: z.literal(true).optional(),
      /** The change was closed as unsuccessful. */
      unsuccessful: z.literal(true).optional(),
    })
    .refine((on) => Object.keys(on).length > 0, {
      message: "watches nothing",
      params: { fix: "incidents, failedCheck or unsuccessful" },
    }),
  ask: Approvers,
  expires: DurationMs,
  /** true: it goes back without asking. For standard changes only. */
  automatic: z.boolean().default(false),
});
export type RollbackThen = z.infer<typeof RollbackThen>;

/** What is watched once a change is implemented, and who is asked whether it goes back. */
const Rollback = z.strictObject({
  ...RULE_HEAD,
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  then: RollbackThen,
});

/** `config/policy/change-risk.yaml`: what makes a change risky, when the board must see it, what makes it go back. */
export const ChangeRiskFile = z.strictObject({
  factors: z.array(Factor).max(RULES_MAX).default([]),
  evidence: z.array(Evidence).max(RULES_MAX).default([]),
  rollback: z.array(Rollback).max(RULES_MAX).default([]),
  /** Points of what is not known of the item; it counts whether or not it stands here. */
  ignorance: IgnorancePoints,
  /**
   * What a model may add: so much for each risk factor that it names, and so much for all of them together. Without it no
   * model is asked about changes.
   */
  advice: z.strictObject({ points: Points, max: Points }).optional(),
  /** Points from which a change has this risk; below the lowest it is low. */
  tiers: z.strictObject({ moderate: Points, high: Points, very_high: Points }),
  /** The board that must see a change of that risk or more, and how long before its start. */
  cab: z.strictObject({
    from: z.enum(CHANGE_RISKS).exclude(["", "low"]),
    approvers: Approvers,
    leadTime: DurationMs,
    /** How long its answer is waited for. */
    expires: DurationMs.prefault("96h"),
    /** Who is asked when an approver is gone. */
    fallback: z.strictObject({ group: z.string().min(1) }).optional(),
  }),
});
export type ChangeRiskFile = z.infer<typeof ChangeRiskFile>;

/** The guards that the file has beside its rules; both are named `change-risk/<id>`. */
export const BOARD_IDS = ["cab", "lead-time"] as const;

export interface FactorRule extends Rule {
  points: number;
  /** What it reads: what people are shown of it. */
  paths: readonly ReadPath[];
}

export interface EvidenceRule extends Rule {
  require: readonly Bindable[];
  otherwise: "hold" | { points: number };
}

export interface RollbackRule extends Rule {
  does: RollbackThen;
}

/** As the gate of a rollback rule is named. */
export function rollbackName(id: string): string {
  return `rollback/${id}`;
}

/** A compiled change-risk.yaml. */
export interface ChangeRisk {
  factors: readonly FactorRule[];
  evidence: readonly EvidenceRule[];
  rollback: readonly RollbackRule[];
  ignorance: IgnorancePoints;
  advice: ChangeRiskFile["advice"];
  tiers: ChangeRiskFile["tiers"];
  cab: { from: ChangeRiskFile["cab"]["from"]; leadTimeMs: number; demand: GateDemand };
}

/**
 * Compiles the file, or lists everything that is wrong with it: also its conditions, where its form is wrong. `modelled`:
 * a trained model stands in for the factors.
 */
export function compileChangeRisk(
  yaml: YamlFile,
  compile: Compile,
  modelled = false,
): ChangeRisk | { problems: Problem[] } {
  const checked = checkAgainst(yaml, ChangeRiskFile);
  if ("problems" in checked) return { problems: [...checked.problems, ...conditionProblems(yaml, compile)] };
  const { value: file } = checked;
  const problems = idProblems(yaml, file);
  const rule = ({ id, why, when }: { id: string; why: string; when: string }, path: Path): Rule => {
    const condition = compileCondition(yaml, [...path, "when"], when, compile);
    if (!("problems" in condition)) return { id, why, condition };
    problems.push(...condition.problems);
    return { id, why };
  };
  const factors = file.factors.map((entry, at): FactorRule => {
    const compiled = rule(entry, ["factors", at]);
    const paths = (compiled.condition?.expression.reads ?? []).map(readPath);
    return { ...compiled, points: entry.then.points, paths };
  });
  const evidence = file.evidence.map((entry, at): EvidenceRule => {
    const { require, otherwise } = entry.then;
    return { ...rule(entry, ["evidence", at]), require: [...new Set(require)], otherwise };
  });
  const rollback = file.rollback.map((entry, at): RollbackRule => {
    const { watch } = entry.then;
    const scope: Rule["scope"] = (ticket, _facts, nowMs) => ({
      verdict: watchOf(ticket, watch, nowMs)?.isOpen ? "matched" : "not_matched",
    });
    return { ...rule(entry, ["rollback", at]), scope, does: entry.then };
  });
  if (problems.length === 0) problems.push(...betweenProblems(yaml, file, { factors, evidence, rollback, modelled }));
  const { ignorance, advice, tiers } = file;
  return problems.length > 0
    ? { problems }
    : { factors, evidence, rollback, ignorance, advice, tiers, cab: boardOf(file.cab) };
}

function boardOf({ from, approvers, leadTime, expires, fallback }: ChangeRiskFile["cab"]): ChangeRisk["cab"] {
  return {
    from,
    leadTimeMs: leadTime,
    demand: {
      ...whoOf(approvers),
      before: ["schedule", "implement"],
      binds: ["change.type", "change.plannedStart", "change.plannedEnd", "change.backoutPlan", "ci", "service"],
      expiresMs: expires,
      fallbackGroup: fallback?.group ?? null,
      sideDoor: "undo",
    },
  };
}

function idProblems(yaml: YamlFile, { factors, evidence, rollback }: ChangeRiskFile): Problem[] {
  const ids = Object.entries({ factors, evidence, rollback }).flatMap(([section, rules]) =>
    rules.map(({ id }, at) => ({ id, path: [section, at, "id"] })),
  );
  const taken = ids.filter(({ id }) => (BOARD_IDS as readonly string[]).includes(id));
  return [
    ...doubleIds(yaml, ids),
    ...taken.map(({ id, path }) => yaml.problem(path, `the id "${id}" is that of the board's own guard`, "Rename it")),
  ];
}

/** What is wrong between the parts of a well-formed file. */
function betweenProblems(
  yaml: YamlFile,
  { factors, evidence, advice, tiers, cab }: ChangeRiskFile,
  { modelled, ...rules }: Pick<ChangeRisk, "factors" | "evidence" | "rollback"> & { modelled: boolean },
): Problem[] {
  const problems: Problem[] = [];
  if (!(tiers.moderate < tiers.high && tiers.high < tiers.very_high))
    problems.push(yaml.problem(["tiers"], "the tiers do not rise", "Write moderate < high < very_high"));
  if (advice && advice.max < advice.points)
    problems.push(
      yaml.problem(
        ["advice", "max"],
        "is less than one factor adds",
        `Write at least ${advice.points}, or fewer points`,
      ),
    );
  // A board that only a model could send changes to would see none with AI off.
  const factorPoints = factors.map(({ then }) => then.points);
  const missingPoints = evidence.map(({ then }) => (then.otherwise === "hold" ? 0 : then.otherwise.points));
  const sumOf = (points: readonly number[]): number => points.reduce((sum, each) => sum + each, 0);
  // Where nothing is known of the item, the factors count beside a model too.
  const scored = Math.max(sumOf(factorPoints), modelled ? RISK_POINTS_MAX : 0);
  const most = scored + sumOf(missingPoints);
  if (most < tiers[cab.from]) {
    const all = modelled ? "the model or all factors together" : "all factors together";
    const what = `no change can reach ${cab.from}: ${all} give ${most} of ${tiers[cab.from]} points`;
    problems.push(yaml.problem(["cab", "from"], what, "Give the factors more points, or lower the tier"));
  }
  for (const section of ["factors", "evidence"] as const)
    rules[section].forEach((rule, at) => {
      if (!rule.condition?.expression.reads.some((path) => FED_BACK.has(path))) return;
      const what = "reads ticket.change.risk, which the score itself sets: it would feed itself";
      const fix = "Leave it out; a change that people call high goes to the board whatever its points are";
      problems.push(yaml.problem([section, at, "when"], what, fix));
    });
  rules.rollback.forEach((rule, at) => {
    if (!rule.does.automatic || isStandardOnly(rule)) return;
    const what = "goes back without asking, and not for standard changes only";
    const fix = 'Begin the condition with ticket.change.type == "standard" &&, or write automatic: false';
    problems.push(yaml.problem(["rollback", at, "then", "automatic"], what, fix));
  });
  return problems;
}

const FED_BACK: ReadonlySet<string> = new Set(["ticket.change.risk", "ticket.change"]);

function isStandardOnly({ condition }: Rule): boolean {
  const tests = condition?.expression.tests ?? [];
  return tests.some(({ path, values }) => path === "ticket.change.type" && values.every((type) => type === "standard"));
}
