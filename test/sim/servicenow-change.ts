/** The Change Management API: /api/sn_chg_rest[/v1]/change. Typed values beside labels, and 200 for what was created. */
import { randomUUID } from "node:crypto";
import type { Request, RequestHandler, Response } from "express";
import express from "express";
import { nextStates } from "./servicenow-approvals.ts";
import { noRecord, ServiceNowError } from "./servicenow-errors.ts";
import type { Row } from "./servicenow-rules.ts";
import type { Field } from "./servicenow-schema.ts";
import { tableNamed } from "./servicenow-schema.ts";
import type { Fields, ServiceNowStore } from "./servicenow-store.ts";
import { dateText } from "./servicenow-store.ts";
import { isRecord, parseBody, queryOf } from "./sim-server.ts";

export interface ChangeApi {
  store: ServiceNowStore;
  baseUrl(): string;
  now(): number;
  canRead(user: string, table: string, row: Row): boolean;
}

type TypedValue = { value: string | number | boolean; display_value: string; display_value_internal?: string };
type WorkerState = 1 | 2 | 3 | 4;

interface Check {
  changeId: string;
  startedAtMs: number;
  cancelled: boolean;
}

const WORKER_LABELS = { 1: "Waiting", 2: "In-Progress", 3: "Complete", 4: "Error" } as const;
/** A worker waits, works and is done; the result can be read a moment after that. */
const WAITS_MS = 500;
const WORKS_MS = 2_000;
const RESULT_LAG_MS = 1_000;

/** Routes under /api/sn_chg_rest. The caller's user_name is in res.locals.user. */
export function changeRoutes(api: ChangeApi): RequestHandler {
  const router = express.Router();
  const checks = new Map<string, Check>();
  const paths = (tail: string): string[] => [`/change${tail}`, `/v1/change${tail}`];
  router.get(paths("/worker/:worker"), (req, res) => {
    const check = checks.get(param(req, "worker"));
    if (check === undefined) throw noRecord();
    res.json({ result: shownWorker(api, param(req, "worker"), check) });
  });
  router.get(paths(""), (req, res) => {
    const query = queryOf(req);
    const limit = Number(query.get("sysparm_limit") ?? 500);
    const rows = api.store.query("change_request", query.get("sysparm_query") ?? "", false).slice(0, limit);
    const visible = rows.filter((row) => api.canRead(userOf(res), "change_request", row));
    res.json({ result: visible.map((row) => shown(api.store, row)) });
  });
  router.post(paths(""), (req, res) => create(api, req, res));
  router.get(paths("/:id"), (req, res) => {
    res.json({ result: shown(api.store, readable(api, req, res)) });
  });
  router.patch(paths("/:id"), (req, res) => update(api, req, res));
  router.get(paths("/:id/nextstates"), (req, res) => {
    res.json({ result: offered(api.store, readable(api, req, res)) });
  });
  router.patch(paths("/:id/approvals"), (req, res) => answer(api, req, res));
  router.post(paths("/:id/conflict"), (req, res) => {
    const worker = randomUUID().replaceAll("-", "");
    checks.set(worker, { changeId: readable(api, req, res).sys_id, startedAtMs: api.now(), cancelled: false });
    res.json({ result: shownWorker(api, worker, checks.get(worker)) });
  });
  router.get(paths("/:id/conflict"), (req, res) => {
    const change = readable(api, req, res);
    res.json({ result: conflictResult(api, change, [...checks.values()]) });
  });
  router.delete(paths("/:id/conflict"), (req, res) => {
    const { sys_id } = readable(api, req, res);
    for (const check of checks.values())
      if (check.changeId === sys_id && workerState(api, check) < 3) check.cancelled = true;
    res.status(204).end();
  });
  return router;
}

function create(api: ChangeApi, req: Request, res: Response): void {
  const { fields, ignored } = readFields(req);
  if (fields["type"] === undefined && fields["chg_model"] === undefined)
    throw new ServiceNowError(400, "Invalid change type", "Either type or chg_model must be given");
  const row = api.store.insert("change_request", fields, { by: userOf(res) });
  // Not 201, unlike the Table API.
  res.json({ result: { ...shown(api.store, row), __meta: { ignoredFields: ignored } } });
}

function update(api: ChangeApi, req: Request, res: Response): void {
  const change = readable(api, req, res);
  const { fields, ignored } = readFields(req);
  const { state } = fields;
  if (state !== undefined) {
    const number = stateNumber(api.store, String(state));
    if (number === undefined || (number !== change["state"] && !nextStates(change).includes(number)))
      throw new ServiceNowError(400, "Invalid state", "The change cannot be moved to that state");
    fields["state"] = number;
  }
  const row = api.store.update("change_request", change.sys_id, fields, { by: userOf(res) });
  res.json({ result: { ...shown(api.store, row), __meta: { ignoredFields: ignored } } });
}

/** The caller's own pending approval, and nobody else's. */
function answer(api: ChangeApi, req: Request, res: Response): void {
  const change = readable(api, req, res);
  const { state = "", comments = "" } = bodyOf(req);
  const me = api.store.userId(userOf(res));
  const mine = api.store
    .list("sysapproval_approver")
    .find((row) => row["sysapproval"] === change.sys_id && row["approver"] === me && row["state"] === "requested");
  if (mine === undefined) throw new ServiceNowError(400, "No pending approval", "The user has no approval to answer");
  if (state !== "approved" && state !== "rejected") throw new ServiceNowError(400, "Invalid approval state", null);
  const row = api.store.update(
    "sysapproval_approver",
    mine.sys_id,
    { state, comments: String(comments) },
    { by: userOf(res) },
  );
  res.json({ result: { sys_id: row.sys_id, state: { value: row["state"], display_value: row["state"] } } });
}

function stateNumber(store: ServiceNowStore, given: string): string | undefined {
  const states = store
    .list("sys_choice")
    .filter(({ name, element }) => name === "change_request" && element === "state");
  const wanted = String(Number.isNaN(Number(given)) ? given.toLowerCase() : Number(given));
  return states.find(({ value, label = "" }) => value === wanted || label.toLowerCase() === wanted)?.["value"];
}

function offered(store: ServiceNowStore, change: Row): unknown {
  const from = change["state"] ?? "";
  const to = nextStates(change);
  const label = (state: string): string => store.label("change_request", "state", state) ?? state;
  const transitions = to.map((state) => ({
    sys_id: randomUUID().replaceAll("-", ""),
    display_value: `${label(from)} to ${label(state)}`,
    from_state: from,
    to_state: state,
    transition_available: true,
    automatic_transition: false,
    conditions: [],
  }));
  // The state it is in is among those available, as captured.
  const states = [from, ...to];
  return {
    available_states: states,
    state_transitions: transitions.map((transition) => [transition]),
    state_label: Object.fromEntries(states.map((state) => [state, label(state)])),
  };
}

function shown(store: ServiceNowStore, row: Row): Record<string, TypedValue> {
  return Object.fromEntries(
    [...tableNamed("change_request").fields.values()].map((field) => [field.name, typed(store, row, field)]),
  );
}

/** Numbers as numbers, booleans as booleans, no links; empty is "" whatever the type. */
function typed(store: ServiceNowStore, row: Row, { name, type }: Field): TypedValue {
  const value = type === "journal" ? "" : (row[name] ?? "");
  if (type === "date") return { display_value: value, value, display_value_internal: value };
  if (type === "reference") return { display_value: store.display(value), value };
  const display_value = store.label("change_request", name, value) ?? value;
  if (value === "") return { display_value, value };
  return { display_value, value: type === "integer" ? Number(value) : type === "boolean" ? value === "true" : value };
}

function workerState(api: ChangeApi, { startedAtMs, cancelled }: Check): WorkerState {
  if (cancelled) return 4;
  const ageMs = api.now() - startedAtMs;
  return ageMs < WAITS_MS ? 1 : ageMs < WAITS_MS + WORKS_MS ? 2 : 3;
}

function shownWorker(api: ChangeApi, sysId: string, check: Check | undefined): unknown {
  const value = check === undefined ? 4 : workerState(api, check);
  return {
    worker: { sysId, link: `${api.baseUrl()}/api/sn_chg_rest/change/worker/${sysId}` },
    request: JSON.stringify({ task: check?.changeId }),
    state: { value, display_value: WORKER_LABELS[value] },
    type: "conflict",
    messages: { errorMessages: [], warningMessages: [], infoMessages: [] },
  };
}

/** What the last finished check found: other open changes on the same item at the same time. */
function conflictResult(api: ChangeApi, change: Row, checks: Check[]): unknown {
  const readyMs = WAITS_MS + WORKS_MS + RESULT_LAG_MS;
  const done = checks.filter(
    (check) => check.changeId === change.sys_id && !check.cancelled && api.now() - check.startedAtMs >= readyMs,
  );
  const last = Math.max(0, ...done.map(({ startedAtMs }) => startedAtMs));
  const others = last === 0 ? [] : api.store.list("change_request").filter((other) => overlaps(change, other));
  return {
    status: last === 0 ? "Not Run" : others.length > 0 ? "Conflict" : "No Conflict",
    last_run: last === 0 ? "" : dateText(last + WAITS_MS + WORKS_MS),
    record_count: "1",
    job_status: last === 0 ? "0" : "100",
    conflicts: others.map((other) => ({
      change: { display_value: change["number"], value: change.sys_id },
      conflicting_change: { display_value: other["number"], value: other.sys_id },
      configuration_item: { display_value: api.store.display(change["cmdb_ci"] ?? ""), value: change["cmdb_ci"] },
      type: { display_value: "CI Already Scheduled", value: "ci_already_scheduled" },
    })),
  };
}

function overlaps(change: Row, other: Row): boolean {
  const { start_date: start = "", end_date: end = "", cmdb_ci = "" } = change;
  const { start_date: from = "", end_date: to = "" } = other;
  if (other.sys_id === change.sys_id || other["active"] !== "true" || cmdb_ci === "") return false;
  return other["cmdb_ci"] === cmdb_ci && from !== "" && start !== "" && from < end && start < to;
}

function readable(api: ChangeApi, req: Request, res: Response): Row {
  const row = api.store.find("change_request", param(req, "id"));
  if (row === undefined || !api.canRead(userOf(res), "change_request", row)) throw noRecord();
  return row;
}

function bodyOf(req: Request): Record<string, unknown> {
  const body = parseBody(req);
  if ("failure" in body || !isRecord(body.value))
    throw new ServiceNowError(400, "Exception while reading request", "The payload must be one JSON object");
  return body.value;
}

function readFields(req: Request): { fields: Fields; ignored: string[] } {
  const known = tableNamed("change_request").fields;
  const fields: Fields = {};
  const ignored: string[] = [];
  for (const [name, value] of Object.entries(bodyOf(req))) {
    const isText = typeof value === "string" || typeof value === "number" || typeof value === "boolean";
    if (known.has(name) && !name.startsWith("sys_") && isText) fields[name] = value;
    else ignored.push(name);
  }
  return { fields, ignored };
}

function userOf(res: Response): string {
  return String(res.locals["user"]);
}

function param(req: Request, name: string): string {
  const value = req.params[name];
  return typeof value === "string" ? value : "";
}
