import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { NOBODY, type Ticket } from "../../core/ticket.ts";

/** The public UCI 498 event log (CC BY 4.0), beside the repository; it is not shipped. */
export const LOG_PATH = fileURLToPath(new URL("../../../shared/data/uci-incident-events-dev.csv.gz", import.meta.url));

/** The first state of each incident of the log as a ticket, at most `count`; undefined where the log is not there. */
export function uciTickets(count: number): Ticket[] | undefined {
  if (!existsSync(LOG_PATH)) return undefined;
  const [header = "", ...lines] = gunzipSync(readFileSync(LOG_PATH)).toString("utf8").trimEnd().split("\n");
  const columns = header.split(",");
  const tickets = new Map<string, Ticket>();
  for (const line of lines) {
    const cells = line.split(",");
    const cell = (name: string): string => {
      const text = cells[columns.indexOf(name)] ?? "";
      return text === "?" ? "" : text;
    };
    const number = cell("number");
    if (!tickets.has(number)) tickets.set(number, ticketOf(number, cell));
    if (tickets.size === count) break;
  }
  return [...tickets.values()];
}

function ticketOf(number: string, cell: (name: string) => string): Ticket {
  const at = instantOf(cell("opened_at"));
  const level = (name: string): number => Math.min(3, Math.max(1, Number(cell(name)) || 3));
  return {
    ref: { connection: "snow", type: "incident", id: number.padStart(32, "0"), key: `INC${number}` },
    kind: "incident",
    title: `Incident of symptom ${cell("u_symptom")}`,
    description: "",
    status: "new",
    priority: Math.min(5, Math.max(1, Number(cell("priority")) || 4)),
    impact: level("impact"),
    urgency: level("urgency"),
    category: cell("category"),
    subcategory: cell("subcategory"),
    assignmentGroup: cell("assignment_group"),
    assignee: NOBODY,
    requester: { id: cell("caller_id"), name: "", email: "" },
    ci: cell("cmdb_ci"),
    ciId: "",
    service: cell("location"),
    labels: [],
    createdAt: at,
    updatedAt: instantOf(cell("sys_updated_at")),
    revision: cell("sys_mod_count"),
    change: { type: "", risk: "", backoutPlan: "" },
    request: { item: "", quantity: 0, price: 0 },
    custom: {},
  };
}

/** `29/2/2016 01:16`, read as UTC. */
function instantOf(text: string): string {
  const [, day, month, year, hour, minute] = /^(\d+)\/(\d+)\/(\d+) (\d+):(\d+)$/.exec(text) ?? [];
  return new Date(Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute))).toISOString();
}
