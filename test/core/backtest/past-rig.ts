/** The past of tickets, told twice: by the archive of a system of record, and by a file of what was read at each hour. */
import { backtest, type NamedPolicy, type Report } from "../../../core/backtest/backtest.ts";
import { fileStates } from "../../../core/backtest/history.ts";
import { type RecordedOptions, recordedStates } from "../../../core/backtest/recorded.ts";
import type { TicketState } from "../../../core/backtest/states.ts";
import { loadPolicy } from "../../../core/config/policy-files.ts";
import type { Mapping } from "../../../core/mapping/mapping.ts";
import type { Archive, Connector, PastRecord, PastWanted, Patience } from "../../../core/ports.ts";
import { renderProblem } from "../../../core/problem.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { filesOf, historyFrom } from "./rig.ts";

/** How a file with a row for each reading is read, in the words of the canonical ticket. */
export const FILE = `
csv: { id: key }
vendor: servicenow
kind: incident
fields:
  title: { from: title, write: false }
  status: { from: status, values: { new: new, in_progress: in_progress, on_hold: on_hold, resolved: resolved, closed: closed, canceled: canceled } }
  priority: { from: priority, values: { "1": 1, "2": 2, "3": 3, "4": 4, "5": 5 } }
  impact: { from: impact, values: { "1": 1, "2": 2, "3": 3 } }
  urgency: { from: urgency, values: { "1": 1, "2": 2, "3": 3 } }
  category: { from: category }
  assignmentGroup: { from: group, intake: [Service Desk] }
  assignee: { from: assignee }
  createdAt: { from: opened }
  updatedAt: { from: at }
`;
export const FILE_HEADER = [
  ...["key", "title", "status", "priority", "impact", "urgency", "category", "group", "assignee", "opened", "at"],
];

export const PAST_FILES: Readonly<Record<string, string>> = {
  "p/routing.yaml": `rules:
  - { id: network, why: w, when: 'ticket.category == "network" || ticket.category == "Network"', then: { assign: { group: Network } } }
  - { id: urgent, why: w, when: 'ticket.priority <= 2', then: { assign: { group: Security Operations } } }
default: { id: leave-it, why: People route it, then: { leave: true } }
`,
  "p/gates.yaml": `- { id: big, why: w, when: 'ticket.priority <= 2', then: { gate: { approvers: { group: Bosses }, before: [resolve], binds: [priority, assignmentGroup], expires: 1h } } }
`,
  "p/sla.yaml": `rules: [{ id: s, why: clock, when: 'true', then: { clocks: { resolution: { within: 4h, stops: [resolved, closed], pauses: [on_hold], steps: [{ id: half, at: 50%, do: { note: half } }, { id: gone, at: 100%, do: { note: gone } }] } } } }]
`,
};

/** Asks once. */
export const hasty: Patience = (ask) => ask();

export function historyFile() {
  return historyFrom(FILE);
}

export function pastPolicy(mappings: readonly Mapping[]): NamedPolicy {
  const policy = loadPolicy(filesOf(PAST_FILES), "p", mappings, true);
  if ("problems" in policy) throw new Error(policy.problems.map(renderProblem).join("\n"));
  return { name: "p", policy };
}

/** What was read of tickets while they lived, one after the other. */
export class Readings {
  readonly rows: string[][] = [];
  readonly tickets: Ticket[] = [];
  readonly #connector: Connector;
  readonly #mapping: Mapping;

  constructor(connector: Connector, mapping: Mapping) {
    this.#connector = connector;
    this.#mapping = mapping;
  }

  /** Reads a ticket as production would at this hour, and keeps what came. */
  async take(type: string, id: string): Promise<void> {
    const [read] = await this.#connector.read(type, [id]);
    if (!read?.found) throw new Error(`${id} could not be read`);
    const ref = { connection: this.#connector.connection, type, id, key: read.key };
    const mapped = this.#mapping.toTicket(ref, read.revision, read.record);
    if ("drift" in mapped) throw new Error(`drift: ${JSON.stringify(mapped.drift)}`);
    const { ticket } = mapped;
    this.tickets.push(ticket);
    const numbers = [ticket.priority, ticket.impact, ticket.urgency].map(String);
    const { title, status, category, assignmentGroup, assignee, createdAt, updatedAt } = ticket;
    const rest = [category, assignmentGroup, assignee.id, createdAt, updatedAt];
    this.rows.push([ticket.ref.key, title, status, ...numbers, ...rest]);
  }

  /** The report of a file with these readings in it. */
  report(policies: readonly NamedPolicy[]): Promise<Report> {
    async function* all(rows: readonly string[][]): AsyncGenerator<readonly string[]> {
      yield FILE_HEADER;
      yield* rows;
    }
    return backtest(fileStates(historyFile(), all(this.rows)), policies);
  }
}

export type Live = Pick<RecordedOptions, "archive" | "types" | "sinceMs" | "nowMs"> & Partial<RecordedOptions>;

export function liveSource(live: Live) {
  return recordedStates({ most: 1_000, patiently: hasty, ...live });
}

/** Every state of a live source, and what kept others from being one. */
export async function statesOf(
  live: Live,
): Promise<{ states: TicketState[]; unreadable: string[]; remarks: string[] }> {
  const source = liveSource(live);
  const states: TicketState[] = [];
  const unreadable: string[] = [];
  for await (const reading of source.states) {
    if ("state" in reading) states.push(reading.state);
    else unreadable.push(reading.unreadable);
  }
  return { states, unreadable, remarks: [...source.remarks()] };
}

/** Every record of an archive's past. */
export async function recordsOf(archive: Archive, wanted: Partial<PastWanted> & Pick<PastWanted, "recordType">) {
  const records: PastRecord[] = [];
  const remarks: string[] = [];
  const remark = (sentence: string): void => void remarks.push(sentence);
  const all = { sinceMs: 0, reads: [], transforms: new Map(), patiently: hasty, remark, ...wanted };
  for await (const page of archive.past(all)) records.push(...page);
  return { records, remarks };
}

/** A report without what only says where it came from. */
export function figuresOf({ history, policies }: Report) {
  const { source: _, remarks: __, ...rest } = history;
  return { history: rest, policies };
}
