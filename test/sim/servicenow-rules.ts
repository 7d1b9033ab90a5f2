/** What runs before a task is stored: mirrored states, the priority lookup, mandatory fields, closing stamps. */
import { ServiceNowError } from "./servicenow-errors.ts";
import type { Table } from "./servicenow-schema.ts";

/** A record; every value is text, empty is "". */
export interface Row {
  sys_id: string;
  [field: string]: string;
}

export interface Write {
  table: Table;
  /** Undefined on insert. */
  before: Row | undefined;
  /** Changed in place by the rules. */
  row: Row;
  journals: { element: string; value: string }[];
  /** sys_id of the acting user; empty when there is none by that name. */
  actor: string;
  /** "YYYY-MM-DD HH:MM:SS" */
  nowText: string;
}

/** Runs every rule that belongs to the table. Throws when one of them refuses the write. */
export function applyRules(write: Write): void {
  if (!write.table.fields.has("short_description") || !write.table.fields.has("opened_at")) return;
  stampOpening(write);
  if (write.table.name === "incident") incidentRules(write);
  else if (write.table.name === "change_request") changeRules(write);
  else if (write.table.name === "problem") write.row["priority"] = lookUpPriority(write.row);
  else stampClosing(write, ["3", "4", "7"]);
}

function stampOpening({ before, row, actor, nowText }: Write): void {
  if (before !== undefined) return;
  if (row["opened_at"] === "") row["opened_at"] = nowText;
  if (row["opened_by"] === "") row["opened_by"] = actor;
}

function stampClosing({ row, before, actor, nowText }: Write, closedStates: string[]): void {
  const closed = closedStates.includes(row["state"] ?? "");
  row["active"] = String(!closed);
  const wasClosed = before !== undefined && closedStates.includes(before["state"] ?? "");
  if (!closed || wasClosed) return;
  row["closed_at"] = nowText;
  row["closed_by"] = actor;
}

function incidentRules(write: Write): void {
  const { row, before } = write;
  mirrorStates(row, before);
  row["priority"] = lookUpPriority(row);
  const state = row["state"] ?? "";
  if (state === "6" || state === "7") {
    demand(row, { close_code: "Resolution code", close_notes: "Resolution notes" });
  }
  if (state === "3") {
    demand(row, { hold_reason: "On hold reason" });
    const becameAwaitingCaller = row["hold_reason"] === "1" && before?.["hold_reason"] !== "1";
    const commented = write.journals.some((entry) => entry.element === "comments");
    if (becameAwaitingCaller && !commented) throw dataPolicy(["Additional comments (Customer visible)"]);
  } else {
    row["hold_reason"] = "";
  }
  const previous = before?.["state"] ?? "";
  if (state === "6" && previous !== "6") {
    row["resolved_at"] = write.nowText;
    row["resolved_by"] = write.actor;
  }
  if ((previous === "6" || previous === "7") && (state === "1" || state === "2")) {
    row["reopen_count"] = String(Number(row["reopen_count"]) + 1);
    row["reopened_time"] = write.nowText;
    row["resolved_at"] = "";
    row["resolved_by"] = "";
  }
  stampClosing(write, ["7", "8"]);
}

function changeRules(write: Write): void {
  if (write.row["state"] === "3") demand(write.row, { close_code: "Close code", close_notes: "Close notes" });
  stampClosing(write, ["3", "4"]);
}

/** `state` and `incident_state` show the same number; whichever was changed leads. */
function mirrorStates(row: Row, before: Row | undefined): void {
  const mirrorChanged = row["incident_state"] !== "" && row["incident_state"] !== (before?.["incident_state"] ?? "");
  const stateChanged = before !== undefined && row["state"] !== before["state"];
  if (mirrorChanged && !stateChanged) row["state"] = row["incident_state"] ?? "";
  else row["incident_state"] = row["state"] ?? "";
}

const PRIORITY: Record<string, string> = {
  "1,1": "1",
  "1,2": "2",
  "1,3": "3",
  "2,1": "2",
  "2,2": "3",
  "2,3": "4",
  "3,1": "3",
  "3,2": "4",
  "3,3": "5",
};

/** Whatever the client sent: priority follows from impact and urgency where the lookup has a line for them. */
function lookUpPriority(row: Row): string {
  return PRIORITY[`${row["impact"] ?? ""},${row["urgency"] ?? ""}`] ?? row["priority"] ?? "";
}

function demand(row: Row, fields: Record<string, string>): void {
  const missing = Object.entries(fields).flatMap(([field, label]) => (row[field] === "" ? [label] : []));
  if (missing.length > 0) throw dataPolicy(missing);
}

function dataPolicy(labels: string[]): ServiceNowError {
  const detail = `Data Policy Exception: The following fields are mandatory: ${labels.join(", ")}`;
  return new ServiceNowError(403, "Operation Failed", detail);
}
