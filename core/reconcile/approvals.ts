import type { AskWho, JudgedGate } from "../act/gate-plan.ts";
import type { Gate } from "../decision.ts";
import { ConnectorError, FAULT_RETRY } from "../errors.ts";
import type { Approvals, Electorate, OpenRequest, RequestStanding } from "../gates/approvals.ts";
import { canBeGranted, couldStillBeGranted, type GateMemory, judgeGate, roundAt } from "../gates/gate.ts";
import type { GatesFact } from "../policy/facts.ts";
import { BOARD } from "../policy/risk.ts";
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
  desk: Desk,
  claims: readonly Claim[],
): Promise<{ view: QueueView; clear: readonly Claim[] }> {
  const { approvals } = desk;
  const waiting = claims.filter((claim) => openRequests(claim).length > 0);
  if (!approvals || waiting.length === 0) return { view: NO_QUEUE, clear: claims };
  try {
    return { view: await viewOf(approvals, waiting, deps.clock.now()), clear: claims };
  } catch (error) {
    // A system that is down would only be asked so many times more.
    const isTheirOwn = error instanceof ConnectorError && FAULT_RETRY[error.kind] === "park";
    if (waiting.length > 1 && isTheirOwn) return eachAlone(deps, desk, claims, waiting);
    await Promise.all(waiting.map((claim) => handleFailure(deps, claim, error, "approvals_unreadable")));
    return { view: NO_QUEUE, clear: claims.filter((claim) => !waiting.includes(claim)) };
  }
}

/** One request that cannot be judged is no reason to stop the others. */
async function eachAlone(
  deps: ReconcileDeps,
  desk: Desk,
  claims: readonly Claim[],
  waiting: readonly Claim[],
): Promise<{ view: QueueView; clear: readonly Claim[] }> {
  const seen = await Promise.all(waiting.map((claim) => seeApprovals(deps, desk, [claim])));
  const clear = new Set([...claims.filter((claim) => !waiting.includes(claim)), ...seen.flatMap((each) => each.clear)]);
  const view: QueueView = {
    requests: new Map(seen.flatMap((each) => [...each.view.requests])),
    electorates: new Map(seen.flatMap((each) => [...each.view.electorates])),
    ownIds: new Set(seen.flatMap((each) => [...each.view.ownIds])),
  };
  return { view, clear: claims.filter((claim) => clear.has(claim)) };
}

async function viewOf(approvals: Approvals, waiting: readonly Claim[], nowMs: number): Promise<QueueView> {
  const open = waiting.flatMap(openRequests);
  const standings = await approvals.standing(open.map(({ request }) => request));
  const requests = new Map(
    open.map(({ request }, at): [string, RequestStanding] => [request.marker, standings[at] ?? { state: "absent" }]),
  );
  const asked = open.filter(({ request }) => requests.get(request.marker)?.state === "standing");
  const electorates = await electoratesOf(approvals, asked, nowMs);
  return { requests, electorates, ownIds: await approvals.ownIds() };
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
  const known = remembered.map(({ rule, marker, requestedAt, groups, people }): Open => {
    const requestedAtMs = Date.parse(requestedAt);
    return { request: { ref, recordType: type, marker, requestedAtMs, platform: rule === BOARD }, groups, people };
  });
  const doubtful = claim.open.flatMap(({ marker, round }): Open[] => {
    if (!round || remembered.some((memory) => memory.marker === marker)) return [];
    const { rule, groups, people } = round;
    const request = { ref, recordType: type, marker, requestedAtMs: null, platform: rule === BOARD };
    return [{ request, groups, people }];
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
  const untouched = { memory, half: false, stranded: false, sideDoor: null, shut: false };
  if (memory.state !== "requested") return untouched;
  // Where the request was deleted it is made again; where the queue was not looked at, only the time can tell.
  if (standing?.state === "absent") return { ...untouched, half: true };
  const over = nowMs >= Date.parse(memory.expiresAt);
  if (!standing || !electorate) return { ...untouched, memory: over ? { ...memory, state: "expired" } : memory };
  const { eligible } = electorate;
  const context = { requesterId, ownIds: view.ownIds, nowMs };
  const judged = judgeGate(memory, standing.answers, { eligible, context });
  const isOpen = judged.state === "requested";
  // An answer that the vendor does not show in full yet may still be the one.
  const isWhole = judged.answers.every(({ refused }) => refused !== "nobody");
  const stranded = isOpen && ((standing.spent && isWhole) || !couldStillBeGranted(judged, eligible, context));
  const { sideDoor, shut } = standing;
  return { memory: judged, half: false, stranded, sideDoor, shut };
}

/** The round of a request that stands though its end was never recorded. */
function halfAsked({ marker, round }: OpenAction, view: QueueView): GateMemory | undefined {
  const standing = view.requests.get(marker);
  return round && standing?.state === "standing" ? roundAt(round, marker, standing) : undefined;
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
