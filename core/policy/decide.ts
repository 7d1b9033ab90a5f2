import { digestOf, type Json } from "../canonical.ts";
import { instant } from "../clock.ts";
import type { Decision, Hold, TraceEntry } from "../decision.ts";
import type { Ticket } from "../ticket.ts";
import { policyContext, recordedReads } from "./declarations.ts";
import type { Policy } from "./policy.ts";
import type { Rule } from "./routing.ts";

/** What a decision may know beside the ticket. Nothing yet: facts come with the rules that ask for them. */
export type Facts = Readonly<Record<string, Json>>;

/**
 * What the rules say about a ticket at an hour. Pure: the same arguments give the same bytes, on any machine, for ever.
 * `nowMs` is in milliseconds since 1970; rules see it as `now`, in UTC.
 *
 * The first routing rule that matches decides. A rule that cannot be computed stops there and holds the ticket for a
 * person: going on to the next rule would act on a question that was never answered.
 */
export function decide(ticket: Ticket, facts: Facts, policy: Policy, nowMs: number): Decision {
  const context = policyContext(ticket, nowMs, policy.custom);
  const trace: TraceEntry[] = [];
  const holds: Hold[] = [];
  let chosen: Rule | undefined;
  for (const rule of policy.routing.rules) {
    if (chosen !== undefined || holds.length > 0) {
      trace.push({ rule: rule.id, verdict: "not_asked", reads: {} });
      continue;
    }
    const entry = judge(rule, context, ticket);
    trace.push(entry);
    if (entry.verdict === "matched") chosen = rule;
    if (entry.verdict === "errored")
      holds.push({ rule: rule.id, reason: `rule ${rule.id} could not be computed: ${entry.message ?? ""}` });
  }
  const determining = holds.length > 0 ? undefined : (chosen ?? policy.routing.fallback);
  const fallbackVerdict = determining === policy.routing.fallback ? "matched" : "not_asked";
  trace.push({ rule: policy.routing.fallback.id, verdict: fallbackVerdict, reads: {} });
  const rest: Omit<Decision, "id"> = {
    because: determining ? [{ rule: determining.id, why: determining.why }] : [],
    set: determining ? { ...determining.desired } : {},
    holds,
    trace,
    inputsDigest: digestOf({ ticket: asJson(ticket), facts, policy: policy.version, now: instant(nowMs) }),
    policyVersion: policy.version,
  };
  return { id: digestOf(asJson(rest)).slice(0, 16), ...rest };
}

/**
 * The digest of what a decision asks for, without the inputs it came from: two decisions with the same outcome differ
 * in nothing that anyone outside could see.
 */
export function outcomeDigest(decision: Decision): string {
  return digestOf(
    asJson({ because: decision.because.map(({ rule }) => rule), set: decision.set, holds: decision.holds }),
  );
}

function judge(rule: Rule, context: Record<string, unknown>, ticket: Ticket): TraceEntry {
  const paths = rule.when?.reads ?? [];
  const reads = recordedReads(paths, ticket);
  try {
    const answer = rule.when?.evaluate(context);
    // An untyped expression may give anything; what is neither yes nor no answers nothing.
    if (typeof answer !== "boolean") {
      return { rule: rule.id, verdict: "errored", reads, message: "the answer is neither true nor false" };
    }
    return { rule: rule.id, verdict: answer ? "matched" : "not_matched", reads };
  } catch (error) {
    return { rule: rule.id, verdict: "errored", reads, message: faultText(error, paths) };
  }
}

/** What went wrong, without what it went wrong with: behind a colon or a quote the library shows values. */
function faultText(error: unknown, reads: readonly string[]): string {
  if (!(error instanceof Error) || error.name !== "EvaluationError") return "the expression failed";
  const line = error.message.split("\n")[0] ?? "";
  const absent = /^No such key: (\w+)$/.exec(line)?.[1];
  if (absent !== undefined && reads.some((path) => path.endsWith(`.${absent}`))) return `${absent} is absent`;
  return (line.split(/[:"'`]/)[0] ?? "").trim();
}

/** Our own records are plain JSON by construction; this drops the absent optional keys, which JSON cannot hold. */
function asJson(value: object): Json {
  return JSON.parse(JSON.stringify(value)) as Json; // what JSON.parse returns is Json
}
