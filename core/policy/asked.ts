import type { Hold } from "../decision.ts";
import type { Ticket } from "../ticket.ts";
import { rollbackName } from "./change-risk.ts";
import { plainValue, policyContext, type Readable, type ReadPath, readable } from "./declarations.ts";
import type { FactName, Facts } from "./facts.ts";
import type { AskedGate } from "./gate-states.ts";
import { judgeFreeze } from "./guards.ts";
import { readsText } from "./inputs.ts";
import type { Policy, Table } from "./policy.ts";
import { isScored, Tally } from "./risk.ts";
import { type Watched, wasAsked, watched } from "./rollback.ts";
import { type Judgement, judge, type Rule, type Verdict } from "./rule.ts";
import { Verdicts, verdictOf } from "./verdicts.ts";

/** What a policy is asked about. */
export interface Question {
  ticket: Ticket;
  facts: Facts;
  policy: Policy;
  nowMs: number;
  withheld: string;
  /** When a decision is made again: digests of bound texts, and the verdicts of the rules that read text. */
  bound?: Readonly<Record<string, string>>;
  verdicts?: Readonly<Record<string, string>>;
  verdictsWithoutAdvice?: Readonly<Record<string, string>>;
  /** Texts that evidence requires and that were empty. */
  missing?: readonly string[];
}

/** One pass over the tables of a policy: what was judged, what it found, and what must be known before it can end. */
export class Asked {
  readonly needs = new Set<FactName>();
  readonly verdicts = new Verdicts();
  readonly messages: Record<string, string> = {};
  readonly read: Readable;
  readonly #question: Question;
  readonly #ticket: Ticket;
  readonly #facts: Facts;
  readonly #policy: Policy;
  readonly #nowMs: number;
  readonly #valueAt: (path: ReadPath) => string | undefined;
  /** Made when the first condition must be computed: often the indexes leave none. */
  #context: Readonly<Record<string, unknown>> | undefined;

  constructor(question: Question) {
    const { ticket, facts, policy, nowMs } = question;
    this.#question = question;
    this.#ticket = ticket;
    this.#facts = facts;
    this.#policy = policy;
    this.#nowMs = nowMs;
    this.read = readable(ticket, facts);
    // Where a decision is made again, what was not kept cannot be looked up; those rules have their verdicts.
    const again = question.verdicts !== undefined;
    this.#valueAt = (path) => (again && readsText([path.name]) ? undefined : plainValue(path, this.read));
  }

  /** The first rule of a table that matches, or its fallback. What errs on the way holds the ticket, or is passed over. */
  first<R extends Rule>(
    table: Table<R>,
    fallback: R | undefined,
    onError: "hold" | "skip",
  ): { rule: R | undefined; holds: Hold[] } {
    const { rules } = table;
    const from = this.verdicts.length;
    const end = (rule: R | undefined, holds: Hold[]): { rule: R | undefined; holds: Hold[] } => {
      this.verdicts.fill(from + rules.length, "not_asked");
      if (fallback) this.verdicts.add(rule === fallback ? "matched" : "not_asked");
      return { rule, holds };
    };
    for (const at of table.index.candidates(this.#valueAt)) {
      const rule = rules[at];
      if (!rule) continue;
      this.verdicts.fill(from + at, "not_matched");
      const verdict = this.#judge(table, rule, false);
      if (verdict === undefined) return end(undefined, []);
      this.verdicts.add(verdict);
      if (verdict === "matched") return end(rule, []);
      if (verdict === "errored" && onError === "hold") return end(undefined, [this.#held(table, rule)]);
    }
    this.verdicts.fill(from + rules.length, "not_matched");
    return end(fallback, []);
  }

  gates(): { gates: AskedGate[]; holds: Hold[] } {
    const gates: AskedGate[] = [];
    const holds: Hold[] = [];
    this.#collect(this.#policy.gates, (rule, verdict) => {
      if (verdict === "errored") holds.push(this.#held(this.#policy.gates, rule));
      if (verdict !== "matched") return;
      const { id, why, demand } = rule;
      gates.push({
        rule: id,
        why,
        groups: [...demand.groups],
        people: [...demand.people],
        need: demand.need,
        before: [...demand.before],
        binds: demand.binds,
        expiresMs: demand.expiresMs,
        fallbackGroup: demand.fallbackGroup,
        sideDoor: demand.sideDoor,
      });
    });
    return { gates, holds };
  }

  freezes(): { gates: AskedGate[]; holds: Hold[]; endsAtMs: number | undefined } {
    const gates: AskedGate[] = [];
    const holds: Hold[] = [];
    const ends: number[] = [];
    this.#collect(this.#policy.freezes, (rule, verdict) => {
      if (verdict === "errored") holds.push(this.#held(this.#policy.freezes, rule));
      if (verdict !== "matched") return;
      const hit = judgeFreeze(rule, this.#ticket, this.#nowMs);
      if ("gate" in hit) gates.push(hit.gate);
      if ("hold" in hit) holds.push(hit.hold);
      if ("endsAtMs" in hit && hit.endsAtMs > this.#nowMs) ends.push(hit.endsAtMs);
    });
    return { gates, holds, endsAtMs: ends.length > 0 ? Math.min(...ends) : undefined };
  }

  /** What makes a change risky; null for what is no change, or is over. */
  risk(): Tally | null {
    const { risk } = this.#policy;
    if (!risk) return null;
    const { factors, evidence } = risk;
    // What may go back is implemented, wherever its system puts it while people are asked.
    if (!isScored(this.#ticket) || wasAsked(this.#ticket, this.#facts)) {
      this.verdicts.add("not_matched", factors.rules.length + evidence.rules.length);
      return null;
    }
    const { impact, assessment } = this.#facts;
    // What is not known of the item counts, whatever the rules read.
    if (impact === undefined) this.needs.add("impact");
    if (risk.advice && assessment === undefined) this.needs.add("assessment");
    const about = { ticket: this.#ticket, impact: impact ?? null };
    const tally = new Tally(risk, about, this.read, this.#question.missing);
    if (tally.model) this.verdicts.add("not_asked", factors.rules.length);
    else this.#collect(factors, (rule, verdict) => tally.factor(rule, verdict));
    this.#collect(evidence, (rule, verdict) => tally.evidence(rule, verdict, this.#held(evidence, rule).reason));
    if (risk.advice && assessment) tally.named(assessment, risk.advice);
    return tally;
  }

  /** What was implemented and is watched. */
  rollback(): Watched {
    const found: Watched = { rules: [], holds: [] };
    const rules = this.#policy.risk?.rollback;
    if (!rules) return found;
    this.#collect(rules, (rule, verdict) => {
      if (verdict === "matched") found.rules.push(rule);
      if (verdict === "errored")
        found.holds.push({ ...this.#held(rules, rule), rule: rollbackName(rule.id), before: ["rollback"] });
    });
    if (watched(found.rules, this.#ticket, this.#facts) && this.#facts.aftermath === undefined)
      this.needs.add("aftermath");
    return found;
  }

  #collect<R extends Rule>(table: Table<R>, each: (rule: R, verdict: Verdict) => void): void {
    const from = this.verdicts.length;
    for (const at of table.index.candidates(this.#valueAt)) {
      const rule = table.rules[at];
      const verdict = rule && this.#judge(table, rule, true);
      if (!rule || verdict === undefined) continue;
      this.verdicts.fill(from + at, "not_matched");
      this.verdicts.add(verdict);
      each(rule, verdict);
    }
    this.verdicts.fill(from + table.rules.length, "not_matched");
  }

  /** Undefined where facts are needed first. */
  #judge(table: Table<Rule>, rule: Rule, guard: boolean): Verdict | undefined {
    const name = `${table.file}/${rule.id}`;
    const judged = remade(this.#question.verdicts?.[name]) ?? this.#judged(rule, guard);
    if ("needs" in judged) {
      for (const need of judged.needs) this.needs.add(need);
      return undefined;
    }
    if (judged.message !== undefined) this.messages[name] = judged.message;
    return judged.verdict;
  }

  /** A condition that is certainly false ends it, whatever of the rest cannot be told: so the index may say so too. */
  #judged({ scope, condition }: Rule, guard: boolean): Judgement {
    const inScope: Judgement = scope?.(this.#ticket, this.#facts, this.#nowMs) ?? { verdict: "matched" };
    if (!condition || ("verdict" in inScope && inScope.verdict === "not_matched")) return inScope;
    this.#context ??= policyContext(this.#ticket, this.#facts, this.#nowMs, this.#policy.custom);
    const judged = judge(condition, this.#context, this.#facts, guard);
    return "verdict" in judged && judged.verdict === "matched" ? inScope : judged;
  }

  #held(table: Table<Rule>, rule: Rule): Hold {
    const message = this.messages[`${table.file}/${rule.id}`] ?? "";
    return { rule: rule.id, reason: `rule ${rule.id} could not be computed: ${message}` };
  }
}

/** The verdict that was kept of a rule whose inputs were not. */
function remade(kept: string | undefined): Judgement | undefined {
  if (kept === undefined) return undefined;
  const message = kept.slice(2);
  return { verdict: verdictOf(kept.charAt(0)) ?? "errored", ...(message !== "" && { message }) };
}
