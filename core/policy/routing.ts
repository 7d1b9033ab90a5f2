import { z } from "zod";
import type { YamlFile } from "../config/document.ts";
import type { Compile } from "../expression.ts";
import type { Problem } from "../problem.ts";
import type { SettableField } from "../ticket.ts";
import { compileCondition, doubleIds, RULE_HEAD, RULES_MAX, type Rule } from "./rule.ts";

export const RoutingThen = z
  .strictObject({
    assign: z.strictObject({ group: z.string().min(1).optional(), person: z.string().min(1).optional() }).optional(),
    set: z
      .strictObject({
        category: z.string().min(1).optional(),
        subcategory: z.string().min(1).optional(),
        priority: z.int().min(1).max(5).optional(),
        impact: z.int().min(1).max(3).optional(),
        urgency: z.int().min(1).max(3).optional(),
      })
      .optional(),
    /** Leave the ticket as it is: people route it. */
    leave: z.literal(true).optional(),
  })
  .superRefine((then, context) => {
    const does = then.assign !== undefined || then.set !== undefined;
    if (does === (then.leave === true)) {
      const what = does ? "leave stands beside assign or set" : "does nothing";
      context.addIssue({
        code: "custom",
        message: what,
        params: { fix: "assign, set, or leave: true to leave the ticket to people" },
      });
    }
  });

export type RoutingThen = z.infer<typeof RoutingThen>;

const RoutingEntry = z.strictObject({
  ...RULE_HEAD,
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  then: RoutingThen,
});
type RoutingEntry = z.infer<typeof RoutingEntry>;

/** `config/policy/routing.yaml`: the first rule that matches decides; the default decides when none does. */
export const RoutingFile = z.strictObject({
  rules: z.array(RoutingEntry).max(RULES_MAX).default([]),
  default: RoutingEntry.omit({ when: true }),
});
export type RoutingFile = z.infer<typeof RoutingFile>;

export type Desired = Partial<Record<SettableField, string | number>>;

export interface RoutingRule extends Rule {
  desired: Desired;
}

export interface Routing {
  rules: readonly RoutingRule[];
  fallback: RoutingRule;
}

/** Compiles a checked routing file, or lists everything that is wrong with it. */
export function compileRouting(yaml: YamlFile, file: RoutingFile, compile: Compile): Routing | { problems: Problem[] } {
  const ids = file.rules.map(({ id }, index) => ({ id, path: ["rules", index, "id"] }));
  const problems = doubleIds(yaml, [...ids, { id: file.default.id, path: ["default", "id"] }]);
  const rules: RoutingRule[] = [];
  file.rules.forEach((rule, index) => {
    const condition = compileCondition(yaml, ["rules", index, "when"], rule.when, compile);
    if ("problems" in condition) problems.push(...condition.problems);
    else rules.push({ id: rule.id, why: rule.why, condition, desired: desiredOf(rule) });
  });
  const { id, why } = file.default;
  return problems.length > 0 ? { problems } : { rules, fallback: { id, why, desired: desiredOf(file.default) } };
}

/** What a rule sets. */
export function desiredOf(rule: Pick<RoutingEntry, "then">): Desired {
  const { assign, set } = rule.then;
  const desired: Desired = {};
  if (assign?.group !== undefined) desired.assignmentGroup = assign.group;
  if (assign?.person !== undefined) desired.assignee = assign.person;
  for (const field of ["category", "subcategory", "priority", "impact", "urgency"] as const) {
    const value = set?.[field];
    if (value !== undefined) desired[field] = value;
  }
  return desired;
}
