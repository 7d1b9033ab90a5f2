import { z } from "zod";
import type { YamlFile } from "../config/document.ts";
import type { Problem } from "../problem.ts";
import { DurationMs } from "./duration.ts";
import { Approvers } from "./gates.ts";
import { RULE_HEAD, RULES_MAX } from "./rule.ts";

/** Fields by which incidents are seen as one. */
const SAME = ["ci", "service", "category", "subcategory", "assignmentGroup"] as const;

/** Several incidents that are one fault. */
const Correlation = z.strictObject({
  ...RULE_HEAD,
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  then: z.strictObject({
    /** All of these must be the same, and not empty. */
    same: z.array(z.enum(SAME)).min(1).max(SAME.length),
    within: DurationMs,
    atLeast: z.int().min(2).max(1_000),
    /** parent: they become children of the first. problem: a problem is opened for them. note: they are told of each other. */
    link: z.enum(["parent", "problem", "note"]),
  }),
});

/** When a major incident is proposed, and who declares it: never the sidecar itself. */
const Major = z.strictObject({
  ...RULE_HEAD,
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  then: z.strictObject({
    declare: z.strictObject({ approvers: Approvers, expires: DurationMs }),
    /** Proposed only once so many incidents have been seen as one; at once where it is absent. */
    correlated: z.int().min(2).max(1_000).optional(),
    /** Groups that are told as soon as it is declared. */
    notify: z.array(z.string().min(1)).max(20).default([]),
  }),
});

/** A fault that is known, with the contract of what is done while it is not mended. */
const KnownError = z.strictObject({
  ...RULE_HEAD,
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  then: z.strictObject({
    /** Key of the problem record. */
    problem: z.string().min(1).max(64),
    /** Key of the article that says how people can work on meanwhile. */
    workaround: z.string().min(1).max(64).optional(),
    assign: z.strictObject({ group: z.string().min(1) }).optional(),
    /** The last day on which the contract holds: after it, incidents are treated as any other. */
    until: z.iso.date(),
  }),
});

/** `config/policy/incidents.yaml`: what belongs together, what is major, what is known. All that match count. */
export const IncidentsFile = z.strictObject({
  correlation: z.array(Correlation).max(RULES_MAX).default([]),
  major: z.array(Major).max(RULES_MAX).default([]),
  knownErrors: z.array(KnownError).max(RULES_MAX).default([]),
});
export type IncidentsFile = z.infer<typeof IncidentsFile>;

/** What is wrong between the parts of a well-formed file. */
export function incidentsProblems(yaml: YamlFile, { correlation, major }: IncidentsFile): Problem[] {
  return major.flatMap(({ then }, at) => {
    if (then.correlated === undefined || correlation.length > 0) return [];
    const what = `waits for ${then.correlated} incidents that are seen as one, and no rule sees any as one`;
    return [
      yaml.problem(["major", at, "then", "correlated"], what, "Add a rule under correlation, or leave correlated out"),
    ];
  });
}
