import type { Command } from "commander";
import type { VerifyOptions } from "./ledger.ts";
import type { ledgerErase, ledgerPrune } from "./ledger-drop.ts";
import type { ExportOptions, ProveOptions } from "./ledger-export.ts";
import type { ReportOptions } from "./ledger-report.ts";
import type { Registration } from "./sweep-commands.ts";

const several = (value: string, before: string[] = []): string[] => [...before, value];

/** The commands about the ledger. All but `prune` and `erase` only look. */
export function addLedgerCommands(root: Command, { command, json, finish }: Registration): void {
  const ledger = root
    .command("ledger")
    .description("the record of everything that was decided and done")
    .exitOverride()
    .showHelpAfterError();
  json(command(ledger, "verify", "follow the ledger from its first entry and name the first that does not hold"))
    .option("--file <path>", "verify an export instead of the store")
    .option(
      "--witness <file or line>",
      "checkpoints or notes kept elsewhere, or one line of a note; may be repeated",
      several,
    )
    .option("--key <path>", "the public key (PEM) that must have signed")
    .action(async (options: VerifyOptions) => finish(await (await import("./ledger.ts")).ledgerVerify(options)));
  json(command(ledger, "export", "write the ledger to a file, or a part of it whose entries prove themselves"))
    .option("--since <time>", "from when on, such as 2026-01-31 or 2026-01-31T09:00:00Z")
    .option("--until <time>", "up to when")
    .option("--ticket <ticket>", "of one ticket only: connection/key")
    .requiredOption("--out <path>", "file to write")
    .action(async (options: ExportOptions) => finish(await (await import("./ledger-export.ts")).ledgerExport(options)));
  json(command(ledger, "prove", "write a bundle that proves the entries of one ticket or decision to a stranger"))
    .option("--ticket <ticket>", "connection/key, such as snow/INC0010001")
    .option("--decision <id>", "a decision, its writes and what became of them")
    .requiredOption("--out <path>", "file to write")
    .action(async (options: ProveOptions) => finish(await (await import("./ledger-export.ts")).ledgerProve(options)));
  json(command(ledger, "report", "say who asked, who approved, what was changed and what was out of the ordinary"))
    .requiredOption("--from <time>", "from when on, such as 2026-01-01")
    .requiredOption("--to <time>", "up to when")
    .option("--html <path>", "file to write, as a page")
    .option("--csv <folder>", "folder to write a file for each list to")
    .action(async (options: ReportOptions) => finish(await (await import("./ledger-report.ts")).ledgerReport(options)));
  addDropping(ledger, { command, json, finish });
}

function addDropping(ledger: Command, { command, json, finish }: Registration): void {
  const owned = "\nOpens the store for writing: stop the server first, unless the store is PostgreSQL.";
  json(command(ledger, "prune", "drop the bodies of old entries; hashes stay, and the ledger still verifies"))
    .requiredOption("--before <time>", "entries before then, such as 2026-01-01")
    .option("--kind <kind>", "of this kind only; may be repeated", several)
    .option("--dry-run", "say how many it would be")
    .addHelpText("after", owned)
    .action(async (options: Parameters<typeof ledgerPrune>[0]) =>
      finish(await (await import("./ledger-drop.ts")).ledgerPrune(options)),
    );
  json(command(ledger, "erase", "drop every body that names a person; hashes stay, and the ledger still verifies"))
    .requiredOption("--person <id>", "the id that the vendor has for them")
    .option("--dry-run", "say how many it would be")
    .addHelpText("after", owned)
    .action(async (options: Parameters<typeof ledgerErase>[0]) =>
      finish(await (await import("./ledger-drop.ts")).ledgerErase(options)),
    );
}
