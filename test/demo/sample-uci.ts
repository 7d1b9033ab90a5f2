/**
 * Makes uci-incidents.csv.gz from the public UCI 498 event log (see ATTRIBUTION.md).
 *
 *   node test/demo/sample-uci.ts <incident-events.csv.gz> [out.csv.gz] [seed]
 *
 * The same source and the same seed give the same bytes.
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";

export const SEED = "interlock-demo-1";

export const COLUMNS = [
  "number",
  "incident_state",
  "active",
  "reassignment_count",
  "sys_mod_count",
  "caller_id",
  "opened_by",
  "opened_at",
  "sys_updated_by",
  "sys_updated_at",
  "contact_type",
  "location",
  "category",
  "subcategory",
  "u_symptom",
  "cmdb_ci",
  "impact",
  "urgency",
  "priority",
  "assignment_group",
  "assigned_to",
  "closed_code",
] as const;

export type Column = (typeof COLUMNS)[number];

/** How many incidents to take by the priority of their first row, and how many of those opened in the front line. */
export const QUOTAS = [
  { priority: "1", frontLine: 22, other: 13 },
  { priority: "2", frontLine: 22, other: 13 },
  { priority: "3", frontLine: 132, other: 73 },
  { priority: "4", frontLine: 29, other: 16 },
] as const;

type Row = Record<Column, string>;

interface Candidate {
  number: string;
  rows: Row[];
  first: Row;
  rank: string;
}

function readRows(csv: string): Row[] {
  if (csv.includes('"')) {
    throw new Error("the source has quoted fields, which this script does not parse");
  }
  const [header = "", ...lines] = csv.trimEnd().split(/\r?\n/);
  const names = header.split(",");
  const positions = COLUMNS.map((column) => [column, names.indexOf(column)] as const);
  const missing = positions.filter(([, position]) => position < 0).map(([column]) => column);
  if (missing.length > 0) {
    throw new Error(`the source lacks the columns ${missing.join(", ")}`);
  }
  return lines.map((line, index) => {
    const cells = line.split(",");
    if (cells.length !== names.length) {
      throw new Error(`line ${index + 2}: ${cells.length} fields, expected ${names.length}`);
    }
    return Object.fromEntries(positions.map(([column, position]) => [column, cells[position] ?? ""])) as Row;
  });
}

/** A key that sorts as time does: the source writes d/m/Y H:M without padding. */
function timeKey(text: string): string {
  const [, day = "", month = "", year = "", clock = ""] = /^(\d+)\/(\d+)\/(\d{4}) (\d\d:\d\d)$/.exec(text) ?? [];
  if (year === "") {
    throw new Error(`not a date: ${text}`);
  }
  return `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")} ${clock}`;
}

/** Whole and in order: row 0 is there, the end is Closed, counters rise, time never runs back, active fits the state. */
function isReplayable(rows: Row[]): boolean {
  const [first] = rows;
  const last = rows.at(-1);
  if (first?.sys_mod_count !== "0" || last?.incident_state !== "Closed") {
    return false;
  }
  if (timeKey(first.opened_at) > timeKey(first.sys_updated_at)) {
    return false;
  }
  return rows.every((row, index) => {
    const before = rows[index - 1];
    const inOrder =
      before === undefined ||
      (Number(before.sys_mod_count) < Number(row.sys_mod_count) &&
        timeKey(before.sys_updated_at) <= timeKey(row.sys_updated_at));
    return inOrder && (row.active === "false") === (row.incident_state === "Closed");
  });
}

function candidatesOf(rows: Row[], seed: string): Candidate[] {
  const byNumber = new Map<string, Row[]>();
  for (const row of rows) {
    const history = byNumber.get(row.number);
    if (history === undefined) {
      byNumber.set(row.number, [row]);
    } else {
      history.push(row);
    }
  }
  return [...byNumber].flatMap(([number, history]) => {
    const [first] = history;
    if (first === undefined || !isReplayable(history)) {
      return [];
    }
    return [{ number, rows: history, first, rank: createHash("sha256").update(`${seed}:${number}`).digest("hex") }];
  });
}

/** The sample as CSV text. Within a quota the incidents are taken in the order of a seeded hash of their number. */
export function sample(csv: string, seed: string = SEED): string {
  const candidates = candidatesOf(readRows(csv), seed).sort((a, b) => (a.rank < b.rank ? -1 : 1));
  const taken = QUOTAS.flatMap(({ priority, frontLine, other }) => {
    const pool = candidates.filter(({ first }) => first.priority === priority);
    const isFrontLine = ({ first }: Candidate): boolean => ["70", "?"].includes(first.assignment_group);
    const front = pool.filter(isFrontLine).slice(0, frontLine);
    const rest = pool.filter((candidate) => !isFrontLine(candidate)).slice(0, other);
    if (front.length < frontLine || rest.length < other) {
      throw new Error(`too few incidents of priority ${priority}: ${front.length} and ${rest.length}`);
    }
    return [...front, ...rest];
  });
  const rows = taken.sort((a, b) => (a.number < b.number ? -1 : 1)).flatMap((candidate) => candidate.rows);
  const lines = rows.map((row) => COLUMNS.map((column) => row[column]).join(","));
  return `${[COLUMNS.join(","), ...lines].join("\n")}\n`;
}

function main(): void {
  const [source, out = fileURLToPath(new URL("uci-incidents.csv.gz", import.meta.url)), seed = SEED] =
    process.argv.slice(2);
  if (source === undefined) {
    throw new Error("usage: node test/demo/sample-uci.ts <incident-events.csv.gz> [out.csv.gz] [seed]");
  }
  const csv = sample(gunzipSync(readFileSync(source)).toString("utf8"), seed);
  writeFileSync(out, gzipSync(csv, { level: 9 }));
  process.stdout.write(`${csv.trimEnd().split("\n").length - 1} events\n`);
}

if (import.meta.main) {
  main();
}
