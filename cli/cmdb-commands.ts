import type { Command } from "commander";
import type { CmdbReportOptions } from "./cmdb.ts";
import type { Registration } from "./sweep-commands.ts";

const HELP = `
A score is 100 less what is wrong with an item: no name 10, no class 5, no environment 10, no owner 15, no support group 10,
not updated for a year 15, not discovered for 90 days 5, no relation 15, no relation and no service 5, a duplicate 10.
Reads only. Titles and texts of tickets are not read.`;

/** Commands about the CMDB. */
export function addCmdbCommands(root: Command, { command, json, finish }: Registration): void {
  const cmdb = root.command("cmdb").description("the items that tickets name").exitOverride().showHelpAfterError();
  json(command(cmdb, "report", "score the items that tickets named, those first that most tickets suffer from"))
    .option("--connection <name>", "a ServiceNow connection of interlock.yaml (default: the only one)")
    .option("--since <length>", "of tickets opened in that time, such as 90d", "90d")
    .option("--limit <n>", "look at the items that most tickets named, so many at the most, up to 1000", "100")
    .option("--csv <file>", "write a line for each item")
    .option("--html <file>", "write the report with charts")
    .addHelpText("after", HELP)
    .action(async (options: CmdbReportOptions) => finish(await (await import("./cmdb.ts")).reportCmdb(options)));
}
