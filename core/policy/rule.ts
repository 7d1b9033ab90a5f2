import { z } from "zod";
import type { YamlFile } from "../config/document.ts";
import type { Path } from "../config/issue.ts";
import type { Compile, Expression } from "../expression.ts";
import type { Problem } from "../problem.ts";
import type { Ticket } from "../ticket.ts";
import { FACT_NAMES, type FactName, type Facts } from "./facts.ts";

export const RULES_MAX = 2_000;

export const RuleId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,63}$/, "lower-case letters, digits and dashes, at most 64");

/** What every rule begins with. */
export const RULE_HEAD = {
  id: RuleId,
  /** The sentence that people read in the ticket. */
  why: z.string().min(1).max(300),
  when: z.string().min(1),
};

/** A rule's condition, ready to be judged. */
export interface Condition {
  expression: Expression;
  /** Facts it may read, the cheapest first. */
  asks: readonly FactName[];
}

/** A rule of any file. The default of a first-match file has no condition. */
export interface Rule {
  id: string;
  why: string;
  condition?: Condition;
  /** What must hold beside the condition and is no expression; judged first. `nowMs` is in ms since 1970. */
  scope?: (ticket: Ticket, facts: Facts, nowMs: number) => Judgement;
}

export type Verdict = "matched" | "not_matched" | "not_asked" | "errored";

/** What came of judging a rule: a verdict, or the facts that must be fetched before there can be one. */
export type Judgement = { verdict: Verdict; message?: string } | { needs: readonly FactName[] };

/**
 * Judges one condition. `guard`: an absent fact is an error, since a guard that cannot answer holds; absent advice
 * alone adds nothing. Otherwise the rule was simply not asked.
 */
export function judge(
  { expression, asks }: Condition,
  context: Readonly<Record<string, unknown>>,
  facts: Facts,
  guard: boolean,
): Judgement {
  let message = "the answer is neither true nor false";
  try {
    const answer = expression.evaluate(context);
    if (typeof answer === "boolean") return { verdict: answer ? "matched" : "not_matched" };
  } catch (error) {
    message = faultText(error, expression.reads);
  }
  const open = asks.filter((name) => facts[name] === undefined);
  if (open.length > 0) return { needs: open };
  const absent = asks.filter((name) => facts[name] === null);
  if (absent.length === 0) return { verdict: "errored", message };
  if (!guard) return { verdict: "not_asked", message: `${absent.join(", ")} is not known` };
  if (absent.every((name) => name === "advice")) return { verdict: "not_matched" };
  return { verdict: "errored", message: `${absent.filter((name) => name !== "advice").join(", ")} is not known` };
}

/** What went wrong, without what it went wrong with: behind a colon or a quote the library shows values. */
function faultText(error: unknown, reads: readonly string[]): string {
  if (!(error instanceof Error) || error.name !== "EvaluationError") return "the expression failed";
  const line = error.message.split("\n")[0] ?? "";
  const absent = /^No such key: (\w+)$/.exec(line)?.[1];
  if (absent !== undefined && reads.some((path) => path.endsWith(`.${absent}`))) return `${absent} is absent`;
  return (line.split(/[:"'`]/)[0] ?? "").trim();
}

/** Compiles the condition that stands at `path`, or says what is wrong with it. */
export function compileCondition(
  yaml: YamlFile,
  path: Path,
  when: string,
  compile: Compile,
): Condition | { problems: Problem[] } {
  const compiled = compile(when, "bool");
  if ("fault" in compiled) {
    const { what, fix, offset } = compiled.fault;
    return { problems: [yaml.problem(path, what, fix, offset)] };
  }
  const { expression } = compiled;
  const roots = new Set(expression.reads.map((read) => read.split(".")[0]));
  if (expression.asksGroups) roots.add("members");
  return { expression, asks: FACT_NAMES.filter((name) => roots.has(name)) };
}

/** Ids that stand twice in one file; every rule is named by its id in notes and evidence. */
export function doubleIds(yaml: YamlFile, ids: readonly { id: string; path: Path }[], noun = "rule"): Problem[] {
  const first = new Map<string, number>();
  return ids.flatMap(({ id, path }, index) => {
    const before = first.get(id);
    if (before === undefined) {
      first.set(id, index);
      return [];
    }
    return [
      yaml.problem(path, `the id "${id}" is taken by ${noun} ${before + 1}`, `Give every ${noun} an id of its own`),
    ];
  });
}

const DEPTH_MAX = 8;

/** What is wrong with the conditions and ids of a file that is badly formed elsewhere, wherever a rule stands in it. */
export function conditionProblems(yaml: YamlFile, compile: Compile): Problem[] {
  const problems: Problem[] = [];
  const ids: { id: string; path: Path }[] = [];
  const walk = (value: unknown, path: Path): void => {
    if (value === null || typeof value !== "object" || path.length > DEPTH_MAX) return;
    const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
    for (const key of keys) {
      const inner: unknown = (value as Record<string | number, unknown>)[key]; // an own key of an object
      const at = [...path, key];
      // What says why is a rule; steps have ids of their own.
      if (key === "id" && typeof inner === "string" && "why" in value) ids.push({ id: inner, path: at });
      if (key !== "when" || typeof inner !== "string" || inner === "") walk(inner, at);
      else {
        const compiled = compileCondition(yaml, at, inner, compile);
        if ("problems" in compiled) problems.push(...compiled.problems);
      }
    }
  };
  walk(yaml.value, []);
  return [...problems, ...doubleIds(yaml, ids)];
}
