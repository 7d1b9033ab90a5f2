import { z } from "zod";
import { instant } from "../clock.ts";
import type { Gate } from "../decision.ts";
import { Instant } from "../ticket.ts";
import { type AnswerRefusal, type Eligible, type GivenAnswer, JudgedAnswer, type Seat } from "./answer.ts";

/**
 * needed: nobody was asked yet. requested: an answer is waited for. granted: what waits may happen, as long as what was
 * approved stays as it was. refused, expired: it may not, until a bound field changes and people are asked anew.
 */
export const GATE_STATES = ["needed", "requested", "granted", "refused", "expired"] as const;
export type GateState = (typeof GATE_STATES)[number];

/** One round of asking, as it is remembered: for one rule and one state of the bound fields. */
export const GateMemory = z.strictObject({
  rule: z.string(),
  bindsDigest: z.string(),
  state: z.enum(GATE_STATES).exclude(["needed"]),
  /** By what the request is found again in the native queue; one per round. */
  marker: z.string(),
  requestedAt: Instant,
  expiresAt: Instant,
  /** Every answer that was seen, counted or not: each is told of once. */
  answers: z.array(JudgedAnswer),
});
export type GateMemory = z.infer<typeof GateMemory>;

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
  gate: Pick<Gate, "groups" | "people" | "need">,
  memory: GateMemory,
  given: readonly GivenAnswer[],
  { eligible, context }: { eligible: Eligible; context: GateContext },
): GateMemory {
  if (memory.state !== "requested") return memory;
  const ordered = [...given].sort(inOrder);
  const answers = ordered.map((answer) => judged(answer, memory, eligible, context));
  const counted = answers.filter(({ refused }) => refused === null);
  const state = stateOf(gate, counted, { eligible, over: context.nowMs >= Date.parse(memory.expiresAt) });
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

function judged(answer: GivenAnswer, memory: GateMemory, eligible: Eligible, context: GateContext): JudgedAnswer {
  const { id, decision, answeredById, atMs } = answer;
  return {
    id,
    decision,
    by: answeredById ?? "",
    at: atMs === null ? null : instant(atMs),
    refused: refusalOf(answer, memory, eligible, context),
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
  // Neither for themselves nor for somebody else.
  if (answeredById === requesterId || approverId === requesterId) return "requester";
  if (inactive.has(answeredById)) return "inactive";
  const asThemselves = answeredById === approverId && people.has(approverId);
  const asDelegate = people.has(approverId) && delegates.get(answeredById)?.has(approverId);
  if (!asThemselves && !asDelegate) return "not_asked";
  if (atMs === null) return "nobody";
  // A vendor's clock may be behind ours by a moment; its hours are whole seconds.
  if (atMs + CLOCKS_APART_MS < Date.parse(memory.requestedAt)) return "early";
  return atMs >= Date.parse(memory.expiresAt) ? "late" : null;
}

/** How far a vendor's clock and ours may be apart. */
const CLOCKS_APART_MS = 120_000;

function stateOf(
  gate: Pick<Gate, "groups" | "people" | "need">,
  counted: readonly JudgedAnswer[],
  { eligible, over }: { eligible: Eligible; over: boolean },
): GateMemory["state"] {
  if (counted.some(({ decision }) => decision === "rejected")) return "refused";
  const approvers = new Set(counted.map(({ by }) => by));
  if (isEnough(gate, approvers, eligible)) return "granted";
  return over ? "expired" : "requested";
}

/** `all`: everybody who is named, and of each group that is named a member of its own. A number: so many different people. */
function isEnough(
  { groups, people, need }: Pick<Gate, "groups" | "people" | "need">,
  approvers: ReadonlySet<string>,
  { people: seats, delegates }: Eligible,
): boolean {
  if (need === "any") return approvers.size >= 1;
  if (typeof need === "number") return approvers.size >= need;
  const wanted = [...groups.map((name): Seat => `group:${name}`), ...people.map((name): Seat => `person:${name}`)];
  const seatsOf = (id: string): Seat[] =>
    [id, ...(delegates.get(id) ?? [])].flatMap((each) => [...(seats.get(each) ?? [])]);
  return areAllTaken(wanted, new Map([...approvers].map((id) => [id, new Set(seatsOf(id))])));
}

/** Whether every seat can be given to a person of its own: who fits two takes one. By augmenting paths. */
function areAllTaken(wanted: readonly Seat[], fits: ReadonlyMap<string, ReadonlySet<Seat>>): boolean {
  const takenBy = new Map<Seat, string>();
  const offer = (person: string, tried: Set<Seat>): boolean => {
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
