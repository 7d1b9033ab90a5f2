import { z } from "zod";
import type { YamlFile } from "../config/document.ts";
import type { Problem } from "../problem.ts";
import { CHANGE_RISKS } from "../ticket.ts";
import { DurationMs } from "./duration.ts";
import { Approvers, BINDABLE } from "./gates.ts";
import { RULE_HEAD, RULES_MAX, type Rule } from "./rule.ts";

const POINTS_MAX = 1_000;

const Points = z.int().min(1).max(POINTS_MAX);

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

/** What is watched once a change is implemented, and who is asked whether it goes back. */
const Rollback = z.strictObject({
  ...RULE_HEAD,
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  then: z.strictObject({
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
  }),
});

/** `config/policy/change-risk.yaml`: what makes a change risky, when the board must see it, what makes it go back. */
export const ChangeRiskFile = z.strictObject({
  factors: z.array(Factor).max(RULES_MAX).default([]),
  evidence: z.array(Evidence).max(RULES_MAX).default([]),
  rollback: z.array(Rollback).max(RULES_MAX).default([]),
  /** Points from which a change has this risk; below the lowest it is low. */
  tiers: z.strictObject({ moderate: Points, high: Points, very_high: Points }),
  /** The board that must see a change of that risk or more, and how long before its start. */
  cab: z.strictObject({
    from: z.enum(CHANGE_RISKS).exclude(["", "low"]),
    approvers: Approvers,
    leadTime: DurationMs,
  }),
});
export type ChangeRiskFile = z.infer<typeof ChangeRiskFile>;

/** What is wrong between the parts of a well-formed file. `rules` are its rules with their compiled conditions. */
export function changeRiskProblems(yaml: YamlFile, file: ChangeRiskFile, rules: readonly Rule[]): Problem[] {
  const { factors, evidence, rollback, tiers, cab } = file;
  const problems: Problem[] = [];
  if (!(tiers.moderate < tiers.high && tiers.high < tiers.very_high))
    problems.push(yaml.problem(["tiers"], "the tiers do not rise", "Write moderate < high < very_high"));
  const factorPoints = factors.map(({ then }) => then.points);
  const missingPoints = evidence.map(({ then }) => (then.otherwise === "hold" ? 0 : then.otherwise.points));
  const most = [...factorPoints, ...missingPoints].reduce((sum, points) => sum + points, 0);
  if (most < tiers[cab.from]) {
    const what = `no change can reach ${cab.from}: all factors together give ${most} of ${tiers[cab.from]} points`;
    problems.push(yaml.problem(["cab", "from"], what, "Give the factors more points, or lower the tier"));
  }
  rollback.forEach(({ id, then }, at) => {
    if (!then.automatic || isStandardOnly(rules.find((rule) => rule.id === id))) return;
    const what = "goes back without asking, and not for standard changes only";
    const fix = 'Begin the condition with ticket.change.type == "standard" &&, or write automatic: false';
    problems.push(yaml.problem(["rollback", at, "then", "automatic"], what, fix));
  });
  return problems;
}

function isStandardOnly(rule: Rule | undefined): boolean {
  const tests = rule?.condition?.expression.tests ?? [];
  return tests.some(({ path, values }) => path === "ticket.change.type" && values.every((type) => type === "standard"));
}
