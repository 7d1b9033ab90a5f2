import { z } from "zod";
import type { YamlFile } from "../config/document.ts";
import { EFFECTS, type Effect, Need, SIDE_DOORS } from "../decision.ts";
import type { Compile } from "../expression.ts";
import type { Problem } from "../problem.ts";
import { DurationMs } from "./duration.ts";
import { compileCondition, doubleIds, RULE_HEAD, RULES_MAX, type Rule } from "./rule.ts";

/** What an approval can be bound to: change one of these and the approval is void. */
export const BINDABLE = [
  "title",
  "description",
  "priority",
  "impact",
  "urgency",
  "category",
  "subcategory",
  "assignmentGroup",
  "assignee",
  "ci",
  "service",
  "change.type",
  "change.risk",
  "change.plannedStart",
  "change.plannedEnd",
  "change.backoutPlan",
  "request.item",
  "request.quantity",
  "request.price",
] as const;
export type Bindable = (typeof BINDABLE)[number];

/** Who may answer. Where several are named, `need` says how many of them must agree. */
export const Approvers = z
  .strictObject({
    group: z.string().min(1).optional(),
    groups: z.array(z.string().min(1)).max(20).optional(),
    person: z.string().min(1).optional(),
    people: z.array(z.string().min(1)).max(20).optional(),
    need: Need.default("any"),
  })
  .superRefine((approvers, context) => {
    const people = new Set([approvers.person, approvers.people].flat().filter((who) => who !== undefined));
    const { group, groups = [], need } = approvers;
    // Of a group, nobody knows here how many there are.
    if (typeof need === "number" && people.size > 0 && need > people.size && group === undefined && groups.length === 0)
      context.addIssue({
        code: "custom",
        path: ["need"],
        message: `asks for ${need} approvals where only ${people.size} can be given`,
        params: { fix: `need: all, a number up to ${people.size}, or more people` },
      });
    if (named(approvers).length > 0) return;
    context.addIssue({
      code: "custom",
      message: "names nobody who could approve",
      params: { fix: "group, groups, person or people" },
    });
  });
export type Approvers = z.infer<typeof Approvers>;

export const GateThen = z.strictObject({
  gate: z.strictObject({
    approvers: Approvers,
    /** Effects that wait for the answer. */
    before: z.array(z.enum(EFFECTS).exclude(["rollback"])).min(1),
    /** Fields the approval is bound to. */
    binds: z.array(z.enum(BINDABLE)).min(1),
    /** How long an answer is waited for. */
    expires: DurationMs,
    /** Who is asked when an approver is gone. */
    fallback: z.strictObject({ group: z.string().min(1) }).optional(),
    /** What is done about what somebody does past the approval: `tell` people, or `undo` it as well. */
    sideDoor: z.enum(SIDE_DOORS).default("tell"),
  }),
});

/** `config/policy/gates.yaml`: who must approve what. Every rule that matches adds its gate; none can remove another's. */
export const GatesFile = z
  .array(
    z.strictObject({
      ...RULE_HEAD,
      // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
      then: GateThen,
    }),
  )
  .max(RULES_MAX);
export type GatesFile = z.infer<typeof GatesFile>;

/** What a gate asks of people, compiled. */
export interface GateDemand {
  groups: readonly string[];
  people: readonly string[];
  need: Need;
  before: readonly Effect[];
  binds: readonly Bindable[];
  expiresMs: number;
  fallbackGroup: string | null;
  sideDoor: (typeof SIDE_DOORS)[number];
}

export interface GateRule extends Rule {
  demand: GateDemand;
}

export function compileGates(yaml: YamlFile, file: GatesFile, compile: Compile): GateRule[] | { problems: Problem[] } {
  const problems = doubleIds(
    yaml,
    file.map(({ id }, index) => ({ id, path: [index, "id"] })),
  );
  const rules: GateRule[] = [];
  file.forEach(({ id, why, when, then }, index) => {
    const condition = compileCondition(yaml, [index, "when"], when, compile);
    if ("problems" in condition) problems.push(...condition.problems);
    else rules.push({ id, why, condition, demand: demandOf(then.gate) });
  });
  return problems.length > 0 ? { problems } : rules;
}

function demandOf(gate: z.infer<typeof GateThen>["gate"]): GateDemand {
  const { approvers, before, binds, expires, fallback, sideDoor } = gate;
  return {
    ...whoOf(approvers),
    before,
    binds,
    expiresMs: expires,
    fallbackGroup: fallback?.group ?? null,
    sideDoor,
  };
}

/** The approvers of an entry, in one form. */
export function whoOf(approvers: Approvers): Pick<GateDemand, "groups" | "people" | "need"> {
  return {
    groups: [...new Set([...(approvers.group ? [approvers.group] : []), ...(approvers.groups ?? [])])],
    people: [...new Set([...(approvers.person ? [approvers.person] : []), ...(approvers.people ?? [])])],
    need: approvers.need,
  };
}

function named(approvers: { [who in "group" | "groups" | "person" | "people"]?: unknown }): unknown[] {
  const { group, groups, person, people } = approvers;
  return [group, groups, person, people].flat().filter((who) => who !== undefined);
}
