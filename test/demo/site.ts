/** The demo's systems of record and its configuration, in a temporary folder. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "yaml";
import { type JiraSim, startJiraSim } from "../sim/jira.ts";
import { type ServiceNowSim, startServiceNowSim } from "../sim/servicenow.ts";
import type { DemoTickets } from "./tickets.ts";
import type { Incident } from "./uci.ts";

const SECRETS = {
  "snow-password": "interlock-password",
  "snow-webhook": `whsec_${Buffer.from("the demo signs with this secret.").toString("base64")}`,
  "jira-token": "interlock-token",
  "jira-webhook": "the demo signs with this secret too",
} as const;

export const ADMIN_TOKEN = "demo-admin-token";

export interface Site {
  snow: ServiceNowSim;
  jira: JiraSim;
  /** Folder with `config/` and the store; stays behind, so that tickets can be looked at afterwards. */
  folder: string;
  close(): Promise<void>;
}

/** The log's group 70 takes most calls first: it is this desk's service desk. */
export function groupName(code: string | undefined): string {
  if (code === undefined) return "";
  return code === "70" ? "Service Desk" : `Group ${code}`;
}

/** Starts both systems with the people and groups of the tickets and the log. */
export async function openSite(demo: DemoTickets, incidents: readonly Incident[]): Promise<Site> {
  const logGroups = new Set(
    incidents.flatMap(({ events }) => events.map(({ assignmentGroup }) => groupName(assignmentGroup))),
  );
  for (const rule of logRules()) logGroups.add(rule.then.assign.group);
  logGroups.delete("");
  const names = [...new Set([...demo.groups, ...logGroups])];
  const snow = await startServiceNowSim({
    users: demo.users.map(({ user_name, name, email }) => ({ user_name, name, email })),
    groups: names.map((name) => ({ name })),
  });
  const jira = await startJiraSim({
    groups: [...demo.groups],
    users: demo.users.map(({ accountId, name, email }) => ({ accountId, displayName: name, emailAddress: email })),
  });
  return {
    snow,
    jira,
    folder: mkdtempSync(join(tmpdir(), "interlock-demo-")),
    async close() {
      await Promise.all([snow.close(), jira.close()]);
    },
  };
}

/** Writes the demo's configuration: the shipped mappings and rules, with the log's rules before the default. */
export function writeConfig(site: Site, port: number): { config: string; mappings: string } {
  const config = join(site.folder, "config");
  const mappings = join(site.folder, "mappings");
  mkdirSync(join(config, "policy"), { recursive: true });
  cpSync(shipped("mappings"), mappings, { recursive: true });
  for (const [name, value] of Object.entries(SECRETS)) writeFileSync(join(site.folder, name), value, { mode: 0o600 });
  const secret = (name: keyof typeof SECRETS): string => `\${file:${join(site.folder, name)}}`;
  const settings = {
    listen: { host: "127.0.0.1", port },
    store: `file:${join(site.folder, "interlock.db")}`,
    mode: "act",
    logLevel: "warn",
    limits: { settleMs: 50, pollMs: 100 },
    connections: {
      snow: {
        type: "servicenow",
        baseUrl: site.snow.url,
        allowPrivateAddress: true,
        auth: { type: "basic", username: site.snow.integration.user, password: secret("snow-password") },
        webhookSecrets: [secret("snow-webhook")],
        records: {
          incident: "servicenow.incident",
          change_request: "servicenow.change",
          sc_req_item: "servicenow.request",
        },
      },
      jira: {
        type: "jira",
        baseUrl: site.jira.url,
        allowPrivateAddress: true,
        auth: { type: "basic", email: site.jira.integration.email, apiToken: secret("jira-token") },
        webhookSecrets: [secret("jira-webhook")],
        records: { OPS: "jira.incident", CHG: "jira.change" },
      },
    },
  };
  writeFileSync(join(config, "interlock.yaml"), stringify(settings));
  const routing = parse(readFileSync(shipped("config/policy/routing.yaml"), "utf8")) as { rules: unknown[] }; // our own file, checked again when it is loaded
  routing.rules.push(...logRules());
  writeFileSync(join(config, "policy", "routing.yaml"), stringify(routing));
  return { config, mappings };
}

/** Points both systems' webhooks at the sidecar. */
export function subscribe(site: Site, url: string): void {
  site.snow.webhooks.setTarget({ url: `${url}/webhooks/snow`, secret: SECRETS["snow-webhook"] });
  site.jira.webhooks.setTarget({ url: `${url}/webhooks/jira`, secret: SECRETS["jira-webhook"] });
}

interface LogRule {
  id: string;
  then: { assign: { group: string } };
}

function logRules(): LogRule[] {
  const path = fileURLToPath(new URL("log-rules.yaml", import.meta.url));
  return parse(readFileSync(path, "utf8")) as LogRule[]; // our own file, checked again when it is loaded
}

function shipped(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}
