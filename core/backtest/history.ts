import { z } from "zod";
import { instant } from "../clock.ts";
import { checkAgainst, parseYaml } from "../config/document.ts";
import type { ConfigFiles } from "../config/files.ts";
import { expressionCompiler } from "../expression.ts";
import { compileMapping, type Mapping } from "../mapping/mapping.ts";
import { MappingFile } from "../mapping/schema.ts";
import { localInstant, Zone } from "../policy/calendar.ts";
import type { Problem } from "../problem.ts";
import { driftText, freeGroups, type StateReading, type StateSource } from "./states.ts";

const DATE_ORDERS = ["y-m-d", "d/m/y", "m/d/y", "d.m.y"] as const;
type DateOrder = (typeof DATE_ORDERS)[number];

const Column = z.string().min(1).max(200);

/** What a file of history needs to have said beside what its columns mean. */
const Csv = z.strictObject({
  /** The column that names the ticket: rows with one value are one ticket's history. */
  id: Column,
  /** true: the rows of a ticket stand together, so it can be forgotten when the next begins and any length of file fits. */
  grouped: z.boolean().default(false),
  /** Cells that mean nothing stands there. */
  empty: z.array(z.string()).max(20).default([]),
  /** Columns with a local date and hour, in which order its parts stand, and whose clock it is. */
  dates: z.strictObject({ columns: z.array(Column).min(1).max(50), order: z.enum(DATE_ORDERS), zone: Zone }).optional(),
  /** Column → the word put before its bare codes, so that rules and reports say `Group 70`. */
  words: z.record(Column, z.string().min(1).max(40)).default({}),
});

/** `mappings/history/<name>.yaml`: a mapping, and how the file it reads is written. */
export const HistoryFile = MappingFile.extend({ csv: Csv });
export type HistoryFile = z.infer<typeof HistoryFile>;

/** How a file of history is read. */
export interface History {
  name: string;
  mapping: Mapping;
  csv: HistoryFile["csv"];
}

/** Names of the histories that `folder` can read. */
export function historyNames(files: ConfigFiles, folder: string): string[] {
  const known = files
    .list(`${folder}/history`)
    .filter((file) => file.endsWith(".yaml") && !file.endsWith(".test.yaml"));
  return known.map((file) => file.slice(0, -".yaml".length));
}

/** Reads `<folder>/history/<name>.yaml`, or tells everything that is wrong with it. */
export function loadHistory(files: ConfigFiles, folder: string, name: string): History | { problems: Problem[] } {
  const place = `${folder}/history`;
  const path = `${place}/${name}.yaml`;
  const text = files.read(path);
  if (text === undefined) {
    const names = historyNames(files, folder).join(", ");
    const fix = `Create it (docs/backtest.md shows how)${names === "" ? "" : `, or name one of: ${names}`}`;
    return { problems: [{ file: path, line: 0, col: 0, path: "", what: "the file is not there", fix }] };
  }
  const parsed = parseYaml(path, text);
  if ("problems" in parsed) return parsed;
  const checked = checkAgainst(parsed.file, HistoryFile);
  if ("problems" in checked) return checked;
  const { csv, ...mapping } = checked.value;
  const compiled = compileMapping(name, parsed.file, mapping, expressionCompiler({ record: "record" }));
  return "problems" in compiled ? compiled : { name, mapping: compiled.mapping, csv };
}

/**
 * A file of history as a source: the first of `rows` is the header. While it is read it throws an Error where columns
 * are missing, or where not even a header stands in it.
 */
export function fileStates(history: History, rows: AsyncIterable<readonly string[]>): StateSource {
  async function* states(): AsyncGenerator<StateReading, void, undefined> {
    let read: ReturnType<typeof rowReader> | undefined;
    for await (const cells of rows) {
      if (read) yield read(cells);
      else read = rowReader(history, cells);
    }
    if (!read) throw new Error("the history is empty: not even a header stands in it");
  }
  const { name, csv } = history;
  return { name, grouped: csv.grouped, states: states(), knownUntilMs: undefined, remarks: () => [] };
}

/**
 * Reads the rows of a file with this header. Throws an Error that names the columns it lacks: with one of them missing,
 * every ticket would look alike and every figure would be wrong.
 */
export function rowReader(
  { name, mapping, csv }: History,
  header: readonly string[],
): (cells: readonly string[]) => StateReading {
  const isFree = freeGroups(mapping);
  const dates = new Set(csv.dates?.columns);
  const empty = new Set(csv.empty);
  // The vendor answers with a reference's name and e-mail beside its id; in a file the one cell is the name.
  const beside = (path: string): boolean =>
    mapping.reads.includes(path.replace(/\.(name|email)$/, "")) && /\.(name|email)$/.test(path);
  const wanted = [...new Set([csv.id, ...dates, ...Object.keys(csv.words), ...mapping.reads])].filter(
    (path) => header.includes(path) || !beside(path),
  );
  const missing = wanted.filter((column) => !header.includes(column));
  if (missing.length > 0) {
    const columns = header.slice(0, 60).join(", ");
    throw new Error(`the history lacks the columns ${missing.join(", ")} that ${name}.yaml reads; it has ${columns}`);
  }
  const columns = wanted.map((column) => ({
    column,
    at: header.indexOf(column),
    isDate: dates.has(column),
    word: csv.words[column],
  }));
  return (cells) => {
    const record: Record<string, string> = {};
    for (const { column, at, isDate, word } of columns) {
      const cell = cells[at] ?? "";
      if (cell === "" || empty.has(cell)) record[column] = "";
      else if (isDate) record[column] = dateText(cell, csv.dates);
      else record[column] = word === undefined ? cell : `${word} ${cell}`;
    }
    const id = record[csv.id] ?? "";
    if (id === "") return { unreadable: `${csv.id}: (empty)` };
    const ref = { connection: "history", type: name, id, key: id };
    const read = mapping.toTicket(ref, record[csv.id] ?? "", record);
    if ("drift" in read) return { unreadable: driftText(read.drift) };
    const { ticket } = read;
    const atMs = Date.parse(ticket.updatedAt);
    return { state: { id, atMs, ticket, free: isFree(ticket.assignmentGroup) } };
  };
}

/** A local date as an instant; what is no date is handed on as it is, and the mapping says so. */
function dateText(cell: string, dates: HistoryFile["csv"]["dates"]): string {
  const parts = /^(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})[T ](\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(cell);
  if (!parts || !dates) return cell;
  const [, first = "", second = "", third = "", hour = "", minute = "", seconds = "00"] = parts;
  const [year, month, day] = inOrder(dates.order, first, second, third);
  const two = (text: string): string => text.padStart(2, "0");
  const local = `${year}-${two(month)}-${two(day)}T${two(hour)}:${minute}:${seconds}`;
  const atMs = dates.zone === "Etc/UTC" ? utcMs(local) : localInstant(local, dates.zone);
  return atMs === undefined ? cell : instant(atMs);
}

function inOrder(order: DateOrder, first: string, second: string, third: string): [string, string, string] {
  if (order === "y-m-d") return [first, second, third];
  return order === "m/d/y" ? [third, first, second] : [third, second, first];
}

/** The parser of dates turns the 30th of February into the 1st of March; that is no date. */
function utcMs(local: string): number | undefined {
  const atMs = Date.parse(`${local}Z`);
  return Number.isNaN(atMs) || !instant(atMs).startsWith(local) ? undefined : atMs;
}
