import { z } from "zod";
import type { YamlFile } from "../config/document.ts";
import type { Compile } from "../expression.ts";
import type { Problem } from "../problem.ts";
import { TICKET_KINDS } from "../ticket.ts";
import { DurationMs } from "./duration.ts";
import { Approvers, type GateDemand, whoOf } from "./gates.ts";
import { judgeScope } from "./guards.ts";
import { type Condition, compileCondition, doubleIds, RULE_HEAD, RULES_MAX, type Rule } from "./rule.ts";
import { type Window, WindowFile, windowOf } from "./window.ts";

/** Which tickets a freeze is about. What is not named is not asked; an empty scope is everything. */
const Scope = z.strictObject({
  kinds: z.array(z.enum(TICKET_KINDS)).min(1).default(["change"]),
  cis: z.array(z.string().min(1)).min(1).optional(),
  services: z.array(z.string().min(1)).min(1).optional(),
  /** Environments of the configuration item, as the CMDB names them. */
  environments: z.array(z.string().min(1)).min(1).optional(),
  /** Anything else, as a condition. */
  when: z.string().min(1).optional(),
});

/** `config/policy/freezes.yaml`: when nothing may change. Every freeze that a change's planned window touches counts. */
export const FreezesFile = z
  .array(
    z
      .strictObject({
        id: RULE_HEAD.id,
        why: RULE_HEAD.why,
        window: WindowFile,
        scope: Scope.prefault({}),
        /** hard: the change waits until its window is moved, whoever asks. soft: it goes on once its override is approved. */
        severity: z.enum(["hard", "soft"]),
        override: z.strictObject({ approvers: Approvers, expires: DurationMs }).optional(),
      })
      .superRefine(({ severity, override }, context) => {
        if (severity === "hard" && override)
          context.addIssue({
            code: "custom",
            path: ["override"],
            message: "stands beside severity: hard, which nobody can override",
            params: { fix: "severity: soft, or remove override" },
          });
        if (severity === "hard" || override) return;
        context.addIssue({
          code: "custom",
          path: ["override"],
          message: "is missing, and a soft freeze without one could never be passed",
          params: { fix: "override: { approvers: { group: ... }, expires: 24h }, or severity: hard" },
        });
      }),
  )
  .max(RULES_MAX);
export type FreezesFile = z.infer<typeof FreezesFile>;

export interface FreezeRule extends Rule {
  window: Window;
  severity: "hard" | "soft";
  /** Beside the condition, which holds the rest of the scope: names that must be met, whatever their case. */
  kinds: ReadonlySet<string>;
  cis: ReadonlySet<string> | undefined;
  services: ReadonlySet<string> | undefined;
  environments: ReadonlySet<string> | undefined;
  override: Omit<GateDemand, "before" | "binds" | "fallbackGroup" | "sideDoor"> | undefined;
}

/** `readIcs` answers the text of a calendar file beside the policy; undefined where it is not there. */
export function compileFreezes(
  yaml: YamlFile,
  file: FreezesFile,
  compile: Compile,
  readIcs: (name: string) => string | undefined,
): FreezeRule[] | { problems: Problem[] } {
  const problems = doubleIds(
    yaml,
    file.map(({ id }, index) => ({ id, path: [index, "id"] })),
  );
  const rules: FreezeRule[] = [];
  file.forEach((entry, index) => {
    const { scope } = entry;
    const condition =
      scope.when === undefined ? undefined : compileCondition(yaml, [index, "scope", "when"], scope.when, compile);
    const window = openWindow(yaml, index, entry.window, readIcs);
    if (condition && "problems" in condition) problems.push(...condition.problems);
    if ("problems" in window) problems.push(...window.problems);
    if ((condition && "problems" in condition) || "problems" in window) return;
    rules.push(freezeOf(entry, window, condition));
  });
  return problems.length > 0 ? { problems } : rules;
}

/** Approvals and holds go by a guard's id alone: a freeze must not bear the id of a gate. */
export function sharedIds(yaml: YamlFile, freezes: FreezesFile, gates: readonly { id: string }[]): Problem[] {
  const taken = new Set(gates.map(({ id }) => id));
  return freezes.flatMap(({ id }, index) => {
    if (!taken.has(id)) return [];
    const what = `the id "${id}" is that of a gate, and an approval would count for both`;
    return [yaml.problem([index, "id"], what, "Give the freeze an id of its own")];
  });
}

function freezeOf(entry: FreezesFile[number], window: Window, condition: Condition | undefined): FreezeRule {
  const { scope, override } = entry;
  const freeze: FreezeRule = {
    id: entry.id,
    why: entry.why,
    scope: (ticket, facts, nowMs) => judgeScope(freeze, ticket, facts, nowMs),
    window,
    severity: entry.severity,
    kinds: new Set(scope.kinds),
    cis: folded(scope.cis),
    services: folded(scope.services),
    environments: folded(scope.environments),
    override: override && { ...whoOf(override.approvers), expiresMs: override.expires },
    ...(condition && { condition }),
  };
  return freeze;
}

function folded(names: readonly string[] | undefined): ReadonlySet<string> | undefined {
  return names && new Set(names.map((name) => name.toLowerCase()));
}

function openWindow(
  yaml: YamlFile,
  index: number,
  file: WindowFile,
  readIcs: (name: string) => string | undefined,
): Window | { problems: Problem[] } {
  const refuse = (what: string, fix: string) => ({ problems: [yaml.problem([index, "window"], what, fix)] });
  try {
    if (!("ics" in file)) return windowOf(file);
    const text = readIcs(file.ics);
    if (text === undefined) return refuse(`there is no file ${file.ics} beside the policy`, "Put it there");
    return windowOf(file, text);
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    return refuse(what, "Correct the window; every event must say its zone");
  }
}
