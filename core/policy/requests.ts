import { z } from "zod";
import type { YamlFile } from "../config/document.ts";
import type { Problem } from "../problem.ts";
import { DurationMs } from "./duration.ts";
import { Approvers } from "./gates.ts";
import { RULE_HEAD, RULES_MAX, RuleId } from "./rule.ts";

const STEPS_MAX = 20;

const Money = z.int().nonnegative();

const RequestThen = z.strictObject({
  /** Who must agree, one after the other; an empty list where nobody has to be asked. */
  approve: z
    .array(
      z.strictObject({
        id: RuleId,
        approvers: Approvers,
        expires: DurationMs,
        /** Asked only when the request costs more than this, in whole units of the currency. */
        above: Money.optional(),
      }),
    )
    .max(STEPS_MAX),
  /** What may be had without asking more people than those. */
  limits: z
    .strictObject({
      /** Pieces of one request. */
      quantityMax: z.int().positive().optional(),
      /** One request, in whole units of the currency. */
      priceMax: Money.optional(),
      /** All requests of one person in a calendar month, in whole units of the currency. */
      monthMax: Money.optional(),
    })
    .optional(),
  /** Who is asked when a limit is passed. */
  overLimit: z.strictObject({ approvers: Approvers, expires: DurationMs }).optional(),
  /** What is done once everybody agreed. */
  fulfil: z
    .array(
      z.strictObject({
        id: RuleId,
        group: z.string().min(1),
        /** The sentence that stands over the task. */
        task: z.string().min(1).max(160),
        /** Steps that must be done before; the steps of an empty list begin at once. */
        after: z.array(RuleId).max(STEPS_MAX).default([]),
      }),
    )
    .min(1)
    .max(STEPS_MAX),
});

const RequestEntry = z.strictObject({
  ...RULE_HEAD,
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  then: RequestThen,
});

/** `config/policy/requests.yaml`: the first rule that matches a catalogue request says who agrees and what is done. */
export const RequestsFile = z.strictObject({
  rules: z.array(RequestEntry).max(RULES_MAX).default([]),
  default: RequestEntry.omit({ when: true }),
});
export type RequestsFile = z.infer<typeof RequestsFile>;

/** What is wrong between the parts of a well-formed file. */
export function requestsProblems(yaml: YamlFile, file: RequestsFile): Problem[] {
  return [
    ...file.rules.flatMap(({ then }, at) => thenProblems(yaml, ["rules", at, "then"], then)),
    ...thenProblems(yaml, ["default", "then"], file.default.then),
  ];
}

function thenProblems(
  yaml: YamlFile,
  path: readonly (string | number)[],
  { approve, limits, overLimit, fulfil }: z.infer<typeof RequestThen>,
): Problem[] {
  const problems: Problem[] = [];
  const limited = Object.keys(limits ?? {}).length > 0;
  if (limited !== (overLimit !== undefined)) {
    const what = limited
      ? "has limits, and nobody who decides beyond them"
      : "asks somebody beyond limits that are not there";
    const fix = "Write limits and overLimit together, or neither";
    problems.push(yaml.problem([...path, limited ? "limits" : "overLimit"], what, fix));
  }
  for (const [name, steps] of [
    ["approve", approve],
    ["fulfil", fulfil],
  ] as const) {
    const known = new Set<string>();
    steps.forEach(({ id }, at) => {
      if (known.has(id)) {
        const what = `the step "${id}" stands here twice`;
        problems.push(yaml.problem([...path, name, at, "id"], what, "Give every step an id of its own"));
      }
      known.add(id);
    });
  }
  // Only steps that stand before can be waited for, so that no two can wait for each other.
  fulfil.forEach(({ after }, at) => {
    const before = fulfil.slice(0, at).map(({ id }) => id);
    after.forEach((id, position) => {
      if (before.includes(id)) return;
      const fix = before.length > 0 ? `Use one of: ${before.join(", ")}` : "The first step waits for none";
      const where = [...path, "fulfil", at, "after", position];
      problems.push(yaml.problem(where, `there is no step "${id}" before this one`, fix));
    });
  });
  return problems;
}
