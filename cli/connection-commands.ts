import type { Command } from "commander";
import type { ConnectOptions } from "./connect.ts";
import type { DoctorOptions } from "./doctor.ts";
import type { Registration } from "./sweep-commands.ts";

/** The commands that set a connection up and look after it, from an administrator's machine. */
export function addConnectionCommands(root: Command, { command, json, finish }: Registration): void {
  command(root, "connect", "have ServiceNow or Jira tell this sidecar of changes; does nothing twice")
    .argument("<connection>", "name under connections: in interlock.yaml")
    .option("--dry-run", "say what would be done and change nothing")
    .option("--public-url <url>", "where the vendor reaches this sidecar, such as https://interlock.acme.com")
    .option("--as <account>", "administrator to work as; password or API token in INTERLOCK_AS_SECRET")
    .option("--integration-user <user_name>", "our account on ServiceNow, where it shall not be asked for")
    .option("--emit <folder>", "write an update set and a Now SDK project for ServiceNow instead; calls nobody")
    .action(async (name: string, options: ConnectOptions) =>
      finish(await (await import("./connect.ts")).connect(name, options)),
    );
  json(command(root, "doctor", "check reachability, rights, fields, choices, groups and webhooks; changes nothing"))
    .argument("[connection]", "name under connections: in interlock.yaml; all where absent")
    .option("--public-url <url>", "where the vendor should send to")
    .option("--as <account>", "administrator to look into the set-up as; password or API token in INTERLOCK_AS_SECRET")
    .action(async (name: string | undefined, options: DoctorOptions) =>
      finish(await (await import("./doctor.ts")).doctor(name, options)),
    );
}
