import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { open, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { SingleBar } from "cli-progress";
import Table from "cli-table3";
import { InvalidArgumentError } from "commander";
import { backtest, type NamedPolicy, type Report } from "../core/backtest/backtest.ts";
import { fileStates, type History, historyNames, loadHistory } from "../core/backtest/history.ts";
import { htmlReport } from "../core/backtest/html.ts";
import { reportLines, reportNotes } from "../core/backtest/lines.ts";
import { CSV_HEAD, csvLines } from "../core/backtest/table.ts";
import { loadPolicy } from "../core/config/policy-files.ts";
import { type Problem, ProblemsError } from "../core/problem.ts";
import { type CommonOptions, foldersFrom } from "./config.ts";
import { historyRows } from "./history-rows.ts";
import { diskFiles } from "./system.ts";

const POLICIES_MAX = 2;
const PERCENT_STEP = 10;
/** Lines that are written to the disk together. */
const LINES_AT_ONCE = 500;

export interface BacktestOptions extends CommonOptions {
  from: string;
  policy?: string[];
  mapping?: string;
  since?: string;
  csv?: string;
  html?: string;
}

/** What a run took: seconds, and the most memory the process ever had resident, in MB. */
interface Cost {
  seconds: number;
  rssMb: number;
}

/**
 * A replay makes garbage by the gigabyte, and by default the room for it grows until it is most of what the process
 * holds. It can only be given when the process starts.
 */
const SMALL_YOUNG_SPACE = "--max-semi-space-size=8";

/** `interlock backtest`, in a process of its own that is given little room for garbage. The exit code is that one's. */
export async function startBacktest(options: BacktestOptions): Promise<0 | 1 | 2> {
  if (process.execArgv.includes(SMALL_YOUNG_SPACE)) return runBacktest(options);
  const child = spawn(process.execPath, [SMALL_YOUNG_SPACE, ...process.execArgv, ...process.argv.slice(1)], {
    stdio: "inherit",
  });
  const [code] = (await once(child, "exit")) as [number | null]; // what "exit" tells first; null after a signal
  return code === 0 || code === 2 ? code : 1;
}

/** `interlock backtest`. Exit code 2 for what cannot be replayed; problems of the rules or the mapping are thrown. */
async function runBacktest(options: BacktestOptions): Promise<0 | 2> {
  const fault = wrongUsage(options);
  if (fault !== undefined) {
    console.error(`interlock: ${fault}`);
    return 2;
  }
  const startedMs = performance.now();
  const { history, policies } = prepared(options);
  const progress = startProgress(options.from);
  const since = options.since === undefined ? {} : { sinceMs: Date.parse(`${options.since}T00:00:00Z`) };
  const lines = options.csv === undefined ? undefined : await openLines(options.csv);
  const report = await backtest(fileStates(history, historyRows(options.from, progress.at)), policies, {
    ...since,
    ...(lines && { onTicket: (ticket) => lines.write(csvLines(ticket, policies)) }),
  })
    .catch(async (error: unknown) => {
      await lines?.drop();
      throw error;
    })
    .finally(progress.end);
  await lines?.close();
  if (options.html !== undefined)
    await writeFile(options.html, htmlReport(report, `Backtest of ${basename(options.from)}`));
  const cost: Cost = {
    seconds: Math.round((performance.now() - startedMs) / 100) / 10,
    rssMb: Math.round(process.resourceUsage().maxRSS / 1_024),
  };
  if (options.json) console.log(JSON.stringify({ ...report, ...cost }));
  else printed(report, cost, options);
  return 0;
}

function wrongUsage({ from, policy = [], since }: BacktestOptions): string | undefined {
  if (!existsSync(from) || !statSync(from).isFile())
    return `there is no file ${from}; history is read from a CSV file, reading it live from a connection is not built`;
  if (policy.length > POLICIES_MAX) return `${policy.length} policies were given; ${POLICIES_MAX} can be compared`;
  if (new Set(policy).size < policy.length) return `the policy ${policy[0]} was given twice; name two folders`;
  const isDay = since === undefined || (/^\d{4}-\d\d-\d\d$/.test(since) && !Number.isNaN(Date.parse(since)));
  return isDay ? undefined : `--since ${since} is not a day; write it as 2026-01-31`;
}

function prepared(options: BacktestOptions): { history: History; policies: NamedPolicy[] } {
  const folders = foldersFrom(options);
  const history = loadHistory(diskFiles, folders.mappings, options.mapping ?? onlyMapping(folders.mappings));
  if ("problems" in history) throw new ProblemsError(history.problems);
  const problems: Problem[] = [];
  const policies: NamedPolicy[] = [];
  for (const name of options.policy ?? [`${folders.config}/policy`]) {
    const policy = loadPolicy(diskFiles, name, [history.mapping], true);
    if ("problems" in policy) problems.push(...policy.problems);
    else policies.push({ name, policy });
  }
  if (problems.length > 0) throw new ProblemsError(problems);
  return { history, policies };
}

function onlyMapping(folder: string): string {
  const names = historyNames(diskFiles, folder);
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  throw new InvalidArgumentError(`say how the file is read with --mapping; there are: ${names.join(", ") || "none"}`);
}

/** A CSV file that is written while the history is read. */
interface Lines {
  write(line: string): Promise<void>;
  close(): Promise<void>;
  /** Takes the file away: half of it would pass for the whole. */
  drop(): Promise<void>;
}

async function openLines(path: string): Promise<Lines> {
  const file = await open(path, "w");
  let waiting = [CSV_HEAD];
  const flush = async (): Promise<void> => {
    await file.appendFile(waiting.join(""));
    waiting = [];
  };
  return {
    async write(line) {
      waiting.push(line);
      if (waiting.length >= LINES_AT_ONCE) await flush();
    },
    async close() {
      await flush().finally(() => file.close());
    },
    async drop() {
      await file.close();
      await rm(path);
    },
  };
}

/** A bar for people, a line every tenth for logs; both on stderr, so that what is printed can be piped. */
function startProgress(name: string): { at: (share: number) => void; end: () => void } {
  if (!process.stderr.isTTY) {
    let next = PERCENT_STEP;
    return {
      at(share) {
        if (100 * share < next) return;
        const reached = Math.floor((100 * share) / PERCENT_STEP) * PERCENT_STEP;
        console.error(`backtest: ${Math.min(100, reached)} % of ${name} read`);
        next = reached + PERCENT_STEP;
      },
      end() {},
    };
  }
  const bar = new SingleBar({ format: "replaying {bar} {percentage} % | {eta_formatted} left", hideCursor: true });
  bar.start(1_000, 0);
  return { at: (share) => bar.update(Math.floor(1_000 * share)), end: () => bar.stop() };
}

function printed(report: Report, cost: Cost, { csv, html }: BacktestOptions): void {
  const table = new Table({
    head: ["", "as it was", ...report.policies.map(({ name, version }) => `${name}\n${version}`)],
    style: { head: [], border: [] },
  });
  for (const { label, before, values } of reportLines(report)) table.push([label, before, ...values]);
  console.log(table.toString());
  for (const note of reportNotes(report)) console.log(note);
  for (const written of [csv, html]) if (written !== undefined) console.log(`Written: ${written}`);
  console.log(`Took ${cost.seconds} s and at most ${cost.rssMb} MB of memory.`);
}
