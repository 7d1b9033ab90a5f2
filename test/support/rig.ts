import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../cli/log.ts";
import { type Running, type ServerDeps, startServer } from "../../cli/server.ts";
import { diskFiles, systemClock, systemIds, systemRng } from "../../cli/system.ts";
import type { ConfigFiles } from "../../core/config/files.ts";
import { type Config, loadConfig } from "../../core/config/load.ts";
import { ProblemsError } from "../../core/problem.ts";
import { type JiraSim, type JiraSimOptions, startJiraSim } from "../sim/jira.ts";
import { type ServiceNowSim, type ServiceNowSimOptions, startServiceNowSim } from "../sim/servicenow.ts";
import { JIRA_SECRET, SECRETS, SNOW_SECRET, settingsFor } from "./settings.ts";

export { JIRA_SECRET, SNOW_SECRET };
export const ADMIN_TOKEN = "admin-token-for-tests";

export const GROUPS = [
  "Service Desk",
  "Senior Engineers",
  "Network Operations",
  "Security Operations",
  "Identity and Access",
  "Workplace Hardware",
  "Business Applications",
  "Change Management",
  "Request Fulfilment",
];

export interface RigOptions {
  mode?: "observe" | "suggest" | "act";
  /** Merged into `limits:`. */
  limits?: Record<string, number>;
  /** Replaces config/policy/routing.yaml. */
  routing?: string;
  /** Replaces other files of config/policy, by name. */
  policy?: Readonly<Record<string, string>>;
  /** `ai:`; its keys are secrets by the name `ai-key`. */
  ai?: Readonly<Record<string, unknown>>;
  /** Groups of both systems, beside those that the shipped rules name. */
  groups?: readonly string[];
  /** Members of groups, by the names that both systems make accounts of; nobody is in any group where it is absent. */
  members?: Readonly<Record<string, readonly string[]>>;
  snowSim?: Partial<ServiceNowSimOptions>;
  store?: string;
  /** `approvals:` of Jira, and how its simulator is set up. */
  jiraApprovals?: Record<string, unknown>;
  jiraSim?: Partial<JiraSimOptions>;
  deps?: Partial<ServerDeps>;
}

export interface Rig {
  snow: ServiceNowSim;
  jira: JiraSim;
  server: Running;
  config: Config;
  folder: string;
  /** Waits until every hint sent so far has led to a settled or parked ticket. */
  settled(): Promise<void>;
  /** Stops the server and starts another one on the same store. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Whoever approves, where a test is about something else. */
const APPROVERS: NonNullable<RigOptions["members"]> = {
  "Security Operations": ["beth.anglin"],
  "Change Management": ["beth.anglin"],
};

/** Tickets of both kinds, with approvals in their workflows. */
export const PROJECTS = [
  { key: "OPS", name: "Operations", issueTypes: ["Incident"], approval: true },
  { key: "CHG", name: "Changes", issueTypes: ["Change"] },
];

/** Limits that let a test finish without waiting for what production waits for. */
export const QUICK_LIMITS = {
  settleMs: 10,
  restMs: 0,
  pollMs: 25,
  retryBaseMs: 10,
  retryCapMs: 50,
  callTimeoutMs: 500,
  unknownOutcomeWaitMs: 0,
  leaseMs: 5_000,
  drainMs: 2_000,
};

/** A configuration over two simulators, from the shipped mappings and policy. */
export function rigConfig(snowUrl: string, jiraUrl: string, options: RigOptions & { folder: string }): Config {
  const settings = settingsFor({
    snowUrl,
    jiraUrl,
    secret: (name) => `\${file:${name}}`,
    store: options.store ?? `file:${join(options.folder, "interlock.db")}`,
    limits: { ...QUICK_LIMITS, ...options.limits },
    jiraApprovals: options.jiraApprovals,
    ...(options.mode && { mode: options.mode }),
  });
  const files: ConfigFiles = {
    list: diskFiles.list,
    read(path) {
      if (path === "config/interlock.yaml")
        return JSON.stringify({ ...settings, ...(options.ai && { ai: options.ai }) }); // JSON is YAML
      if (path === "config/policy/routing.yaml" && options.routing !== undefined) return options.routing;
      const replaced = options.policy?.[path.replace(/^config\/policy\//, "")];
      return replaced ?? diskFiles.read(path);
    },
  };
  const loaded = loadConfig(
    files,
    { config: "config", mappings: "mappings" },
    { variable: () => undefined, file: (name) => Object.entries(SECRETS).find(([known]) => known === name)?.[1] },
  );
  if ("problems" in loaded) throw new ProblemsError(loaded.problems);
  return loaded.config;
}

/** Both simulators and a server between them, on loopback, in a folder of their own. */
export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), "interlock-test-"));
  const groups = [...GROUPS, ...(options.groups ?? [])];
  const { members = APPROVERS } = options;
  const snow = await startServiceNowSim({
    groups: groups.map((name) => ({ name, members: [...(members[name] ?? [])] })),
    ...options.snowSim,
  });
  const jira = await startJiraSim({ groups, projects: PROJECTS, retryDelayMs: 20, ...options.jiraSim });
  for (const [group, names] of Object.entries(members))
    for (const name of names) jira.join(options.members ? `acc-${name}` : "5b10-beth", group);
  const config = rigConfig(snow.url, jira.url, { ...options, folder });
  const deps: ServerDeps = {
    clock: systemClock,
    rng: systemRng,
    ids: systemIds,
    log: silentLog,
    adminToken: ADMIN_TOKEN,
    ...options.deps,
  };
  let server = await startServer(config, deps);
  const aim = (): void => {
    snow.webhooks.setTarget({ url: `${server.url}/webhooks/snow`, secret: SNOW_SECRET });
    jira.webhooks.setTarget({ url: `${server.url}/webhooks/jira`, secret: JIRA_SECRET });
  };
  // What the start asks the vendors must not mix with what a test looks for.
  const settleIn = async (): Promise<void> => {
    await server.sweeps.sweep();
    snow.requests.length = 0;
    jira.requests.length = 0;
  };
  aim();
  await settleIn();
  return {
    snow,
    jira,
    config,
    folder,
    get server() {
      return server;
    },
    settled: () => settledWithin(() => server, [snow, jira], 10_000),
    async restart() {
      await server.stop();
      server = await startServer(config, deps);
      aim();
    },
    async close() {
      await server.stop();
      await Promise.all([snow.close(), jira.close()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Sender {
  webhooks: { idle(): Promise<void> };
}

/** Waits for silence: nothing to send, nothing due, nothing in work, twice in a row. Throws when it does not come. */
export async function settledWithin(
  server: () => Running,
  senders: readonly Sender[],
  withinMs: number,
): Promise<void> {
  const deadlineMs = Date.now() + withinMs;
  let quiet = 0;
  while (quiet < 2) {
    for (const { webhooks } of senders) await webhooks.idle();
    const { pending } = await server().store.counts();
    quiet = pending === 0 ? quiet + 1 : 0;
    if (Date.now() > deadlineMs)
      throw new Error(`not settled within ${withinMs} ms: ${pending} tickets are still due or in work`);
    await systemClock.sleep(10);
  }
}
