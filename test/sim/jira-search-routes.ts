/** The enhanced JQL search with its tokens, and the removed one that only says so. */
import { createHash } from "node:crypto";
import type { Request, RequestHandler, Response } from "express";
import express from "express";
import { JiraError } from "./jira-errors.ts";
import { showIssue } from "./jira-render.ts";
import { callerOf, readJson, readStrings } from "./jira-request.ts";
import type { Issue, JiraStore } from "./jira-store.ts";
import { parseJql, runJql } from "./jql.ts";
import { queryOf } from "./sim-server.ts";

export interface SearchOptions {
  now(): number;
  /** Issues changed less than this ago are not found yet, unless they are named in `reconcileIssues`. */
  lagMs(): number;
}

interface SearchInput {
  jql: string;
  fields: string[] | undefined;
  properties: string[];
  maxResults: number;
  nextPageToken: string | undefined;
  reconcileIssues: string[];
}

const ID_PAGE_MAX = 5000;
const FIELD_PAGE_MAX = 100;

/** Routes of one API version; mounted under /rest/api/{version}. */
export function searchRoutes(store: JiraStore, version: 2 | 3, options: SearchOptions): RequestHandler {
  const router = express.Router();
  router.get("/search/jql", (req, res) => search(store, { res, input: fromQuery(req), version, options }));
  router.post("/search/jql", (req, res) => search(store, { res, input: fromBody(req), version, options }));
  router.post("/search/approximate-count", (req, res) => {
    const jql = parseJql(String(readJson(req)["jql"] ?? ""), options.now(), store.site.about.timeZone);
    const found = callerOf(res) === undefined ? [] : runJql(jql, store.all(), options.now(), store.site.about.timeZone);
    res.json({ count: found.length });
  });
  router.all("/search", () => {
    throw new JiraError(410, [
      "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. " +
        "A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046",
    ]);
  });
  return router;
}

function fromQuery(req: Request): SearchInput {
  const query = queryOf(req);
  const list = (name: string): string[] | undefined => {
    const given = query.getAll(name);
    return given.length === 0 ? undefined : readStrings(given.join(","));
  };
  return {
    jql: query.get("jql") ?? "",
    fields: list("fields"),
    properties: list("properties") ?? [],
    maxResults: readMax(query.get("maxResults")),
    nextPageToken: query.get("nextPageToken") ?? undefined,
    reconcileIssues: list("reconcileIssues") ?? [],
  };
}

function fromBody(req: Request): SearchInput {
  const body = readJson(req);
  const { jql, nextPageToken } = body;
  return {
    jql: typeof jql === "string" ? jql : "",
    fields: readStrings(body["fields"]),
    properties: readStrings(body["properties"]) ?? [],
    maxResults: readMax(body["maxResults"]),
    nextPageToken: typeof nextPageToken === "string" ? nextPageToken : undefined,
    reconcileIssues: readStrings(body["reconcileIssues"]) ?? [],
  };
}

function readMax(given: unknown): number {
  const max = Number(given ?? 50);
  return Number.isInteger(max) && max > 0 ? max : 50;
}

function search(
  store: JiraStore,
  { res, input, version, options }: { res: Response; input: SearchInput; version: 2 | 3; options: SearchOptions },
): void {
  // An anonymous caller is told nothing, not even that the query is wrong.
  if (callerOf(res) === undefined) return void res.json({ issues: [], isLast: true });
  const nowMs = options.now();
  const { timeZone } = store.site.about;
  const jql = parseJql(input.jql, nowMs, timeZone);
  const indexed = (issue: Issue): boolean =>
    issue.updatedMs <= nowMs - options.lagMs() || input.reconcileIssues.includes(issue.id);
  const found = runJql(jql, store.all().filter(indexed), nowMs, timeZone);
  const start = input.nextPageToken === undefined ? 0 : readToken(input.nextPageToken, input.jql);
  const fields = input.fields ?? ["id"];
  const onlyIds = fields.every((field) => field === "id" || field === "key");
  const size = Math.min(input.maxResults, onlyIds ? ID_PAGE_MAX : FIELD_PAGE_MAX);
  const issues = found.slice(start, start + size).map((issue) => {
    if (onlyIds && !fields.includes("key")) return { id: issue.id };
    const { id, key } = issue;
    return onlyIds
      ? { id, key }
      : showIssue(store, issue, { version, fields, properties: input.properties, changelog: false });
  });
  const isLast = start + size >= found.length;
  res.json(isLast ? { issues, isLast } : { issues, isLast, nextPageToken: writeToken(start + size, input.jql) });
}

/** A token is only good for the query it came from. */
function writeToken(start: number, jql: string): string {
  return Buffer.from(`${start}:${digest(jql)}`).toString("base64url");
}

function readToken(token: string, jql: string): number {
  const [start = "", mark] = Buffer.from(token, "base64url").toString("utf8").split(":");
  if (!/^\d+$/.test(start) || mark !== digest(jql)) {
    throw new JiraError(400, ["The provided next page token is invalid or expired."]);
  }
  return Number(start);
}

function digest(jql: string): string {
  return createHash("sha256").update(jql).digest("hex").slice(0, 16);
}
