/** What a Data Center has in place of the Cloud's own routes: search by offset, people by name and key. */
import type { RequestHandler } from "express";
import express from "express";
import { JiraError } from "./jira-errors.ts";
import { showIssue } from "./jira-render.ts";
import { callerOf, readCount, readJson, readStrings } from "./jira-request.ts";
import { nameOf, showMemberships, showUser, userKeyOf } from "./jira-site.ts";
import type { JiraStore } from "./jira-store.ts";
import { parseJql, runJql } from "./jql.ts";
import { queryOf } from "./sim-server.ts";

/** The Cloud's own routes, which a Data Center does not know. */
const CLOUD_ONLY =
  /^\/(rest\/api\/3\/|rest\/api\/2\/(search\/(jql|approximate-count)|(issue|changelog)\/bulkfetch|user\/groups|(group|user)\/bulk)|_edge\/)/;

const PAGE_MAX = 1000;

/** Mounted before everything else; lets all pass while the site is a Cloud one. */
export function datacenterRoutes(store: JiraStore, now: () => number): RequestHandler {
  const { site } = store;
  const router = express.Router();
  router.use((req, _res, next) => {
    if (site.about.deployment === "cloud") next("router");
    else if (CLOUD_ONLY.test(req.path)) throw new JiraError(404, ["null for uri"]);
    else next();
  });
  router.post("/rest/api/2/search", (req, res) => {
    const body = readJson(req);
    const query = parseJql(String(body["jql"] ?? ""), now(), site.about.timeZone);
    // Nobody is told nothing, and not that he is nobody.
    const all = callerOf(res) === undefined ? [] : store.all();
    const found = runJql(query, all, now(), site.about.timeZone);
    const lost = query.clauses.some(({ field, values }) => field === "id" && values.some((id) => !store.find(id)));
    if (lost && body["validateQuery"] !== false)
      throw new JiraError(400, ["An issue with that id does not exist for field 'id'."]);
    const startAt = Number(body["startAt"] ?? 0);
    const maxResults = Math.min(Number(body["maxResults"] ?? 50), PAGE_MAX);
    const changelog = readStrings(body["expand"])?.includes("changelog") === true;
    const view = {
      version: 2 as const,
      fields: readStrings(body["fields"]) ?? ["*navigable"],
      properties: [],
      changelog,
    };
    const issues = found.slice(startAt, startAt + maxResults).map((issue) => showIssue(store, issue, view));
    res.json({ expand: "schema,names", startAt, maxResults, total: found.length, issues });
  });
  router.get("/rest/api/2/user/search", (req, res) => {
    const text = (queryOf(req).get("username") ?? "").toLowerCase();
    const inactive = queryOf(req).get("includeInactive") === "true";
    const found = [...site.users.values()].filter(
      (user) =>
        (inactive || user.active !== false) &&
        `${nameOf(site, user.accountId)}\n${user.displayName}\n${user.emailAddress}`.toLowerCase().includes(text),
    );
    const page = callerOf(res) === undefined ? [] : found.slice(0, readCount(req, "maxResults", 50));
    res.json(page.map((user) => showUser(site, user.accountId, 2)));
  });
  router.get("/rest/api/2/user", (req, res) => {
    const key = queryOf(req).get("key");
    const user = [...site.users.keys()].find((accountId) => userKeyOf(site, accountId) === key);
    if (user === undefined || callerOf(res) === undefined) throw new JiraError(404, [`The user does not exist.`]);
    const items = showMemberships(site, user, 2).map(({ name, self }) => ({ name, self }));
    const isExpanded = (queryOf(req).get("expand") ?? "").split(",").includes("groups");
    res.json({ ...showUser(site, user, 2), groups: { size: items.length, items: isExpanded ? items : [] } });
  });
  return router;
}

/** The gateway of the Cloud: the site's API behind its cloud id. Any other id is nobody's. */
export function gatewayRoutes(store: JiraStore): RequestHandler {
  return (req, res, next) => {
    const [, cloudId = "", rest = ""] = /^\/ex\/jira\/([^/]+)(\/.*)$/.exec(req.url) ?? [];
    if (cloudId === "") return next();
    if (cloudId !== store.site.about.cloudId || rest.startsWith("/_edge"))
      return void res.status(404).json({ code: 404, message: "Not Found" });
    req.url = rest;
    next();
  };
}

/** Who the site is, for everybody. */
export function tenantRoutes(store: JiraStore): RequestHandler {
  const router = express.Router();
  router.get("/_edge/tenant_info", (_req, res) => void res.json({ cloudId: store.site.about.cloudId }));
  return router;
}
