import { requestText } from "../act/gate-note.ts";
import type { AskWho, JudgedGate, PlannedAsk } from "../act/gates.ts";
import { adviceLines } from "../act/note.ts";
import { instant } from "../clock.ts";
import type { Decision, Gate } from "../decision.ts";
import type { Approvals, Electorate, OpenRequest, RequestStanding } from "../gates/approvals.ts";
import { canBeGranted, couldStillBeGranted, type GateMemory, type GateRound, judgeGate } from "../gates/gate.ts";
import type { GatesFact } from "../policy/facts.ts";
import type { Claim, OpenAction } from "../store/store.ts";
import type { Ticket, TicketRef } from "../ticket.ts";
import type { Desk, ReconcileDeps } from "./deps.ts";
import { handleFailure } from "./failure.ts";

/** What the native queues show of requests whose end is not known here. */
export interface QueueView {
  /** By marker. */
  requests: ReadonlyMap<string, RequestStanding>;
  electorates: ReadonlyMap<string, Electorate>;
  ownIds: ReadonlySet<string>;
}

export const NO_QUEUE: QueueView = { requests: new Map(), electorates: new Map(), ownIds: new Set() };

/**
 * Looks into the queues, for all claims of a batch at once. It is done before the tickets are read: whatever changes in
 * a ticket after somebody has approved it is then seen, and voids the approval. Claims whose requests cannot be seen are
 * ended as failed; answers those that may go on.
 */
export async function seeApprovals(
  deps: ReconcileDeps,
  { approvals }: Desk,
  claims: readonly Claim[],
): Promise<{ view: QueueView; clear: readonly Claim[] }> {
  const waiting = claims.filter((claim) => openRequests(claim).length > 0);
  if (!approvals || waiting.length === 0) return { view: NO_QUEUE, clear: claims };
  try {
    const open = waiting.flatMap(openRequests);
    const standings = await approvals.standing(open.map(({ request }) => request));
    const requests = new Map(
      open.map(({ request }, at): [string, RequestStanding] => [request.marker, standings[at] ?? { state: "absent" }]),
    );
    const asked = open.filter(({ request }) => requests.get(request.marker)?.state === "standing");
    const electorates = await electoratesOf(approvals, asked, deps.clock.now());
    return { view: { requests, electorates, ownIds: await approvals.ownIds() }, clear: claims };
  } catch (error) {
    await Promise.all(waiting.map((claim) => handleFailure(deps, claim, error, "approvals_unreadable")));
    return { view: NO_QUEUE, clear: claims.filter((claim) => !waiting.includes(claim)) };
  }
}

interface Open {
  request: OpenRequest;
  groups: readonly string[];
  people: readonly string[];
}

function openRequests(claim: Claim): Open[] {
  const { connection, type, recordId: id } = claim;
  const ref: TicketRef = { connection, type, id, key: claim.recordKey ?? "" };
  const remembered = (claim.memory?.gates ?? []).filter(({ state }) => state === "requested");
  const known = remembered.map(({ marker, requestedAt, groups, people }): Open => {
    return { request: { ref, recordType: type, marker, requestedAtMs: Date.parse(requestedAt) }, groups, people };
  });
  const doubtful = claim.open.flatMap(({ marker, round }): Open[] => {
    if (!round || remembered.some((memory) => memory.marker === marker)) return [];
    const { groups, people } = round;
    return [{ request: { ref, recordType: type, marker, requestedAtMs: null }, groups, people }];
  });
  return [...known, ...doubtful];
}

/** Each set of approvers is looked up once. */
async function electoratesOf(
  approvals: Approvals,
  open: readonly Open[],
  nowMs: number,
): Promise<Map<string, Electorate>> {
  const asked = new Map<string, Promise<Electorate>>();
  const found = open.map(async ({ request, groups, people }) => {
    const who = JSON.stringify([groups, people]);
    const electorate = asked.get(who) ?? approvals.electorate({ groups, people }, nowMs);
    asked.set(who, electorate);
    return [request.marker, await electorate] as const;
  });
  return new Map(await Promise.all(found));
}

/** What the queues make of the rounds of a ticket, those that a crash left half asked among them. Pure. */
export function judgedGates(
  claim: Pick<Claim, "memory" | "open">,
  view: QueueView,
  { requesterId, nowMs }: { requesterId: string; nowMs: number },
): JudgedGate[] {
  const remembered = (claim.memory?.gates ?? []).map((memory) => judgedGate(memory, view, { requesterId, nowMs }));
  const known = new Set(remembered.map(({ memory }) => memory.marker));
  const half = claim.open.flatMap((action): JudgedGate[] => {
    const memory = known.has(action.marker) ? undefined : halfAsked(action, view);
    return memory ? [{ ...judgedGate(memory, view, { requesterId, nowMs }), half: true }] : [];
  });
  return [...remembered, ...half];
}

function judgedGate(
  memory: GateMemory,
  view: QueueView,
  { requesterId, nowMs }: { requesterId: string; nowMs: number },
): JudgedGate {
  const standing = view.requests.get(memory.marker);
  const electorate = view.electorates.get(memory.marker);
  const untouched = { memory, half: false, stranded: false, sideDoor: null };
  if (memory.state !== "requested") return untouched;
  // Where the request was deleted it is made again; where the queue was not looked at, only the time can tell.
  if (standing?.state === "absent") return { ...untouched, half: true };
  const over = nowMs >= Date.parse(memory.expiresAt);
  if (!standing || !electorate) return { ...untouched, memory: over ? { ...memory, state: "expired" } : memory };
  const { eligible } = electorate;
  const context = { requesterId, ownIds: view.ownIds, nowMs };
  const judged = judgeGate(memory, standing.answers, { eligible, context });
  const stranded = judged.state === "requested" && !couldStillBeGranted(judged, eligible, context);
  return { memory: judged, half: false, stranded, sideDoor: standing.sideDoor };
}

/** The round of a request that stands though its end was never recorded. */
function halfAsked({ marker, round }: OpenAction, view: QueueView): GateMemory | undefined {
  const standing = view.requests.get(marker);
  return round && standing?.state === "standing" ? roundAt(round, marker, standing) : undefined;
}

function roundAt(
  { expiresMs, ...round }: GateRound,
  marker: string,
  { atMs, seen }: { atMs: number; seen: string },
): GateMemory {
  return {
    ...round,
    ...{ state: "requested", marker, seen, doors: [], undone: 0, answers: [] },
    ...{ requestedAt: instant(atMs), expiresAt: instant(atMs + expiresMs) },
  };
}

/** As a decision may know it: of several rounds of a rule the latest, and nothing of who answered. */
export function gatesFact(judged: readonly JudgedGate[]): GatesFact {
  const fact: GatesFact = {};
  for (const { memory, stranded } of judged.toSorted((a, b) =>
    a.memory.requestedAt < b.memory.requestedAt ? -1 : 1,
  )) {
    const { bindsDigest, state, requestedAt, expiresAt, present, stood, evidence, automatic } = memory;
    fact[memory.rule] = {
      ...{ bindsDigest, state: stranded ? "void" : state, requestedAt, expiresAt, present, stood },
      ...(evidence !== undefined && { evidence }),
      ...(automatic && { automatic }),
    };
  }
  return fact;
}

/** Ids of people → names, of all that a view shows. */
export function namesIn({ requests, electorates }: QueueView): ReadonlyMap<string, string> {
  const shown = [...requests.values()].flatMap((each) => (each.state === "standing" ? [...each.names] : []));
  return new Map([...[...electorates.values()].flatMap(({ names }) => [...names]), ...shown]);
}

/** Who is to be asked for each gate: never nobody, and nobody whose answer could not count. */
export async function whoToAsk(
  { clock }: Pick<ReconcileDeps, "clock">,
  approvals: Approvals,
  ticket: Ticket,
  gates: readonly Gate[],
): Promise<Map<string, AskWho>> {
  const ownIds = await approvals.ownIds();
  const context = { requesterId: ticket.requester.id, ownIds };
  const found = new Map<string, AskWho>();
  for (const { rule, groups, people, need, fallbackGroup } of gates) {
    const own = await approvals.electorate({ groups, people }, clock.now());
    if (canBeGranted({ groups, people, need }, own.eligible, context)) {
      found.set(rule, { groups, people, need, fallback: false });
      continue;
    }
    const gone = own.unknown.length > 0 ? ` (${own.unknown.join(", ")})` : "";
    const nobody = `too few are left who may approve${gone}`;
    if (fallbackGroup === null) {
      found.set(rule, { nobody: `${nobody}, and the rule names no fallback; correct its approvers, then redrive` });
      continue;
    }
    const instead = { groups: [fallbackGroup], people: [], need: "any" as const };
    const { eligible } = await approvals.electorate(instead, clock.now());
    found.set(
      rule,
      canBeGranted(instead, eligible, context)
        ? { ...instead, fallback: true }
        : {
            nobody: `${nobody}, and nobody in the fallback ${fallbackGroup} may either; correct the group, then redrive`,
          },
    );
  }
  return found;
}

/** An ask with all that is needed to make it, and to know it again after a crash. */
export interface Ask {
  actionId: string;
  marker: string;
  round: GateRound;
  text: string;
}

export function roundOf({ gate, who }: PlannedAsk): GateRound {
  const { rule, bindsDigest, expiresMs, present, stands, evidence } = gate;
  const { groups, people, need, fallback } = who;
  return {
    rule,
    bindsDigest,
    groups: [...groups],
    people: [...people],
    need,
    fallback,
    stood: stands,
    present,
    expiresMs,
    ...(evidence !== undefined && { evidence }),
  };
}

/** What approvers read. */
export function askText({ gate }: PlannedAsk, ticket: Ticket, decision: Decision, nowMs: number): string {
  return requestText(gate, { ticket, decision, advice: adviceLines(decision), nowMs });
}

/** Everything about approvals that one write carries out. */
export interface ApprovalWork {
  asks: readonly Ask[];
  cancels: readonly { actionId: string; memory: GateMemory }[];
  undos: readonly { actionId: string; memory: GateMemory }[];
}

export interface ApprovalsDone {
  /** Actions that are certain. */
  applied: string[];
  dropped: { actionId: string; reason: string }[];
  asked: GateMemory[];
  /** The record was put on hold, which is ours to end. */
  heldBy: string | undefined;
}

/**
 * Takes back, asks and undoes, in this order. `done` is filled as it goes: what stands in it when a call fails is done
 * all the same. Each call looks for what an earlier try of it has left before it does anything.
 */
export async function carryOutApprovals(
  approvals: Approvals,
  { asks, cancels, undos }: ApprovalWork,
  { ref, recordType }: { ref: TicketRef; recordType: string },
  done: ApprovalsDone,
): Promise<void> {
  const request = ({ marker, requestedAt }: GateMemory): OpenRequest => ({
    ref,
    recordType,
    marker,
    requestedAtMs: Date.parse(requestedAt),
  });
  for (const { actionId, memory } of cancels) {
    await approvals.cancel(request(memory));
    done.applied.push(actionId);
  }
  for (const { actionId, marker, round, text } of asks) {
    const { groups, people, need } = round;
    const asked = await approvals.ask({ ref, recordType, marker, groups, people, need, text });
    done.asked.push(roundAt(round, marker, asked));
    done.applied.push(actionId);
  }
  for (const { actionId, memory } of undos) {
    const undone = await approvals.undoSideDoor({ ...request(memory), seen: memory.seen });
    if (undone.onHold) done.heldBy = actionId;
    if (undone.done) done.applied.push(actionId);
    else
      done.dropped.push({
        actionId,
        reason: `what came about past the approval could not be undone: ${undone.detail}`,
      });
  }
}
