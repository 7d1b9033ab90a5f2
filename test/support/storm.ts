/** A storm of webhooks on few tickets, against the server in a process of its own, with or without killing it. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import axios from "axios";
import PQueue from "p-queue";
import { Pool } from "undici";
import { z } from "zod";
import { viewStoreUrl } from "../../cli/store.ts";
import { systemClock } from "../../cli/system.ts";
import { explain } from "../../core/policy/explain.ts";
import type { Store } from "../../core/store/store.ts";
import { type JiraSim, startJiraSim } from "../sim/jira.ts";
import { type ServiceNowSim, startServiceNowSim } from "../sim/servicenow.ts";
import { type ConfigFolder, writeConfigFolder } from "./config-folder.ts";
import { type Delivery, jiraDelivery, servicenowDelivery } from "./deliveries.ts";
import { prng, shuffled } from "./prng.ts";
import { GROUPS } from "./rig.ts";
import { freePort, PROCESS_ADMIN_TOKEN, type ServerProcess, startProcess } from "./server-process.ts";
import { JIRA_SECRET, SNOW_SECRET } from "./settings.ts";

export interface StormOptions {
  tickets: number;
  signals: number;
  /** How often the server is killed with SIGKILL, spread over the storm. */
  kills: number;
  seed: number;
  connections?: number;
  settleWithinMs?: number;
  /** So many of a hundred webhooks never arrive; with 100, not even the vendors' own are sent. */
  losePercent?: number;
}

export interface StormResult {
  tickets: number;
  /** Deliveries sent by the storm; all of them were acknowledged. */
  signals: number;
  /** Signals in the store: the storm's and the echoes of our own writes that Jira sends back. */
  stored: number;
  vendorCalls: number;
  /** Tickets that did not end as the rules demand, or are not settled. */
  lost: number;
  /** What is known of the lost ones, for whoever must find out why. */
  faults: string[];
  /** Notes and field changes beyond the one of each that every ticket needs. */
  duplicateEffects: number;
  rssMb: number;
  kills: number;
  ledgerEntries: number;
  seconds: number;
  /** What the server itself says of how much arrived; only where webhooks are lost. */
  completeness?: { missing: number; changed: number; foundOnlyBySweep: number };
}

interface Ticket {
  connection: "snow" | "jira";
  id: string;
  key: string;
  expected: string;
}

/** What people write, and where the shipped rules must send it. */
const KINDS = [
  { title: "VPN drops every few minutes", urgency: "3", expected: "Network Operations" },
  { title: "My laptop does not start", urgency: "3", expected: "Workplace Hardware" },
  { title: "Phishing mail in three mailboxes", urgency: "3", expected: "Security Operations" },
  { title: "Password expired and the account is locked", urgency: "3", expected: "Identity and Access" },
] as const;

/** Shipped limits, but for waits that would only make a killed server's recovery longer to watch. */
const LIMITS = {
  unknownOutcomeWaitMs: 500,
  retryBaseMs: 50,
  retryCapMs: 1_000,
  callTimeoutMs: 5_000,
  leaseMs: 30_000,
};

/** Where webhooks are lost: soon enough to be watched. */
const SWEEP_EVERY_MS = 1_000;
/** Jira's hours are those of its minute when it is asked what changed since. */
const MINUTE_MS = 60_000;

export async function runStorm(options: StormOptions): Promise<StormResult> {
  const folder = mkdtempSync(join(tmpdir(), "interlock-storm-"));
  const snow = await startServiceNowSim({ groups: GROUPS.map((name) => ({ name })) });
  const jira = await startJiraSim({ groups: GROUPS, retryDelayMs: 100 });
  const port = await freePort();
  const lose = options.losePercent ?? 0;
  const limits = lose > 0 ? { ...LIMITS, sweepEveryMs: SWEEP_EVERY_MS } : LIMITS;
  const folders = writeConfigFolder(folder, { snowUrl: snow.url, jiraUrl: jira.url, port, limits });
  const startedMs = Date.now();
  try {
    // What the first sweep finds would prove little about the ones after it.
    const early = lose > 0 ? await startProcess(folder, folders, port) : undefined;
    const tickets = file(snow, jira, options.tickets);
    const deliveries = deliveriesFor(tickets, options);
    if (lose < 100) aim(snow, jira, port);
    const first = early ?? (await startProcess(folder, folders, port));
    const server = await blow({ folder, folders, port, deliveries, options, first });
    const store = viewStoreUrl(`file:${join(folder, "interlock.db")}`, systemClock);
    try {
      const withinMs = options.settleWithinMs ?? 60_000;
      const effects = () => tickets.map((ticket) => effectsOn(snow, jira, ticket));
      if (lose > 0) await arrived(() => effects().filter(({ lost }) => lost).length, withinMs);
      await settled(store, [snow, jira], withinMs);
      const completeness = lose > 0 ? { completeness: await completenessOf(server.url, startedMs) } : {};
      const counts = await store.counts();
      const ended = effects();
      return {
        tickets: tickets.length,
        signals: deliveries.length,
        stored: counts.signals,
        vendorCalls: snow.requests.length + jira.requests.length,
        lost: ended.filter(({ lost }) => lost).length,
        faults: await faultsOf(store, tickets, ended),
        duplicateEffects: ended.reduce((sum, { duplicates }) => sum + duplicates, 0),
        rssMb: peakRssMb(server.pid),
        kills: options.kills,
        ledgerEntries: counts.ledger,
        seconds: (Date.now() - startedMs) / 1_000,
        ...completeness,
      };
    } finally {
      await store.close();
      await server.stop();
    }
  } finally {
    await Promise.all([snow.close(), jira.close()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Jira reports our own writes back to us; ServiceNow's rule leaves the integration user's out. */
function aim(snow: ServiceNowSim, jira: JiraSim, port: number): void {
  jira.webhooks.setTarget({ url: `http://127.0.0.1:${port}/webhooks/jira`, secret: JIRA_SECRET });
  snow.webhooks.setTarget({ url: `http://127.0.0.1:${port}/webhooks/snow`, secret: SNOW_SECRET });
}

/** Waits until nothing is missing any more, or so long that it will not come. */
async function arrived(missing: () => number, withinMs: number): Promise<void> {
  const deadlineMs = Date.now() + withinMs;
  while (missing() > 0 && Date.now() < deadlineMs) await wait(100);
}

const Report = z.object({
  missing: z.int(),
  types: z.array(z.object({ changed: z.int(), foundOnlyBySweep: z.int() })),
});

/** Asks the server once it has swept again and every change of the storm is old enough to be missed. */
async function completenessOf(url: string, sinceMs: number): Promise<NonNullable<StormResult["completeness"]>> {
  const headers = { Authorization: `Bearer ${PROCESS_ADMIN_TOKEN}` };
  const ask = { headers, proxy: false, timeout: 30_000 } as const;
  await wait(SWEEP_EVERY_MS * 3);
  await axios.post(`${url}/api/sweep`, undefined, ask);
  const since = encodeURIComponent(new Date(sinceMs - MINUTE_MS).toISOString());
  const { data } = await axios.get<unknown>(`${url}/api/completeness?since=${since}`, ask);
  const { missing, types } = Report.parse(data);
  const sum = (pick: (line: (typeof types)[number]) => number): number =>
    types.reduce((total, line) => total + pick(line), 0);
  return { missing, changed: sum(({ changed }) => changed), foundOnlyBySweep: sum((line) => line.foundOnlyBySweep) };
}

/** Files the tickets, half in each system. */
function file(snow: ServiceNowSim, jira: JiraSim, count: number): Ticket[] {
  return Array.from({ length: count }, (_, index): Ticket => {
    const kind = KINDS[index % KINDS.length] ?? KINDS[0];
    if (index % 2 === 0) {
      const row = snow.insert(
        "incident",
        { short_description: kind.title, impact: "3", urgency: kind.urgency },
        { by: "abel.tuter" },
      );
      return { connection: "snow", id: row.sys_id, key: row["number"] ?? "", expected: kind.expected };
    }
    const issue = jira.create(
      "OPS",
      { summary: kind.title, issuetype: "Incident", priority: "Low" },
      { by: "5b10-abel" },
    );
    return { connection: "jira", id: issue.id, key: issue.key, expected: kind.expected };
  });
}

/** The same number of hints for every ticket, in rounds, each round in another order. */
function deliveriesFor(tickets: readonly Ticket[], { signals, seed, losePercent = 0 }: StormOptions): Delivery[] {
  const random = prng(seed);
  const rounds = Math.ceil(signals / tickets.length);
  const deliveries: Delivery[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const ticket of shuffled(tickets, random)) {
      const id = `storm-${seed}-${deliveries.length}`;
      if (ticket.connection === "snow")
        deliveries.push(servicenowDelivery(id, { table: "incident", sysId: ticket.id, modCount: round }));
      else deliveries.push(jiraDelivery(id, { id: ticket.id, key: ticket.key, timestamp: 1_770_000_000_000 + round }));
    }
  }
  return deliveries.slice(0, signals).filter(() => losePercent === 0 || random() * 100 >= losePercent);
}

interface Blow {
  folder: string;
  folders: ConfigFolder;
  port: number;
  deliveries: readonly Delivery[];
  options: StormOptions;
  /** The server that runs already. */
  first: ServerProcess;
}

/** Sends everything until it is acknowledged, as vendors do, and kills the server on the way. Answers the last server. */
async function blow({ folder, folders, port, deliveries, options, first }: Blow): Promise<ServerProcess> {
  const pool = new Pool(`http://127.0.0.1:${port}`, { connections: options.connections ?? 64 });
  const queue = new PQueue({ concurrency: options.connections ?? 64 });
  let server = first;
  let acked = 0;
  let killing: Promise<void> = Promise.resolve();
  const killEvery = options.kills > 0 ? Math.floor(deliveries.length / (options.kills + 1)) : Number.POSITIVE_INFINITY;
  let killed = 0;
  const kill = async (): Promise<void> => {
    await server.kill();
    server = await startProcess(folder, folders, port);
  };
  await queue.addAll(
    deliveries.map((delivery) => async () => {
      while (!(await sent(pool, delivery))) await wait(20);
      acked += 1;
      if (killed < options.kills && acked >= killEvery * (killed + 1)) {
        killed += 1;
        killing = killing.then(kill);
      }
    }),
  );
  await killing;
  await pool.close();
  return server;
}

async function sent(pool: Pool, { path, headers, body }: Delivery): Promise<boolean> {
  try {
    const answer = await pool.request({ method: "POST", path, headers, body });
    await answer.body.dump();
    if (answer.statusCode === 202) return true;
    if (answer.statusCode !== 503) throw new Error(`a delivery was answered ${answer.statusCode}`);
    return false;
  } catch (error) {
    // While the server is down there is nobody to answer.
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}

async function settled(store: Store, sims: readonly (ServiceNowSim | JiraSim)[], withinMs: number): Promise<void> {
  const deadlineMs = Date.now() + withinMs;
  for (let quiet = 0; quiet < 3; ) {
    for (const { webhooks } of sims) await webhooks.idle();
    const { pending } = await store.counts();
    quiet = pending === 0 ? quiet + 1 : 0;
    if (Date.now() > deadlineMs) throw new Error(`${pending} tickets did not settle within ${withinMs} ms`);
    await wait(100);
  }
}

function effectsOn(snow: ServiceNowSim, jira: JiraSim, ticket: Ticket): { lost: boolean; duplicates: number } {
  const { notes, changes, group } =
    ticket.connection === "snow" ? snowEffects(snow, ticket.id) : jiraEffects(jira, ticket.id);
  return {
    lost: notes === 0 || group !== ticket.expected,
    duplicates: Math.max(0, notes - 1) + Math.max(0, changes - 1),
  };
}

async function faultsOf(
  store: Store,
  tickets: readonly Ticket[],
  effects: readonly { lost: boolean }[],
): Promise<string[]> {
  const faults: string[] = [];
  for (const [index, ticket] of tickets.entries()) {
    if (!effects[index]?.lost) continue;
    const view = await store.view(ticket.connection, ticket.key);
    faults.push(
      `${ticket.connection}/${ticket.key}: ${view ? explain(view, false).join(" ") : "no signal was stored"}`,
    );
  }
  return faults;
}

interface Effects {
  notes: number;
  changes: number;
  group: string;
}

function snowEffects(snow: ServiceNowSim, id: string): Effects {
  const changes = snow
    .rows("sys_audit")
    .filter((row) => row["documentkey"] === id && row["fieldname"] === "assignment_group").length;
  const group =
    snow.rows("sys_user_group").find((row) => row.sys_id === snow.get("incident", id)?.["assignment_group"])?.[
      "name"
    ] ?? "";
  return { notes: snow.journal(id).filter(({ value }) => value.includes("[il:")).length, changes, group };
}

function jiraEffects(jira: JiraSim, id: string): Effects {
  const writes = jira.requests.filter(
    ({ method, path, status }) => method === "PUT" && path === `/rest/api/3/issue/${id}` && status === 204,
  );
  const value = jira.get(id)?.fields["customfield_10101"];
  const group = value !== null && typeof value === "object" && "name" in value ? String(value.name) : "";
  return { notes: jira.comments(id).filter(({ text }) => text.includes("[il:")).length, changes: writes.length, group };
}

/** The most memory the process ever held, as Linux counts it; 0 where it does not. */
function peakRssMb(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Math.round(Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1_024);
  } catch {
    return 0;
  }
}
