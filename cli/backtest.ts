import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, rm, writeFile } from "node:fs/promises";
import Table from "cli-table3";
import { InvalidArgumentError } from "commander";
import { backtest, type Report } from "../core/backtest/backtest.ts";
import { htmlReport } from "../core/backtest/html.ts";
import { reportLines, reportNotes } from "../core/backtest/lines.ts";
import { CSV_HEAD, csvLines } from "../core/backtest/table.ts";
import { type OpenedHistory, openHistory, type SourceOptions } from "./backtest-source.ts";
import { makeRoom } from "./whole-file.ts";

const POLICIES_MAX = 2;
/** Lines that are written to the disk together. */
const LINES_AT_ONCE = 500;

export interface BacktestOptions extends SourceOptions {
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

/** `interlock backtest`. Throws an InvalidArgumentError for wrong usage; what stands in the way of a replay is thrown too. */
async function runBacktest(options: BacktestOptions): Promise<0> {
  refuseWrongUsage(options);
  for (const option of ["csv", "html"] as const)
    if (options[option] !== undefined) await makeRoom(`--${option}`, options[option]);
  const startedMs = performance.now();
  const history = await openHistory(options);
  const report = await replayed(history, options).finally(history.close);
  if (options.html !== undefined) await writeFile(options.html, htmlReport(report, `Backtest of ${history.name}`));
  const cost: Cost = {
    seconds: Math.round((performance.now() - startedMs) / 100) / 10,
    rssMb: Math.round(process.resourceUsage().maxRSS / 1_024),
  };
  if (options.json) console.log(JSON.stringify({ ...report, ...cost }));
  else printed(report, cost, options);
  return 0;
}

async function replayed({ source, policies }: OpenedHistory, { since, csv }: BacktestOptions): Promise<Report> {
  const lines = csv === undefined ? undefined : await openLines(csv);
  const report = await backtest(source, policies, {
    ...(since !== undefined && { sinceMs: Date.parse(`${since}T00:00:00Z`) }),
    ...(lines && { onTicket: (ticket) => lines.write(csvLines(ticket, policies)) }),
  }).catch(async (error: unknown) => {
    await lines?.drop();
    throw error;
  });
  await lines?.close();
  return report;
}

function refuseWrongUsage({ policy = [], since }: BacktestOptions): void {
  if (policy.length > POLICIES_MAX)
    throw new InvalidArgumentError(`${policy.length} policies were given; ${POLICIES_MAX} can be compared`);
  if (new Set(policy).size < policy.length)
    throw new InvalidArgumentError(`the policy ${policy[0]} was given twice; name two folders`);
  const isDay = since === undefined || (/^\d{4}-\d\d-\d\d$/.test(since) && !Number.isNaN(Date.parse(since)));
  if (!isDay) throw new InvalidArgumentError(`--since ${since} is not a day; write it as 2026-01-31`);
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
