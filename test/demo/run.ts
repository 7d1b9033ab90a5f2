/**
 * The main job on real input: both simulated systems, the sidecar between them, and what people really did: incidents
 * of the public log with all their edits, and hand-written tickets with text. Ends with 0 only if everything is as it
 * must be.
 */
import { readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { SingleBar } from "cli-progress";
import type { DemoOptions } from "../../cli/demo.ts";
import { createLog } from "../../cli/log.ts";
import { stopSignal } from "../../cli/serve.ts";
import { type Running, startServer } from "../../cli/server.ts";
import { diskFiles, secretsFrom, systemClock, systemIds, systemRng } from "../../cli/system.ts";
import { loadConfig } from "../../core/config/load.ts";
import { ProblemsError } from "../../core/problem.ts";
import { type Trained, trainAdviser } from "./advice.ts";
import { letThemAnswer } from "./approvers.ts";
import { audit } from "./audit.ts";
import { closedIncidents, closedTickets, fileClosed } from "./closed.ts";
import { type Replay, replayOf } from "./replay.ts";
import { numberLines, numbers, ruleTable, ticketTable, trainedLines } from "./report.ts";
import { ADMIN_TOKEN, openSite, type Site, subscribe, writeConfig } from "./site.ts";
import { type DemoTickets, readTickets } from "./tickets.ts";
import { readIncidents } from "./uci.ts";

const SHORT_INCIDENTS = 60;
const SETTLE_WITHIN_MS = 60_000;
/** After so many acts of people the sidecar gets a moment, so that its writes and theirs interleave. */
const ACTS_AT_ONCE = 2;
const MOMENT_MS = 16;
const OLD_FOLDER_MS = 86_400_000;
const CLOSED_BEFORE_MS = 30 * 86_400_000;

/** `npm run demo`. */
export async function runDemo(options: DemoOptions): Promise<0 | 1> {
  const startedMs = Date.now();
  sweepOldFolders();
  const demo = readTickets();
  const all = readIncidents();
  const incidents = options.short ? all.slice(0, SHORT_INCIDENTS) : all;
  console.log(
    `Interlock demo: ${incidents.length} real incidents with all their edits (UCI log, CC BY 4.0, see test/demo/ATTRIBUTION.md),`,
  );
  console.log(
    `${demo.tickets.length} hand-written tickets, a simulated ServiceNow and a simulated Jira on this machine.\n`,
  );
  const site = await openSite(demo, incidents);
  const trained = await learnFromClosed(site, demo);
  const { server, folders } = await startSidecar(site, trained.ai);
  try {
    subscribe(site, server.url);
    const replay = replayOf(site, demo, incidents);
    await play(replay, server);
    await settle(site, server);
    await letThemAnswer(site, server, demo, replay.filed);
    await settle(site, server);
    const security = demo.tickets.flatMap(({ id, expect: { topic } }) =>
      topic === "security" ? (replay.filed.get(id) ?? []) : [],
    );
    const result = await audit(site, server, [...replay.filed.values()], security);
    const counted = await numbers(result, server, (Date.now() - startedMs) / 1_000);
    console.log(`${ticketTable(result)}\n\n${ruleTable(result)}\n`);
    for (const line of numberLines(counted, result.ledgerEntries)) console.log(line);
    for (const fault of result.faults.slice(0, 50)) console.log(`NOT AS IT MUST BE: ${fault}`);
    if (result.faults.length > 50) console.log(`... and ${result.faults.length - 50} more`);
    hints(
      result.outcomes.find(({ filed, notes }) => filed.connection === "snow" && notes.length > 0)?.filed.key ?? "",
      folders,
      server,
      options,
    );
    if (options.keep) await stopSignal();
    return result.faults.length === 0 ? 0 : 1;
  } finally {
    await server.stop();
    await site.close();
  }
}

/** The desk's past: closed incidents, from which the local model learns before anything new comes in. */
async function learnFromClosed(site: Site, demo: DemoTickets): Promise<Trained> {
  const by = demo.users[0]?.user_name ?? "";
  site.before(CLOSED_BEFORE_MS, () => fileClosed(site.snow, closedTickets(), by));
  const trained = await trainAdviser(closedIncidents(site.snow), site.folder, Date.now());
  for (const line of trainedLines(trained)) console.log(line);
  return trained;
}

async function startSidecar(
  site: Site,
  ai: Trained["ai"],
): Promise<{ server: Running; folders: { config: string; mappings: string } }> {
  const folders = writeConfig(site, 0, ai);
  const loaded = loadConfig(diskFiles, folders, secretsFrom(process.env));
  if ("problems" in loaded) throw new ProblemsError(loaded.problems);
  const server = await startServer(loaded.config, {
    clock: systemClock,
    rng: systemRng,
    ids: systemIds,
    log: createLog("warn"),
    adminToken: ADMIN_TOKEN,
  });
  // The port is known now; commands that read the configuration later find the server there.
  writeConfig(site, Number(new URL(server.url).port), ai);
  return { server, folders };
}

async function play(replay: Replay, server: Running): Promise<void> {
  const bar = new SingleBar({
    format: "people at work {bar} {value}/{total} acts | settled {settled}",
    hideCursor: true,
    noTTYOutput: true,
    notTTYSchedule: 5_000,
  });
  bar.start(replay.steps.length, 0, { settled: 0 });
  try {
    for (const [index, step] of replay.steps.entries()) {
      step.act();
      if (index % ACTS_AT_ONCE !== 0) continue;
      bar.update(index, { settled: await server.metrics.total("interlock_reconciles_total") });
      await systemClock.sleep(MOMENT_MS);
    }
    bar.update(replay.steps.length, { settled: await server.metrics.total("interlock_reconciles_total") });
  } finally {
    bar.stop();
  }
}

async function settle(site: Site, server: Running): Promise<void> {
  const deadlineMs = Date.now() + SETTLE_WITHIN_MS;
  for (let quiet = 0; quiet < 3; ) {
    await Promise.all([site.snow.webhooks.idle(), site.jira.webhooks.idle()]);
    const { pending } = await server.store.counts();
    quiet = pending === 0 ? quiet + 1 : 0;
    if (Date.now() > deadlineMs)
      throw new Error(`${pending} tickets did not settle within ${SETTLE_WITHIN_MS / 1_000} s`);
    await systemClock.sleep(50);
  }
}

function hints(
  key: string,
  folders: { config: string; mappings: string },
  server: Running,
  options: DemoOptions,
): void {
  const where = `--config ${folders.config} --mappings ${folders.mappings}`;
  console.log(`\nLook at one ticket:   npm run interlock -- explain snow/${key} ${where}`);
  console.log(`Verify the ledger:    npm run interlock -- ledger verify ${where}`);
  console.log(`Both read ${dirname(folders.config)}, which the first demo after a day removes.`);
  if (!options.keep) return;
  console.log(
    `It goes on running at ${server.url} until Ctrl-C. Its API: curl -H "Authorization: Bearer ${ADMIN_TOKEN}" ${server.url}/api/parked`,
  );
}

/** Earlier demos' folders stay for a day, so that their tickets can be looked at. */
function sweepOldFolders(): void {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith("interlock-demo-"))) {
    const folder = join(tmpdir(), name);
    if (Date.now() - statSync(folder).mtimeMs > OLD_FOLDER_MS) rmSync(folder, { recursive: true, force: true });
  }
}
