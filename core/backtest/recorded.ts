import { instant } from "../clock.ts";
import type { Mapping } from "../mapping/mapping.ts";
import type { Archive, PastRecord, PastVersion, Patience } from "../ports.ts";
import type { TicketRef } from "../ticket.ts";
import { whole } from "./lines.ts";
import { driftText, freeGroups, type StateReading, type StateSource } from "./states.ts";

/** A record type of a connection, and how its records become tickets. */
export interface RecordedType {
  recordType: string;
  mapping: Mapping;
}

export interface RecordedOptions {
  archive: Archive;
  types: readonly RecordedType[];
  /** Tickets opened at that hour or later, in ms since 1970. */
  sinceMs: number;
  /** The hour at which reading begins, in ms since 1970: until then all is known. */
  nowMs: number;
  /** Tickets at the most. */
  most: number;
  patiently: Patience;
  /** Is told of every ticket that has been read. */
  onRead?: () => void;
}

/**
 * The history that a system of record keeps of its own tickets, as a source. A ticket whose opening state cannot be told
 * is left out whole, since what is judged by it would be judged by a later one. Throws a ConnectorError.
 */
export function recordedStates(options: RecordedOptions): StateSource {
  const remarks: string[] = [];
  return {
    name: options.archive.connection,
    grouped: true,
    states: statesOf(options, remarks),
    knownUntilMs: options.nowMs,
    remarks: () => remarks,
  };
}

async function* statesOf(options: RecordedOptions, remarks: string[]): AsyncGenerator<StateReading, void, undefined> {
  const { archive, types, sinceMs, most, patiently, onRead } = options;
  const remark = (sentence: string): void => void remarks.push(sentence);
  const ids = new Set<string>();
  for (const [at, { recordType, mapping }] of types.entries()) {
    let openedMs = sinceMs;
    const { reads, transforms } = mapping;
    for await (const page of archive.past({ recordType, sinceMs, reads, transforms, patiently, remark })) {
      for (const record of page) {
        if (ids.size === most) {
          remark(cutText(most, { recordType, openedMs, unread: types.slice(at + 1) }));
          return;
        }
        const id = ids.has(record.key) ? `${record.key} (${record.id})` : record.key;
        ids.add(id);
        openedMs = record.versions[0]?.atMs ?? openedMs;
        yield* readingsOf(record, id, { connection: archive.connection, mapping });
        onRead?.();
      }
    }
  }
}

function* readingsOf(
  { type, id, key, versions }: PastRecord,
  name: string,
  { connection, mapping }: { connection: string; mapping: Mapping },
): Generator<StateReading, void, undefined> {
  const ref = { connection, type, id, key };
  const isFree = freeGroups(mapping);
  for (const [at, version] of versions.entries()) {
    const read = ticketOf(version, ref, mapping);
    if ("unreadable" in read) {
      if (at > 0) yield read;
      else return yield { unreadable: `${read.unreadable} (as opened: the ticket is left out)` };
    } else {
      const { ticket } = read;
      yield { state: { id: name, atMs: version.atMs, ticket, free: isFree(ticket.assignmentGroup) } };
    }
  }
}

function ticketOf({ record, revision, untold }: PastVersion, ref: TicketRef, mapping: Mapping) {
  if (untold.length > 0) return { unreadable: untold.map(({ path, why }) => `${path}: ${why}`).join(", ") };
  const read = mapping.toTicket(ref, revision, record);
  return "drift" in read ? { unreadable: driftText(read.drift) } : read;
}

function cutText(
  most: number,
  { recordType, openedMs, unread }: { recordType: string; openedMs: number; unread: readonly RecordedType[] },
): string {
  const none = unread.map((type) => ` and all of ${type.recordType}`).join("");
  return `No more than ${whole(most)} tickets were read (--most): of ${recordType} what was opened after ${instant(openedMs)}${none} is left out.`;
}
