import { AI_FACTOR, type Gate, type Hold, type Risk } from "../decision.ts";
import type { Ticket } from "../ticket.ts";
import type { ChangeRisk, EvidenceRule, FactorRule } from "./change-risk.ts";
import { type Readable, recordedReads } from "./declarations.ts";
import { durationText } from "./duration.ts";
import type { AssessmentFact, Facts } from "./facts.ts";
import { type AskedGate, windowDigest } from "./gate-states.ts";
import { isBlank, isText, OVER } from "./guards.ts";
import { ignoranceWhy, ignored } from "./ignorance.ts";
import type { ImpactFact } from "./impact.ts";
import type { Desired } from "./routing.ts";
import type { Verdict } from "./rule.ts";
import { readText } from "./trace.ts";

export type RiskFactor = Risk["factors"][number];

/** A model that was trained on the customer's own changes. `points` are whole numbers; together they may not be below 0. */
export interface ModelScore {
  points: number;
  factors: RiskFactor[];
}

/**
 * Scores a change instead of the factors of the file; what is not known still adds. Pure, and it may read no text of
 * the ticket: a decision is made again without it.
 */
export type RiskScorer = (ticket: Ticket, impact: ImpactFact) => ModelScore;

/** What stands where a factor could not be computed. */
export const NOT_KNOWN = "not known";

/** What a change is kept from until the board has seen it, or the evidence is there. */
const BEFORE = ["schedule", "implement"] as const;

export const BOARD = "change-risk/cab";
const LEAD_TIME = "change-risk/lead-time";

/** So many closed changes of a standard change's model in 90 days, none of which went wrong, are a good record. */
const RECORD_MIN = 5;

/** Whether risk is asked about at all: a change that is not over. */
export function isScored({ kind, status }: Ticket): boolean {
  return kind === "change" && !OVER.has(status);
}

/** What one pass over the rules finds of a change's risk. */
export class Tally {
  readonly model: ModelScore | undefined;
  readonly factors: RiskFactor[] = [];
  readonly holds: Hold[] = [];
  readonly #ticket: Ticket;
  readonly #read: Readable;
  readonly #missing: readonly string[] | undefined;

  /** `missing`: the required texts that were empty, where they are not kept and a decision is made again. */
  constructor(
    { ignorance, model }: Pick<ChangeRisk, "ignorance"> & { model?: RiskScorer },
    { ticket, impact }: { ticket: Ticket; impact: ImpactFact | null },
    read: Readable,
    missing: readonly string[] | undefined,
  ) {
    this.#ticket = ticket;
    this.#read = read;
    this.#missing = missing;
    // A model knows as little as anybody about an item of which nothing is known.
    this.model = impact === null ? undefined : model?.(ticket, impact);
    for (const what of ignored(ticket.ci !== "" || ticket.ciId !== "", impact)) {
      const value = what === "unknownItem" ? NOT_KNOWN : `impact.${what === "cut" ? "dependentsCut" : what} = true`;
      this.factors.push({ id: `ignorance/${what}`, why: ignoranceWhy(what), value, points: ignorance[what] });
    }
  }

  /** One that cannot be computed counts: not to know is no reason to fear less. */
  factor({ id, why, points, paths }: FactorRule, verdict: Verdict): void {
    if (verdict === "matched")
      this.factors.push({ id, why, value: readText(recordedReads(paths, this.#read)), points });
    if (verdict === "errored") this.factors.push({ id, why, value: NOT_KNOWN, points });
  }

  evidence(rule: EvidenceRule, verdict: Verdict, fault: string): void {
    if (verdict !== "matched" && verdict !== "errored") return;
    const missing = rule.require.filter((path) => this.#isMissing(path));
    if (verdict === "matched" && missing.length === 0) return;
    const { id, why, otherwise } = rule;
    if (otherwise === "hold") {
      const reason = verdict === "errored" ? fault : `${why}: ${missing.join(", ")} ${areEmpty(missing)}`;
      this.holds.push({ rule: `change-risk/${id}`, reason, before: [...BEFORE] });
    } else {
      const value = verdict === "errored" ? NOT_KNOWN : `${missing.join(", ")} ${areEmpty(missing)}`;
      this.factors.push({ id, why, value, points: otherwise.points });
    }
  }

  /** What a model named; its word adds, whatever else it says. What is beyond the most that it may add is shown all the same. */
  named({ factors, by }: AssessmentFact, { points, max }: NonNullable<ChangeRisk["advice"]>): void {
    let room = max;
    for (const name of factors) {
      const added = Math.min(points, room);
      room -= added;
      const why = `AI says that it shows: ${name.replaceAll(/[_-]/g, " ")}`;
      this.factors.push({ id: `${AI_FACTOR}${name}`, why, value: `${by}; how reliable: not measured`, points: added });
    }
  }

  #isMissing(path: EvidenceRule["require"][number]): boolean {
    return this.#missing && isText(path) ? this.#missing.includes(path) : isBlank(this.#ticket, path);
  }
}

function areEmpty(paths: readonly string[]): string {
  return paths.length === 1 ? "is empty" : "are empty";
}

/** What of a change's evidence is text and was empty: texts are not kept, and whether they were there is. */
export function missingTexts(ticket: Ticket, evidence: readonly EvidenceRule[]): string[] {
  if (!isScored(ticket)) return [];
  const texts = new Set(evidence.flatMap(({ require }) => require).filter(isText));
  return [...texts].filter((path) => isBlank(ticket, path)).sort();
}

/** What a risk comes to: in the decision, for the board, and in the fields that the platform's own approvals read. */
export interface Assessed {
  risk: Risk | null;
  gates: AskedGate[];
  holds: Hold[];
  desired: Desired;
  /** When the rules say something else by themselves, in ms since 1970. */
  wakeAtMs: number | undefined;
}

const NOTHING: Assessed = { risk: null, gates: [], holds: [], desired: {}, wakeAtMs: undefined };

interface Situation {
  ticket: Ticket;
  facts: Facts;
  nowMs: number;
}

/**
 * Assesses a change by everything that any of the passes over its rules found. So what is found besides, as with
 * advice, can only raise: no pass takes a factor or a hold of another away.
 */
export function assess(
  policy: Pick<ChangeRisk, "tiers" | "cab"> | undefined,
  tallies: readonly (Tally | null | undefined)[],
  { ticket, facts, nowMs }: Situation,
): Assessed {
  const found = tallies.filter((tally) => tally !== null && tally !== undefined);
  if (!policy || found.length === 0) return NOTHING;
  const risk = riskOf(found, policy);
  const holds = found.flatMap((tally) => tally.holds);
  const desired: Desired = rankOf(risk.tier) < rankOf(ticket.change.risk) ? {} : { changeRisk: risk.tier };
  if (!needsBoard(policy, ticket, facts, risk)) return { risk, gates: [], holds, desired, wakeAtMs: undefined };
  desired.cabRequired = "true";
  const latestMs = latestAsking(policy, ticket);
  // Once it is asked, time passes without harm; but a window that is then moved closer comes too soon again.
  const asked = facts.gates?.[BOARD];
  const isSame = asked !== undefined && asked.present["change.plannedStart"] === windowDigest(ticket);
  const askedMs = isSame ? Date.parse(asked.requestedAt) : nowMs;
  if (latestMs !== undefined && latestMs < askedMs) {
    const lead = durationText(policy.cab.leadTimeMs);
    const reason = `The window begins sooner than the board's lead time of ${lead}: move the window, or file it as emergency`;
    // The board is not asked about a window that comes too soon for it.
    const early: Hold = { rule: LEAD_TIME, reason, before: [...BEFORE] };
    return { risk, gates: [], holds: [...holds, early], desired, wakeAtMs: undefined };
  }
  const wakeAtMs = latestMs === undefined || latestMs < nowMs ? undefined : latestMs + 1;
  return { risk, gates: [boardGate(policy.cab)], holds, desired, wakeAtMs };
}

function riskOf(found: readonly Tally[], { tiers }: Pick<ChangeRisk, "tiers">): Risk {
  const factors = new Map<string, RiskFactor>();
  for (const factor of found.flatMap((tally) => tally.factors)) {
    const known = factors.get(factor.id);
    if (!known || known.points < factor.points) factors.set(factor.id, factor);
  }
  const model = found.find((tally) => tally.model)?.model;
  const own = [...factors.values()].reduce((sum, { points }) => sum + points, 0);
  const points = own + Math.max(0, model?.points ?? 0);
  const tier = (["very_high", "high", "moderate"] as const).find((name) => points >= tiers[name]) ?? "low";
  return { points, tier, by: model ? "model" : "rules", factors: [...(model?.factors ?? []), ...factors.values()] };
}

const RANKS = ["", "low", "moderate", "high", "very_high"] as const satisfies readonly Ticket["change"]["risk"][];

function rankOf(risk: Ticket["change"]["risk"]): number {
  return RANKS.indexOf(risk);
}

/** A standard change is approved once for all; as long as its model does well, only a very high risk is seen by the board. */
function needsBoard({ cab }: Pick<ChangeRisk, "cab">, { change }: Ticket, { impact }: Facts, { tier }: Risk): boolean {
  // What people call high the board sees, whatever its points are. Moderate is a form's default, and nobody's word.
  const called = rankOf(change.risk) >= rankOf("high") ? rankOf(change.risk) : 0;
  const rank = Math.max(rankOf(tier), called);
  if (rank < rankOf(cab.from)) return false;
  const proven = impact && impact.modelChanges >= RECORD_MIN && impact.modelFailed === 0;
  return !(change.type === "standard" && proven && rank < rankOf("very_high"));
}

/** Until when the board may be asked, in ms since 1970; undefined where that is no matter. */
function latestAsking({ cab }: Pick<ChangeRisk, "cab">, { change }: Ticket): number | undefined {
  if (change.type === "emergency" || change.plannedStart === undefined) return undefined;
  return Date.parse(change.plannedStart) - cab.leadTimeMs;
}

/** Its sentence does not tell the points: they may move a little while the board is asked. */
function boardGate({ from, demand }: ChangeRisk["cab"]): AskedGate {
  const risk = from === "very_high" ? "very high risk" : `${from} risk or more`;
  return {
    rule: BOARD,
    why: `The board sees changes of ${risk} before they begin`,
    groups: [...demand.groups],
    people: [...demand.people],
    need: demand.need,
    before: [...demand.before],
    binds: [...demand.binds],
    expiresMs: demand.expiresMs,
    fallbackGroup: demand.fallbackGroup,
    sideDoor: demand.sideDoor,
  };
}

/** What is on hold is under way as well, where the platform has a status of its own for it. */
const UNDER_WAY = new Set<Ticket["status"]>(["scheduled", "in_progress", "on_hold"]);

/**
 * The platform's own hold on a change that is under way, while a hard freeze keeps it back; its end once none does.
 * Ownership sees to it that only our own is ended. `frozen` are the holds of freezes, `gates` those of the decision.
 */
export function heldBack({ kind, status, change }: Ticket, frozen: readonly Hold[], gates: readonly Gate[]): Desired {
  if (kind !== "change" || OVER.has(status)) return {};
  if (frozen.length > 0 && UNDER_WAY.has(status)) return { onHold: "true" };
  // What came about past an approval is held until the approval is there.
  const isPassed = gates.some(({ passed }) => passed.length > 0);
  return change.onHold && !isPassed ? { onHold: "false" } : {};
}
