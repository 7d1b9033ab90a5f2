import { z } from "zod";
import { instant } from "../clock.ts";
import { EFFECTS, GATE_STATES, Need } from "../decision.ts";
import { Instant } from "../ticket.ts";
import { type AnswerRefusal, type Eligible, type GivenAnswer, JudgedAnswer, type Seat } from "./answer.ts";

/** One round of asking, as it is remembered: for one rule and one state of the bound fields. */
export const GateMemory = z.strictObject({
  rule: z.string(),
  bindsDigest: z.string(),
  state: z.enum(GATE_STATES).exclude(["needed"]),
  /** By what the request is found again in the native queue; one per round. */
  marker: z.string(),
  /** By the vendor's clock. */
  requestedAt: Instant,
  expiresAt: Instant,
  /** Who was asked, as rules name them: those of the rule, or those who stand in where they are gone. */
  groups: z.array(z.string()),
  people: z.array(z.string()),
  need: Need,
  /** The rule's own approvers are gone, and its fallback was asked. */
  fallback: z.boolean(),
  /** The state of the record when it was asked, in the vendor's own word: where a side door leads back to. */
  seen: z.string(),
  /** Vendor id of whoever wanted it when it was asked; empty where nobody was named. */
  requester: z.string(),
  /** Guarded effects that stood already when it was asked: nobody took a side door to them. */
  stood: z.array(z.enum(EFFECTS)),
  /** Digests of what stood in bound fields that our own decision is to change, by field: that change is what is approved. */
  present: z.record(z.string(), z.string()),
  /** The ticket tells how it ended. */
  told: z.boolean(),
  /** Side doors that were told of: an effect, or `queue` for what was done to the request itself. */
  doors: z.array(z.string()),
  /** How often what came about past it was undone. */
  undone: z.int().nonnegative(),
  /** Every answer that was seen, counted or not: each is told of once. */
  answers: z.array(JudgedAnswer),
  /** What it was asked for, where that is past when the answer comes: counts and names of checks. */
  evidence: z.string().exactOptional(),
  /** Nobody was asked, and nobody had to be: it is a round so that people are told of it once. Its marker is empty. */
  automatic: z.literal(true).exactOptional(),
});
export type GateMemory = z.infer<typeof GateMemory>;

/** What is asked in a round, before its hour is known. */
export const GateRound = GateMemory.omit({
  ...{
    state: true,
    marker: true,
    requestedAt: true,
    expiresAt: true,
    seen: true,
    doors: true,
    undone: true,
    answers: true,
    told: true,
    automatic: true,
  },
}).extend({ expiresMs: z.int().positive() });
export type GateRound = z.infer<typeof GateRound>;

/** A round that was asked at an hour of the vendor's clock. */
export function roundAt(
  { expiresMs, ...round }: GateRound,
  marker: string,
  { atMs, seen }: { atMs: number; seen: string },
): GateMemory {
  return {
    ...round,
    ...{ state: "requested", marker, seen, doors: [], undone: 0, answers: [], told: false },
    ...{ requestedAt: instant(atMs), expiresAt: instant(atMs + expiresMs) },
  };
}

/** What an answer is judged by, besides who may give one. */
export interface GateContext {
  /** Empty where the ticket names nobody. */
  requesterId: string;
  /** Accounts of this installation and of other automation. */
  ownIds: ReadonlySet<string>;
  nowMs: number;
}

/**
 * What the answers of a native queue make of a gate. Pure, and final: a gate that is granted, refused or expired stays
 * so for these bound fields, whatever is answered later, so there are never two outcomes.
 *
 * One valid rejection refuses. Answers count in the order in which they were given; nobody counts twice.
 */
export function judgeGate(
  memory: GateMemory,
  given: readonly GivenAnswer[],
  { eligible, context }: { eligible: Eligible; context: GateContext },
): GateMemory {
  if (memory.state !== "requested") return memory;
  const ordered = [...given].sort(inOrder);
  const answers = ordered.map((answer) => judged(answer, memory, eligible, context));
  const counted = answers.filter(({ refused }) => refused === null);
  const state = stateOf(memory, counted, able(eligible, context), {
    eligible,
    over: context.nowMs >= Date.parse(memory.expiresAt),
  });
  // What was seen once and is gone now, as a row that was deleted, stays on record.
  const known = new Set(answers.map(({ id }) => id));
  const gone = memory.answers.filter(({ id }) => !known.has(id));
  return { ...memory, state, answers: [...gone, ...answers] };
}

/** Later answers behind earlier ones; those of an unknown hour last. */
function inOrder(a: GivenAnswer, b: GivenAnswer): number {
  const [first, second] = [a.atMs ?? Number.MAX_SAFE_INTEGER, b.atMs ?? Number.MAX_SAFE_INTEGER];
  return first - second || (a.id < b.id ? -1 : 1);
}

function judged(given: GivenAnswer, memory: GateMemory, eligible: Eligible, context: GateContext): JudgedAnswer {
  // A vendor that does not keep the hour of each answer shows it from some hour on: the first at which it was seen stays.
  const before = memory.answers.find(
    ({ id, decision, by }) => id === given.id && decision === given.decision && by === given.answeredById,
  );
  const seenMs = before?.at ? Date.parse(before.at) : null;
  const answer = seenMs === null || given.atMs === null ? given : { ...given, atMs: Math.min(seenMs, given.atMs) };
  const { id, decision, approverId, answeredById, atMs } = answer;
  return {
    id,
    decision,
    for: approverId,
    by: answeredById ?? "",
    at: atMs === null ? null : instant(atMs),
    // What counted when it was given counts on: whoever leaves afterwards takes nothing back.
    // Nor does what did not count begin to, because somebody joins a group or the requester becomes another: whoever may
    // answer now answers anew. Only what the vendor did not show yet is judged once it does.
    refused: before && before.refused !== "nobody" ? before.refused : refusalOf(answer, memory, eligible, context),
  };
}

function refusalOf(
  { approverId, answeredById, atMs }: GivenAnswer,
  memory: GateMemory,
  { people, delegates, inactive }: Eligible,
  { requesterId, ownIds }: GateContext,
): AnswerRefusal | null {
  if (answeredById === null) return "nobody";
  if (ownIds.has(answeredById)) return "own_account";
  // Neither for themselves nor for somebody else; whoever wanted it when it was asked wanted it, whom it names now or not.
  const wanting = [requesterId, memory.requester].filter((id) => id !== "");
  if (wanting.includes(answeredById) || wanting.includes(approverId)) return "requester";
  if (inactive.has(answeredById)) return "inactive";
  const asThemselves = answeredById === approverId && people.has(approverId);
  const asDelegate = people.has(approverId) && delegates.get(answeredById)?.has(approverId);
  if (!asThemselves && !asDelegate) return "not_asked";
  if (atMs === null) return "nobody";
  if (atMs < Date.parse(memory.requestedAt)) return "early";
  return atMs >= Date.parse(memory.expiresAt) ? "late" : null;
}

/** Those who may answer for themselves, without those whose answer would not count. */
export function able(
  { people, inactive }: Eligible,
  { requesterId, ownIds }: Pick<GateContext, "requesterId" | "ownIds">,
): ReadonlySet<string> {
  return new Set([...people.keys()].filter((id) => id !== requesterId && !ownIds.has(id) && !inactive.has(id)));
}

/** Whether those who may answer could ever be enough. */
export function canBeGranted(
  who: Pick<GateMemory, "groups" | "people" | "need">,
  eligible: Eligible,
  context: Pick<GateContext, "requesterId" | "ownIds">,
): boolean {
  const people = able(eligible, context);
  return (
    people.size > 0 &&
    isEnough(
      who,
      [...people].map((id) => ({ by: id, for: id })),
      people,
      eligible,
    )
  );
}

/** Whether it could be granted yet, with what was answered so far. */
export function couldStillBeGranted(
  memory: GateMemory,
  eligible: Eligible,
  context: Pick<GateContext, "requesterId" | "ownIds">,
): boolean {
  const people = able(eligible, context);
  const counted = memory.answers.filter(({ refused }) => refused === null);
  const left = [...people].filter((id) => !counted.some(({ by }) => by === id)).map((id) => ({ by: id, for: id }));
  return isEnough(memory, [...counted, ...left], people, eligible);
}

function stateOf(
  who: Pick<GateMemory, "groups" | "people" | "need">,
  counted: readonly JudgedAnswer[],
  people: ReadonlySet<string>,
  { eligible, over }: { eligible: Eligible; over: boolean },
): GateMemory["state"] {
  if (counted.some(({ decision }) => decision === "rejected")) return "refused";
  if (isEnough(who, counted, people, eligible)) return "granted";
  return over ? "expired" : "requested";
}

function isEnough(
  { groups, people: named, need }: Pick<GateMemory, "groups" | "people" | "need">,
  approvals: readonly Pick<JudgedAnswer, "by" | "for">[],
  people: ReadonlySet<string>,
  { people: seats }: Eligible,
): boolean {
  const approvers = new Set(approvals.map(({ by }) => by));
  if (need === "any") return approvers.size >= 1;
  if (typeof need === "number") return approvers.size >= need;
  const answered = (id: string): string[] => approvals.filter(({ by }) => by === id).map((each) => each.for);
  if (need === "one-of-each") {
    const wanted = [...groups.map((name): Seat => `group:${name}`), ...named.map((name): Seat => `person:${name}`)];
    const fits = [...approvers].map(
      (id) => [id, new Set(answered(id).flatMap((each) => [...(seats.get(each) ?? [])]))] as const,
    );
    return areAllTaken(wanted, new Map(fits));
  }
  if (need === "all")
    return (
      people.size > 0 && areAllTaken([...people], new Map([...approvers].map((id) => [id, new Set(answered(id))])))
    );
  return approvers.size >= Math.max(1, Math.ceil((people.size * Number.parseInt(need, 10)) / 100));
}

/** Whether every seat can be given to a person of its own: who fits two takes one. By augmenting paths. */
function areAllTaken<S>(wanted: readonly S[], fits: ReadonlyMap<string, ReadonlySet<S>>): boolean {
  const takenBy = new Map<S, string>();
  const offer = (person: string, tried: Set<S>): boolean => {
    for (const seat of wanted) {
      if (!fits.get(person)?.has(seat) || tried.has(seat)) continue;
      tried.add(seat);
      const holder = takenBy.get(seat);
      if (holder !== undefined && !offer(holder, tried)) continue;
      takenBy.set(seat, person);
      return true;
    }
    return false;
  };
  for (const person of fits.keys()) offer(person, new Set());
  return wanted.every((seat) => takenBy.has(seat));
}
