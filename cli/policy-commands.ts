import type { Command } from "commander";
import type { BacktestOptions } from "./backtest.ts";
import type { CommonOptions } from "./config.ts";
import type { Registration } from "./sweep-commands.ts";

/** Commands that look at what rules have done, and would do. */
export function addPolicyCommands(root: Command, { command, json, finish }: Registration): void {
  json(command(root, "decide", "say what the rules decide for a ticket that is written down, offline"))
    .argument("<file>", "YAML with ticket, facts and now, as in a policy test; - reads what is piped in")
    .option("--trace", "show every rule and what it read")
    .action(async (file: string, options: CommonOptions & { trace?: boolean }) =>
      finish(await (await import("./decide.ts")).decideWritten(file, options)),
    );
  json(command(root, "replay", "make a decision again from what was kept of it, and say whether it comes out the same"))
    .argument("<decision>", "id of a decision, as explain and the audit note name it")
    .action(async (id: string, options: CommonOptions) =>
      finish(await (await import("./replay.ts")).replay(id, options)),
    );
  json(command(root, "backtest", "replay the history of tickets through the rules and say what they would have done"))
    .requiredOption(
      "--from <source>",
      "CSV file with one row for each state of a ticket, may be gzipped; or a connection of interlock.yaml",
    )
    .option("--mapping <name>", "how to read a file: mappings/history/<name>.yaml (default: the only one there)")
    .option("--policy <folder>", "rules to replay it through; twice: compare two (default: <config>/policy)", listed)
    .option("--since <day>", "only tickets opened that day (UTC) or later, such as 2026-01-31; a connection needs it")
    .option("--type <name>", "of a connection: only this table or project; may be given several times", listed)
    .option("--most <n>", "of a connection: tickets at the most (default: 20000)")
    .option("--csv <file>", "write a line for each ticket and policy")
    .option("--html <file>", "write the report with charts")
    .addHelpText("after", "\nNothing is written to ServiceNow or Jira, whatever the mode.")
    .action(async (options: BacktestOptions) => finish(await (await import("./backtest.ts")).startBacktest(options)));
}

/** An option that may be given several times. */
function listed(value: string, before: string[] = []): string[] {
  return [...before, value];
}
