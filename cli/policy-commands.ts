import type { Command } from "commander";
import type { BacktestOptions } from "./backtest.ts";
import type { CommonOptions } from "./config.ts";
import type { Registration } from "./sweep-commands.ts";

/** Commands that look at what rules have done, and would do. */
export function addPolicyCommands(root: Command, { command, json, finish }: Registration): void {
  json(command(root, "replay", "make a decision again from what was kept of it, and say whether it comes out the same"))
    .argument("<decision>", "id of a decision, as explain and the audit note name it")
    .action(async (id: string, options: CommonOptions) =>
      finish(await (await import("./replay.ts")).replay(id, options)),
    );
  json(command(root, "backtest", "replay a file of ticket history through the rules and say what they would have done"))
    .requiredOption("--from <file>", "CSV file with one row for each state of a ticket; may be gzipped")
    .option("--mapping <name>", "how to read it: mappings/history/<name>.yaml (default: the only one there)")
    .option("--policy <folder>", "rules to replay it through; twice: compare two (default: <config>/policy)", listed)
    .option("--since <day>", "leave out tickets opened before that day, such as 2026-01-31 (UTC)")
    .option("--csv <file>", "write a line for each ticket and policy")
    .option("--html <file>", "write the report with charts")
    .action(async (options: BacktestOptions) => finish(await (await import("./backtest.ts")).startBacktest(options)));
}

/** An option that may be given several times. */
function listed(value: string, before: string[] = []): string[] {
  return [...before, value];
}
