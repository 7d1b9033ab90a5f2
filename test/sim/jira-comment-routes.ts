/** Comments, and the entity properties of issues and comments. */

import type { Request, RequestHandler, Response } from "express";
import express from "express";
import { JiraError } from "./jira-errors.ts";
import { visible } from "./jira-issue-routes.ts";
import { showComment } from "./jira-render.ts";
import { callerOf, param, readComment, readCount, readJson, readList, requireCaller } from "./jira-request.ts";
import { apiUrl } from "./jira-site.ts";
import type { Comment, JiraStore } from "./jira-store.ts";
import { bodyText, queryOf } from "./sim-server.ts";

const PROPERTY_LENGTH_MAX = 32_768;
const PROPERTY_KEY_MAX = 255;

/** Routes of one API version; mounted under /rest/api/{version}. */
export function commentRoutes(store: JiraStore, version: 2 | 3): RequestHandler {
  const router = express.Router();
  const show = (req: Request, comment: Comment): unknown => {
    const withProperties = readList(req, "expand")?.includes("properties") === true;
    return showComment(store, comment, { version, withProperties });
  };
  router.get("/issue/:id/comment", (req, res) => {
    const { comments } = visible(store, req, res);
    const startAt = readCount(req, "startAt", 0);
    const maxResults = readCount(req, "maxResults", 5000);
    // Comments are stored as they were created.
    const ordered = queryOf(req).get("orderBy") === "-created" ? [...comments].reverse() : comments;
    const page = ordered.slice(startAt, startAt + maxResults).map((comment) => show(req, comment));
    res.json({ startAt, maxResults, total: comments.length, comments: page });
  });
  router.post("/issue/:id/comment", (req, res) => {
    const by = requireCaller(res);
    const issue = visible(store, req, res);
    const comment = store.addComment(issue, readComment(readJson(req), version), by);
    res.status(201).json(show(req, comment));
  });
  router.get("/issue/:id/comment/:comment", (req, res) => {
    const issue = visible(store, req, res);
    const comment = issue.comments.find((candidate) => candidate.id === param(req, "comment"));
    if (comment === undefined) throw noComment(param(req, "comment"));
    res.json(show(req, comment));
  });
  propertyRoutes(router, {
    path: "/issue/:id/properties",
    self: (req) => `${apiUrl(store.site, version)}/issue/${param(req, "id")}/properties`,
    properties: (req, res) => visible(store, req, res).properties,
  });
  propertyRoutes(router, {
    path: "/comment/:id/properties",
    self: (req) => `${apiUrl(store.site, version)}/comment/${param(req, "id")}/properties`,
    properties(req, res) {
      const comment = callerOf(res) === undefined ? undefined : store.comment(param(req, "id"));
      if (comment === undefined) throw noComment(param(req, "id"));
      return comment.properties;
    },
  });
  return router;
}

function noComment(id: string): JiraError {
  return new JiraError(404, [`Can not find a comment for the id: ${id}.`]);
}

interface PropertyOwner {
  path: string;
  self(req: Request): string;
  properties(req: Request, res: Response): Map<string, unknown>;
}

function propertyRoutes(router: express.Router, { path, self, properties }: PropertyOwner): void {
  const one = `${path}/:key`;
  router.get(path, (req, res) => {
    const keys = [...properties(req, res).keys()];
    res.json({ keys: keys.map((key) => ({ self: `${self(req)}/${encodeURIComponent(key)}`, key })) });
  });
  router.get(one, (req, res) => {
    const key = param(req, "key");
    const all = properties(req, res);
    if (!all.has(key)) throw noProperty(key);
    res.json({ key, value: all.get(key) });
  });
  router.put(one, (req, res) => {
    requireCaller(res);
    const key = param(req, "key");
    const all = properties(req, res);
    const value = readProperty(req, key);
    res.status(all.has(key) ? 200 : 201).end();
    all.set(key, value);
  });
  router.delete(one, (req, res) => {
    requireCaller(res);
    const key = param(req, "key");
    if (!properties(req, res).delete(key)) throw noProperty(key);
    res.status(204).end();
  });
}

function noProperty(key: string): JiraError {
  return new JiraError(404, [`The property with key '${key}' does not exist.`]);
}

/** Any JSON value, not only objects. */
function readProperty(req: Request, key: string): unknown {
  const text = bodyText(req);
  if (key.length > PROPERTY_KEY_MAX)
    throw new JiraError(400, ["The property key must be at most 255 characters long."]);
  if (text.length > PROPERTY_LENGTH_MAX)
    throw new JiraError(400, ["The property value is longer than 32768 characters."]);
  try {
    return JSON.parse(text);
  } catch {
    throw new JiraError(400, ["The property value must be valid, non-empty JSON."]);
  }
}
