import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { InvalidArgumentError } from "commander";
import { installDispatcher } from "../connectors/jira/http.ts";
import { jiraInspection } from "../connectors/jira/inspect.ts";
import { applyHookStep, listHooks, ownHooks, planHooks } from "../connectors/jira/register.ts";
import { servicenowClient } from "../connectors/servicenow/client.ts";
import { handInstall } from "../connectors/servicenow/emit.ts";
import { inspection } from "../connectors/servicenow/inspect.ts";
import {
  applyInstall,
  closedTables,
  describeStep,
  installedUrl,
  planInstall,
} from "../connectors/servicenow/install.ts";
import type { JiraConnection, ServiceNowConnection } from "../core/config/settings.ts";
import { ConnectorError } from "../core/errors.ts";
import type { Limits } from "../core/limits.ts";
import { AS_SECRET, asAccount, connectionNamed, installedSecret, webhookUrl } from "./account.ts";
import { type CommonOptions, readConfig } from "./config.ts";
import { systemClock } from "./system.ts";

export interface ConnectOptions extends CommonOptions {
  dryRun?: boolean;
  publicUrl?: string;
  /** user_name or e-mail of an administrator to work as. */
  as?: string;
  /** Folder for the hand-install form; nothing is called then. */
  emit?: string;
  /** user_name of our account, where the instance is not asked for it. */
  integrationUser?: string;
}

interface Job<C> {
  name: string;
  settings: C;
  limits: Limits;
  options: ConnectOptions;
}

const noMeter = { count() {} };

/** `interlock connect`: has the vendor tell us of changes. Prints each thing it does; a second run finds nothing to do. */
export async function connect(name: string, options: ConnectOptions): Promise<0 | 1> {
  const { connections, limits } = readConfig(options).settings;
  const settings = connectionNamed(connections, name);
  if (options.emit !== undefined) {
    if (settings.type !== "servicenow")
      throw new InvalidArgumentError("--emit is for ServiceNow; Jira has nothing to install");
    return emit({ name, settings, limits, options }, options.emit);
  }
  if (settings.type === "servicenow") return connectServiceNow({ name, settings, limits, options });
  const dispatcher = installDispatcher(limits.callTimeoutMs);
  try {
    return await connectJira({ name, settings, limits, options });
  } finally {
    await dispatcher.close();
  }
}

async function connectServiceNow(job: Job<ServiceNowConnection>): Promise<0 | 1> {
  const { name, settings, limits, options } = job;
  const secret = installedSecret(name, settings);
  const admin = asAccount(settings, options.as, process.env);
  const open = (used: ServiceNowConnection) =>
    servicenowClient({ connection: name, settings: used, limits, clock: systemClock, meter: noMeter });
  const [client, ours] = [open(admin), open(settings)];
  try {
    const rows = inspection(name, client);
    const closed = await closedTables(rows);
    for (const table of closed)
      console.log(
        `${name}: the account may not look into ${table}; it needs the role admin. Give an administrator: --as <user_name>, password in ${AS_SECRET}, or use --emit <folder> and install by hand`,
      );
    if (closed.length > 0) return 1;
    const integrationUser = options.integrationUser ?? (await inspection(name, ours).account()).userName;
    const url =
      options.publicUrl === undefined ? await installedUrl(rows, name) : webhookUrl(name, settings, options.publicUrl);
    if (url === undefined) throw missingUrl();
    const installation = { connection: name, tables: Object.keys(settings.records), integrationUser, url, secret };
    const steps = await planInstall(rows, installation);
    if (options.dryRun)
      return sayPlan(
        name,
        steps.map((step) => describeStep(step, true)),
      );
    const refused = await applyInstall(
      { client, rows, connection: name, say: (line) => console.log(`${name}: ${line}`) },
      steps,
    );
    if (steps.length === 0) console.log(`${name}: nothing to do`);
    return refused === 0 ? 0 : 1;
  } finally {
    await Promise.all([client.close(), ours.close()]);
  }
}

async function connectJira({ name, settings, options }: Job<JiraConnection>): Promise<0 | 1> {
  const secret = installedSecret(name, settings);
  const jira = jiraInspection(name, asAccount(settings, options.as, process.env), systemClock);
  try {
    const hooks = await listHooks(jira);
    const standing = ownHooks(hooks, name, undefined)[0]?.url;
    const url = options.publicUrl === undefined ? standing : webhookUrl(name, settings, options.publicUrl);
    if (url === undefined) throw missingUrl();
    const steps = planHooks(hooks, { connection: name, projects: Object.keys(settings.records), url, secret });
    if (options.dryRun)
      return sayPlan(
        name,
        steps.map(({ kind, what }) => `would ${kind} ${what}`),
      );
    for (const step of steps) {
      await applyHookStep(jira, step);
      console.log(`${name}: ${step.kind} ${step.what}`);
    }
    if (steps.length === 0) console.log(`${name}: nothing to do`);
    return 0;
  } catch (error) {
    const forbidden = error instanceof ConnectorError && (error.status === 403 || error.status === 401);
    if (!forbidden) throw error;
    console.log(
      `${name}: the account may not look at or change webhooks; that takes the global permission Administer Jira. Give an administrator: --as <e-mail>, API token in ${AS_SECRET}. (${error.message})`,
    );
    return 1;
  }
}

/** Writes what an administrator installs by hand. Calls nobody. */
function emit({ name, settings, options }: Job<ServiceNowConnection>, folder: string): 0 {
  const known = "username" in settings.auth ? settings.auth.username : undefined;
  const integrationUser = options.integrationUser ?? known;
  if (integrationUser === undefined)
    throw new InvalidArgumentError("--emit needs --integration-user <user_name>: this kind of auth does not say it");
  if (options.publicUrl === undefined) throw missingUrl();
  const url = webhookUrl(name, settings, options.publicUrl);
  const tables = Object.keys(settings.records);
  const secret = installedSecret(name, settings);
  for (const [path, text] of handInstall({ connection: name, tables, integrationUser, url, secret })) {
    const at = join(folder, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, text);
    console.log(`${name}: wrote ${at}`);
  }
  return 0;
}

function sayPlan(name: string, lines: readonly string[]): 0 {
  for (const line of lines) console.log(`${name}: ${line}`);
  console.log(lines.length === 0 ? `${name}: nothing to do` : `${name}: dry run, nothing was changed`);
  return 0;
}

function missingUrl(): InvalidArgumentError {
  return new InvalidArgumentError("say where the vendor reaches this sidecar: --public-url https://interlock.acme.com");
}
