/** The Table API: /api/now[/v1|/v2]/table/{table}[/{sys_id}], and /api/now[/v1]/batch over its lists. */

import type { Request, RequestHandler, Response } from "express";
import express from "express";
import { noRecord, ServiceNowError } from "./servicenow-errors.ts";
import type { RenderOptions } from "./servicenow-render.ts";
import { rowRenderer } from "./servicenow-render.ts";
import type { Row } from "./servicenow-rules.ts";
import type { Field } from "./servicenow-schema.ts";
import { tableNamed } from "./servicenow-schema.ts";
import type { Fields, ServiceNowStore } from "./servicenow-store.ts";
import { isRecord, parseBody, queryOf } from "./sim-server.ts";

export interface TableApi {
  store: ServiceNowStore;
  baseUrl(): string;
  /** May this user read this row? Asked after the page was cut, as on an instance. */
  canRead(user: string, table: string, row: Row): boolean;
  /** May this user read this field? One he may not is left out of the answer, without a word. */
  canReadField(user: string, field: Field): boolean;
  /** Whether a query over an unknown field yields no rows (an instance property) or widens (the default). */
  unknownYieldsNothing(): boolean;
  /** How many parts of a batch there is room for; the others come back unserviced. */
  batchServes(): number;
}

const LIMIT_DEFAULT = 10_000;

/** Routes under /api/now. The caller's user_name is in res.locals.user. */
export function tableRoutes(api: TableApi): RequestHandler {
  const router = express.Router();
  const list = ["/table/:table", "/v1/table/:table", "/v2/table/:table"];
  const one = list.map((path) => `${path}/:sysId`);
  router.get(list, (req, res) => answerList(api, req, res));
  router.post(["/batch", "/v1/batch"], (req, res) => answerBatch(api, req, res));
  router.post(list, (req, res) => {
    const row = api.store.insert(param(req, "table"), readFields(req), how(req, res));
    res.location(`${api.baseUrl()}/api/now/table/${param(req, "table")}/${row.sys_id}`);
    answerOne(api, { req, res, row, status: 201 });
  });
  router.get(one, (req, res) => answerOne(api, { req, res, row: readable(api, req, res), status: 200 }));
  for (const verb of ["patch", "put"] as const) {
    router[verb](one, (req, res) => {
      const { sys_id } = readable(api, req, res);
      const row = api.store.update(param(req, "table"), sys_id, readFields(req), how(req, res));
      answerOne(api, { req, res, row, status: 200 });
    });
  }
  router.delete(one, (req, res) => {
    api.store.remove(param(req, "table"), readable(api, req, res).sys_id);
    res.status(204).end();
  });
  return router;
}

function answerList(api: TableApi, req: Request, res: Response): void {
  const url = new URL(req.originalUrl, api.baseUrl());
  const { headers, rows } = listed(api, { table: param(req, "table"), url, user: userOf(res) });
  res.set(headers);
  if (rows.length === 0 && req.path.startsWith("/v1/")) throw noRecord();
  res.json({ result: rows });
}

/** What a list is answered with. */
function listed(
  api: TableApi,
  asked: { table: string; url: URL; user: string },
): { headers: Record<string, string>; rows: unknown[] } {
  const { url, user } = asked;
  const table = tableNamed(asked.table).name;
  const query = url.searchParams;
  const matched = api.store.query(table, queryText(query), api.unknownYieldsNothing());
  const limit = readCount(query.get("sysparm_limit"), LIMIT_DEFAULT);
  const offset = readCount(query.get("sysparm_offset"), 0);
  const headers: Record<string, string> = {};
  if (query.get("sysparm_no_count") !== "true") headers["X-Total-Count"] = String(matched.length);
  if (query.get("sysparm_suppress_pagination_header") !== "true") {
    const link = pageLinks({ url, limit, offset, total: matched.length });
    if (link !== "") headers["Link"] = link;
  }
  // First the page, then the row ACLs: a page may be short, or empty, while more follow.
  const page = matched.slice(offset, offset + limit).filter((row) => api.canRead(user, table, row));
  return { headers, rows: page.map(rowRenderer(api.store, table, renderOptions(api, query, user))) };
}

/** POST /batch: lists of the Table API one after the other; any other part is answered 400. */
function answerBatch(api: TableApi, req: Request, res: Response): void {
  const body = parseBody(req);
  const asked = "value" in body && isRecord(body.value) ? body.value : {};
  const parts = Array.isArray(asked["rest_requests"]) ? asked["rest_requests"].filter(isRecord) : [];
  const served = parts.slice(0, api.batchServes());
  res.json({
    batch_request_id: String(asked["batch_request_id"] ?? ""),
    serviced_requests: served.map((part) => answerPart(api, part, userOf(res))),
    unserviced_requests: parts.slice(served.length).map(({ id }) => String(id)),
  });
}

function answerPart(api: TableApi, { id, method, url: path }: Record<string, unknown>, user: string): unknown {
  const part = (status_code: number, status_text: string, body: unknown, headers: Record<string, string> = {}) => ({
    ...{ id: String(id), status_code, status_text, execution_time: 1 },
    body: Buffer.from(JSON.stringify(body)).toString("base64"),
    headers: Object.entries({ "Content-Type": "application/json;charset=UTF-8", ...headers }).map(([name, value]) => ({
      name,
      value,
    })),
  });
  const refused = (message: string) =>
    part(400, "Bad Request", { error: { message, detail: null }, status: "failure" });
  const url = new URL(String(path), api.baseUrl());
  const table = /^\/api\/now\/(?:v2\/)?table\/(\w+)$/.exec(url.pathname)?.[1];
  if (method !== "GET" || table === undefined) return refused("Requested URI does not represent any resource");
  try {
    const { headers, rows } = listed(api, { table, url, user });
    return part(200, "OK", { result: rows }, headers);
  } catch (error) {
    if (error instanceof ServiceNowError) return refused(error.vendorMessage);
    throw error;
  }
}

function answerOne(
  api: TableApi,
  { req, res, row, status }: { req: Request; res: Response; row: Row; status: number },
): void {
  res.status(status);
  if (req.get("x-no-response-body") === "true") res.end();
  else
    res.json({
      result: rowRenderer(api.store, param(req, "table"), renderOptions(api, queryOf(req), userOf(res)))(row),
    });
}

function readable(api: TableApi, req: Request, res: Response): Row {
  const table = tableNamed(param(req, "table")).name;
  const row = api.store.find(table, param(req, "sysId"));
  if (row === undefined || !api.canRead(userOf(res), table, row)) throw noRecord();
  return row;
}

/** sysparm_query, plus the `field=value` pairs the URL may carry instead. */
function queryText(query: URLSearchParams): string {
  const pairs = [...query].filter(([name]) => !name.startsWith("sysparm_")).map(([name, value]) => `${name}=${value}`);
  return [query.get("sysparm_query") ?? "", ...pairs].filter((part) => part !== "").join("^");
}

function renderOptions(api: TableApi, query: URLSearchParams, user: string): RenderOptions {
  const display = query.get("sysparm_display_value");
  const names = query.get("sysparm_fields");
  return {
    fields: names === null || names === "" ? undefined : names.split(",").map((name) => name.trim()),
    displayValue: display === "true" || display === "all" ? display : "false",
    excludeReferenceLink: query.get("sysparm_exclude_reference_link") === "true",
    baseUrl: api.baseUrl(),
    canRead: (field) => api.canReadField(user, field),
  };
}

function pageLinks({ url, limit, offset, total }: { url: URL; limit: number; offset: number; total: number }): string {
  if (limit <= 0) return "";
  const at = (start: number): string => {
    const page = new URL(url);
    page.searchParams.set("sysparm_limit", String(limit));
    page.searchParams.set("sysparm_offset", String(start));
    return page.href;
  };
  const last = Math.max(0, Math.floor((total - 1) / limit) * limit);
  const links = [`<${at(0)}>;rel="first"`];
  if (offset > 0) links.push(`<${at(Math.max(0, offset - limit))}>;rel="prev"`);
  if (offset + limit < total) links.push(`<${at(offset + limit)}>;rel="next"`);
  links.push(`<${at(last)}>;rel="last"`);
  return links.join(",");
}

function readFields(req: Request): Fields {
  if (req.is("application/json") === false) {
    throw new ServiceNowError(415, "Unsupported Media Type", "Content-Type must be application/json");
  }
  const body = parseBody(req);
  if ("failure" in body) {
    throw new ServiceNowError(400, "Exception while reading request", `The payload is not valid JSON: ${body.failure}`);
  }
  if (!isRecord(body.value)) {
    throw new ServiceNowError(400, "Exception while reading request", "The payload must be exactly one JSON object");
  }
  const fields: Fields = {};
  for (const [name, value] of Object.entries(body.value)) {
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") fields[name] = value;
    else if (value === null) fields[name] = "";
  }
  return fields;
}

function how(req: Request, res: Response): { by: string; displayValues: boolean } {
  return { by: userOf(res), displayValues: queryOf(req).get("sysparm_input_display_value") === "true" };
}

function userOf(res: Response): string {
  return String(res.locals["user"]);
}

function param(req: Request, name: string): string {
  const value = req.params[name];
  return typeof value === "string" ? value : "";
}

function readCount(text: string | null, otherwise: number): number {
  const count = Number(text ?? otherwise);
  return Number.isInteger(count) && count >= 0 ? count : otherwise;
}
