import type { ChangedRecord } from "../ports.ts";
import type { Sighting, SweptChange } from "../store/store.ts";
import { ticketId } from "../ticket.ts";
import { revisionReached } from "./revision.ts";

/** So often is the same state of a record signalled when nothing comes of it; then it is missing, and people are told. */
const SIGNALS_MAX = 3;

/** What becomes of a record that a sweep was shown. */
export interface Judged {
  change: SweptChange;
  /** The delivery id of the signal that it needs: the same for every worker that sees the same state of the record. */
  deliveryId: string | undefined;
}

/** Decides whether a record needs a signal, and says how it was found. */
export function judge(connection: string, record: ChangedRecord, sighting: Sighting, nowMs: number): Judged {
  const { before, remembered } = sighting;
  const { revision, updatedAtMs } = record;
  const webhookAtMs = before?.webhookAtMs ?? sighting.webhookAtMs ?? null;
  const nearOwnWrite = sighting.nearOwnWrite || before?.nearOwnWrite === true;
  const reached = remembered !== undefined && revisionReached(remembered, revision);
  // One that came just before, as far as clocks can tell, may have told of the edit before this one.
  const told = (webhookAtMs !== null && webhookAtMs >= updatedAtMs) || nearOwnWrite;
  const needed = needsSignal(revision, sighting, told);
  const signals = (before?.signals ?? 0) + (needed ? 1 : 0);
  const otherwise = before?.foundBy ?? (reached ? "known" : "sweep");
  const foundBy = webhookAtMs !== null ? "webhook" : needed ? "sweep" : otherwise;
  const swept = foundBy === "known" ? null : nowMs;
  const signalAtMs = before?.signalAtMs ?? webhookAtMs ?? swept;
  const ticket = ticketId({ connection, type: record.type, id: record.id });
  return {
    change: {
      ...{ ticket, revision, updatedAtMs, foundBy, webhookAtMs, signalAtMs, signals, nearOwnWrite },
      seenAtMs: before?.seenAtMs ?? nowMs,
    },
    // A record that was restored from a backup may come to the same revision again, at another hour.
    deliveryId: needed ? `sweep:${record.type}/${record.id}@${revision}/${updatedAtMs}#${signals}` : undefined,
  };
}

/** Whether nothing else will lead to a look at this state of the record. `told`: by a webhook, or it was our own write. */
function needsSignal(revision: string, { state, remembered, before }: Sighting, told: boolean): boolean {
  // By being the same and not by being reached: a restored record counts from a lower number again.
  if (remembered === revision) return false;
  switch (state) {
    case "waiting":
      return false;
    // Who has it in hand may have read it before the change; a signal keeps it due. One that was given stands.
    case "in_work":
      return before === undefined;
    // It is taken up again for news only, and once: it waits for a person.
    case "parked":
      return before === undefined && !told;
    case "idle":
      if (before === undefined) return true;
      return before.signals < SIGNALS_MAX && !(remembered !== undefined && revisionReached(remembered, revision));
  }
}
