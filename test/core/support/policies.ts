import { parseYaml, type YamlFile } from "../../../core/config/document.ts";
import type { Decision } from "../../../core/decision.ts";
import type { CelType } from "../../../core/expression.ts";
import { compilePolicy } from "../../../core/policy/compile.ts";
import { decide } from "../../../core/policy/decide.ts";
import type { Facts } from "../../../core/policy/facts.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import type { RoutingThen } from "../../../core/policy/routing.ts";
import { ProblemsError } from "../../../core/problem.ts";
import type { Ticket } from "../../../core/ticket.ts";

export interface RuleOf {
  id?: string;
  when: string;
  /** What stands under `then`. */
  does?: RoutingThen;
}

const LEAVE = { leave: true } as const;

/** Files beside routing, as they would stand in the folder. */
export interface OtherFiles {
  gates?: unknown;
  freezes?: unknown;
  sla?: unknown;
  autonomy?: unknown;
  "change-risk"?: unknown;
  ics?: Readonly<Record<string, string>>;
}

/** A policy of these rules; what is not said is `rule-1`, `rule-2` ... and leaves the ticket alone. */
export function policyOf(
  rules: readonly RuleOf[],
  fallback: RoutingThen = LEAVE,
  custom: Readonly<Record<string, CelType>> = {},
  { ics = {}, ...others }: OtherFiles = {},
): Policy {
  const numbered = rules.map(({ id, when, does }, index) => ({
    ...{ id: id ?? `rule-${index + 1}`, why: "It says so", when },
    // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
    then: does ?? LEAVE,
  }));
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  const routing = { rules: numbered, default: { id: "the-rest", why: "No rule matched", then: fallback } };
  const files = Object.fromEntries(
    Object.entries(others).map(([name, value]) => [name, yamlOf(`${name}.yaml`, value)] as const),
  );
  const compiled = compilePolicy(
    { ...files, routing: yamlOf("routing.yaml", routing), readIcs: (name) => ics[name] },
    custom,
  );
  if ("problems" in compiled) throw new ProblemsError(compiled.problems);
  return compiled.policy;
}

/** A value as the YAML file that would hold it. */
export function yamlOf(name: string, value: unknown): YamlFile {
  const parsed = parseYaml(name, JSON.stringify(value)); // JSON is YAML
  if ("problems" in parsed) throw new ProblemsError(parsed.problems);
  return parsed.file;
}

/** The decision, where no fact is missing. */
export function decided(ticket: Ticket, policy: Policy, nowMs: number, facts: Facts = {}): Decision {
  const outcome = decide(ticket, facts, policy, nowMs);
  if ("needs" in outcome) throw new Error(`facts are needed: ${outcome.needs.join(", ")}`);
  return outcome.decision;
}
