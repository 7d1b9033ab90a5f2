import { digestOf, type Json, sha256Hex } from "../canonical.ts";
import { instant } from "../clock.ts";
import type { Mode } from "../config/settings.ts";
import type { Decision, Hold } from "../decision.ts";
import { SETTABLE_FIELDS, type Ticket } from "../ticket.ts";
import { Asked, type Question } from "./asked.ts";
import { type AutonomyRule, carefulOf } from "./autonomy.ts";
import { readClocks } from "./clocks.ts";
import { recordedReads } from "./declarations.ts";
import { FACT_NAMES, type FactName, type Facts } from "./facts.ts";
import { statedGates } from "./gate-states.ts";
import { boundValue, isText } from "./guards.ts";
import { type Inputs, inputsDigest, readsText, withheldDigest, withoutPeople, withoutText } from "./inputs.ts";
import type { Policy } from "./policy.ts";
import { relianceOf } from "./reliance.ts";
import { assess, heldBack, missingTexts } from "./risk.ts";
import { rollbackOf, watchOver } from "./rollback.ts";
import type { Desired } from "./routing.ts";

/** A decision, or the facts that must be fetched before there can be one, the cheapest first. */
export type Outcome = { decision: Decision } | { needs: readonly FactName[] };

/**
 * What the rules say about a ticket at an hour. Pure: the same arguments give the same bytes, on any machine, for ever.
 * `nowMs` is in milliseconds since 1970; rules see it as `now`, in UTC.
 *
 * The first routing rule that matches decides. A rule that cannot be computed stops there and holds the ticket for a
 * person: going on to the next rule would act on a question that was never answered. Gates and freezes are guards: all
 * that match count, and one that cannot be computed holds. Advice only adds: what would be held without it is held.
 */
export function decide(ticket: Ticket, facts: Facts, policy: Policy, nowMs: number): Outcome {
  return decideWith({ ticket, facts, policy, nowMs, withheld: withheldDigest(ticket, facts) });
}

/** Makes a decision again from what was kept of its inputs. The same policy version gives the same bytes. */
export function redecide(inputs: Inputs, policy: Policy): Outcome {
  const { ticket, facts, now, withheldDigest: withheld, bound, verdicts, verdictsWithoutAdvice, missing } = inputs;
  const again = { bound, verdicts, verdictsWithoutAdvice, missing };
  return decideWith({ ticket, facts, policy, nowMs: Date.parse(now), withheld, ...again });
}

/** What must be kept of a decision's inputs so that it can be made again. */
export function inputsOf(ticket: Ticket, facts: Facts, policy: Policy, nowMs: number, decision: Decision): Inputs {
  const keptOf = (letters: string, messages: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(
      policy.rules.flatMap(({ name, reads }, at) =>
        readsText(reads) ? [[name, [letters[at], messages[name]].filter((part) => part !== undefined).join(" ")]] : [],
      ),
    );
  const bare = facts.advice ? unadvised({ ticket, facts, policy, nowMs, withheld: "" }).asked : undefined;
  const verdictsWithoutAdvice = bare ? keptOf(bare.verdicts.letters, bare.messages) : {};
  const bound = decision.gates.flatMap(({ binds }) => binds).filter(isText);
  return {
    ticket: withoutText(ticket),
    withheldDigest: withheldDigest(ticket, facts),
    bound: Object.fromEntries(bound.map((path) => [path, boundValue(ticket, path)])),
    verdicts: keptOf(decision.trace.verdicts, decision.trace.messages),
    verdictsWithoutAdvice,
    missing: policy.risk ? missingTexts(ticket, policy.risk.evidence.rules) : [],
    facts: withoutPeople(facts),
    now: instant(nowMs),
    policyVersion: policy.version,
  };
}

function decideWith(question: Question): Outcome {
  const { ticket, facts, policy, nowMs } = question;
  const { asked, routed: found, gates, frozen, free: allowed, ...own } = passOver(question);
  // What would be if no advice had been given: advice may find another rule, but neither free a ticket nor let more
  // happen to it by itself.
  const bare = facts.advice ? unadvised(question) : undefined;
  const needs = bare ? asked.needs.union(bare.asked.needs) : asked.needs;
  if (needs.size > 0) return { needs: FACT_NAMES.filter((name) => needs.has(name)) };
  // A rule that errs only with advice was not asked a question that could stop anything without it.
  const routed = found.holds.length > 0 && bare ? bare.routed : found;
  const free = allowed.holds.length > 0 && bare ? bare.free : allowed;
  const assessed = assess(policy.risk, [own.tally, bare?.tally], question);
  const over = watchOver(policy.risk?.rollback.rules ?? [], [own.watched, bare?.watched], question);
  const guarding = [...routed.holds, ...gates.holds, ...frozen.holds, ...free.holds, ...assessed.holds, ...over.holds];
  const holds = union([...guarding, ...(bare?.holds ?? [])]);
  const stopped = holds.some(({ before }) => before === undefined);
  // A service level is a promise: what a model says does not change it.
  const { clocked } = bare ?? own;
  const levels = { rule: clocked.rule, rules: policy.sla.rules };
  const clocks = readClocks(levels, ticket, facts.clocks ?? {}, { nowMs, held: stopped });
  const alone = bare ?? { routed, free };
  const targetBp = smallerOf(free.rule?.targetBp ?? null, alone.free.rule?.targetBp ?? null);
  const advice = relianceOf(ticket, facts, policy, { advised: routed.rule, bare: alone.routed.rule, targetBp });
  const followed = advice?.limit ? alone.routed.rule : routed.rule;
  const chosen = stopped ? undefined : followed;
  const wanted: Desired = { ...joined(followed?.desired ?? {}, clocks.desired), ...assessed.desired };
  const bars = statedGates([...gates.gates, ...frozen.gates, ...assessed.gates, ...over.gates], {
    ...{ ticket, desired: inOrder(wanted), remembered: facts.gates ?? {}, nowMs, stopped, bound: question.bound },
  });
  const keptBack = heldBack(ticket, [...frozen.holds, ...(bare?.frozen.holds ?? [])], bars.gates);
  const desired = inOrder({ ...wanted, ...keptBack });
  const rollback = rollbackOf(over, bars.gates, ticket);
  const told: Omit<Decision, "id" | "risk" | "rollback" | "trace"> = {
    because: chosen ? [{ rule: chosen.id, why: chosen.why }] : [],
    set: stopped ? {} : desired,
    suggests: stopped || !advice?.limit ? {} : inOrder(routed.rule?.desired ?? {}),
    advice,
    takeOver: stopped ? [] : clocks.takeOver,
    gates: bars.gates,
    holds,
    sla: clocks.states,
    escalations: clocks.escalations,
    wakeAt: earliest([clocks.wakeAtMs, frozen.endsAtMs, bars.wakeAtMs, assessed.wakeAtMs, over.wakeAtMs]),
    mode: policy.autonomy.killSwitch ? "observe" : carefulOf(modeOf(free), modeOf(alone.free)),
    inputsDigest: inputsDigest(ticket, question.withheld, facts, policy, nowMs),
    policyVersion: policy.version,
  };
  const { verdicts, messages } = asked;
  const { risk } = assessed;
  const paths = risk || over.isWatched ? policy.risk?.paths : undefined;
  const reads = recordedReads(paths ?? policy.paths, asked.read);
  // What is told stands in one order, so the text is the same wherever it is made. The runs say all that the letters
  // say, in a text that is far shorter to digest.
  const text = JSON.stringify([
    Object.values(told),
    verdicts.runs,
    reads,
    messages,
    ...(risk ? [risk] : []),
    ...(rollback ? [rollback] : []),
  ]);
  const id = sha256Hex(text).slice(0, 16);
  return { decision: { id, ...told, risk, rollback, trace: { verdicts: verdicts.letters, reads, messages } } };
}

/** The rule of autonomy.yaml that holds for a ticket as long as no advice is known; undefined where facts are needed first. */
export function autonomyFor(ticket: Ticket, facts: Facts, policy: Policy, nowMs: number): AutonomyRule | undefined {
  const { autonomy } = policy;
  const asked = new Asked({ ticket, facts: { ...facts, advice: null }, policy, nowMs, withheld: "" });
  return asked.first(autonomy, autonomy.fallback, "hold").rule;
}

/** The smaller of two errors that are allowed; where one side allows none, none is. */
function smallerOf(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : Math.min(a, b);
}

/** How much may happen by itself; where no rule could say, nothing may. */
function modeOf({ rule }: { rule: AutonomyRule | undefined }): Mode {
  return rule?.mode ?? "observe";
}

/** Every table of a policy asked once. */
function passOver(question: Question) {
  const { policy } = question;
  const asked = new Asked(question);
  const routed = asked.first(policy.routing, policy.routing.fallback, "hold");
  const gates = asked.gates();
  const frozen = asked.freezes();
  const clocked = asked.first(policy.sla, undefined, "skip");
  const free = asked.first(policy.autonomy, policy.autonomy.fallback, "hold");
  const tally = asked.risk();
  const watched = asked.rollback();
  const holds = [...routed.holds, ...gates.holds, ...frozen.holds, ...free.holds];
  return { asked, routed, gates, frozen, clocked, free, tally, watched, holds };
}

/** The same as if advice had been asked for in vain. */
function unadvised({ verdictsWithoutAdvice, verdicts: _, ...question }: Question): ReturnType<typeof passOver> {
  const facts = { ...question.facts, advice: null };
  return passOver({ ...question, facts, ...(verdictsWithoutAdvice && { verdicts: verdictsWithoutAdvice }) });
}

/**
 * The digest of what a decision asks for, without the inputs it came from: two decisions with the same outcome differ
 * in nothing that anyone outside could see.
 */
export function outcomeDigest(decision: Decision): string {
  const { because, set, suggests, gates, holds, sla, escalations, mode, risk, rollback } = decision;
  const rules = because.map(({ rule }) => rule);
  // How long a clock has run is no news; that it stands still, or that a step was taken, must be remembered.
  const clocks = sla.map(({ clock, state, memory }) => [clock, state, memory.taken]);
  // That one dependent more was counted is no news; that another factor counts is.
  const scored = risk && { risk: [risk.tier, risk.points, risk.by, risk.factors.map(({ id }) => id)] };
  const back = rollback && { rollback };
  return digestOf(
    asJson({ because: rules, set, suggests, gates, holds, clocks, escalations, mode, ...scored, ...back }),
  );
}

/**
 * The digest of what a note of suggestion tells of a decision: what it wants, why, and what it waits for. That a clock
 * went on, or took a step, is no other suggestion; a step is told by itself.
 */
export function suggestionDigest({ because, set, suggests, advice, gates, holds }: Decision): string {
  const waits = gates.map(({ rule, groups, people, need, before }) => [rule, groups, people, need, before]);
  return digestOf(
    asJson({
      because: because.map(({ rule }) => rule),
      set,
      suggests,
      limit: advice?.limit ?? null,
      gates: waits,
      holds,
    }),
  );
}

function union(holds: readonly Hold[]): Hold[] {
  if (holds.length === 0) return [];
  return [...new Map(holds.map((hold) => [`${hold.rule} ${hold.reason}`, hold])).values()];
}

/** A clock's wish goes before routing's, and of two levels the more urgent counts. */
function joined(routed: Desired, clocked: Desired): Desired {
  const both: Desired = { ...routed, ...clocked };
  for (const field of ["priority", "impact", "urgency"] as const) {
    const [one, other] = [routed[field], clocked[field]];
    if (one !== undefined && other !== undefined) both[field] = Math.min(Number(one), Number(other));
  }
  return both;
}

function inOrder(desired: Desired): Decision["set"] {
  const set: Decision["set"] = {};
  for (const field of SETTABLE_FIELDS) if (desired[field] !== undefined) set[field] = desired[field];
  return set;
}

function earliest(hours: readonly (number | undefined)[]): string | null {
  const known = hours.filter((ms) => ms !== undefined);
  return known.length > 0 ? instant(Math.min(...known)) : null;
}

/** Our own records are plain JSON by construction; this drops the absent optional keys, which JSON cannot hold. */
function asJson(value: object): Json {
  return JSON.parse(JSON.stringify(value)) as Json; // what JSON.parse returns is Json
}
