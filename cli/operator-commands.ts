import { type Command, Option } from "commander";
import type { ModeOptions } from "./mode.ts";
import type { RevokeOptions } from "./revoke.ts";
import type { Registration } from "./sweep-commands.ts";

/** The commands that undo and that hold back. Both ask the running server. */
export function addOperatorCommands(root: Command, { command, json, finish }: Registration): void {
  const server = (): Option => new Option("--server <url>", "where the server listens").env("INTERLOCK_URL");
  json(
    command(
      root,
      "revoke",
      "undo what was written: fields that are still ours, requests for approval; notes are corrected",
    ),
  )
    .option("--action <id>", "one action, by the id that GET /api/tickets/... and explain --json show")
    .option("--rule <id>", "actions of decisions that this rule took part in")
    .option("--decision <id>", "actions of one decision")
    .option("--since <time>", "actions from then on: 2026-01-31T09:00:00Z, or a length of time such as 24h")
    .option("--until <time>", "actions before that, in the same words")
    .option("--connection <name>", "of one connection only")
    .option("--dry-run", "say what would be undone, by what is remembered; asks no vendor, changes nothing")
    .option("--reason <text>", "for the note that follows, up to 200 characters")
    .option("--no-wait", "leave it to the server and do not wait for the end")
    .addOption(server())
    .addHelpText(
      "after",
      [
        "",
        "Actions must meet everything that is named; at least one of --action, --rule, --decision, --since, --until.",
        "A field goes back only where our value still stands; what stays is listed with the reason (exit code 1).",
        "Correct or remove the rule first: it goes on deciding about other tickets.",
        "Needs INTERLOCK_ADMIN_TOKEN, the token that the server was started with.",
      ].join("\n"),
    )
    .action(async (options: RevokeOptions) => finish(await (await import("./revoke.ts")).revoke(options)));
  json(command(root, "mode", "show the mode of each connection, or hold a running server back"))
    .argument("[mode]", "observe, suggest or act; configured lifts what was lowered")
    .option("--connection <name>", "one connection instead of all")
    .addOption(server())
    .addHelpText(
      "after",
      [
        "",
        "Kept in the store: every server on it heeds it within 2 s, before every single call, until it is lifted.",
        "It can only lower what interlock.yaml says. Needs INTERLOCK_ADMIN_TOKEN.",
      ].join("\n"),
    )
    .action(async (mode: string | undefined, options: ModeOptions) =>
      finish(await (await import("./mode.ts")).mode(mode, options)),
    );
}
