/**
 * A Jira Cloud site small enough to read: issues, comments, transitions, search, and webhooks that retry.
 * It is the system of record of the demo and of the tests. How it differs from the vendor: README.md beside it.
 */
import type { NextFunction, Request, RequestHandler, Response } from "express";
import express from "express";
import type { AdfDocument } from "./adf.ts";
import { adfFromText, adfToText } from "./adf.ts";
import type { Faults } from "./faults.ts";
import { createFaultPlan } from "./faults.ts";
import type { JiraAdmin } from "./jira-admin.ts";
import { adminRoutes, createJiraAdmin } from "./jira-admin.ts";
import { commentRoutes } from "./jira-comment-routes.ts";
import { datacenterRoutes, gatewayRoutes, tenantRoutes } from "./jira-datacenter.ts";
import { JiraError } from "./jira-errors.ts";
import { issueRoutes } from "./jira-issue-routes.ts";
import { linkRoutes, remoteLinksOf, type SimRemoteLink } from "./jira-links.ts";
import { logIn } from "./jira-login.ts";
import { showIssue } from "./jira-render.ts";
import { searchRoutes } from "./jira-search-routes.ts";
import { ServiceDesk, type ServiceDeskSim, type StatusApproval } from "./jira-service-desk.ts";
import type { JiraSite, JiraUser, SiteAbout } from "./jira-site.ts";
import { createSite, jiraTime } from "./jira-site.ts";
import { siteRoutes } from "./jira-site-routes.ts";
import type { Comment } from "./jira-store.ts";
import { JiraStore } from "./jira-store.ts";
import { sendWebhook } from "./jira-webhooks.ts";
import type { SimRequest } from "./sim-server.ts";
import { startSimServer } from "./sim-server.ts";
import type { Webhooks, WebhookTarget } from "./webhook-sender.ts";
import { WebhookSender } from "./webhook-sender.ts";

export { JiraError } from "./jira-errors.ts";
export type { JiraUser } from "./jira-site.ts";

export interface JiraSimOptions {
  port?: number;
  now?: () => number;
  integrationAccountId?: string;
  email?: string;
  apiToken?: string;
  /** A project is of software unless its `type` says otherwise; with `approval` its incidents can be approved. */
  projects?: { key: string; name: string; issueTypes: string[]; type?: string; approval?: boolean }[];
  /** In service projects an approval begins where an issue enters this status; without it, where a test says so. */
  approvals?: StatusApproval;
  groups?: string[];
  users?: JiraUser[];
  /** Options of the "Category" field. */
  categories?: string[];
  webhook?: WebhookTarget;
  /** The vendor waits 5 to 15 minutes between attempts; here this long. */
  retryDelayMs?: number;
  /** How long the receiver may take to answer. */
  answerTimeoutMs?: number;
}

export interface JiraFaults extends Faults {
  /** The search index trails the issues by this much. */
  searchLagMs: number;
  /** The edit screen has no comment field, so that an edit with a comment in it is refused as a whole. */
  editWithoutComment: boolean;
}

export interface JiraComment {
  id: string;
  body: AdfDocument;
  text: string;
  author: JiraUser;
  created: string;
  properties: Record<string, unknown>;
}

/** A person acts by accountId. */
export interface By {
  by: string;
}

export interface JiraIssue {
  id: string;
  key: string;
  self: string;
  /** As GET /rest/api/3/issue prints them. */
  fields: Record<string, unknown>;
  properties: Record<string, unknown>;
}

export interface JiraSim {
  url: string;
  requests: SimRequest[];
  /** What the sidecar may log in with. */
  integration: { accountId: string; email: string; apiToken: string };
  create(projectKey: string, fields: Record<string, unknown>, by: By): { id: string; key: string };
  update(idOrKey: string, fields: Record<string, unknown>, by: By): void;
  comment(idOrKey: string, text: string, by: By): { id: string };
  /** Moves the issue to a status by name; throws when no transition leads there from where it is. */
  transition(idOrKey: string, statusName: string, by: By): void;
  remove(idOrKey: string, by?: By): void;
  /** Makes a person a member of a group of the site; throws where there is no such person. */
  join(accountId: string, group: string): void;
  get(idOrKey: string): JiraIssue | undefined;
  comments(idOrKey: string): JiraComment[];
  links(idOrKey: string): SimRemoteLink[];
  serviceDesk: ServiceDeskSim;
  /** Which kind of site it is, whose clone, and in which time zone; may be changed while it runs. */
  about: SiteAbout;
  faults: JiraFaults;
  /** Rights, screens and admin webhooks; once one is registered it is sent to. */
  admin: JiraAdmin;
  webhooks: Webhooks;
  close(): Promise<void>;
}

const PROJECTS_DEFAULT = [
  { key: "OPS", name: "Operations", issueTypes: ["Incident"] },
  { key: "CHG", name: "Changes", issueTypes: ["Change"] },
];
const GROUPS_DEFAULT = ["Service Desk", "Network", "Security Operations"];
const CATEGORIES_DEFAULT = ["Access", "Network", "Hardware", "Software", "Security", "Request", "Other"];
const USERS_DEFAULT: JiraUser[] = [
  { accountId: "5b10-abel", displayName: "Abel Tuter", emailAddress: "abel.tuter@example.com" },
  { accountId: "5b10-beth", displayName: "Beth Anglin", emailAddress: "beth.anglin@example.com" },
];
const PEOPLE = { version: 3, bareNames: true } as const;
const EVERYTHING = { version: 3, fields: ["*all", "-comment"], properties: ["*all"], changelog: false } as const;

/** Starts a site on loopback. Close it, or its port stays taken. */
export async function startJiraSim(options: JiraSimOptions = {}): Promise<JiraSim> {
  const now = options.now ?? Date.now;
  const integration = {
    accountId: options.integrationAccountId ?? "712020:interlock",
    email: options.email ?? "interlock@example.com",
    apiToken: options.apiToken ?? "interlock-token",
  };
  const plan = createFaultPlan();
  const faults: JiraFaults = {
    searchLagMs: 0,
    editWithoutComment: false,
    add: (spec) => plan.add(spec),
    clear() {
      plan.clear();
      faults.searchLagMs = 0;
      faults.editWithoutComment = false;
    },
  };
  const sender = new WebhookSender({
    target: options.webhook,
    concurrencyMax: 10,
    attemptsMax: 6,
    retryDelayMs: options.retryDelayMs ?? 200,
    answerTimeoutMs: options.answerTimeoutMs ?? 20_000,
  });
  let url = "";
  const site = createSite({ ...seeds(options, integration), url: () => url });
  const store: JiraStore = new JiraStore(site, now, (event) => {
    const move = event.history?.items.find(({ fieldId }) => fieldId === "status");
    if (event.kind === "generic" && move !== undefined)
      serviceDesk.moved(event.issue, { from: move.fromString, to: move.toString });
    if (sender.listening) sendWebhook(sender, store, event);
  });
  const serviceDesk = new ServiceDesk(store, now, options.approvals);
  const admin = createJiraAdmin();
  const server = await startSimServer({
    port: options.port ?? 0,
    now,
    faults: plan,
    errorBody: (status) => ({ errorMessages: [`HTTP ${status}`], errors: {} }),
    state: () =>
      store.all().map((issue) => ({
        ...showIssue(store, issue, EVERYTHING),
        comments: issue.comments.map((comment) => showPlain(site, comment)),
      })),
    clearFaults: () => faults.clear(),
    api: apiRoutes(store, serviceDesk, faults, now, adminRoutes(store, admin, sender)),
  });
  url = server.url;
  return {
    url,
    requests: server.requests,
    integration,
    ...acts(store),
    links: (idOrKey) => remoteLinksOf(store.issue(idOrKey)),
    serviceDesk,
    about: site.about,
    faults,
    admin,
    webhooks: sender,
    async close() {
      sender.close();
      await server.close();
    },
  };
}

type Integration = JiraSim["integration"];

function seeds(options: JiraSimOptions, { accountId, email, apiToken }: Integration) {
  const account = { accountId, displayName: "Interlock", emailAddress: email, apiToken };
  const people = (options.users ?? USERS_DEFAULT).filter((user) => user.accountId !== accountId);
  return {
    users: [...people.map((user) => ({ ...user })), account],
    groups: options.groups ?? GROUPS_DEFAULT,
    projects: options.projects ?? PROJECTS_DEFAULT,
    categories: options.categories ?? CATEGORIES_DEFAULT,
  };
}

/** What people do in the browser: the same rules and the same webhooks, without HTTP. */
function acts(
  store: JiraStore,
): Pick<JiraSim, "create" | "update" | "comment" | "transition" | "remove" | "join" | "get" | "comments"> {
  return {
    join(accountId, group) {
      const user = store.site.users.get(accountId);
      if (user === undefined) throw new Error(`the Jira simulator has no account ${accountId}`);
      user.memberOf = [...(user.memberOf ?? []), group];
    },
    create(project, fields, { by }) {
      const { id, key } = store.create({ project, ...fields }, { by, dialect: PEOPLE });
      return { id, key };
    },
    update: (idOrKey, fields, { by }) => store.edit(store.issue(idOrKey), fields, { by, dialect: PEOPLE }),
    comment(idOrKey, text, { by }) {
      const { id } = store.addComment(store.issue(idOrKey), { body: adfFromText(text), properties: new Map() }, by);
      return { id };
    },
    transition(idOrKey, statusName, { by }) {
      const issue = store.issue(idOrKey);
      const transition = store.transitions(issue).find(({ to }) => to === statusName);
      if (transition === undefined) throw new Error(`${issue.key} cannot go from ${issue.status} to ${statusName}`);
      store.transition(issue, transition.id, { fields: {}, by, dialect: PEOPLE });
    },
    remove: (idOrKey, by) => store.remove(store.issue(idOrKey), by?.by ?? ""),
    get(idOrKey) {
      const issue = store.find(idOrKey);
      if (issue === undefined) return undefined;
      const { fields, self } = showIssue(store, issue, EVERYTHING);
      const { id, key } = issue;
      // showIssue always prints these two; its type is the loose one of an API answer.
      return {
        id,
        key,
        self: String(self),
        fields: fields as Record<string, unknown>,
        properties: Object.fromEntries(issue.properties),
      };
    },
    comments: (idOrKey) => store.issue(idOrKey).comments.map((comment) => showPlain(store.site, comment)),
  };
}

function showPlain(site: JiraSite, comment: Comment): JiraComment {
  const { id, body, author, createdMs, properties } = comment;
  const known = site.users.get(author) ?? { accountId: author, displayName: "Former user", emailAddress: "" };
  const { accountId, displayName, emailAddress } = known;
  return {
    id,
    body,
    text: adfToText(body),
    author: { accountId, displayName, emailAddress },
    created: jiraTime(createdMs),
    properties: Object.fromEntries(properties),
  };
}

function apiRoutes(
  store: JiraStore,
  serviceDesk: ServiceDesk,
  faults: JiraFaults,
  now: () => number,
  admin: RequestHandler,
): RequestHandler {
  const router = express.Router();
  router.use(gatewayRoutes(store));
  const search = { now, lagMs: () => faults.searchLagMs };
  const screen = { withoutComment: () => faults.editWithoutComment };
  router.use(logIn(store.site));
  router.use(tenantRoutes(store), datacenterRoutes(store, now), admin);
  for (const version of [2, 3] as const) {
    const parts = [
      issueRoutes(store, version, screen),
      commentRoutes(store, version),
      searchRoutes(store, version, search),
    ];
    router.use(`/rest/api/${version}`, ...parts, linkRoutes(store, version), siteRoutes(store, version, now));
  }
  router.use("/rest/servicedeskapi", serviceDesk.routes());
  router.use((req, res) => {
    const detail = `No endpoint ${req.method} ${req.path}.`;
    res.status(404).type("application/problem+json");
    res.send(JSON.stringify({ type: "about:blank", title: "Not Found", status: 404, detail, instance: req.path }));
  });
  router.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    if (!(error instanceof JiraError)) {
      res.status(500).json({ errorMessages: [error instanceof Error ? error.message : String(error)], errors: {} });
    } else if (error.status === 401) {
      res.set("WWW-Authenticate", 'OAuth realm="https%3A%2F%2Fsite.atlassian.net"');
      res.status(401).type("text").send("Client must be authenticated to access this resource.");
    } else res.status(error.status).json({ errorMessages: error.errorMessages, errors: error.errors });
  });
  return router;
}
