import type { Decision, Gate, Hold, Rollback } from "../decision.ts";
import type { Ticket } from "../ticket.ts";
import { type AftermathFact, watchOf } from "./aftermath.ts";
import { type RollbackRule, rollbackName } from "./change-risk.ts";
import type { Facts, GatesFact } from "./facts.ts";
import type { AskedGate } from "./gate-states.ts";
import { whoOf } from "./gates.ts";

/** Names of checks that a sentence tells; of more it tells how many. */
const NAMES_MAX = 5;

/** Rollback rules that a pass over the policy found to be met, before it is known what has happened since. */
export interface Watched {
  rules: RollbackRule[];
  holds: Hold[];
}

/** What came of watching a change. */
export interface Over {
  /** One for each rule that asks people. */
  gates: AskedGate[];
  /** Of those that need nobody. */
  automatic: { rule: string; evidence: string; wasTold: boolean }[];
  holds: Hold[];
  isWatched: boolean;
  /** When the rules say something else by themselves, in ms since 1970. */
  wakeAtMs: number | undefined;
}

interface Situation {
  ticket: Ticket;
  facts: Facts;
  nowMs: number;
}

/** A change in one of these is made anew: what was asked about an earlier implementation is about another. */
const ANEW: ReadonlySet<Ticket["status"]> = new Set(["new", "assess"]);

/** Whether an earlier implementation, and what was asked about it, is over. */
export function isAnew({ kind, status }: Pick<Ticket, "kind" | "status">): boolean {
  return kind !== "change" || ANEW.has(status);
}

/** Whether it was asked already if the change goes back, or told that it does. */
export function wasAsked(ticket: Ticket, { gates = {} }: Facts): boolean {
  return !isAnew(ticket) && Object.keys(gates).some((rule) => rule.startsWith(rollbackName("")));
}

/** Whether what happened since must be known: some rule turns on it that has not asked yet, and is not met without. */
export function watched(rules: readonly RollbackRule[], ticket: Ticket, facts: Facts): boolean {
  return rules.some(
    ({ id, does: { on } }) =>
      roundOf(id, ticket, facts) === undefined &&
      !(on.unsuccessful && isUnsuccessful(ticket)) &&
      (on.incidents !== undefined || on.failedCheck === true),
  );
}

/**
 * What is asked because of what happened after a change was implemented, by everything that any of the passes over the
 * rules found: so advice can only add. A rule that has asked keeps asking with the evidence of that time, though its
 * watch be over, or its condition not be met any more while the change stands where people are asked.
 */
export function watchOver(
  all: readonly RollbackRule[],
  passes: readonly (Watched | undefined)[],
  { ticket, facts, nowMs }: Situation,
): Over {
  const found = passes.filter((pass) => pass !== undefined);
  const met = new Set(found.flatMap(({ rules }) => rules));
  const over: Over = {
    ...{ gates: [], automatic: [], holds: found.flatMap(({ holds }) => holds), isWatched: met.size > 0 },
    wakeAtMs: wakeAt(all, ticket, nowMs),
  };
  for (const rule of all) {
    const round = roundOf(rule.id, ticket, facts);
    const { evidence, unknown } = met.has(rule) && !round ? evidenceFor(rule, ticket, facts.aftermath) : NONE;
    const name = rollbackName(rule.id);
    if (!round && evidence.length === 0) {
      if (unknown) over.holds.push({ rule: name, reason: `${rule.why}: ${unknown}`, before: ["rollback"] });
      continue;
    }
    const said = round ? (round.evidence ?? "") : evidence.join("; ");
    // What people were asked once, they are not passed over in.
    const alone = rule.does.automatic && ticket.change.type === "standard" && !round;
    if (alone || round?.automatic) over.automatic.push({ rule: name, evidence: said, wasTold: round !== undefined });
    else over.gates.push(gateOf(rule, said));
  }
  return over;
}

const NONE = { evidence: [], unknown: undefined };

/** What a decision says of it: what was told already first, then what goes, what is asked, and what stays. */
export function rollbackOf(
  { automatic }: Over,
  gates: Decision["gates"],
  { assignmentGroup: group }: Ticket,
): Rollback | null {
  const alone = [...automatic].sort((a, b) => Number(b.wasTold) - Number(a.wasTold));
  const found: Rollback[] = [
    ...alone.map(({ rule, evidence }) => ({ rule, state: "go" as const, evidence, automatic: true, group })),
    ...gates
      .filter(({ before }) => before.includes("rollback"))
      .map(({ rule, state, evidence = "" }) => ({ rule, state: STATES[state], evidence, automatic: false, group })),
  ];
  return (
    (["go", "asked", "no"] as const).map((state) => found.find((each) => each.state === state)).find(Boolean) ?? null
  );
}

const STATES: Readonly<Record<Gate["state"], Rollback["state"]>> = {
  ...{ needed: "asked", requested: "asked", granted: "go", refused: "no", expired: "no" },
};

function roundOf(id: string, ticket: Ticket, { gates }: Facts): GatesFact[string] | undefined {
  return isAnew(ticket) ? undefined : gates?.[rollbackName(id)];
}

function isUnsuccessful({ change }: Ticket): boolean {
  return change.outcome === "unsuccessful";
}

/** What speaks for it, a clause each, and what could not be told. */
function evidenceFor(
  { does: { on } }: RollbackRule,
  ticket: Ticket,
  aftermath: AftermathFact | null | undefined,
): { evidence: string[]; unknown: string | undefined } {
  const evidence: string[] = [];
  const unknown: string[] = [];
  if (on.incidents) {
    const { atLeast, priority } = on.incidents;
    const counts = aftermath?.incidents ?? null;
    const count = (counts ?? []).slice(0, priority).reduce((sum, each) => sum + each, 0);
    if (aftermath && counts && count >= atLeast) evidence.push(incidentsText(count, priority, aftermath.since));
    if (counts === null) unknown.push("incidents on the item");
  }
  if (on.failedCheck) {
    if (aftermath && aftermath.failedChecks.length > 0) evidence.push(checksText(aftermath.failedChecks));
    if (!aftermath) unknown.push("failed checks");
  }
  if (on.unsuccessful && isUnsuccessful(ticket)) evidence.push("the change was closed as unsuccessful");
  return {
    evidence,
    unknown: unknown.length > 0 ? `${unknown.join(" and ")} could not be counted; a person must look` : undefined,
  };
}

function incidentsText(count: number, priority: number, since: string): string {
  const incidents = count === 1 ? "1 incident" : `${count} incidents`;
  const level = priority === 1 ? "priority 1" : `priority ${priority} or higher`;
  return `${incidents} of ${level} on the item and what depends on it since ${since.slice(0, 16).replace("T", " ")} UTC`;
}

function checksText(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_MAX).join(", ");
  const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : "";
  return `${names.length === 1 ? "check" : "checks"} ${shown}${more} failed`;
}

function gateOf({ id, why, does: { ask, expires } }: RollbackRule, evidence: string): AskedGate {
  return {
    rule: rollbackName(id),
    why: evidence === "" ? why : `${why}: ${evidence}`,
    ...whoLists(ask),
    before: ["rollback"],
    // Nothing that moves while a change is closed: who approves a rollback approves this plan, on this item.
    binds: ["change.backoutPlan", "ci"],
    expiresMs: expires,
    fallbackGroup: null,
    sideDoor: "tell",
    evidence,
  };
}

function whoLists(ask: RollbackRule["does"]["ask"]): Pick<AskedGate, "groups" | "people" | "need"> {
  const { groups, people, need } = whoOf(ask);
  return { groups: [...groups], people: [...people], need };
}

/** The next hour at which some rule's watch begins or ends. */
function wakeAt(rules: readonly RollbackRule[], ticket: Ticket, nowMs: number): number | undefined {
  const hours = rules.flatMap(({ does }) => {
    const watch = watchOf(ticket, does.watch, nowMs);
    if (!watch) return [];
    return watch.isOpen ? [watch.endsMs] : [watch.beginsMs];
  });
  const ahead = hours.filter((ms) => ms > nowMs);
  return ahead.length > 0 ? Math.min(...ahead) : undefined;
}
