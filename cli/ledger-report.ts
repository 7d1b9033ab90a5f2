import { join } from "node:path";
import { InvalidArgumentError } from "commander";
import { Reporter } from "../core/ledger/report.ts";
import { listCsv, reportFigures, reportHtml, reportLists } from "../core/ledger/report-page.ts";
import { ledgerOf } from "../core/store/ledger-source.ts";
import { type CommonOptions, readStoreSettings } from "./config.ts";
import { ofStore } from "./ledger.ts";
import { lookAt } from "./store.ts";
import { systemClock } from "./system.ts";
import { timeOf } from "./times.ts";
import { makeRoom, writeWhole } from "./whole-file.ts";

export interface ReportOptions extends CommonOptions {
  from: string;
  to: string;
  /** A file to write. */
  html?: string;
  /** A folder to write a file for each list to. */
  csv?: string;
}

/** `interlock ledger report`: who asked, who approved, what was changed, in a period. Exit code 1 where the ledger does not hold. */
export async function ledgerReport(options: ReportOptions): Promise<0 | 1> {
  const [from, to] = [timeOf("--from", options.from), timeOf("--to", options.to)];
  if (from >= to) throw new InvalidArgumentError("--from must be before --to");
  if (options.html !== undefined) await makeRoom("--html", options.html);
  if (options.csv !== undefined) await makeRoom("--csv", join(options.csv, "changes.csv"));
  const verification = await ofStore(options, [], undefined);
  if (!verification.ok) {
    if (options.json) console.log(JSON.stringify(verification));
    else
      console.log(
        `The ledger is broken at entry ${verification.seq}: ${verification.what}. No report is made of it: interlock ledger verify`,
      );
    return 1;
  }
  const report = await lookAt(readStoreSettings(options).store, systemClock, async (store) => {
    const reporter = new Reporter(from, to);
    for await (const page of ledgerOf(store).entries()) for (const entry of page) reporter.add(entry);
    return reporter.report();
  });
  const written: string[] = [];
  if (options.html !== undefined) {
    await writeWhole(options.html, reportHtml(report));
    written.push(options.html);
  }
  if (options.csv !== undefined) {
    for (const { name, rows } of reportLists(report)) {
      const path = join(options.csv, `${name}.csv`);
      await writeWhole(path, listCsv(rows));
      written.push(path);
    }
  }
  if (options.json) console.log(JSON.stringify(report));
  else for (const line of [...reportFigures(report), ...written.map((path) => `Wrote ${path}.`)]) console.log(line);
  return 0;
}
