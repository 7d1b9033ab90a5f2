import type { Clock } from "../../core/clock.ts";
import type { ServiceNowConnection } from "../../core/config/settings.ts";
import { didYouMean } from "../../core/nearest.ts";
import type { FactName } from "../../core/policy/facts.ts";
import { checked, type Finding, type RecordNeeds } from "../finding.ts";
import type { ServiceNowClient } from "./client.ts";
import { factFindings } from "./doctor-facts.ts";
import { tableFindings } from "./doctor-tables.ts";
import { enterServiceNow } from "./entry.ts";
import { type Account, type Inspection, inspection } from "./inspect.ts";
import { closedTables, differences, find, installedUrl, rulesOf } from "./install.ts";
import { type Installation, propertyName, wantedRecords } from "./installation.ts";
import { groupsStanding } from "./standing.ts";

/** Roles that let an account do anything, or let it decide for people. */
const TOO_MUCH = new Set(["admin", "security_admin", "impersonator", "approval_admin"]);
const ROLES_MAX = 500;

export interface ServiceNowExamination {
  connection: string;
  settings: ServiceNowConnection;
  /** Calls as the sidecar does. */
  client: ServiceNowClient;
  /** Calls as whoever may look into the set-up; the same client where nobody else was named. */
  admin: ServiceNowClient;
  records: readonly RecordNeeds[];
  /** Groups that rules name. */
  groups: readonly string[];
  /** Facts that rules ask for. */
  facts: readonly FactName[];
  /** Webhook secret that should be installed; undefined where the sender does not sign. */
  secret: string | undefined;
  /** Where the instance should send to, where that is known. */
  url: string | undefined;
  callTimeoutMs: number;
  clock: Clock;
}

/** Looks at everything that Interlock needs of an instance. Changes nothing. */
export async function examineServiceNow(options: ServiceNowExamination): Promise<Finding[]> {
  const { connection, client, admin } = options;
  const [ours, theirs] = [inspection(connection, client), inspection(connection, admin)];
  const { findings, account } = await enterServiceNow({ ...options, ours });
  if (!account) return findings;
  const tables: Finding[] = [];
  for (const needs of options.records)
    tables.push(...(await checked("table", needs.record, () => tableFindings({ ours, theirs, account }, needs))));
  return [
    ...findings,
    ...timeZoneOf(account),
    ...(await checked("roles", account.userName, () => roles(theirs, account))),
    ...tables,
    ...(await checked("groups", "sys_user_group", () => missingGroups(ours, options.groups))),
    ...(await factFindings(ours, options.facts)),
    ...(await checked("journal", "sys_journal_field", () => journals(ours))),
    ...(await checked("webhook", "sys_script", () => sender(theirs, account, options))),
  ];
}

function timeZoneOf({ userName, timeZone }: Account): Finding[] {
  if (["", "UTC", "GMT", "Etc/UTC"].includes(timeZone)) return [];
  const what = `has the time zone ${timeZone}; conditions with relative dates are read in it`;
  return [{ severity: "warning", check: "time zone", where: userName, what, fix: "Set the user's time zone to GMT" }];
}

async function roles(theirs: Inspection, { sysId, userName }: Account): Promise<Finding[]> {
  const query = { where: [{ field: "user", is: "=" as const, value: sysId }] };
  const rows = await theirs.read({ table: "sys_user_has_role", fields: ["role.name"], query, limit: ROLES_MAX });
  const names = rows.map((row) => row["role.name"] ?? "");
  const found: Finding[] = names
    .filter((name) => TOO_MUCH.has(name))
    .map((name) => ({
      severity: "warning",
      check: "roles",
      where: userName,
      what: `has the role ${name}, which is more than Interlock needs`,
      fix: `Take ${name} away; docs/servicenow.md lists the least rights. For connect give an administrator by --as`,
    }));
  if (names.length > 0) return found;
  const what = "has no role that can be seen";
  return [
    {
      severity: "warning",
      check: "roles",
      where: userName,
      what,
      fix: "Give it the role made for Interlock (docs/servicenow.md), or read on sys_user_has_role",
    },
  ];
}

async function missingGroups(ours: Inspection, groups: readonly string[]): Promise<Finding[]> {
  const { standing, similar } = await groupsStanding(ours, groups);
  return groups.flatMap((name): Finding[] => {
    const stands = standing.get(name);
    if (stands === "active") return [];
    const several = stands === "several";
    const what = several ? "is the name of several active groups" : "is named by a rule and is no active group";
    const correct = `${didYouMean(name, similar)}Create or activate the group, or correct config/policy/routing.yaml`;
    const fix = several ? "Rename all but one" : correct;
    return [{ severity: "error", check: "groups", where: name, what, fix }];
  });
}

async function journals(ours: Inspection): Promise<Finding[]> {
  const found: Finding[] = [];
  const purposes = { sys_journal_field: "whether a note stands", sys_audit: "who changed a field at the same moment" };
  for (const [table, purpose] of Object.entries(purposes)) {
    if ((await ours.read({ table, fields: ["sys_id"], limit: 1 })).length > 0) continue;
    const what = `shows no entry at all to the integration user, so Interlock cannot see ${purpose}`;
    const fix = `Add a read ACL for the role of the integration user on ${table}; on a new instance without any entry ignore this`;
    found.push({ severity: "warning", check: "journal", where: table, what, fix });
  }
  return found;
}

async function sender(theirs: Inspection, account: Account, options: ServiceNowExamination): Promise<Finding[]> {
  const { connection, records, secret } = options;
  const error = (where: string, what: string): Finding => {
    return {
      severity: "error",
      check: "webhook",
      where,
      what,
      fix: `Run interlock connect ${connection} as an administrator`,
    };
  };
  const closed = await closedTables(theirs);
  if (closed.length > 0) {
    const what = "cannot be looked into by this account, so the installed rules are not known";
    const fix = "Run doctor with --as <administrator>";
    return closed.map((where) => ({ severity: "warning", check: "webhook", where, what, fix }));
  }
  if (secret === undefined) return [];
  const installed = await installedUrl(theirs, connection);
  const expected = options.url ?? installed;
  if (expected === undefined)
    return [error(propertyName(connection, "url"), "is missing: the instance does not know where to send")];
  const tables = records.map(({ record }) => record);
  const installation: Installation = { connection, tables, integrationUser: account.userName, url: expected, secret };
  const found: Finding[] = [];
  if (!expected.endsWith(`/webhooks/${connection}`))
    found.push(error(propertyName(connection, "url"), `leads to ${expected}, which is not a route of this connection`));
  for (const wanted of wantedRecords(installation)) {
    const standing = await find(theirs, wanted);
    const [first, ...others] = standing;
    if (first === undefined) found.push(error(wanted.label, "is missing"));
    else {
      const differs = differences(wanted, first);
      if (differs.length > 0) found.push(error(wanted.label, `was changed by hand or is older: ${differs.join(", ")}`));
    }
    if (others.some((row) => row["active"] === "true"))
      found.push(error(wanted.label, "stands there more than once, so changes are told twice"));
  }
  for (const row of await rulesOf(theirs, connection))
    if (row["active"] === "true" && !tables.includes(row["collection"] ?? ""))
      found.push(error(`business rule on ${row["collection"] ?? ""}`, "tells of a table that is not mapped any more"));
  return found;
}
