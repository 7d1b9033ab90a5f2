import type { GateEvent } from "../act/gate-plan.ts";
import type { GateMemory } from "../gates/gate.ts";
import type { Draft } from "../ledger/entry.ts";
import type { Prepared } from "./prepare.ts";

/** What the ledger is to hold of approvals: who answered, and whether it counted. */
export function gateDrafts({
  claim,
  ticket,
  approvals: { events, memory },
}: Pick<Prepared, "claim" | "ticket" | "approvals">): Draft[] {
  const rounds = new Map([...(claim.memory?.gates ?? []), ...memory].map((each) => [each.marker, each]));
  return events.flatMap((event): Draft[] => {
    if (event.recorded) return [];
    const round = rounds.get(event.marker);
    const answers = event.answer ? [event.answer] : decisiveAnswers(event, round);
    const each = answers.length > 0 ? answers : [undefined];
    return each.map((answer) => ({
      kind: "gate",
      ticket: claim.ticket,
      body: {
        event: event.kind,
        rule: event.rule,
        marker: event.marker,
        bindsDigest: round?.bindsDigest ?? "",
        answerId: answer?.id ?? null,
        by: answer?.by ?? null,
        at: answer?.at ?? null,
        requester: ticket.requester.id || null,
        reason: event.answer?.refused ?? (event.what ?? told(event, round)).slice(0, 400),
      },
    }));
  });
}

/** What a rollback goes for that nobody was asked about; what people were asked for stands where they were. */
function told({ kind }: GateEvent, round: GateMemory | undefined): string {
  return kind === "automatic" ? (round?.evidence ?? "") : "";
}

function decisiveAnswers({ kind }: GateEvent, round: GateMemory | undefined): GateMemory["answers"] {
  // Whose approval is void, too.
  if (kind !== "granted" && kind !== "refused" && kind !== "void") return [];
  const decisive = kind === "refused" ? "rejected" : "approved";
  return (round?.answers ?? []).filter(({ refused, decision }) => refused === null && decision === decisive);
}

/** The entry that tells of a round that was asked. */
export function askedDraft(
  ticket: string,
  { rule, marker, bindsDigest, requestedAt, evidence }: GateMemory,
  requester: string,
): Draft {
  const body = {
    event: "asked",
    rule,
    marker,
    bindsDigest,
    answerId: null,
    by: null,
    at: requestedAt,
    requester: requester || null,
    reason: (evidence ?? "").slice(0, 400),
  } as const;
  return { kind: "gate", ticket, body };
}
