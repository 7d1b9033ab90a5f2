import { z } from "zod";
import type { YamlFile } from "../config/document.ts";
import type { Compile, Expression } from "../expression.ts";
import type { Problem } from "../problem.ts";
import type { SettableField } from "../ticket.ts";

const RULES_MAX = 2_000;

const Then = z
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

const Id = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, "lower-case letters, digits and dashes, at most 64");

export const RoutingRule = z.strictObject({
  id: Id,
  /** The sentence that people read in the ticket. */
  why: z.string().min(1).max(300),
  when: z.string().min(1),
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  then: Then,
});
export type RoutingRule = z.infer<typeof RoutingRule>;

/** `config/policy/routing.yaml`: the first rule that matches decides; the default decides when none does. */
export const RoutingFile = z.strictObject({
  rules: z.array(RoutingRule).max(RULES_MAX).default([]),
  default: RoutingRule.omit({ when: true }),
});
export type RoutingFile = z.infer<typeof RoutingFile>;

export type Desired = Partial<Record<SettableField, string | number>>;

/** A rule ready to be judged. The default has no condition. */
export interface Rule {
  id: string;
  why: string;
  when?: Expression;
  desired: Desired;
}

export interface Routing {
  rules: readonly Rule[];
  fallback: Rule;
}

/** Compiles a checked routing file, or lists everything that is wrong with it. */
export function compileRouting(
  yaml: YamlFile,
  file: RoutingFile,
  compile: Compile,
): { routing: Routing } | { problems: Problem[] } {
  const problems: Problem[] = [];
  const seen = new Map<string, number>();
  const rules: Rule[] = [];
  file.rules.forEach((rule, index) => {
    const first = seen.get(rule.id);
    if (first !== undefined || rule.id === file.default.id) {
      const where = first === undefined ? "the default" : `rule ${first + 1}`;
      problems.push(
        yaml.problem(
          ["rules", index, "id"],
          `the id "${rule.id}" is taken by ${where}`,
          "Give every rule an id of its own",
        ),
      );
    }
    seen.set(rule.id, index);
    const compiled = compile(rule.when, "bool");
    if ("fault" in compiled) {
      problems.push(
        yaml.problem(["rules", index, "when"], compiled.fault.what, compiled.fault.fix, compiled.fault.offset),
      );
      return;
    }
    rules.push({ id: rule.id, why: rule.why, when: compiled.expression, desired: desiredOf(rule) });
  });
  if (problems.length > 0) return { problems };
  return {
    routing: { rules, fallback: { id: file.default.id, why: file.default.why, desired: desiredOf(file.default) } },
  };
}

const Conditions = z.looseObject({
  rules: z.array(z.looseObject({ when: z.string().min(1).catch("true") }).catch({ when: "true" })),
});

/** What is wrong with the conditions of a file that may be badly formed elsewhere. */
export function conditionProblems(yaml: YamlFile, compile: Compile): Problem[] {
  const file = Conditions.safeParse(yaml.value);
  return (file.data?.rules ?? []).flatMap(({ when }, index) => {
    const compiled = compile(when, "bool");
    if (!("fault" in compiled)) return [];
    const { what, fix, offset } = compiled.fault;
    return [yaml.problem(["rules", index, "when"], what, fix, offset)];
  });
}

/** What a rule sets. */
export function desiredOf(rule: Pick<RoutingRule, "then">): Desired {
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
