import type { JiraApprovals } from "../../core/config/settings.ts";
import type { GivenAnswer } from "../../core/gates/answer.ts";
import { quoted } from "./caller.ts";
import type { RequestApproval } from "./service-desk.ts";
import type { StatusMove } from "./status-moves.ts";

type StatusApprovals = Extract<JiraApprovals, { type: "status" }>;

/** Answers, and what was done past them. Pure. */
export interface Read {
  answers: GivenAnswer[];
  /** As in `RequestStanding`. */
  sideDoor: string | null;
  shut: boolean;
}

/** By moves out of the approval status since `atMs`: whoever makes one has answered, for himself. */
export function byMoves(settings: StatusApprovals, moves: readonly StatusMove[], atMs: number): Read {
  const { status, approve, decline } = settings;
  const decision = ({ to }: StatusMove): GivenAnswer["decision"] | undefined =>
    approve.includes(to) ? "approved" : decline.includes(to) ? "rejected" : undefined;
  const out = moves.filter((move) => move.atMs >= atMs && move.from === status);
  const answers = out.flatMap((move): GivenAnswer[] => {
    const decided = decision(move);
    const { id, atMs: at, author } = move;
    return decided === undefined
      ? []
      : [{ id, decision: decided, approverId: author.id, answeredById: author.id || null, atMs: at }];
  });
  const last = out.at(-1);
  const shut = isShut(status, moves);
  const isPast = last !== undefined && decision(last) === undefined && shut;
  return { answers, sideDoor: isPast ? pastSentence(last) : null, shut };
}

/**
 * By the approvals of the service desk. One that began before `atMs` was about something else: of it only those answers
 * count whose time is known to be later. Where Jira does not give the time of an answer it is `nowMs`: it was there by
 * then at the latest.
 */
export function byApprovals(
  status: string,
  approvals: readonly RequestApproval[],
  { moves, atMs, nowMs }: { moves: readonly StatusMove[]; atMs: number; nowMs: number },
): Read {
  const answers = approvals.flatMap(({ id, state, approverId, answeredBy, answeredAtMs, askedAtMs }): GivenAnswer[] => {
    if (state !== "approved" && state !== "rejected") return [];
    const begunBefore = askedAtMs < atMs;
    if (begunBefore && (answeredAtMs === null || answeredAtMs < atMs)) return [];
    // Our clock may be behind Jira's, by which it was asked.
    const at = answeredAtMs ?? Math.max(askedAtMs, nowMs);
    return [{ id, decision: state, approverId, answeredById: answeredBy, atMs: at }];
  });
  const out = moves.findLast((move) => move.atMs >= atMs && move.from === status);
  const shut = isShut(status, moves);
  if (out === undefined || !shut) return { answers, sideDoor: null, shut };
  return { answers, sideDoor: isDecidedBy(approvals, out.atMs) ? null : pastSentence(out), shut };
}

/** Whether the last approval that had begun by then has its decision: nobody of it is waited for any more. */
function isDecidedBy(approvals: readonly RequestApproval[], atMs: number): boolean {
  const begun = approvals.filter(({ askedAtMs }) => askedAtMs <= atMs);
  const latestMs = Math.max(...begun.map(({ askedAtMs }) => askedAtMs));
  const last = begun.filter(({ askedAtMs }) => askedAtMs === latestMs);
  const isOpen = last.some(({ state }) => state === "requested" || state === "other");
  return !isOpen && last.some(({ state }) => state === "approved" || state === "rejected");
}

/** Whether the last move led anywhere but to where people answer. */
function isShut(status: string, moves: readonly StatusMove[]): boolean {
  const last = moves.at(-1);
  return last !== undefined && last.to !== status;
}

function pastSentence({ from, to }: StatusMove): string {
  return `It was moved from ${quoted([from])} to ${quoted([to])}, which is nobody's answer.`;
}
