import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import type { JiraConnection } from "../../core/config/settings.ts";
import { ConnectorError } from "../../core/errors.ts";
import { didYouMean } from "../../core/nearest.ts";
import { checked, type Finding, type RecordNeeds } from "../finding.ts";
import { type FactNeeds, factFindings } from "./doctor-facts.ts";
import { projectFindings } from "./doctor-project.ts";
import { enterJira } from "./entry.ts";
import { headOf } from "./history.ts";
import type { JiraInspection } from "./inspect.ts";
import { hookDifferences, listHooks, ownHooks } from "./register.ts";
import { fieldIds, permissionsHeld, unknownPaths } from "./site.ts";
import { BROWSE_USERS, groupsStanding } from "./standing.ts";

const EXPIRES_SOON_MS = 14 * 86_400_000;

const Claims = z.looseObject({ exp: z.number() });

export interface JiraExamination extends FactNeeds {
  connection: string;
  settings: JiraConnection;
  /** Asks as the sidecar does. */
  jira: JiraInspection;
  /** Asks as whoever may look at webhooks. */
  admin: JiraInspection;
  records: readonly RecordNeeds[];
  groups: readonly string[];
  secret: string | undefined;
  url: string | undefined;
  callTimeoutMs: number;
  clock: Clock;
}

/** Looks at everything that Interlock needs of a site. Changes nothing. Needs the dispatcher that `installDispatcher` puts in place. */
export async function examineJira(options: JiraExamination): Promise<Finding[]> {
  const { connection, settings, jira, clock } = options;
  const { findings, account } = await enterJira(options);
  const expiry = tokenExpiry(connection, settings, clock.now());
  if (!account) return [...findings, ...expiry];
  const projects: Finding[] = [];
  for (const needs of options.records)
    projects.push(...(await checked("project", needs.record, () => projectFindings(jira, needs))));
  return [
    ...findings,
    ...expiry,
    ...timeZoneOf(connection, account.timeZone),
    ...(await checked("rights", connection, () => tooMany(jira, connection))),
    ...(await checked("fields", connection, () => unknownFields(jira, options.records))),
    ...projects,
    ...(await checked("groups", connection, () => missingGroups(jira, options.groups))),
    ...(await factFindings(jira, connection, options)),
    ...(await checked("webhook", connection, () => webhook(options))),
  ];
}

/** Only a token that carries its own end tells of it; an API token's is known to its account page alone. */
function tokenExpiry(where: string, { auth }: JiraConnection, nowMs: number): Finding[] {
  const payload = auth.type === "bearer" ? auth.token.split(".")[1] : undefined;
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(payload ?? "", "base64url").toString("utf8"));
  } catch {
    return []; // A token that is no JWT says nothing.
  }
  const parsed = Claims.safeParse(claims);
  if (!parsed.success) return [];
  const leftMs = parsed.data.exp * 1_000 - nowMs;
  if (leftMs > EXPIRES_SOON_MS) return [];
  const severity = leftMs <= 0 ? "error" : "warning";
  const what = leftMs <= 0 ? "the token has expired" : `the token expires in ${Math.ceil(leftMs / 86_400_000)} days`;
  return [{ severity, check: "login", where, what, fix: "Make a new token and set it in auth of the connection" }];
}

function timeZoneOf(where: string, zone: string): Finding[] {
  if (["UTC", "GMT", "Etc/UTC", "Etc/GMT"].includes(zone)) return [];
  const what = `the account's time zone is ${zone || "hidden"}; searches by time are read in it`;
  return [
    { severity: "warning", check: "time zone", where, what, fix: "Set the account's time zone to UTC in its profile" },
  ];
}

async function tooMany(jira: JiraInspection, where: string): Promise<Finding[]> {
  const names = [...(await permissionsHeld(jira, ["ADMINISTER", "SYSTEM_ADMIN"]))];
  if (names.length === 0) return [];
  const what = `the account administers the site (${names.join(", ")}), which is more than Interlock needs`;
  const fix = "Take the account out of the administrators' groups; for connect give an administrator by --as";
  return [{ severity: "warning", check: "rights", where, what, fix }];
}

async function unknownFields(jira: JiraInspection, records: readonly RecordNeeds[]): Promise<Finding[]> {
  const known = await fieldIds(jira);
  return records.flatMap(({ record, mapping, reads }) =>
    [...new Set(unknownPaths(reads, known).map(headOf))].map((id): Finding => {
      const what = "is read by the mapping and is no field of the site";
      const fix = `Correct mappings/${mapping}.yaml: Settings > Work items > Fields shows each field's number in its address`;
      return { severity: "error", check: "fields", where: `${record}.${id}`, what, fix };
    }),
  );
}

async function missingGroups(jira: JiraInspection, groups: readonly string[]): Promise<Finding[]> {
  const { standing, similar } = await groupsStanding(jira, groups);
  return groups
    .filter((name) => standing.get(name) !== "active")
    .map((name) => {
      const what = "is named by a rule and is no group of the site, or the account may not browse groups";
      const fix = `${didYouMean(name, similar)}Create the group, correct config/policy/routing.yaml, or give the account ${BROWSE_USERS.name}`;
      return { severity: "error", check: "groups", where: name, what, fix };
    });
}

async function webhook({ connection, admin, records, secret, url }: JiraExamination): Promise<Finding[]> {
  const finding = (what: string, severity: Finding["severity"] = "error"): Finding => {
    return {
      severity,
      check: "webhook",
      where: connection,
      what,
      fix: `Run interlock connect ${connection} as an administrator`,
    };
  };
  let hooks: Awaited<ReturnType<typeof listHooks>>;
  try {
    hooks = await listHooks(admin);
  } catch (error) {
    if (!(error instanceof ConnectorError) || error.status !== 403) throw error;
    const what = "webhooks cannot be looked at by this account, so their registration is not known";
    return [{ ...finding(what, "warning"), fix: "Run doctor with --as <administrator>" }];
  }
  if (secret === undefined) return [];
  const [first, ...others] = ownHooks(hooks, connection, url);
  if (first === undefined) return [finding("no webhook is registered: changes are not told")];
  const found =
    others.length > 0
      ? [finding(`${others.length + 1} webhooks are registered, so changes are told more than once`)]
      : [];
  const projects = records.map(({ record }) => record);
  const differs = hookDifferences(first, { connection, projects, url: url ?? first.url, secret });
  const told: Record<string, string> = {
    url: `the webhook leads to ${first.url}`,
    secret:
      first.isSigned === false
        ? "the webhook has no secret: its deliveries are refused"
        : "the webhook has another secret than the newest of webhookSecrets",
    enabled: "the webhook is switched off",
    events: "the webhook leaves out events of issues or comments",
    filter: "the webhook's JQL filter is not that of the mapped projects",
  };
  found.push(...differs.map((name) => finding(told[name] ?? name)));
  if (!first.url.endsWith(`/webhooks/${connection}`) && !differs.includes("url"))
    found.push(finding(`the webhook leads to ${first.url}, which is not a route of this connection`));
  return found;
}
