import type { Decision, Trace } from "../decision.ts";
import type { TracedRule } from "./policy.ts";
import type { Verdict } from "./rule.ts";
import { verdictOf } from "./verdicts.ts";

/** One rule of a trace, as people read it. */
export interface TraceLine {
  /** `file/id`. */
  rule: string;
  verdict: Verdict;
  /** Path → value as it was recorded, of the paths that this rule may read. */
  reads: Readonly<Record<string, string>>;
  message: string | undefined;
}

/** Every rule with its verdict. `rules` are those of the decision's own policy version, in their order. */
export function traceLines({ verdicts, reads, messages }: Trace, rules: readonly TracedRule[]): TraceLine[] {
  return rules.map(({ name, reads: paths }, at) => ({
    rule: name,
    verdict: verdictOf(verdicts[at]) ?? "not_asked",
    reads: Object.fromEntries(paths.flatMap((path) => (reads[path] === undefined ? [] : [[path, reads[path]]]))),
    message: messages[name],
  }));
}

/** Whether these are the rules that the decision was made by. */
export function isTraceOf({ trace }: Decision, rules: readonly TracedRule[]): boolean {
  return trace.verdicts.length === rules.length;
}

/** What was read, in words. */
export function readText(reads: Readonly<Record<string, string>>): string {
  return Object.entries(reads)
    .map(([path, value]) => (value === "" ? `${path} is empty` : `${path} = ${value}`))
    .join(", ");
}
