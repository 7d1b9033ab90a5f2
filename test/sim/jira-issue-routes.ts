/** /issue: create, read, edit, delete, assign, bulk fetch, transitions, history. */

import type { Request, RequestHandler, Response } from "express";
import express from "express";
import { JiraError, noField, noIssue } from "./jira-errors.ts";
import type { IssueView } from "./jira-render.ts";
import { showHistory, showIssue } from "./jira-render.ts";
import {
  callerOf,
  param,
  readCount,
  readEdit,
  readJson,
  readList,
  readObject,
  readProperties,
  readStrings,
  readUpdate,
  requireCaller,
} from "./jira-request.ts";
import { apiUrl } from "./jira-site.ts";
import type { Issue, JiraStore } from "./jira-store.ts";
import { showStatus } from "./jira-workflow.ts";

const BULK_MAX = 100;

export interface EditScreen {
  /** The edit screen has no comment: an edit that carries one is refused as a whole. */
  withoutComment(): boolean;
}

/** Routes of one API version; mounted under /rest/api/{version}. */
export function issueRoutes(store: JiraStore, version: 2 | 3, screen: EditScreen): RequestHandler {
  const router = express.Router();
  const dialect = { version, bareNames: false };
  router.post("/issue", (req, res) => createIssue(store, req, res, version));
  router.post("/issue/bulkfetch", (req, res) => bulkFetch(store, req, res, version));
  router.get("/issue/:id", (req, res) => {
    const view = { fields: readList(req, "fields") ?? ["*all"], properties: readList(req, "properties") ?? [] };
    const changelog = readList(req, "expand")?.includes("changelog") === true;
    res.json(showIssue(store, visible(store, req, res), { ...view, version, changelog }));
  });
  router.put("/issue/:id", (req, res) => {
    const by = requireCaller(res);
    const issue = visible(store, req, res);
    const body = readJson(req);
    const parts = readEdit(body);
    const update = readUpdate(parts.update, labelsOf(issue), version);
    if (update.comment !== undefined && screen.withoutComment()) throw noField("comment");
    const comment = update.comment === undefined ? {} : { comment: update.comment };
    store.edit(issue, { ...parts.fields, ...update.fields }, { by, dialect, ...comment });
    for (const [key, value] of readProperties(body["properties"])) issue.properties.set(key, value);
    if (readList(req, "returnIssue")?.[0] !== "true") return void res.status(204).end();
    res.json(showIssue(store, issue, { fields: ["*all"], properties: [], version, changelog: false }));
  });
  router.delete("/issue/:id", (req, res) => {
    const by = requireCaller(res);
    store.remove(visible(store, req, res), by);
    res.status(204).end();
  });
  router.put("/issue/:id/assignee", (req, res) => {
    const by = requireCaller(res);
    store.assign(visible(store, req, res), readJson(req)["accountId"] ?? null, by);
    res.status(204).end();
  });
  router.get("/issue/:id/transitions", (req, res) => {
    const transitions = store.transitions(visible(store, req, res)).map(({ id, name, to }) => {
      const shown = { id, name, to: showStatus(to, apiUrl(store.site, version)) };
      const flags = { hasScreen: false, isGlobal: false, isInitial: false, isAvailable: true, isConditional: false };
      return { ...shown, ...flags, looped: false };
    });
    res.json({ expand: "transitions", transitions: callerOf(res) === undefined ? [] : transitions });
  });
  router.post("/issue/:id/transitions", (req, res) => transitionIssue(store, req, res, version));
  router.post("/changelog/bulkfetch", (req, res) => bulkChangelogs(store, req, res, version));
  router.get("/issue/:id/changelog", (req, res) => {
    const { histories } = visible(store, req, res);
    const startAt = readCount(req, "startAt", 0);
    const maxResults = Math.min(readCount(req, "maxResults", 100), 100);
    const values = histories
      .slice(startAt, startAt + maxResults)
      .map((history) => showHistory(store, history, version));
    const isLast = startAt + maxResults >= histories.length;
    res.json({ self: selfOf(store, req), maxResults, startAt, total: histories.length, isLast, values });
  });
  return router;
}

/** The issue of the route. Anonymous callers see none: the 404 does not tell why. */
export function visible(store: JiraStore, req: Request, res: Response): Issue {
  if (callerOf(res) === undefined) throw noIssue();
  return store.issue(param(req, "id"));
}

function selfOf(store: JiraStore, req: Request): string {
  return `${store.site.url()}${req.originalUrl}`;
}

function labelsOf(issue: Issue): string[] {
  const labels = issue.values.get("labels");
  return Array.isArray(labels) ? labels : [];
}

function createIssue(store: JiraStore, req: Request, res: Response, version: 2 | 3): void {
  const by = requireCaller(res);
  const body = readJson(req);
  const update = readUpdate(readObject(body["update"]), [], version);
  const fields = { ...readObject(body["fields"]), ...update.fields };
  const issue = store.create(fields, { by, dialect: { version, bareNames: false } });
  for (const [key, value] of readProperties(body["properties"])) issue.properties.set(key, value);
  if (update.comment !== undefined) store.addComment(issue, update.comment, by);
  res.status(201).json({ id: issue.id, key: issue.key, self: `${apiUrl(store.site, version)}/issue/${issue.id}` });
}

function bulkFetch(store: JiraStore, req: Request, res: Response, version: 2 | 3): void {
  const body = readJson(req);
  const wanted = readStrings(body["issueIdsOrKeys"]) ?? [];
  if (wanted.length === 0) throw new JiraError(400, ["The list of issue IDs or keys must not be empty."]);
  if (wanted.length > BULK_MAX) throw new JiraError(400, [`At most ${BULK_MAX} issues can be fetched at once.`]);
  const view: IssueView = {
    version,
    fields: readStrings(body["fields"]) ?? ["*navigable"],
    properties: readStrings(body["properties"]) ?? [],
    changelog: readStrings(body["expand"])?.includes("changelog") === true,
  };
  const anonymous = callerOf(res) === undefined;
  const found = new Map<string, Issue>();
  for (const id of wanted) {
    const issue = anonymous ? undefined : store.find(id);
    // What does not exist, or may not be seen, is left out without a word; issueErrors is for passing trouble only.
    if (issue !== undefined) found.set(issue.id, issue);
  }
  const issues = [...found.values()].sort((a, b) => Number(a.id) - Number(b.id));
  res.json({ expand: "", issues: issues.map((issue) => showIssue(store, issue, view)), issueErrors: [] });
}

/** Histories of several issues at once, oldest first, with the asked fields' items only. All in one page. */
function bulkChangelogs(store: JiraStore, req: Request, res: Response, version: 2 | 3): void {
  const body = readJson(req);
  const wanted = readStrings(body["issueIdsOrKeys"]) ?? [];
  const fieldIds = readStrings(body["fieldIds"]) ?? [];
  if (wanted.length === 0 || wanted.length > 1000 || fieldIds.length > 10)
    throw new JiraError(400, ["Invalid request payload."]);
  const issues = callerOf(res) === undefined ? [] : wanted.flatMap((id) => store.find(id) ?? []);
  const issueChangeLogs = issues.map((issue) => ({
    issueId: issue.id,
    changeHistories: issue.histories.flatMap((history) => {
      const items = history.items.filter((item) => fieldIds.length === 0 || fieldIds.includes(item.fieldId));
      return items.length > 0 ? [showHistory(store, { ...history, items }, version)] : [];
    }),
  }));
  res.json({ issueChangeLogs, nextPageToken: null });
}

function transitionIssue(store: JiraStore, req: Request, res: Response, version: 2 | 3): void {
  const by = requireCaller(res);
  const issue = visible(store, req, res);
  const body = readJson(req);
  const id = readObject(body["transition"])["id"];
  if (id === undefined) throw new JiraError(400, ["Missing 'transition' identifier"]);
  const parts = readEdit(body);
  const update = readUpdate(parts.update, labelsOf(issue), version);
  const comment = update.comment === undefined ? {} : { comment: update.comment };
  const fields = { ...parts.fields, ...update.fields };
  store.transition(issue, String(id), { fields, by, dialect: { version, bareNames: false }, ...comment });
  res.status(204).end();
}
