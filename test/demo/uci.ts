/** The sampled UCI incidents as typed histories, and the edits between two events. See ATTRIBUTION.md for the origin. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { COLUMNS, type Column } from "./sample-uci.ts";

export const INCIDENTS_PATH = fileURLToPath(new URL("uci-incidents.csv.gz", import.meta.url));

const STATES = [
  "New",
  "Active",
  "Awaiting User Info",
  "Awaiting Problem",
  "Awaiting Vendor",
  "Awaiting Evidence",
  "Resolved",
  "Closed",
] as const;
const LEVELS = ["1", "2", "3"] as const;
const CONTACT_TYPES = ["Phone", "Email"] as const;

/** Cells the log may leave empty (`?`), by the name they have here. They are anonymised codes, not words. */
const CODES = {
  category: "category",
  subcategory: "subcategory",
  symptom: "u_symptom",
  cmdbCi: "cmdb_ci",
  assignmentGroup: "assignment_group",
  assignedTo: "assigned_to",
  callerId: "caller_id",
  location: "location",
} as const satisfies Record<string, Column>;

/** What a person edits. Priority, active and the counters follow from these, so a replay must not set them. */
export const EDITED_FIELDS = [
  "state",
  "impact",
  "urgency",
  "contactType",
  "category",
  "subcategory",
  "symptom",
  "cmdbCi",
  "assignmentGroup",
  "assignedTo",
  "callerId",
  "location",
  "closedCode",
] as const;

export type State = (typeof STATES)[number];
export type Level = 1 | 2 | 3;
export type EditedField = (typeof EDITED_FIELDS)[number];

export interface IncidentEvent extends Partial<Record<keyof typeof CODES, string>> {
  state: State;
  active: boolean;
  /** Rises from 0; gaps are updates that the public log left out. */
  modCount: number;
  reassignmentCount: number;
  impact: Level;
  urgency: Level;
  priority: 1 | 2 | 3 | 4;
  contactType?: (typeof CONTACT_TYPES)[number];
  /** Only while Resolved or Closed: the log stamps the final code on every row, which would give the outcome away. */
  closedCode?: string;
  updatedBy: string;
  /** ISO, UTC. The log has minutes only and no time zone; it is read as UTC. */
  updatedAt: string;
}

export interface Incident {
  number: string;
  openedBy?: string;
  openedAt: string;
  events: IncidentEvent[];
}

/** The new values of the fields that differ; null is a field that was emptied. */
export type Changes = { [Field in EditedField]?: NonNullable<IncidentEvent[Field]> | null };

/** The edits made between two events: empty when only a comment, or something the log hides, was added. */
export function changes(previous: IncidentEvent, next: IncidentEvent): Changes {
  const differing = EDITED_FIELDS.filter((field) => previous[field] !== next[field]);
  return Object.fromEntries(differing.map((field) => [field, next[field] ?? null])) as Changes;
}

export function readIncidents(path: string = INCIDENTS_PATH): Incident[] {
  return parseIncidents(gunzipSync(readFileSync(path)).toString("utf8"));
}

/** Throws an Error that begins with the line number at the first row that is not what the file promises. */
export function parseIncidents(csv: string): Incident[] {
  const [header, ...lines] = csv.trimEnd().split("\n");
  if (header !== COLUMNS.join(",")) {
    throw new Error("line 1: not the columns of the sample");
  }
  const incidents = new Map<string, Incident>();
  let current: Incident | undefined;
  for (const [index, text] of lines.entries()) {
    const row = new Row(text, index + 2);
    const event = readEvent(row);
    const number = row.matching("number", /^\d{7}$/);
    if (current?.number !== number) {
      checkClosed(current, row.line - 1);
      row.check(!incidents.has(number), `the events of ${number} are not together`);
      row.check(event.modCount === 0, `${number} does not start at sys_mod_count 0`);
      current = { number, ...row.optional("openedBy", "opened_by"), openedAt: row.time("opened_at"), events: [] };
      incidents.set(number, current);
    }
    const previous = current.events.at(-1);
    const inOrder =
      previous === undefined || (previous.modCount < event.modCount && previous.updatedAt <= event.updatedAt);
    row.check(inOrder, `the events of ${number} are out of order`);
    current.events.push(event);
  }
  checkClosed(current, lines.length + 1);
  return [...incidents.values()];
}

function checkClosed(incident: Incident | undefined, line: number): void {
  if (incident !== undefined && incident.events.at(-1)?.state !== "Closed") {
    throw new Error(`line ${line}: ${incident.number} does not end Closed`);
  }
}

function readEvent(row: Row): IncidentEvent {
  const state = row.oneOf("incident_state", STATES);
  const contactType = row.cell("contact_type") === "?" ? undefined : row.oneOf("contact_type", CONTACT_TYPES);
  return {
    state,
    active: row.oneOf("active", ["true", "false"]) === "true",
    modCount: row.count("sys_mod_count"),
    reassignmentCount: row.count("reassignment_count"),
    impact: Number(row.oneOf("impact", LEVELS)) as Level,
    urgency: Number(row.oneOf("urgency", LEVELS)) as Level,
    priority: Number(row.oneOf("priority", ["1", "2", "3", "4"])) as IncidentEvent["priority"],
    ...(contactType === undefined ? {} : { contactType }),
    ...row.codes(),
    ...(state === "Resolved" || state === "Closed" ? row.optional("closedCode", "closed_code") : {}),
    updatedBy: row.matching("sys_updated_by", /^\d+$/),
    updatedAt: row.time("sys_updated_at"),
  };
}

class Row {
  readonly line: number;
  readonly #cells: ReadonlyMap<Column, string>;

  constructor(text: string, line: number) {
    this.line = line;
    const cells = text.split(",");
    this.check(cells.length === COLUMNS.length, `${cells.length} fields, expected ${COLUMNS.length}`);
    this.#cells = new Map(COLUMNS.map((column, index) => [column, cells[index] ?? ""]));
  }

  check(holds: boolean, problem: string): void {
    if (!holds) {
      throw new Error(`line ${this.line}: ${problem}`);
    }
  }

  cell(column: Column): string {
    const text = this.#cells.get(column) ?? "";
    this.check(text !== "", `${column} is blank (the log writes ? for empty)`);
    return text;
  }

  matching(column: Column, pattern: RegExp): string {
    const text = this.cell(column);
    this.check(pattern.test(text), `${column} is ${JSON.stringify(text)}`);
    return text;
  }

  oneOf<Value extends string>(column: Column, values: readonly Value[]): Value {
    const text = this.cell(column);
    const value = values.find((candidate) => candidate === text);
    if (value === undefined) {
      throw new Error(`line ${this.line}: ${column} is ${JSON.stringify(text)}`);
    }
    return value;
  }

  count(column: Column): number {
    return Number(this.matching(column, /^\d+$/));
  }

  optional<Name extends string>(name: Name, column: Column): Partial<Record<Name, string>> {
    const text = this.matching(column, /^(\?|\d+|cmdb_ci \d+)$/);
    return (text === "?" ? {} : { [name]: text }) as Partial<Record<Name, string>>;
  }

  codes(): Partial<Record<keyof typeof CODES, string>> {
    return Object.fromEntries(
      Object.entries(CODES).flatMap(([name, column]) => Object.entries(this.optional(name, column))),
    );
  }

  /** d/m/Y H:M, day and month unpadded. Date.UTC rolls 31 February over, so the day is compared afterwards. */
  time(column: Column): string {
    const text = this.matching(column, /^\d{1,2}\/\d{1,2}\/\d{4} \d\d:\d\d$/);
    const [day = 0, month = 0, year = 0, hour = 0, minute = 0] = text.split(/[/ :]/).map(Number);
    const date = new Date(Date.UTC(year, month - 1, day, hour, minute));
    const isReal =
      date.getUTCMonth() === month - 1 && date.getUTCDate() === day && date.getUTCHours() === hour && minute < 60;
    this.check(isReal, `${column} is ${JSON.stringify(text)}`);
    return date.toISOString();
  }
}
