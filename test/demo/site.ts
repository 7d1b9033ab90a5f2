/** The demo's systems of record and its configuration, in a temporary folder. */
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { type JiraSim, startJiraSim } from "../sim/jira.ts";
import { type ServiceNowSim, startServiceNowSim } from "../sim/servicenow.ts";
import { type ConfigFolder, writeConfigFolder } from "../support/config-folder.ts";
import { JIRA_SECRET, SNOW_SECRET } from "../support/settings.ts";
import { APPROVERS } from "./approvers.ts";
import type { DemoTickets } from "./tickets.ts";
import type { Incident } from "./uci.ts";

export const ADMIN_TOKEN = "demo-admin-token";

export interface Site {
  snow: ServiceNowSim;
  jira: JiraSim;
  /** Folder with `config/` and the store; stays behind, so that tickets can be looked at afterwards. */
  folder: string;
  /** Runs it as if it were that long ago by the instance's own clock: what was closed then is no news to a sweep. */
  before(ms: number, act: () => void): void;
  close(): Promise<void>;
}

/** The log's group 70 takes most calls first: it is this desk's service desk. */
export function groupName(code: string | undefined): string {
  if (code === undefined) return "";
  return code === "70" ? "Service Desk" : `Group ${code}`;
}

/** Incidents have a status in which they are approved, as changes have. */
const PROJECTS = [
  { key: "OPS", name: "Operations", issueTypes: ["Incident"], approval: true },
  { key: "CHG", name: "Changes", issueTypes: ["Change"] },
];

/** Starts both systems with the people and groups of the tickets and the log. */
export async function openSite(demo: DemoTickets, incidents: readonly Incident[]): Promise<Site> {
  const logGroups = new Set(
    incidents.flatMap(({ events }) => events.map(({ assignmentGroup }) => groupName(assignmentGroup))),
  );
  for (const rule of logRules()) logGroups.add(rule.then.assign.group);
  logGroups.delete("");
  const names = [...new Set([...demo.groups, ...logGroups])];
  let behindMs = 0;
  const snow = await startServiceNowSim({
    now: () => Date.now() - behindMs,
    users: demo.users.map(({ user_name, name, email }) => ({ user_name, name, email })),
    groups: names.map((name) => ({ name, members: [...(APPROVERS[name] ?? [])] })),
  });
  const jira = await startJiraSim({
    groups: [...demo.groups],
    users: demo.users.map(({ accountId, name, email }) => ({ accountId, displayName: name, emailAddress: email })),
    projects: PROJECTS,
  });
  for (const [group, members] of Object.entries(APPROVERS))
    for (const { accountId } of demo.users.filter(({ user_name }) => members.includes(user_name)))
      jira.join(accountId, group);
  return {
    snow,
    jira,
    folder: mkdtempSync(join(tmpdir(), "interlock-demo-")),
    before(ms, act) {
      behindMs = ms;
      try {
        act();
      } finally {
        behindMs = 0;
      }
    },
    async close() {
      await Promise.all([snow.close(), jira.close()]);
    },
  };
}

/**
 * Writes the demo's configuration: the shipped mappings and all shipped rules, with the log's and those that ask AI before
 * the default. `ai` is who gives advice.
 */
export function writeConfig(site: Site, port: number, ai: Record<string, unknown>): ConfigFolder {
  const limits = { settleMs: 50, restMs: 200, pollMs: 100, approvalPollMs: 1_000 };
  return writeConfigFolder(site.folder, {
    snowUrl: site.snow.url,
    jiraUrl: site.jira.url,
    port,
    limits,
    logLevel: "warn",
    extraRules: [...logRules(), ...rulesIn("advice-rules.yaml")],
    ai,
    wholePolicy: true,
  });
}

/** Points both systems' webhooks at the sidecar. */
export function subscribe(site: Site, url: string): void {
  site.snow.webhooks.setTarget({ url: `${url}/webhooks/snow`, secret: SNOW_SECRET });
  site.jira.webhooks.setTarget({ url: `${url}/webhooks/jira`, secret: JIRA_SECRET });
}

interface LogRule {
  id: string;
  then: { assign: { group: string } };
}

function logRules(): LogRule[] {
  return rulesIn("log-rules.yaml") as LogRule[]; // our own file, checked again when it is loaded
}

function rulesIn(name: string): unknown[] {
  return parse(readFileSync(fileURLToPath(new URL(name, import.meta.url)), "utf8")) as unknown[]; // likewise
}
