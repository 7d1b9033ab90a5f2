/**
 * The administrator's side of an instance: roles, the dictionary, and the tables that only an administrator may look
 * at or write. What they hold is not executed: an installed business rule sends nothing here.
 */
import type { NextFunction, Request, RequestHandler, Response } from "express";
import { noRecord, ServiceNowError } from "./servicenow-errors.ts";
import { TABLES } from "./servicenow-schema.ts";
import type { ServiceNowStore } from "./servicenow-store.ts";
import { parseBody } from "./sim-server.ts";

/** Without the role `admin` these are empty and closed, as on an instance. */
const ADMIN_ONLY = new Set(["sys_script", "sys_script_include", "sys_security_acl", "sys_security_acl_role"]);
const SYSTEM = { by: "system" };

/** Roles of users, the dictionary of every table, and what every instance has some of. The last mention of a user counts. */
export function seedAdmin(store: ServiceNowStore, users: { user_name: string; roles?: string[] }[]): void {
  const roles = new Map(users.map(({ user_name, roles: given }) => [user_name, given ?? []]));
  const ids = new Map<string, string>();
  for (const name of new Set(["admin", "itil", ...[...roles.values()].flat()]))
    ids.set(name, store.insert("sys_user_role", { name }, SYSTEM).sys_id);
  for (const [userName, names] of roles)
    for (const name of names)
      store.insert("sys_user_has_role", { user: store.userId(userName), role: ids.get(name) ?? "" }, SYSTEM);
  const tables = new Map<string, string>();
  for (const { name, parent, fields } of TABLES.values()) {
    const super_class = tables.get(parent ?? "") ?? "";
    tables.set(name, store.insert("sys_db_object", { name, label: name, super_class }, SYSTEM).sys_id);
    for (const field of fields.values()) {
      if (field.table !== name) continue;
      const reference = field.reference ?? "";
      store.insert("sys_dictionary", { name, element: field.name, internal_type: field.type, reference }, SYSTEM);
    }
  }
  store.insert("sys_script", { name: "Mark closed", collection: "incident" }, SYSTEM);
  store.insert("sys_script_include", { name: "IncidentUtils", script: "" }, SYSTEM);
  const acl = store.insert("sys_security_acl", { name: "task", operation: "write" }, SYSTEM).sys_id;
  const itil = ids.get("itil") ?? "";
  store.insert("sys_security_acl_role", { sys_security_acl: acl, sys_user_role: itil }, SYSTEM);
}

/** Stands before the Table API: refuses what needs the role `admin`, and keeps password2 properties unreadable. */
export function adminRoutes(store: ServiceNowStore): RequestHandler {
  return function admin(req: Request, res: Response, next: NextFunction): void {
    const user = String(res.locals["user"]);
    req.originalUrl = req.originalUrl.replace(/javascript(:|%3A)gs\.getUserID(\(\)|%28%29)/i, store.userId(user));
    const [, table = "", sysId] = /^\/(?:v[12]\/)?table\/(\w+)(?:\/(\w+))?/.exec(req.path) ?? [];
    const reads = req.method === "GET";
    const closed = ADMIN_ONLY.has(table) || (table === "sys_properties" && !reads);
    if (closed && !isAdmin(store, user)) {
      if (!reads)
        throw new ServiceNowError(
          403,
          "Operation Failed",
          `ACL Exception ${verbOf(req)} Failed due to security constraints`,
        );
      if (sysId !== undefined) throw noRecord();
      res.json({ result: [] });
      return;
    }
    if (table === "sys_properties" && !reads) encryptSecret(store, req, sysId);
    next();
  };
}

function isAdmin(store: ServiceNowStore, userName: string): boolean {
  const role = store.reader("role.name");
  const user = store.userId(userName);
  return store.list("sys_user_has_role").some((row) => row["user"] === user && role(row) === "admin");
}

function verbOf({ method }: Request): string {
  if (method === "POST") return "Insert";
  return method === "DELETE" ? "Delete" : "Update";
}

/** The stored form of a two-way encrypted value: not the value, and nothing that one could compare with it. */
function encryptSecret(store: ServiceNowStore, req: Request, sysId: string | undefined): void {
  const body = parseBody(req);
  if ("failure" in body || typeof body.value !== "object" || body.value === null) return;
  const fields = { ...body.value } as Record<string, unknown>; // an object, just checked
  const type = fields["type"] ?? store.find("sys_properties", sysId ?? "")?.["type"];
  if (type !== "password2" || typeof fields["value"] !== "string") return;
  fields["value"] = `encrypted:${Buffer.from(fields["value"]).toString("hex")}`;
  req.body = Buffer.from(JSON.stringify(fields));
}
