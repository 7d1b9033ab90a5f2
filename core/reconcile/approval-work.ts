import { requestText } from "../act/gate-note.ts";
import type { PlannedAsk } from "../act/gate-plan.ts";
import { adviceLines } from "../act/note.ts";
import type { Decision } from "../decision.ts";
import { ConnectorError } from "../errors.ts";
import type { GivenAnswer } from "../gates/answer.ts";
import type { Approvals, OpenRequest } from "../gates/approvals.ts";
import { type GateMemory, type GateRound, roundAt } from "../gates/gate.ts";
import { BOARD } from "../policy/risk.ts";
import type { Ticket, TicketRef } from "../ticket.ts";

/** An ask with all that is needed to make it, and to know it again after a crash. */
export interface Ask {
  actionId: string;
  marker: string;
  round: GateRound;
  /** What is known of it, where it was begun before: of that nothing is forgotten. */
  half: GateMemory | undefined;
  /** How often it was put back, or made again. */
  undone: number;
  text: string;
}

export function roundOf({ gate, who }: PlannedAsk, requester: string): GateRound {
  const { rule, bindsDigest, expiresMs, present, stands, evidence } = gate;
  const { groups, people, need, fallback } = who;
  return {
    rule,
    bindsDigest,
    groups: [...groups],
    people: [...people],
    need,
    fallback,
    requester,
    // What came about past an earlier round did not stand.
    stood: stands.filter((effect) => !gate.passed.includes(effect)),
    present,
    expiresMs,
    ...(evidence !== undefined && { evidence }),
  };
}

/** What approvers read. */
export function askText(
  { gate }: PlannedAsk,
  ticket: Ticket,
  decision: Decision,
  { summary, nowMs }: { summary: string | undefined; nowMs: number },
): string {
  return requestText(gate, { ticket, decision, advice: adviceLines(decision), summary, nowMs });
}

/** Everything about approvals that one write carries out. */
export interface ApprovalWork {
  asks: readonly Ask[];
  cancels: readonly { actionId: string; memory: GateMemory }[];
  undos: readonly { actionId: string; memory: GateMemory; state: boolean }[];
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
 * all the same. `refuse` is asked before each call, and throws where it may not be made any more. Each call looks for
 * what an earlier try of it has left before it does anything.
 */
export async function carryOutApprovals(
  approvals: Approvals,
  { asks, cancels, undos }: ApprovalWork,
  { ref, recordType }: { ref: TicketRef; recordType: string },
  { done, refuse }: { done: ApprovalsDone; refuse: () => Promise<void> },
): Promise<void> {
  const request = ({ rule, marker, requestedAt }: GateMemory): OpenRequest => ({
    ...{ ref, recordType, marker, requestedAtMs: Date.parse(requestedAt), platform: rule === BOARD },
  });
  for (const { actionId, memory } of cancels) {
    await refuse();
    await approvals.cancel(request(memory));
    done.applied.push(actionId);
  }
  for (const { actionId, marker, round, half, undone, text } of asks) {
    const { groups, people, need, requester } = round;
    await refuse();
    const asked = await approvals.ask({ ref, recordType, marker, groups, people, need, requester, text });
    done.asked.push({ ...roundAt(round, marker, asked), ...(half && { answers: half.answers }), undone });
    done.applied.push(actionId);
  }
  for (const { actionId, memory, state } of undos) {
    await refuse();
    // Whoever answered since the queue was looked into may have brought it about by right.
    const [now] = await approvals.standing([request(memory)]);
    if (now?.state === "standing" && now.answers.some((answer) => !isKnown(answer, memory)))
      throw answeredMeanwhile(approvals, ref);
    const undone = await approvals.undoSideDoor({ ...request(memory), seen: memory.seen, state });
    if (undone.onHold) done.heldBy = actionId;
    if (undone.done) done.applied.push(actionId);
    else
      done.dropped.push({
        actionId,
        reason: `what came about past the approval could not be undone: ${undone.detail}`,
      });
  }
}

function isKnown({ id, decision }: GivenAnswer, { answers }: GateMemory): boolean {
  return answers.some((answer) => answer.id === id && answer.decision === decision);
}

function answeredMeanwhile({ connection }: Approvals, { key }: TicketRef): ConnectorError {
  const message = `${key} of ${connection} was answered after its queue was read; nothing was undone, it will be read again`;
  return new ConnectorError({ kind: "conflict", connection, message });
}
