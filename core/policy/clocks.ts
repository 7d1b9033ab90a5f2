import { instant } from "../clock.ts";
import type { ClockMemory, Escalation, SlaState } from "../decision.ts";
import type { SettableField, Ticket } from "../ticket.ts";
import type { ClocksFact } from "./facts.ts";
import type { Desired } from "./routing.ts";
import type { SlaClockRule, SlaRule, SlaStep } from "./sla.ts";

/** All rules of a policy's service levels, and the one that gives a ticket its clocks now; undefined where none does. */
export interface SlaRules {
  rule: SlaRule | undefined;
  rules: readonly SlaRule[];
}

/** What a ticket's clocks say at an hour. */
export interface ClockReading {
  states: SlaState[];
  /** Steps whose time has come. */
  escalations: Escalation[];
  /** What the steps taken so far ask for: each look asks for the same again, so it does not matter which one gets through. */
  desired: Desired;
  takeOver: SettableField[];
  /** When the next step comes, in ms since 1970; undefined when none is ahead. */
  wakeAtMs: number | undefined;
}

/**
 * Reads the clocks of a ticket. While it is `held` for a person no step is taken: what has come due is taken once the
 * ticket is let go, and told then.
 *
 * `remembered` is what the last look left; the first look counts from the ticket's creation. A clock that stood still
 * or went on between two looks changed its pace when the ticket was last edited, as far as that lies between them. An
 * hour before the last look counts nothing: clocks of machines jump.
 *
 * Where several steps of one clock have come due at once, as on a first look at an old ticket, only the last is taken
 * and the ones before it are passed over: a ticket is not escalated three times in one second.
 */
export function readClocks(
  { rule, rules }: SlaRules,
  ticket: Ticket,
  remembered: ClocksFact,
  { nowMs, held }: { nowMs: number; held: boolean },
): ClockReading {
  const anything = Object.keys(remembered).length > 0;
  if (!rule && !anything) return { states: [], escalations: [], desired: {}, takeOver: [], wakeAtMs: undefined };
  const escalations: Escalation[] = [];
  const wakes: number[] = [];
  const desired: Desired = {};
  const takeOver = new Set<SettableField>();
  const left = (anything ? rules : []).filter(({ id }) => id !== rule?.id).flatMap(({ clocks }) => clocks);
  // First, so that the clocks that run have the last word.
  const states = left.flatMap((clock) => leftState(clock, remembered[clock.name], ticket, desired));
  const running = rule?.clocks.map((clock) => ({ clock, id: rule.id })) ?? [];
  for (const { clock, id } of running) {
    const memory = advanced(clock, ticket, remembered[clock.name], nowMs);
    const stopped = clock.stops.has(ticket.status);
    const open = clock.steps.filter((step) => !memory.taken.includes(step.id));
    const due = stopped || held ? [] : open.filter(({ atMs }) => atMs <= memory.elapsedMs);
    const last = due.at(-1);
    if (last) escalations.push({ rule: id, clock: clock.name, step: last.id, ...effectOf(last) });
    const after: ClockMemory = {
      ...memory,
      taken: [...memory.taken, ...due.map((step) => step.id)],
      passed: [...memory.passed, ...due.slice(0, -1).map((step) => step.id)],
    };
    levelOf(clock, after, ticket, stopped, desired, takeOver);
    const next = stopped ? undefined : open.find(({ atMs }) => atMs > memory.elapsedMs);
    // From the hour the clock has come to, which is later than now where the machine's own was set back.
    const wakeAtMs =
      next && memory.running ? clock.calendar.after(memory.atMs, next.atMs - memory.elapsedMs) : undefined;
    if (wakeAtMs !== undefined) wakes.push(wakeAtMs);
    const dueAtMs = memory.running
      ? clock.calendar.after(memory.atMs, Math.max(0, clock.targetMs - memory.elapsedMs))
      : undefined;
    states.push({
      clock: clock.name,
      targetMs: clock.targetMs,
      state: stateOf(clock, memory, stopped),
      dueAt: dueAtMs === undefined || memory.elapsedMs >= clock.targetMs ? null : instant(dueAtMs),
      memory: after,
    });
  }
  return {
    states,
    escalations,
    desired,
    takeOver: [...takeOver],
    wakeAtMs: wakes.length > 0 ? Math.min(...wakes) : undefined,
  };
}

/**
 * A clock that another rule had given the ticket. It neither runs nor takes steps, but its memory is kept, so that no
 * step is taken again when its rule matches again, and what its steps have brought about stays.
 */
function leftState(clock: SlaClockRule, memory: ClockMemory | undefined, ticket: Ticket, desired: Desired): SlaState[] {
  if (!memory) return [];
  const { elapsedMs, atMs, running, taken, passed, from } = memory;
  const { priority, impact, urgency } = from;
  // Written out, so that the order in which it was kept changes no byte.
  const kept: ClockMemory = { elapsedMs, atMs, running, taken, passed, from: { priority, impact, urgency } };
  levelOf(clock, kept, ticket, true, desired, new Set());
  return [{ clock: clock.name, targetMs: clock.targetMs, state: "left", dueAt: null, memory: kept }];
}

function advanced(clock: SlaClockRule, ticket: Ticket, memory: ClockMemory | undefined, nowMs: number): ClockMemory {
  const runs = !clock.stops.has(ticket.status) && !clock.pauses.has(ticket.status);
  const before = memory ?? {
    elapsedMs: 0,
    atMs: Date.parse(ticket.createdAt),
    running: true,
    taken: [],
    passed: [],
    from: ticket,
  };
  const untilMs = Math.max(before.atMs, nowMs);
  const editedMs = Math.min(Math.max(Date.parse(ticket.updatedAt), before.atMs), untilMs);
  // Which pace held for which part of the time between the looks.
  const firstMs = before.running
    ? clock.calendar.between(before.atMs, before.running === runs ? untilMs : editedMs)
    : 0;
  const secondMs = !before.running && runs ? clock.calendar.between(editedMs, untilMs) : 0;
  return {
    elapsedMs: before.elapsedMs + firstMs + secondMs,
    atMs: untilMs,
    running: runs,
    taken: before.taken,
    passed: before.passed,
    // Written out, so that the order in which it was kept changes no byte.
    from: { priority: before.from.priority, impact: before.from.impact, urgency: before.from.urgency },
  };
}

/**
 * Adds what a clock's taken steps ask for by now. A clock that has stopped asks for nothing new, but keeps what its
 * steps have brought about: routing must not take a ticket back from those it was escalated to.
 */
function levelOf(
  clock: SlaClockRule,
  memory: ClockMemory,
  ticket: Ticket,
  stopped: boolean,
  desired: Desired,
  takeOver: Set<SettableField>,
): void {
  const raised = { priority: 0, impact: 0, urgency: 0 };
  for (const { id, does } of clock.steps) {
    if (!memory.taken.includes(id) || memory.passed.includes(id)) continue;
    if (does.escalate && (!stopped || ticket.assignmentGroup === does.escalate.group)) {
      desired.assignmentGroup = does.escalate.group;
      // Only the step whose group it is says whether it may be taken over.
      if (does.escalate.takeOver && !stopped) takeOver.add("assignmentGroup");
      else takeOver.delete("assignmentGroup");
    }
    if (does.raise) raised[does.raise] += 1;
  }
  for (const field of ["priority", "impact", "urgency"] as const) {
    if (raised[field] === 0) continue;
    const wanted = stopped ? ticket[field] : Math.max(1, memory.from[field] - raised[field]);
    // What is more urgent already stays: neither this step nor a routing rule lowers it again.
    desired[field] = Math.min(wanted, ticket[field], Number(desired[field] ?? ticket[field]));
  }
}

function stateOf(clock: SlaClockRule, memory: ClockMemory, stopped: boolean): SlaState["state"] {
  if (memory.elapsedMs >= clock.targetMs) return "breached";
  if (stopped) return "met";
  return memory.running ? "running" : "paused";
}

function effectOf({ does }: SlaStep): Pick<Escalation, "group" | "takeOver" | "raise" | "note" | "mention"> {
  const { escalate, raise, note, mention } = does;
  return {
    ...(escalate && { group: escalate.group, takeOver: escalate.takeOver }),
    ...(raise && { raise }),
    ...(note !== undefined && { note }),
    ...(mention && { mention }),
  };
}
