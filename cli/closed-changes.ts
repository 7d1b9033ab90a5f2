import { basename } from "node:path";
import { InvalidArgumentError } from "commander";
import { instant, timeWithZone } from "../core/clock.ts";
import { didYouMean } from "../core/nearest.ts";
import type { ClosedChange } from "../core/risk/history.ts";
import { CHANGE_TYPES } from "../core/ticket.ts";
import { historyRows } from "./history-rows.ts";

/** More than any desk closes in the years that are like today. */
export const CHANGES_READ_MAX = 200_000;

const COLUMNS = [
  "number",
  "ci",
  "group",
  "model",
  "type",
  "plannedStart",
  "plannedEnd",
  "closedAt",
  "outcome",
] as const;
/** Of the 30 days before, where an export can count them. */
const INCIDENTS = "incidents";
/** The close codes of a change that was carried out. One with issues went wrong: it needed people. */
const FAILED = new Map([
  ["successful", false],
  ["successful_issues", true],
  ["unsuccessful", true],
]);

/** Why a line is not learnt from. Closed. */
export type Unusable =
  /** Not one of the close codes: not closed, or not carried out. */
  | "outcome"
  | "plannedStart"
  | "closedAt"
  /** Closed before it was to begin: it did not take place as planned. */
  | "early"
  | "incidents"
  /** A number that was there already. */
  | "twice";

/** What a file of closed changes holds. */
export interface ReadChanges {
  changes: ClosedChange[];
  read: number;
  unusable: ReadonlyMap<Unusable, number>;
}

/**
 * The changes of a CSV file whose first line names the columns. Throws an InvalidArgumentError for a column that the file
 * does not have, and an Error where it is no CSV file or holds too many.
 */
export async function closedChanges(path: string, onRead: (share: number) => void): Promise<ReadChanges> {
  const changes: ClosedChange[] = [];
  const unusable = new Map<Unusable, number>();
  const numbers = new Set<string>();
  let reader: ((row: readonly string[]) => ClosedChange | Unusable) | undefined;
  let read = 0;
  for await (const row of historyRows(path, onRead)) {
    if (!reader) {
      reader = readerOf(row, path);
      continue;
    }
    if (++read > CHANGES_READ_MAX)
      throw new Error(`${path} holds more than ${CHANGES_READ_MAX} changes; export newer ones only`);
    const change = reader(row);
    const fault = typeof change === "string" ? change : numbers.has(change.number) ? "twice" : undefined;
    if (fault !== undefined) unusable.set(fault, (unusable.get(fault) ?? 0) + 1);
    if (fault !== undefined || typeof change === "string") continue;
    if (change.number !== "") numbers.add(change.number);
    changes.push(change);
  }
  return { changes, read, unusable };
}

function readerOf(names: readonly string[], path: string): (row: readonly string[]) => ClosedChange | Unusable {
  const missing = COLUMNS.find((column) => !names.includes(column));
  if (missing !== undefined)
    throw new InvalidArgumentError(
      `${basename(path)} has no column ${missing}. ${didYouMean(missing, names)}It has: ${names.join(", ")}`,
    );
  const places = new Map(names.map((name, at) => [name, at]));
  return (row) => changeOf((column) => (row[places.get(column) ?? -1] ?? "").trim());
}

function changeOf(cell: (column: string) => string): ClosedChange | Unusable {
  const failed = FAILED.get(cell("outcome"));
  const plannedStart = timeOf(cell("plannedStart"));
  const plannedEnd = timeOf(cell("plannedEnd"));
  const closedAt = timeOf(cell("closedAt"));
  const incidents = cell(INCIDENTS);
  if (failed === undefined) return "outcome";
  if (plannedStart === undefined) return "plannedStart";
  if (closedAt === undefined) return "closedAt";
  if (closedAt <= plannedStart) return "early";
  if (!/^\d{0,6}$/.test(incidents)) return "incidents";
  return {
    ...{ number: cell("number"), ci: cell("ci"), group: cell("group"), model: cell("model") },
    type: CHANGE_TYPES.find((type) => type === cell("type")) ?? "",
    plannedStart,
    ...(plannedEnd !== undefined && { plannedEnd }),
    closedAt,
    failed,
    ...(incidents !== "" && { incidents: Number(incidents) }),
  };
}

function timeOf(text: string): string | undefined {
  try {
    return instant(timeWithZone(text).getTime());
  } catch {
    return undefined;
  }
}
