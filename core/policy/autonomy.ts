import { z } from "zod";
import { LABEL_FIELDS } from "../advice/step.ts";
import type { Restored } from "../advice/trust.ts";
import type { YamlFile } from "../config/document.ts";
import { MODES, type Mode } from "../config/settings.ts";
import type { Compile } from "../expression.ts";
import type { Problem } from "../problem.ts";
import { compileCondition, doubleIds, RULE_HEAD, RULES_MAX, type Rule } from "./rule.ts";

const SHARE = "a share such as 2% or 0.5%";
const Percent = z.string({ error: SHARE }).regex(/^\d{1,2}(\.\d)?%$/, SHARE);

const AutonomyThen = z.strictObject({
  /** The most that may happen by itself for these tickets; the mode of interlock.yaml is the upper bound of all. */
  mode: z.enum(MODES),
  /** The largest share of wrong answers that AI advice may have here before it is only suggested. */
  targetError: Percent.optional(),
  /** The most that AI may cost for these tickets in a day, in whole cents. */
  centsPerDayMax: z.int().nonnegative().optional(),
});

/** A class of answers that outcomes demoted and that is trusted again. */
const RestoredEntry = z.strictObject({
  field: z.enum(LABEL_FIELDS),
  label: z.string().min(1),
  /** What was found out up to the end of that day (UTC) counts no more. */
  on: z.iso.date({ error: "a day such as 2026-01-31" }),
  why: z.string().min(1).max(300),
});

/** `config/policy/autonomy.yaml`: how much happens without a person. The first rule that matches decides. */
export const AutonomyFile = z.strictObject({
  /** true: nothing is written anywhere, whatever else stands here. */
  killSwitch: z.boolean().default(false),
  /** Classes of answers that are relied on again, after their errors were looked into. */
  restored: z.array(RestoredEntry).max(RULES_MAX).default([]),
  rules: z
    .array(
      z.strictObject({
        ...RULE_HEAD,
        // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
        then: AutonomyThen,
      }),
    )
    .max(RULES_MAX)
    .default([]),
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  default: z.strictObject({ id: RULE_HEAD.id, why: RULE_HEAD.why, then: AutonomyThen }),
});
export type AutonomyFile = z.infer<typeof AutonomyFile>;

export interface AutonomyRule extends Rule {
  mode: Mode;
  /** The error that advice may have to be followed here, in hundredths of a percent; null: it is only suggested. */
  targetBp: number | null;
  /** The most that advice may cost a day for these tickets, in whole cents; null where other budgets alone hold. */
  centsPerDayMax: number | null;
}

export interface Autonomy {
  killSwitch: boolean;
  restored: readonly Restored[];
  rules: readonly AutonomyRule[];
  fallback: AutonomyRule;
}

export function compileAutonomy(
  yaml: YamlFile,
  file: AutonomyFile,
  compile: Compile,
): Autonomy | { problems: Problem[] } {
  const ids = file.rules.map(({ id }, index) => ({ id, path: ["rules", index, "id"] }));
  const problems = doubleIds(yaml, [...ids, { id: file.default.id, path: ["default", "id"] }]);
  const rules: AutonomyRule[] = [];
  file.rules.forEach(({ id, why, when, then }, index) => {
    const condition = compileCondition(yaml, ["rules", index, "when"], when, compile);
    if ("problems" in condition) problems.push(...condition.problems);
    else rules.push({ id, why, condition, ...limitsOf(then) });
  });
  const { id, why, then } = file.default;
  return problems.length > 0
    ? { problems }
    : {
        killSwitch: file.killSwitch,
        restored: file.restored.map(restoredOf),
        rules,
        fallback: { id, why, ...limitsOf(then) },
      };
}

function restoredOf({ field, label, on }: z.infer<typeof RestoredEntry>): Restored {
  return { field, label, sinceMs: Date.parse(`${on}T00:00:00Z`) + 86_400_000 - 1 };
}

function limitsOf({ mode, targetError, centsPerDayMax }: z.infer<typeof AutonomyThen>): Omit<AutonomyRule, keyof Rule> {
  const targetBp = targetError === undefined ? null : Math.round(Number(targetError.slice(0, -1)) * 100);
  return { mode, targetBp, centsPerDayMax: centsPerDayMax ?? null };
}

/** The more careful of two modes. */
export function carefulOf(a: Mode, b: Mode): Mode {
  return MODES.indexOf(a) <= MODES.indexOf(b) ? a : b;
}
