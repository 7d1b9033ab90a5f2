#!/usr/bin/env node
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { ProblemsError, renderProblem } from "../core/problem.ts";
import { addAdviceCommands } from "./advice-commands.ts";
import type { CheckOptions } from "./check.ts";
import { addCmdbCommands } from "./cmdb-commands.ts";
import type { CommonOptions } from "./config.ts";
import { addConnectionCommands } from "./connection-commands.ts";
import { addLedgerCommands } from "./ledger-commands.ts";
import { addOperatorCommands } from "./operator-commands.ts";
import { addPolicyCommands } from "./policy-commands.ts";
import { addSweepCommands } from "./sweep-commands.ts";
import { VERSION } from "./version.ts";

/** 0 done, 1 found a problem, 2 usage. */
type ExitCode = 0 | 1 | 2;

/** A command with the options that all take. */
function command(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .exitOverride()
    .showHelpAfterError()
    .addOption(
      new Option("--config <folder>", "folder with interlock.yaml and policy/")
        .env("INTERLOCK_CONFIG")
        .default("./config"),
    )
    .addOption(
      new Option("--mappings <folder>", "folder with the mappings").env("INTERLOCK_MAPPINGS").default("./mappings"),
    );
}

function json(target: Command): Command {
  return target.option("--json", "print JSON instead of text");
}

function program(finish: (code: ExitCode) => void): Command {
  const root = new Command("interlock")
    .description("Routes, gates and documents tickets of ServiceNow and Jira by rules, beside the systems of record.")
    .version(VERSION)
    .exitOverride()
    .showHelpAfterError()
    .addHelpText(
      "after",
      "\nExit codes: 0 done, 1 found a problem, 2 wrong usage.\nDocumentation: README.md and docs/",
    );

  // Each command loads its own code when it is called: a look at the store need not wait for the vendors' libraries.
  command(root, "serve", "run the sidecar until SIGTERM or SIGINT").action(async (options: CommonOptions) =>
    finish(await (await import("./serve.ts")).serve(options)),
  );
  json(command(root, "check", "check the configuration and run the tests of mappings and rules, offline"))
    .option("--live", "also ask the connections whether the groups, people, choices and fields that it names are there")
    .addHelpText("after", "\n--live calls with the secrets of the connections, as doctor does, and changes nothing.")
    .action(async (options: CheckOptions) => finish(await (await import("./check.ts")).check(options)));
  json(command(root, "explain", "say what was decided for a ticket, why, and what was written"))
    .argument("<ticket>", "connection/key, such as snow/INC0010001")
    .option("--trace", "show every rule and what it read")
    .action(async (ticket: string, options: CommonOptions & { trace?: boolean }) =>
      finish(await (await import("./explain.ts")).explainTicket(ticket, options)),
    );
  json(command(root, "parked", "list tickets that wait for a person"))
    .option(
      "--redrive <ticket>",
      "make connection/key due again, or dismiss an unlocated delivery, through the running server",
    )
    .addOption(new Option("--server <url>", "where the server listens").env("INTERLOCK_URL"))
    .addHelpText("after", "\n--redrive needs INTERLOCK_ADMIN_TOKEN, the token that the server was started with.")
    .action(async ({ redrive, ...options }: CommonOptions & { redrive?: string; server?: string }) =>
      finish(
        redrive === undefined
          ? await (await import("./parked.ts")).listParked(options)
          : await (await import("./redrive.ts")).redriveParked(redrive, options),
      ),
    );
  addConnectionCommands(root, { command, json, finish });
  addPolicyCommands(root, { command, json, finish });
  addSweepCommands(root, { command, json, finish });
  addOperatorCommands(root, { command, json, finish });
  addAdviceCommands(root, { command, json, finish });
  addCmdbCommands(root, { command, json, finish });
  addLedgerCommands(root, { command, json, finish });
  root
    .command("demo")
    .description("run the main job on simulated ServiceNow and Jira with real incident histories")
    .option("--keep", "leave everything running at the end, until Ctrl-C")
    .option("--short", "a smaller sample, for a quick look")
    .exitOverride()
    .action(async (options: { keep?: boolean; short?: boolean }) =>
      finish(await (await import("./demo.ts")).demo(options)),
    );
  return root;
}

async function main(): Promise<ExitCode> {
  let code: ExitCode = 0;
  try {
    await program((given) => {
      code = given;
    }).parseAsync();
    return code;
  } catch (error) {
    if (error instanceof InvalidArgumentError) console.error(`interlock: ${error.message}`);
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof ProblemsError) {
      for (const problem of error.problems) console.error(renderProblem(problem));
      console.error(`\n${error.message}. Nothing was started.`);
      return 1;
    }
    console.error(`interlock: ${error instanceof Error ? error.message : String(error)}`);
    if (error instanceof Error && error.cause instanceof Error) console.error(`  because: ${error.cause.message}`);
    return 1;
  }
}

process.exitCode = await main();
