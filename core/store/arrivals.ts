/** How much of what changed at the source has arrived here. Every figure is a count of what sweeps saw. */
export interface Completeness {
  changed: number;
  seenByWebhook: number;
  foundOnlyBySweep: number;
  /** Of those, changes at the moment of a write of ours. */
  nearOwnWrites: number;
  /** Neither a webhook nor a sweep was needed: an older hint led to it. */
  known: number;
  /** Old enough to have been worked on, and neither settled, nor due, nor parked. */
  missing: number;
  /** The first of the missing, to look for. */
  missingTickets: string[];
  /** Longest time from a change to the first signal of it, in ms; null where nothing was signalled. */
  worstLagMs: number | null;
}

/** The changes to count: of one connection and record type, from `sinceMs` on. */
export interface CompletenessQuery {
  connection: string;
  recordType: string;
  sinceMs: number;
  /** A change later than this is too young to be missed. */
  missingBeforeMs: number;
}
