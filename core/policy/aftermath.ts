import { z } from "zod";
import { Instant, type Ticket } from "../ticket.ts";

/** Checks of one change that are kept, and so that may have failed. */
export const CHECKS_MAX = 50;

/** The name of a check: no text that could say anything else. */
export const CheckName = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9][A-Za-z0-9 ._/:-]*$/, "letters, digits, spaces and . _ / : -, at most 100");

/** Incidents that were opened, by priority: the first is that of priority 1. */
export const IncidentCounts = z.array(z.int().nonnegative()).length(5);
export type IncidentCounts = z.infer<typeof IncidentCounts>;

/** What has happened since a change was implemented. Counts, and names of checks; read anew at every look. */
export const AftermathFact = z.strictObject({
  /** From when on it was counted. */
  since: Instant,
  /** On the item and what depends on it; null where nobody can tell. */
  incidents: IncidentCounts.nullable(),
  /** Checks that have failed and not passed since, by name. */
  failedChecks: z.array(CheckName).max(CHECKS_MAX),
});
export type AftermathFact = z.infer<typeof AftermathFact>;

/** Nothing happened. */
export const QUIET_AFTERMATH: Omit<AftermathFact, "since"> = { incidents: [0, 0, 0, 0, 0], failedChecks: [] };

/** A change in one of these has been implemented. */
const IMPLEMENTED: ReadonlySet<Ticket["status"]> = new Set(["review", "resolved", "closed"]);
/** An end that lies further ahead is no end of anything that is implemented now. */
const AHEAD_MAX_MS = 7 * 86_400_000;

/** When a change was implemented, in ms since 1970. */
export interface Implementation {
  /** Incidents count from here: they come of what was done, not of what was announced to be down. */
  sinceMs: number;
  /** Checks count from here: they run while the work is under way. */
  beganMs: number;
  endMs: number;
}

/**
 * The implementation of a change that has been implemented, or whose time for it is over. Undefined for all else, and
 * for changes that name no end. What was finished before its planned end, at an hour that nobody wrote down, is counted
 * from its planned start, or where it began before that too, from when it was filed.
 */
export function implementationOf(
  { kind, status, change, createdAt }: Ticket,
  nowMs: number,
): Implementation | undefined {
  const end = change.actualEnd ?? change.plannedEnd;
  if (kind !== "change" || end === undefined) return undefined;
  const endMs = Date.parse(end);
  const isImplemented = IMPLEMENTED.has(status) && endMs <= nowMs + AHEAD_MAX_MS;
  if (!isImplemented && !(status === "in_progress" && endMs <= nowMs)) return undefined;
  const startMs = Date.parse(change.plannedStart ?? createdAt);
  // What began before its time did so at an hour that nobody wrote down.
  const beganMs = Math.min(startMs <= nowMs ? startMs : Date.parse(createdAt), endMs);
  return { sinceMs: endMs <= nowMs ? endMs : beganMs, beganMs, endMs };
}

/**
 * How long a change is watched: so many ms from the end of its implementation. It is open while that lasts. Before it,
 * while the change is under way, only its hours are known. Undefined for what is never watched.
 */
export function watchOf(
  ticket: Ticket,
  watchMs: number,
  nowMs: number,
): { isOpen: boolean; beginsMs: number; endsMs: number } | undefined {
  const { kind, status, change } = ticket;
  const done = implementationOf(ticket, nowMs);
  if (done) {
    const endsMs = done.endMs + watchMs;
    return { isOpen: nowMs < endsMs, beginsMs: done.sinceMs, endsMs };
  }
  const end = change.actualEnd ?? change.plannedEnd;
  if (kind !== "change" || status !== "in_progress" || end === undefined) return undefined;
  return { isOpen: false, beginsMs: Date.parse(end), endsMs: Date.parse(end) + watchMs };
}
