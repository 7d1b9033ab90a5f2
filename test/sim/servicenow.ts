/**
 * A ServiceNow instance small enough to read: the Table API, tokens, and the business rule that pushes changes.
 * It is the system of record of the demo and of the tests. How it differs from the vendor: README.md beside it.
 */
import { randomUUID } from "node:crypto";
import type { NextFunction, Request, RequestHandler, Response } from "express";
import express from "express";
import { Webhook } from "standardwebhooks";
import type { FaultPlan, Faults } from "./faults.ts";
import { createFaultPlan } from "./faults.ts";
import { adminRoutes, seedAdmin } from "./servicenow-admin.ts";
import type { Flows } from "./servicenow-approvals.ts";
import { createFlows } from "./servicenow-approvals.ts";
import type { ServiceNowAuth } from "./servicenow-auth.ts";
import { createAuth } from "./servicenow-auth.ts";
import { changeRoutes } from "./servicenow-change.ts";
import { seedRelationTypes } from "./servicenow-cmdb.ts";
import { ServiceNowError } from "./servicenow-errors.ts";
import type { JwtProvider } from "./servicenow-jwt.ts";
import type { Row } from "./servicenow-rules.ts";
import type { Field } from "./servicenow-schema.ts";
import type { Fields } from "./servicenow-store.ts";
import { ServiceNowStore } from "./servicenow-store.ts";
import { tableRoutes } from "./servicenow-table.ts";
import type { SimRequest } from "./sim-server.ts";
import { nameCaller, startSimServer } from "./sim-server.ts";
import type { Webhooks, WebhookTarget } from "./webhook-sender.ts";
import { WebhookSender } from "./webhook-sender.ts";

export { ServiceNowError } from "./servicenow-errors.ts";
export type { Row } from "./servicenow-rules.ts";

export interface ServiceNowSimOptions {
  port?: number;
  now?: () => number;
  /** The hour that deliveries are signed with, where `now` is not that of the receiver. */
  signedAt?: () => number;
  /** user_name of the account the sidecar uses; its writes are not pushed. */
  integrationUser?: string;
  users?: ServiceNowUser[];
  groups?: { name: string; members?: string[] }[];
  webhook?: WebhookTarget;
  oauth?: { clientId: string; clientSecret: string };
  /** A JWT provider: the kid and the public key (PEM) of the certificate that signs assertions. */
  jwt?: JwtProvider;
  /** The group whose members authorise changes; without one that step needs nobody. */
  authorizeGroup?: string;
  /** Fields that a write silently leaves alone, per table. */
  forbiddenFields?: Record<string, string[]>;
  /** A row ACL; false hides the row. Applied after a page was cut. */
  rowAcl?: (user: string, table: string, row: Row) => boolean;
}

export interface ServiceNowUser {
  user_name: string;
  name: string;
  email: string;
  /** Without one the user cannot call the API. */
  password?: string;
  /** Kept in sys_user_has_role; "admin" opens the tables of servicenow-admin.ts. The integration user has itil. */
  roles?: string[];
}

export interface ServiceNowFaults extends Faults {
  /** The integration user finds no journal entries: an empty list, not a 403. */
  journalHidden: boolean;
  /** The field history (sys_audit) answers an empty list to the integration user. */
  auditHidden: boolean;
  /** Conditions on unknown fields yield no rows instead of widening the query. */
  invalidQueryReturnsNoRows: boolean;
  /** So many parts of a batch are served; the others come back unserviced, as when its time has run out. */
  batchServes: number;
  /**
   * What the integration user may not read: tables by name (`cmdb_ci`), which show no rows through themselves, and fields
   * by the table that declares them (`cmdb_ci.environment`), which are left out wherever they are read.
   */
  closed: Set<string>;
}

/** A person acts by user_name. */
export interface By {
  by: string;
}

export interface JournalEntry {
  element: string;
  value: string;
  sys_created_by: string;
  sys_created_on: string;
}

export interface ServiceNowSim {
  url: string;
  requests: SimRequest[];
  /** What the sidecar may log in with. */
  integration: { user: string; password: string; clientId: string; clientSecret: string; apiKey: string };
  insert(table: string, fields: Fields, by: By): Row;
  update(table: string, sysId: string, fields: Fields, by: By): Row;
  remove(table: string, sysId: string): void;
  get(table: string, sysId: string): Row | undefined;
  rows(table: string): Row[];
  journal(sysId: string): JournalEntry[];
  /** sys_id of a group by name; throws when there is none. */
  group(name: string): string;
  /** sys_id of a user by user_name; throws when there is none. */
  user(userName: string): string;
  /** Makes the instance another one under the same address: the same records, a new instance_id, which it answers. */
  clone(): string;
  /** Ends every access token, and with `refresh` every refresh token too. */
  expireTokens(which?: { refresh: boolean }): void;
  faults: ServiceNowFaults;
  webhooks: Webhooks;
  close(): Promise<void>;
}

const PUSHED_TABLES = ["incident", "change_request", "sc_req_item"];
const PASSWORD_DEFAULT = "interlock-password";
const OAUTH_DEFAULT = { clientId: "interlock-client", clientSecret: "interlock-secret" };
const API_KEY = "interlock-api-key";
const USERS_DEFAULT: ServiceNowUser[] = [
  { user_name: "abel.tuter", name: "Abel Tuter", email: "abel.tuter@example.com", password: "abel-password" },
  { user_name: "beth.anglin", name: "Beth Anglin", email: "beth.anglin@example.com", password: "beth-password" },
];
const GROUPS_DEFAULT = [
  { name: "Service Desk", members: ["beth.anglin"] },
  { name: "Network", members: ["abel.tuter"] },
  { name: "Security Operations", members: ["beth.anglin"] },
];

function isApprovalAdmin(role: string): boolean {
  return role === "approval_admin" || role === "admin";
}

/** Starts an instance on loopback. Close it, or its port stays taken. */
export async function startServiceNowSim(options: ServiceNowSimOptions = {}): Promise<ServiceNowSim> {
  const now = options.now ?? Date.now;
  const integrationUser = options.integrationUser ?? "interlock.bot";
  const plan = createFaultPlan();
  const faults = createFaults(plan);
  const sender = new WebhookSender({
    target: options.webhook,
    concurrencyMax: 10,
    // An outbound REST message is never retried: a lost push stays lost.
    attemptsMax: 1,
    retryDelayMs: 0,
    answerTimeoutMs: 10_000,
  });
  const flows = createFlows({
    now,
    store: () => store,
    admins: new Set(
      (options.users ?? []).flatMap((user) => (user.roles?.some(isApprovalAdmin) ? [user.user_name] : [])),
    ),
    authorizeGroup: options.authorizeGroup,
  });
  const store: ServiceNowStore = new ServiceNowStore({
    now,
    forbiddenFields: options.forbiddenFields ?? {},
    guard: (write) => flows.guard(write),
    onWrite(table, row) {
      flows.wrote(row);
      if (PUSHED_TABLES.includes(table) && row["sys_updated_by"] !== integrationUser)
        push(sender, store, row.sys_id, options.signedAt ?? now);
    },
  });
  const login = { ...(options.oauth ?? OAUTH_DEFAULT), apiKey: API_KEY };
  const client = { ...login, user: integrationUser, jwt: options.jwt };
  const auth = createAuth(client, now);
  const password = seedPeople(store, auth, options, integrationUser);
  seedAdmin(store, [{ user_name: integrationUser, roles: ["itil"] }, ...(options.users ?? [])]);
  nameInstance(store);

  let url = "";
  const reading = {
    store,
    now,
    baseUrl: () => url,
    canRead(user: string, table: string, row: Row) {
      if (table === "sys_journal_field" && faults.journalHidden && user === integrationUser) return false;
      if (table === "sys_audit" && faults.auditHidden && user === integrationUser) return false;
      if (faults.closed.has(table) && user === integrationUser) return false;
      return options.rowAcl?.(user, table, row) ?? true;
    },
    canReadField: (user: string, { table, name }: Field) =>
      user !== integrationUser || !faults.closed.has(`${table}.${name}`),
    unknownYieldsNothing: () => faults.invalidQueryReturnsNoRows,
    batchServes: () => faults.batchServes,
  };
  seedRelationTypes(store);
  const server = await startSimServer({
    port: options.port ?? 0,
    now,
    faults: plan,
    errorBody: (status) => failure(`HTTP ${status}`, null),
    state: () => store.dump(),
    clearFaults: () => faults.clear(),
    controls: { clone: () => nameInstance(store), "expire-tokens": () => auth.expire() },
    api: apiRoutes(auth, [adminRoutes(store), tableRoutes(reading)], { changes: changeRoutes(reading), flows }),
  });
  url = server.url;

  return {
    url,
    requests: server.requests,
    integration: { user: integrationUser, password, ...login },
    insert: (table, fields, by) => store.insert(table, fields, by),
    update: (table, sysId, fields, by) => store.update(table, sysId, fields, by),
    remove: (table, sysId) => void store.remove(table, sysId),
    get(table, sysId) {
      flows.run();
      return store.find(table, sysId);
    },
    rows(table) {
      flows.run();
      return store.list(table);
    },
    journal: (sysId) => store.journal(sysId).map(journalEntry),
    group: (name) => idBy(store, "sys_user_group", "name", name),
    user: (userName) => idBy(store, "sys_user", "user_name", userName),
    clone: () => nameInstance(store),
    expireTokens: (which) => auth.expire(which),
    faults,
    webhooks: sender,
    async close() {
      sender.close();
      await server.close();
    },
  };
}

/** Gives the instance an identity of its own, in place of the one it may have; answers it. */
function nameInstance(store: ServiceNowStore): string {
  const id = randomUUID().replaceAll("-", "");
  for (const [name, value] of Object.entries({ instance_id: id, instance_name: `dev${id.slice(0, 6)}` })) {
    const known = store.list("sys_properties").find((row) => row["name"] === name);
    if (known) store.update("sys_properties", known.sys_id, { value }, { by: "system" });
    else store.insert("sys_properties", { name, value }, { by: "system" });
  }
  return id;
}

function createFaults(plan: FaultPlan): ServiceNowFaults {
  const faults: ServiceNowFaults = {
    journalHidden: false,
    auditHidden: false,
    invalidQueryReturnsNoRows: false,
    batchServes: Number.POSITIVE_INFINITY,
    closed: new Set(),
    add: (spec) => plan.add(spec),
    clear() {
      plan.clear();
      faults.journalHidden = false;
      faults.auditHidden = false;
      faults.invalidQueryReturnsNoRows = false;
      faults.batchServes = Number.POSITIVE_INFINITY;
      faults.closed.clear();
    },
  };
  return faults;
}

/** Creates users, groups and memberships; returns the integration user's password. */
function seedPeople(
  store: ServiceNowStore,
  auth: ServiceNowAuth,
  options: ServiceNowSimOptions,
  integrationUser: string,
): string {
  const by = { by: "system" };
  const people = options.users ?? USERS_DEFAULT;
  const given = people.find((user) => user.user_name === integrationUser);
  const account: ServiceNowUser = { user_name: integrationUser, name: "Interlock", email: "interlock@example.com" };
  for (const user of given === undefined ? [...people, account] : people) {
    const { user_name, name, email } = user;
    const [first_name = "", ...rest] = name.split(" ");
    store.insert("sys_user", { user_name, name, email, first_name, last_name: rest.join(" ") }, by);
    if (user.password !== undefined) auth.setPassword(user_name, user.password);
  }
  const password = given?.password ?? PASSWORD_DEFAULT;
  auth.setPassword(integrationUser, password);
  for (const { name, members } of options.groups ?? (options.users === undefined ? GROUPS_DEFAULT : [])) {
    const group = store.insert("sys_user_group", { name }, by).sys_id;
    for (const member of members ?? []) {
      store.insert("sys_user_grmember", { user: idBy(store, "sys_user", "user_name", member), group }, by);
    }
  }
  return password;
}

function apiRoutes(
  auth: ServiceNowAuth,
  tables: RequestHandler[],
  { changes, flows }: { changes: RequestHandler; flows: Flows },
): RequestHandler {
  const router = express.Router();
  router.post("/oauth_token.do", auth.token);
  router.use("/api", (req, res, next) => {
    const user = auth.caller(req);
    if (user === undefined) {
      res.set("WWW-Authenticate", 'BASIC realm="Service-now"');
      throw new ServiceNowError(401, "User Not Authenticated", "Required to provide Auth information");
    }
    nameCaller(res, user);
    res.locals["user"] = user;
    if (req.accepts("application/json") === false) {
      throw new ServiceNowError(406, "Not Acceptable", "The simulator answers JSON only");
    }
    const verb = req.get("x-http-method-override");
    if (req.method === "POST" && verb !== undefined) req.method = verb.toUpperCase();
    next();
  });
  router.use("/api", (_req, _res, next) => {
    flows.run();
    next();
  });
  router.use("/api/now", ...tables);
  router.use("/api/sn_chg_rest", changes);
  router.use((_req, _res) => {
    throw new ServiceNowError(400, "Requested URI does not represent any resource", null);
  });
  router.use((error: unknown, _req: Request, res: Response, _next: NextFunction) => {
    if (error instanceof ServiceNowError) res.status(error.status).json(failure(error.vendorMessage, error.detail));
    else res.status(500).json(failure("Simulator failure", error instanceof Error ? error.message : String(error)));
  });
  return router;
}

function failure(message: string, detail: string | null): unknown {
  return { error: { message, detail }, status: "failure" };
}

/** The async business rule: it runs after the write and reads the record as it is by then. */
function push(sender: WebhookSender, store: ServiceNowStore, sysId: string, now: () => number): void {
  const deliveryId = `msg_${randomUUID().replaceAll("-", "")}`;
  sender.send({
    deliveryId,
    body() {
      const row = store.get(sysId);
      if (row === undefined) return undefined;
      const { sys_id, sys_class_name: table, sys_mod_count, sys_updated_on } = row;
      return JSON.stringify({ table, sys_id, sys_mod_count, sys_updated_on });
    },
    headers(body, secret) {
      const at = new Date(now());
      return {
        "content-type": "application/json",
        "webhook-id": deliveryId,
        "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
        "webhook-signature": new Webhook(secret).sign(deliveryId, at, body),
      };
    },
  });
}

function journalEntry(row: Row): JournalEntry {
  const { element = "", value = "", sys_created_by = "", sys_created_on = "" } = row;
  return { element, value, sys_created_by, sys_created_on };
}

function idBy(store: ServiceNowStore, table: string, field: string, value: string): string {
  const row = store.list(table).find((candidate) => candidate[field] === value);
  if (row === undefined) throw new Error(`the ServiceNow simulator has no ${table} with ${field} "${value}"`);
  return row.sys_id;
}
