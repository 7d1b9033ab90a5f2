import type { Drift } from "../mapping/field.ts";
import type { Mapping } from "../mapping/mapping.ts";
import type { Ticket } from "../ticket.ts";

/** One state of one ticket. */
export interface TicketState {
  /** What reports call the ticket; no two tickets of a source share one. */
  id: string;
  /** When it became so, in ms since 1970. */
  atMs: number;
  ticket: Ticket;
  /** Whether nobody has chosen the ticket's group: it is empty, or stands under `intake` in its mapping. */
  free: boolean;
}

/** A state, or the fields that keep it from being one with what stands there: never free text. */
export type StateReading = { state: TicketState } | { unreadable: string };

/** A history to replay, wherever it comes from: a file, or a system of record. */
export interface StateSource {
  /** What reports call it: how a file is read, or the connection. */
  name: string;
  /** Whether the states of a ticket stand together. Tickets may be mixed where they do not. */
  grouped: boolean;
  /** The states of each ticket in the order in which they happened. */
  states: AsyncIterable<StateReading>;
  /** Until when it is known that nothing more happened, in ms since 1970; undefined: until the last state. */
  knownUntilMs: number | undefined;
  /** What a reader must know of how the history was read, in whole sentences; asked for when all is read. */
  remarks(): readonly string[];
}

/** Says of a group whether nobody has chosen it, by a mapping's `intake`. */
export function freeGroups(mapping: Mapping): (group: string) => boolean {
  const intake = new Set(["", ...mapping.intake("assignmentGroup").map(String)]);
  return (group) => intake.has(group);
}

/** Why a record is no ticket, for a report. */
export function driftText(drift: readonly Drift[]): string {
  return drift.map(({ field, received }) => `${field}: ${received}`).join(", ");
}
