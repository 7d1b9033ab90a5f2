/** /issue/{id}/remotelink: links to things outside Jira, one per global id. */
import type { Request, RequestHandler } from "express";
import express from "express";
import { JiraError } from "./jira-errors.ts";
import { visible } from "./jira-issue-routes.ts";
import { param, readJson, readObject, requireCaller } from "./jira-request.ts";
import { apiUrl } from "./jira-site.ts";
import type { Issue, JiraStore } from "./jira-store.ts";
import { queryOf } from "./sim-server.ts";

const TEXT_MAX = 255;
const RELATIONSHIP_DEFAULT = "links to";

export interface SimRemoteLink {
  id: number;
  globalId: string | null;
  relationship: string;
  url: string;
  title: string;
  summary: string | null;
}

/** Links hang on the issue itself, so that they are the same in every version of the API and go with it. */
const linksOf = new WeakMap<Issue, SimRemoteLink[]>();
const LINKS_MAX = 2_000;

/** The links of an issue as it holds them. */
export function remoteLinksOf(issue: Issue): SimRemoteLink[] {
  const links = linksOf.get(issue) ?? [];
  linksOf.set(issue, links);
  return links;
}

/** Routes of one API version; mounted under /rest/api/{version}. */
export function linkRoutes(store: JiraStore, version: 2 | 3): RequestHandler {
  const router = express.Router();
  const shownAt = (issue: Issue, link: SimRemoteLink): string =>
    `${apiUrl(store.site, version)}/issue/${issue.id}/remotelink/${link.id}`;
  const shown = (issue: Issue, { id, globalId, relationship, url, title, summary }: SimRemoteLink) => ({
    id,
    self: shownAt(issue, { id, globalId, relationship, url, title, summary }),
    ...(globalId !== null && { globalId }),
    application: {},
    relationship,
    object: { url, title, ...(summary !== null && { summary }), icon: {}, status: { icon: {} } },
  });
  router.get("/issue/:id/remotelink", (req, res) => {
    const issue = visible(store, req, res);
    const globalId = queryOf(req).get("globalId");
    const links = remoteLinksOf(issue);
    if (globalId === null) return void res.json(links.map((link) => shown(issue, link)));
    // Asked for one, Jira answers with the link itself instead of a list.
    res.json(shown(issue, named(links, globalId)));
  });
  router.post("/issue/:id/remotelink", (req, res) => {
    requireCaller(res);
    const issue = visible(store, req, res);
    const { link, created } = putRemoteLink(issue, readLink(req));
    res.status(created ? 201 : 200).json({ id: link.id, self: shownAt(issue, link) });
  });
  router.delete("/issue/:id/remotelink", (req, res) => {
    requireCaller(res);
    const links = remoteLinksOf(visible(store, req, res));
    links.splice(links.indexOf(named(links, queryOf(req).get("globalId") ?? "")), 1);
    res.status(204).end();
  });
  router.get("/issue/:id/remotelink/:link", (req, res) => {
    const issue = visible(store, req, res);
    const link = remoteLinksOf(issue).find(({ id }) => String(id) === param(req, "link"));
    if (link === undefined) throw noLink();
    res.json(shown(issue, link));
  });
  return router;
}

/** The same global id again replaces the whole link: what is left out is emptied. */
export function putRemoteLink(
  issue: Issue,
  input: Omit<SimRemoteLink, "id">,
): { link: SimRemoteLink; created: boolean } {
  const links = remoteLinksOf(issue);
  const there = input.globalId === null ? undefined : links.find(({ globalId }) => globalId === input.globalId);
  if (there !== undefined) return { link: Object.assign(there, input), created: false };
  if (links.length >= LINKS_MAX) throw new JiraError(400, ["The issue has too many remote links."]);
  const link = { id: (links.at(-1)?.id ?? Number(issue.id) * LINKS_MAX) + 1, ...input };
  links.push(link);
  return { link, created: true };
}

function readLink(req: Request): Omit<SimRemoteLink, "id"> {
  const body = readJson(req);
  const object = readObject(body["object"]);
  const { url, title } = object;
  const errors: Record<string, string> = {};
  if (typeof title !== "string" || title === "") errors["title"] = "'title' is required.";
  if (typeof url !== "string" || !URL.canParse(url)) errors["url"] = "'url' is not a valid address.";
  const texts = { globalId: body["globalId"], relationship: body["relationship"], title, summary: object["summary"] };
  for (const [name, value] of Object.entries(texts))
    if (typeof value === "string" && value.length > TEXT_MAX) errors[name] = `'${name}' has over 255 characters.`;
  if (Object.keys(errors).length > 0) throw new JiraError(400, [], errors);
  return {
    globalId: textOf(texts.globalId),
    relationship: textOf(texts.relationship) ?? RELATIONSHIP_DEFAULT,
    url: String(url),
    title: String(title),
    summary: textOf(texts.summary),
  };
}

function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function named(links: SimRemoteLink[], globalId: string): SimRemoteLink {
  const link = links.find((candidate) => candidate.globalId === globalId);
  if (link === undefined) throw noLink();
  return link;
}

function noLink(): JiraError {
  return new JiraError(404, ["The remote issue link does not exist."]);
}
