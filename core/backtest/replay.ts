import { instant } from "../clock.ts";
import type { Mode } from "../config/settings.ts";
import type { Decision } from "../decision.ts";
import { decide } from "../policy/decide.ts";
import { type ClocksFact, FACT_ROUNDS_MAX, type FactName, type Facts, factsUnanswered } from "../policy/facts.ts";
import type { Policy } from "../policy/policy.ts";
import type { Ticket } from "../ticket.ts";

/** Hours at which one ticket may wake between two rows: far more than 20 steps of two clocks and a freeze's end. */
const WAKES_MAX = 200;

/** What a clock of one ticket did. Shares are of its target, in percent. */
export interface ClockFindings {
  missed: boolean;
  /** How far the clock was when the first step fired; undefined where none did. */
  firstStepAt: number | undefined;
}

/** What a policy would have said of one ticket over its whole life. */
export interface Findings {
  /** The routing rule that decided at the first row; `""` where the ticket was held. */
  rule: string;
  /** The group that rule names; undefined where it names none. */
  routedTo: string | undefined;
  mode: Mode;
  heldAtFirst: boolean;
  /** Gates by rule → how often they were asked: once, and again whenever a bound field changed. */
  gates: Map<string, number>;
  freezes: Set<string>;
  /** Rules that held it for a person, freezes aside. */
  holds: Set<string>;
  /** `clock/step` of every step that fired. */
  steps: string[];
  clocks: Map<string, ClockFindings>;
  adviceWanted: boolean;
  /** Facts that rules asked for and no history holds. */
  unknown: Set<FactName>;
}

/** One policy made ready for replays: what each letter of its traces stands for. */
export interface Replayable {
  policy: Policy;
  gates: { from: number; to: number };
  freezes: { from: number; ids: readonly string[] };
  /** Routing rule → the group it names. */
  groups: ReadonlyMap<string, string | undefined>;
}

/** Prepares a policy for replays. */
export function replayable(policy: Policy): Replayable {
  const { routing, gates, freezes } = policy;
  const gatesFrom = routing.rules.length + 1;
  const groups = [...routing.rules, routing.fallback].map(({ id, desired }) => {
    const group = desired.assignmentGroup;
    return [id, group === undefined ? undefined : String(group)] as const;
  });
  return {
    policy,
    gates: { from: gatesFrom, to: gatesFrom + gates.rules.length },
    freezes: { from: gatesFrom + gates.rules.length, ids: freezes.rules.map(({ id }) => id) },
    groups: new Map(groups),
  };
}

/**
 * One ticket's life under one policy. Each row is decided on as the loop would, and between two rows the ticket wakes
 * at the hours its decisions asked for, so steps of clocks fire when they would have fired.
 */
export class Replay {
  readonly findings: Findings = {
    rule: "",
    routedTo: undefined,
    mode: "observe",
    heldAtFirst: false,
    gates: new Map(),
    freezes: new Set(),
    holds: new Set(),
    steps: [],
    clocks: new Map(),
    adviceWanted: false,
    unknown: new Set(),
  };
  readonly #ready: Replayable;
  readonly #digests = new Map<string, string>();
  #clocks: ClocksFact = {};
  /** What was asked for once in vain needs no asking again. */
  readonly #asked = new Set<FactName>();
  #ticket: Ticket | undefined;
  #wakeAtMs: number | undefined;
  #first = true;

  constructor(ready: Replayable) {
    this.#ready = ready;
  }

  /** The ticket is so from `atMs` on. What was due before is done first. */
  row(ticket: Ticket, atMs: number): void {
    this.until(atMs);
    const decision = this.#look(ticket, atMs);
    if (this.#first) this.#open(decision);
    this.#first = false;
  }

  /** Nothing more happens without news. */
  get atRest(): boolean {
    return this.#wakeAtMs === undefined;
  }

  /** Lets time pass: the ticket wakes at every hour its decisions ask for, up to `untilMs`. */
  until(untilMs: number): void {
    for (let wakes = 0; this.#ticket && this.#wakeAtMs !== undefined && this.#wakeAtMs <= untilMs; wakes += 1) {
      if (wakes === WAKES_MAX) {
        const hour = instant(this.#wakeAtMs);
        throw new Error(
          `ticket ${this.#ticket.ref.key} woke ${WAKES_MAX} times before ${hour}: a rule never comes to rest; report it with this ticket's rows`,
        );
      }
      this.#look(this.#ticket, this.#wakeAtMs);
    }
  }

  #look(ticket: Ticket, atMs: number): Decision {
    const decision = this.#decide(ticket, atMs);
    this.#clocks = Object.fromEntries(decision.sla.map(({ clock, memory }) => [clock, memory]));
    this.#wakeAtMs = decision.wakeAt === null ? undefined : Date.parse(decision.wakeAt);
    // A ticket that only news can wake need not be kept.
    this.#ticket = this.#wakeAtMs === undefined ? undefined : ticket;
    this.#gather(decision);
    return decision;
  }

  #decide(ticket: Ticket, nowMs: number): Decision {
    for (let round = 0; round < FACT_ROUNDS_MAX; round += 1) {
      // History holds no facts, and no model is asked: whoever could say has no answer.
      const facts: Facts = { ...factsUnanswered(this.#asked, ticket), clocks: this.#clocks };
      const outcome = decide(ticket, facts, this.#ready.policy, nowMs);
      if ("needs" in outcome) {
        for (const name of outcome.needs) this.#asked.add(name);
        continue;
      }
      for (const name of this.#asked) {
        if (name === "advice" || name === "assessment") this.findings.adviceWanted = true;
        else if (facts[name] === null) this.findings.unknown.add(name);
      }
      return outcome.decision;
    }
    throw new Error(`ticket ${ticket.ref.key} asks for more facts than there are; this is a defect, report it`);
  }

  #open(decision: Decision): void {
    const rule = decision.because[0]?.rule;
    this.findings.rule = rule ?? "";
    this.findings.heldAtFirst = rule === undefined;
    this.findings.routedTo = rule === undefined ? undefined : this.#ready.groups.get(rule);
    this.findings.mode = decision.mode;
  }

  #gather(decision: Decision): void {
    const { gates, freezes } = this.#ready;
    const { verdicts } = decision.trace;
    const { findings } = this;
    // Gates of the gates' file come first; what freezes ask for stands behind them.
    const asked = [...verdicts.slice(gates.from, gates.to)].filter((letter) => letter === "m").length;
    for (const { rule, bindsDigest } of decision.gates.slice(0, asked)) {
      if (this.#digests.get(rule) === bindsDigest) continue;
      this.#digests.set(rule, bindsDigest);
      findings.gates.set(rule, (findings.gates.get(rule) ?? 0) + 1);
    }
    freezes.ids.forEach((id, at) => {
      if (verdicts[freezes.from + at] === "m") findings.freezes.add(id);
    });
    for (const { rule, before } of decision.holds)
      if (before === undefined || !findings.freezes.has(rule)) findings.holds.add(rule);
    for (const { clock, state, targetMs, memory } of decision.sla) {
      const known = findings.clocks.get(clock) ?? { missed: false, firstStepAt: undefined };
      const steps = decision.escalations.filter((step) => step.clock === clock);
      for (const { step } of steps) findings.steps.push(`${clock}/${step}`);
      if (steps.length > 0) known.firstStepAt ??= (100 * memory.elapsedMs) / targetMs;
      known.missed ||= state === "breached";
      findings.clocks.set(clock, known);
    }
  }
}
