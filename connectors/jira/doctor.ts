import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import type { JiraConnection } from "../../core/config/settings.ts";
import { ConnectorError } from "../../core/errors.ts";
import { checked, type Finding, type RecordNeeds } from "../finding.ts";
import { probe } from "../probe.ts";
import { type FactNeeds, factFindings } from "./doctor-facts.ts";
import { Permissions, projectFindings } from "./doctor-project.ts";
import { headOf } from "./history.ts";
import type { JiraInspection } from "./inspect.ts";
import { hookDifferences, listHooks, ownHooks } from "./register.ts";

const EXPIRES_SOON_MS = 14 * 86_400_000;

const Myself = z.looseObject({ displayName: z.string().optional(), timeZone: z.string().optional() });
const Fields = z.array(z.looseObject({ id: z.string() }));
const Groups = z.looseObject({ groups: z.array(z.looseObject({ name: z.string() })) });
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
  const { connection, settings, jira, clock, callTimeoutMs: timeoutMs } = options;
  const { baseUrl, allowPrivateAddress } = settings;
  const path = "/rest/api/3/serverInfo";
  const reach = await probe({ baseUrl, path, allowPrivateAddress, timeoutMs, clock });
  if (!reach.reached) return reach.findings;
  const expiry = tokenExpiry(connection, settings, clock.now());
  let zone: string;
  try {
    zone = (await jira.ask("inspect", Myself, (api) => api.myself.getCurrentUser({}))).timeZone ?? "";
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    const fix = "Make a new API token for the account and set it in auth of the connection";
    const login: Finding = { severity: "error", check: "login", where: connection, what: error.message, fix };
    return [...reach.findings, ...expiry, login];
  }
  const projects: Finding[] = [];
  for (const needs of options.records)
    projects.push(...(await checked("project", needs.record, () => projectFindings(jira, needs))));
  return [
    ...reach.findings,
    ...expiry,
    ...timeZoneOf(connection, zone),
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
  const permissions = "ADMINISTER,SYSTEM_ADMIN";
  const { permissions: held } = await jira.ask("inspect", Permissions, (api) =>
    api.permissions.getMyPermissions({ permissions }),
  );
  const names = Object.keys(held).filter((name) => held[name]?.havePermission === true);
  if (names.length === 0) return [];
  const what = `the account administers the site (${names.join(", ")}), which is more than Interlock needs`;
  const fix = "Take the account out of the administrators' groups; for connect give an administrator by --as";
  return [{ severity: "warning", check: "rights", where, what, fix }];
}

async function unknownFields(jira: JiraInspection, records: readonly RecordNeeds[]): Promise<Finding[]> {
  const known = new Set((await jira.ask("inspect", Fields, (api) => api.issueFields.getFields())).map(({ id }) => id));
  return records.flatMap(({ record, mapping, reads }) =>
    [...new Set(reads.map(headOf))]
      .filter((id) => !known.has(id) && id !== "id" && id !== "key")
      .map((id): Finding => {
        const what = "is read by the mapping and is no field of the site";
        const fix = `Correct mappings/${mapping}.yaml: Settings > Work items > Fields shows each field's number in its address`;
        return { severity: "error", check: "fields", where: `${record}.${id}`, what, fix };
      }),
  );
}

async function missingGroups(jira: JiraInspection, groups: readonly string[]): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const name of groups) {
    const { groups: named } = await jira.ask("inspect", Groups, (api) =>
      api.groups.findGroups({ query: name, maxResults: 50 }),
    );
    if (named.some((group) => group.name === name)) continue;
    const what = "is named by a rule and is no group of the site, or the account may not browse groups";
    const fix = "Create the group, correct config/policy/routing.yaml, or give the account Browse users and groups";
    found.push({ severity: "error", check: "groups", where: name, what, fix });
  }
  return found;
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
