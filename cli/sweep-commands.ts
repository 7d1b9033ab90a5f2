import { type Command, Option } from "commander";
import type { AskOptions } from "./ask-server.ts";
import type { SweepOptions } from "./sweep.ts";

export interface Registration {
  /** Adds a command with the options that all take. */
  command(parent: Command, name: string, description: string): Command;
  json(command: Command): Command;
  finish(code: 0 | 1 | 2): void;
}

/** The commands about sweeps and about the instances that are swept. Both ask the running server. */
export function addSweepCommands(root: Command, { command, json, finish }: Registration): void {
  const server = (): Option => new Option("--server <url>", "where the server listens").env("INTERLOCK_URL");
  json(command(root, "sweep", "look for changes that no webhook told of, now, through the running server"))
    .option("--report", "say instead what changed at the source and how it arrived; exit code 1 when any is missing")
    .option("--since <time>", "with --report: from when on, such as 2026-01-31T09:00:00Z (default: a day ago)")
    .addOption(server())
    .action(async (options: SweepOptions) => finish(await (await import("./sweep.ts")).sweep(options)));
  const identity = root
    .command("identity")
    .description("the instances that the connections were made for")
    .exitOverride()
    .showHelpAfterError();
  json(
    command(identity, "confirm", "take the instance that answers now for the right one, and let its connection write"),
  )
    .argument("<connection>", "name under connections: in interlock.yaml")
    .addOption(server())
    .action(async (connection: string, options: AskOptions) =>
      finish(await (await import("./identity.ts")).confirmIdentity(connection, options)),
    );
}
