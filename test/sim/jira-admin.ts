/** The administrator's side of a site: permissions, who is in which group, edit screens, and the admin webhooks, whose last one is sent to. */
import type { RequestHandler, Response } from "express";
import express from "express";
import { JiraError } from "./jira-errors.ts";
import { describeField } from "./jira-fields.ts";
import { param, readJson, readObject, readStrings, requireCaller } from "./jira-request.ts";
import { apiUrl, issueTypeId, showMemberships, showProject } from "./jira-site.ts";
import type { JiraStore } from "./jira-store.ts";
import { queryOf } from "./sim-server.ts";
import type { WebhookSender } from "./webhook-sender.ts";

export interface AdminWebhook {
  id: string;
  name: string;
  url: string;
  events: string[];
  filters: Record<string, unknown>;
  enabled: boolean;
  secret: string;
}

/** What a test plants. */
export interface JiraAdmin {
  webhooks: AdminWebhook[];
  /** Accounts that administer the site. */
  admins: Set<string>;
  /** What everybody may do, in projects and globally; administrators may do all. */
  permissions: Set<string>;
  /** Fields that stand on no edit screen. */
  offScreen: Set<string>;
}

const PRIORITIES = ["Highest", "High", "Medium", "Low", "Lowest"];

export function createJiraAdmin(): JiraAdmin {
  const inProjects = ["BROWSE_PROJECTS", "EDIT_ISSUES", "ASSIGN_ISSUES", "ADD_COMMENTS", "TRANSITION_ISSUES"];
  const permissions = new Set([...inProjects, "USER_PICKER"]);
  return { webhooks: [], admins: new Set(), permissions, offScreen: new Set() };
}

/** Stands before the other routes, at the root. */
export function adminRoutes(store: JiraStore, admin: JiraAdmin, sender: WebhookSender): RequestHandler {
  const router = express.Router();
  for (const version of [2, 3] as const) {
    const base = `/rest/api/${version}`;
    router.get(`${base}/mypermissions`, (req, res) => {
      const asked = (queryOf(req).get("permissions") ?? "").split(",");
      const isAdmin = admin.admins.has(requireCaller(res));
      const held = asked.map((key) => [key, { key, havePermission: isAdmin || admin.permissions.has(key) }]);
      res.json({ permissions: Object.fromEntries(held) });
    });
    router.get(`${base}/user/groups`, (req, res) => {
      const mayBrowse = admin.admins.has(requireCaller(res)) || admin.permissions.has("USER_PICKER");
      if (!mayBrowse) throw new JiraError(403, ["You are not authorized to perform this operation."]);
      const accountId = queryOf(req).get("accountId") ?? "";
      if (!store.site.users.has(accountId)) throw new JiraError(404, [`The user does not exist.`]);
      res.json(showMemberships(store.site, accountId, version));
    });
    router.get(`${base}/project/:key`, (req, res) => {
      projectOf(store, res, param(req, "key"));
      res.json(showProject(store.site, param(req, "key"), version));
    });
    router.get(`${base}/project/:key/statuses`, (req, res) => {
      const { issueTypes, workflow } = projectOf(store, res, param(req, "key"));
      const statuses = workflow.statuses.map((name, index) => ({ id: String(index), name }));
      const shown = issueTypes.map((name) => {
        const id = issueTypeId(store.site, name);
        return { self: `${apiUrl(store.site, version)}/issuetype/${id}`, id, name, subtask: false, statuses };
      });
      res.json(shown);
    });
    router.get(`${base}/issue/:id/editmeta`, (req, res) => {
      requireCaller(res);
      store.issue(param(req, "id"));
      res.json({ fields: editFields(store, admin) });
    });
  }
  router.use("/rest/webhooks/1.0/webhook", webhookRoutes(admin, sender));
  return router;
}

function projectOf(store: JiraStore, res: Response, key: string) {
  requireCaller(res);
  const project = store.site.projects.get(key);
  if (project === undefined) throw new JiraError(404, [`No project could be found with key '${key}'.`]);
  return project;
}

function editFields(store: JiraStore, admin: JiraAdmin): Record<string, unknown> {
  const fields = [...store.fields.values()].filter(
    ({ id, transitionOnly }) => !transitionOnly && !admin.offScreen.has(id),
  );
  return Object.fromEntries(
    fields.map((field) => {
      const named = PRIORITIES.map((name) => ({ name }));
      const allowedValues = field.kind === "priority" ? named : field.options?.map((value) => ({ value }));
      const { name, schema } = describeField(field);
      const meta = { required: field.id === "summary", schema, name, key: field.id, operations: ["set"] };
      return [field.id, allowedValues === undefined ? meta : { ...meta, allowedValues }];
    }),
  );
}

function webhookRoutes(admin: JiraAdmin, sender: WebhookSender): RequestHandler {
  const router = express.Router();
  let last = 0;
  const aim = (): void => {
    const hook = admin.webhooks.findLast(({ enabled }) => enabled);
    sender.setTarget(hook && { url: hook.url, secret: hook.secret });
  };
  const show = (res: Response, { id, secret, ...hook }: AdminWebhook) => {
    const self = `http://${res.req.get("host") ?? ""}/rest/webhooks/1.0/webhook/${id}`;
    return { ...hook, excludeBody: false, isSigned: secret !== "", self };
  };
  const find = (id: string): AdminWebhook => {
    const hook = admin.webhooks.find((candidate) => candidate.id === id);
    if (hook === undefined) throw new JiraError(404, ["There is no webhook of that id."]);
    return hook;
  };
  router.use((_req, res, next) => {
    if (!admin.admins.has(requireCaller(res)))
      throw new JiraError(403, ["You are not authorized to perform this operation."]);
    next();
  });
  router.get("/", (_req, res) => void res.json(admin.webhooks.map((hook) => show(res, hook))));
  router.post("/", (req, res) => {
    last += 1;
    const hook = readHook(readJson(req), {
      id: String(last),
      name: "",
      url: "",
      events: [],
      filters: {},
      enabled: true,
      secret: "",
    });
    admin.webhooks.push(hook);
    aim();
    res.status(201).json(show(res, hook));
  });
  router.put("/:id", (req, res) => {
    const hook = find(param(req, "id"));
    Object.assign(hook, readHook(readJson(req), hook));
    aim();
    res.json(show(res, hook));
  });
  router.delete("/:id", (req, res) => {
    const hook = find(param(req, "id"));
    admin.webhooks = admin.webhooks.filter((other) => other !== hook);
    aim();
    res.status(204).end();
  });
  return router;
}

/** What a body leaves out stays as it was. */
function readHook(body: Record<string, unknown>, before: AdminWebhook): AdminWebhook {
  const text = (name: "name" | "url" | "secret"): string => {
    const given = body[name];
    return typeof given === "string" ? given : before[name];
  };
  const { enabled, events, filters } = body;
  return {
    id: before.id,
    name: text("name"),
    url: text("url"),
    secret: text("secret"),
    events: readStrings(events) ?? before.events,
    filters: filters === undefined ? before.filters : readObject(filters),
    enabled: typeof enabled === "boolean" ? enabled : before.enabled,
  };
}
