import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { diskFiles } from "../../cli/system.ts";
import { loadHistory, rowReader } from "../../core/backtest/history.ts";
import { ProblemsError } from "../../core/problem.ts";
import type { Ticket } from "../../core/ticket.ts";

/** The public UCI 498 event log (CC BY 4.0), beside the repository; it is not shipped. */
export const LOG_PATH = fileURLToPath(new URL("../../../shared/data/uci-incident-events-dev.csv.gz", import.meta.url));

const MAPPINGS = fileURLToPath(new URL("../../mappings", import.meta.url));

/** The first state of each incident of the log as a ticket, at most `count`; undefined where the log is not there. */
export function uciTickets(count: number): Ticket[] | undefined {
  if (!existsSync(LOG_PATH)) return undefined;
  const history = loadHistory(diskFiles, MAPPINGS, "uci");
  if ("problems" in history) throw new ProblemsError(history.problems);
  const [header = "", ...lines] = gunzipSync(readFileSync(LOG_PATH)).toString("utf8").trimEnd().split("\n");
  const columns = header.split(",");
  const read = rowReader(history, columns);
  const number = columns.indexOf("number");
  const tickets = new Map<string, Ticket>();
  for (const line of lines) {
    // No cell of the log is quoted.
    const cells = line.split(",");
    if (tickets.has(cells[number] ?? "")) continue;
    const reading = read(cells);
    if ("unreadable" in reading) throw new Error(`incident ${cells[number] ?? ""}: ${reading.unreadable}`);
    // The rules of the benchmark declare no fields of their own.
    tickets.set(reading.state.id, { ...reading.state.ticket, custom: {} });
    if (tickets.size === count) break;
  }
  return [...tickets.values()];
}
