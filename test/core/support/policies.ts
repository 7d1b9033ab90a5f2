import { checkAgainst, parseYaml } from "../../../core/config/document.ts";
import { type CelType, expressionCompiler } from "../../../core/expression.ts";
import { policyDeclarations } from "../../../core/policy/declarations.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import { compileRouting, RoutingFile, type RoutingRule } from "../../../core/policy/routing.ts";
import { ProblemsError } from "../../../core/problem.ts";

export interface RuleOf {
  id?: string;
  when: string;
  /** What stands under `then`. */
  does?: RoutingRule["then"];
}

const LEAVE = { leave: true } as const;

/** A policy of these rules; what is not said is `rule-1`, `rule-2` ... and leaves the ticket alone. */
export function policyOf(
  rules: readonly RuleOf[],
  fallback: RoutingRule["then"] = LEAVE,
  custom: Readonly<Record<string, CelType>> = {},
): Policy {
  const numbered = rules.map(({ id, when, does }, index) => ({
    ...{ id: id ?? `rule-${index + 1}`, why: "It says so", when },
    // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
    then: does ?? LEAVE,
  }));
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  const file = { rules: numbered, default: { id: "the-rest", why: "No rule matched", then: fallback } };
  const parsed = parseYaml("routing.yaml", JSON.stringify(file)); // JSON is YAML
  if ("problems" in parsed) throw new ProblemsError(parsed.problems);
  const checked = checkAgainst(parsed.file, RoutingFile);
  if ("problems" in checked) throw new ProblemsError(checked.problems);
  const compiled = compileRouting(parsed.file, checked.value, expressionCompiler(policyDeclarations(custom)));
  if ("problems" in compiled) throw new ProblemsError(compiled.problems);
  return { version: "0123456789abcdef", routing: compiled.routing, custom };
}
