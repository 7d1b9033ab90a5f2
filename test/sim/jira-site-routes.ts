/** What a client asks about the site itself: who am I, what time is it, which fields, users and groups are there. */

import type { RequestHandler } from "express";
import express from "express";
import { JiraError } from "./jira-errors.ts";
import { describeField } from "./jira-fields.ts";
import { callerOf, readCount, requireCaller } from "./jira-request.ts";
import { jiraTime, showUser } from "./jira-site.ts";
import type { JiraStore } from "./jira-store.ts";
import { queryOf } from "./sim-server.ts";

const MEMBERS_MAX = 50;

/** Fields that nobody writes, as GET /field describes them. */
const SET_BY_JIRA = ["status", "project", "created", "updated", "creator"].map((id) => {
  const flags = { custom: false, orderable: false, navigable: true, searchable: true };
  return { id, key: id, name: id, ...flags, clauseNames: [id], schema: { type: id, system: id } };
});

/** Routes of one API version; mounted under /rest/api/{version}. */
export function siteRoutes(store: JiraStore, version: 2 | 3, now: () => number): RequestHandler {
  const { site } = store;
  const router = express.Router();
  router.get("/myself", (_req, res) => {
    res.json({ ...showUser(site, requireCaller(res), version), locale: "en_US" });
  });
  router.get("/serverInfo", (_req, res) => {
    const release = {
      version: "1001.0.0-SNAPSHOT",
      versionNumbers: [1001, 0, 0],
      deploymentType: site.about.deployment === "cloud" ? "Cloud" : "Server",
      buildNumber: 100_290,
    };
    const times = { buildDate: "2026-01-01T00:00:00.000+0000", serverTime: jiraTime(now()) };
    res.json({
      baseUrl: site.url(),
      displayUrl: site.url(),
      ...release,
      ...times,
      serverTitle: "Jira",
      serverTimeZone: "UTC",
    });
  });
  router.get("/field", (_req, res) => {
    const all = [...store.fields.values()];
    const seen = callerOf(res) === undefined ? all.filter((field) => !field.id.startsWith("customfield_")) : all;
    res.json([...seen.map(describeField), ...SET_BY_JIRA]);
  });
  router.get("/user/search", (req, res) => {
    const query = queryOf(req);
    const accountId = query.get("accountId");
    const text = query.get("query")?.toLowerCase();
    const found = [...site.users.values()].filter((user) => {
      if (user.active === false) return false;
      if (accountId !== null) return user.accountId === accountId;
      return text !== undefined && `${user.displayName}\n${user.emailAddress}`.toLowerCase().includes(text);
    });
    const startAt = readCount(req, "startAt", 0);
    const page = found.slice(startAt, startAt + readCount(req, "maxResults", 50));
    res.json(callerOf(res) === undefined ? [] : page.map((user) => showUser(site, user.accountId, version)));
  });
  router.get("/user/bulk", (req, res) => {
    const ids = queryOf(req).getAll("accountId");
    const found = callerOf(res) === undefined ? [] : ids.filter((id) => site.users.has(id));
    const values = found.map((id) => showUser(site, id, version));
    res.json({ maxResults: readCount(req, "maxResults", 10), startAt: 0, total: values.length, isLast: true, values });
  });
  router.get("/group/member", (req, res) => {
    requireCaller(res);
    const query = queryOf(req);
    const name = query.get("groupname") ?? "";
    if (!site.groups.some((group) => group.name === name))
      throw new JiraError(404, [`The group with name '${name}' does not exist.`]);
    const withInactive = query.get("includeInactiveUsers") === "true";
    const members = [...site.users.values()].filter(
      ({ memberOf, active }) => memberOf?.includes(name) === true && (withInactive || active !== false),
    );
    const startAt = readCount(req, "startAt", 0);
    const maxResults = Math.min(readCount(req, "maxResults", MEMBERS_MAX), MEMBERS_MAX);
    const page = members.slice(startAt, startAt + maxResults);
    const values = page.map((user) => showUser(site, user.accountId, version));
    const self = `${site.url()}${req.originalUrl}`;
    const isLast = startAt + maxResults >= members.length;
    res.json({ self, maxResults, startAt, total: members.length, isLast, values });
  });
  router.get("/groups/picker", (req, res) => {
    const text = (queryOf(req).get("query") ?? "").toLowerCase();
    const found = site.groups.filter((group) => group.name.toLowerCase().includes(text));
    const groups = callerOf(res) === undefined ? [] : found.slice(0, readCount(req, "maxResults", 20));
    const header = `Showing ${groups.length} of ${found.length} matching groups`;
    res.json({
      header,
      total: groups.length,
      groups: groups.map((group) => ({ ...group, html: group.name, labels: [] })),
    });
  });
  router.get("/group/bulk", (req, res) => {
    const names = queryOf(req).getAll("groupName");
    const ids = queryOf(req).getAll("groupId");
    const any = names.length + ids.length === 0;
    const known = callerOf(res) === undefined ? [] : site.groups;
    const values = known.filter((group) => any || names.includes(group.name) || ids.includes(group.groupId));
    res.json({ maxResults: 50, startAt: 0, total: values.length, isLast: true, values });
  });
  return router;
}
