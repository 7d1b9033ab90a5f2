import { sha256Hex } from "../canonical.ts";
import { instant } from "../clock.ts";
import type { Decision, Effect, Gate } from "../decision.ts";
import type { SettableField, Ticket } from "../ticket.ts";
import type { GatesFact } from "./facts.ts";
import type { Bindable } from "./gates.ts";
import { boundDigest, boundValue } from "./guards.ts";

/** What a rule asks for, before it is known how far the asking has come. */
export type AskedGate = Omit<
  Gate,
  "state" | "expiresAt" | "present" | "stands" | "passed" | "bindsDigest" | "binds"
> & {
  binds: readonly Bindable[];
};

export interface GateQuestion {
  ticket: Ticket;
  /** What the decision wants to set: that change is part of what is approved. */
  desired: Decision["set"];
  remembered: GatesFact;
  nowMs: number;
  /** Nothing happens to the ticket now: what was asked stays as it is. */
  stopped: boolean;
  /** Digests of texts that are not there any more, when a decision is made again. */
  bound: Readonly<Record<string, string>> | undefined;
}

/** How far each gate has come. An approval counts for what was asked: for any other state of the bound fields it is void. */
export function statedGates(
  gates: readonly AskedGate[],
  question: GateQuestion,
): { gates: Gate[]; wakeAtMs: number | undefined } {
  const stated = gates.map((gate) => statedGate(gate, question));
  const ends = stated.flatMap(({ state, expiresAt }) =>
    state === "requested" && expiresAt !== null ? [Date.parse(expiresAt)] : [],
  );
  return { gates: stated, wakeAtMs: ends.length > 0 ? Math.min(...ends) : undefined };
}

function statedGate(gate: AskedGate, question: GateQuestion): Gate {
  const { ticket, remembered, nowMs, stopped, bound } = question;
  const will = willBe(gate.binds, question);
  const present = presentOf(will, gate.binds, ticket, bound);
  const bindsDigest = boundDigest(ticket, gate.binds, { ...bound, ...will });
  const memory = remembered[gate.rule];
  const kept = memory && (stopped || isTheSame(memory, { bindsDigest, present, will })) ? memory : undefined;
  const state = stateOf(kept, nowMs);
  const stands = effectsOf(ticket).filter((effect) => gate.before.includes(effect));
  // Also where a bound field was changed with it: an edit opens no door.
  const passed = memory && state !== "granted" ? stands.filter((each) => !memory.stood.includes(each)) : [];
  return {
    ...gate,
    binds: [...gate.binds],
    bindsDigest: kept?.bindsDigest ?? bindsDigest,
    state,
    expiresAt: kept && state !== "needed" ? instant(Date.parse(kept.expiresAt)) : null,
    present,
    stands,
    passed,
  };
}

function stateOf(memory: GatesFact[string] | undefined, nowMs: number): Gate["state"] {
  if (!memory || memory.state === "void") return "needed";
  return memory.state === "requested" && nowMs >= Date.parse(memory.expiresAt) ? "expired" : memory.state;
}

/** What our own decision makes of bound fields, in the form in which they are bound. */
function willBe(binds: readonly Bindable[], { ticket, desired }: GateQuestion): Record<string, string> {
  return Object.fromEntries(
    binds.flatMap((path): [string, string][] => {
      // The risk is set by another name than it is bound by.
      if (path === "change.risk") return desired.changeRisk === undefined ? [] : [[path, String(desired.changeRisk)]];
      const value = desired[path as SettableField]; // of a path that is none there is no value
      if (value === undefined) return [];
      // Rules name a person by e-mail or id, the ticket by id: only what is wanted can be bound.
      return [[path, path === "assignee" ? sha256Hex(String(value)) : boundValue({ ...ticket, [path]: value }, path)]];
    }),
  );
}

function presentOf(
  will: Readonly<Record<string, string>>,
  binds: readonly Bindable[],
  ticket: Ticket,
  bound: Readonly<Record<string, string>> = {},
): Record<string, string> {
  // The window is kept besides, by which it is told whether it was moved since.
  const fields = binds.filter((path) => path === WINDOW || (path !== "assignee" && will[path] !== undefined));
  return Object.fromEntries(fields.map((path) => [path, sha256Hex(bound[path] ?? boundValue(ticket, path))]));
}

const WINDOW = "change.plannedStart";

/** The digest by which a round remembers the start of the window that it was asked for. */
export function windowDigest(ticket: Ticket): string {
  return sha256Hex(boundValue(ticket, WINDOW));
}

/** The same is asked for, and what stands there is what stood then, or what was approved. */
function isTheSame(
  memory: GatesFact[string],
  now: { bindsDigest: string; present: Readonly<Record<string, string>>; will: Readonly<Record<string, string>> },
): boolean {
  if (memory.bindsDigest !== now.bindsDigest) return false;
  return Object.entries(now.present).every(
    ([path, digest]) => digest === memory.present[path] || digest === sha256Hex(now.will[path] ?? ""),
  );
}

/** What has happened to a ticket, by its state. */
function effectsOf({ kind, status }: Pick<Ticket, "kind" | "status">): readonly Effect[] {
  const change = kind === "change";
  switch (status) {
    case "scheduled":
      return change ? ["schedule"] : [];
    case "in_progress":
      return change ? ["schedule", "implement"] : kind === "request" ? ["fulfil"] : [];
    case "review":
      return change ? ["schedule", "implement"] : [];
    case "resolved":
      return kind === "request" ? ["fulfil", "resolve"] : change ? ["schedule", "implement", "resolve"] : ["resolve"];
    case "closed":
      return kind === "request"
        ? ["fulfil", "resolve", "close"]
        : change
          ? ["schedule", "implement", "resolve", "close"]
          : ["resolve", "close"];
    default:
      return [];
  }
}
