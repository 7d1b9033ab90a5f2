import { instant } from "../clock.ts";
import type { Escalation, SlaState } from "../decision.ts";
import type { SettableField, Ticket } from "../ticket.ts";
import type { ClockMemory, ClocksFact } from "./facts.ts";
import type { Desired } from "./routing.ts";
import type { SlaClockRule, SlaRule, SlaStep } from "./sla.ts";

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
 * Reads the clocks of a ticket. `remembered` is what the last look left; the first look counts from the ticket's
 * creation. A clock that stood still or went on between two looks changed its pace when the ticket was last edited,
 * as far as that lies between them. An hour before the last look counts nothing: clocks of machines jump.
 *
 * Where several steps of one clock have come due at once, as on a first look at an old ticket, only the last is taken
 * and the ones before it are passed over: a ticket is not escalated three times in one second.
 */
export function readClocks(rule: SlaRule, ticket: Ticket, remembered: ClocksFact, nowMs: number): ClockReading {
  const states: SlaState[] = [];
  const escalations: Escalation[] = [];
  const wakes: number[] = [];
  const desired: Desired = {};
  const takeOver = new Set<SettableField>();
  for (const clock of rule.clocks) {
    const memory = advanced(clock, ticket, remembered[clock.name], nowMs);
    const stopped = clock.stops.has(ticket.status);
    const due = stopped
      ? []
      : clock.steps.filter(({ id, atMs }) => atMs <= memory.elapsedMs && !memory.taken.includes(id));
    const last = due.at(-1);
    if (last) escalations.push({ rule: rule.id, clock: clock.name, step: last.id, ...effectOf(last) });
    const taken = [...memory.taken, ...due.map(({ id }) => id)];
    if (!stopped) levelOf(clock, { ...memory, taken }, ticket, desired, takeOver);
    const next = stopped ? undefined : clock.steps.find(({ id }) => !taken.includes(id));
    const wakeAtMs = next && memory.running ? clock.calendar.after(nowMs, next.atMs - memory.elapsedMs) : undefined;
    if (wakeAtMs !== undefined) wakes.push(wakeAtMs);
    const dueAtMs = memory.running
      ? clock.calendar.after(nowMs, Math.max(0, clock.targetMs - memory.elapsedMs))
      : undefined;
    states.push({
      clock: clock.name,
      targetMs: clock.targetMs,
      state: stateOf(clock, memory, stopped),
      dueAt: dueAtMs === undefined || memory.elapsedMs >= clock.targetMs ? null : instant(dueAtMs),
      memory: { ...memory, taken },
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

function advanced(clock: SlaClockRule, ticket: Ticket, memory: ClockMemory | undefined, nowMs: number): ClockMemory {
  const runs = !clock.stops.has(ticket.status) && !clock.pauses.has(ticket.status);
  const before = memory ?? {
    elapsedMs: 0,
    atMs: Date.parse(ticket.createdAt),
    running: true,
    taken: [],
    from: basis(ticket),
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
    from: before.from,
  };
}

function basis({ priority, impact, urgency }: Ticket): ClockMemory["from"] {
  return { priority, impact, urgency };
}

/** Adds what a clock's taken steps ask for by now. */
function levelOf(
  clock: SlaClockRule,
  memory: ClockMemory,
  ticket: Ticket,
  desired: Desired,
  takeOver: Set<SettableField>,
): void {
  const raised = { priority: 0, impact: 0, urgency: 0 };
  for (const { id, does } of clock.steps) {
    if (!memory.taken.includes(id)) continue;
    if (does.escalate) {
      desired.assignmentGroup = does.escalate.group;
      if (does.escalate.takeOver) takeOver.add("assignmentGroup");
    }
    if (does.raise) raised[does.raise] += 1;
  }
  for (const field of ["priority", "impact", "urgency"] as const) {
    const wanted = Math.max(1, memory.from[field] - raised[field]);
    if (raised[field] > 0 && wanted < ticket[field]) desired[field] = wanted;
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
