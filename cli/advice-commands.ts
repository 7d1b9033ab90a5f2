import type { Command } from "commander";
import type { CalibrateOptions } from "./calibrate.ts";
import type { Registration } from "./sweep-commands.ts";
import type { TrainOptions } from "./train.ts";
import type { ChangesOptions } from "./train-changes.ts";

/** Where the local model stands unless somebody says otherwise. */
export const CLASSIFY_MODEL_PATH = "./data/models/classify.model";

const FIELDS_HELP = "\nFields: category, service, assignment_group, intent.";

/** Commands about the models that give advice. */
export function addAdviceCommands(root: Command, { command, json, finish }: Registration): void {
  const tickets = (target: Command): Command =>
    json(target)
      .option("--from <source>", "CSV file in UTF-8 with one closed ticket in each line, or a connection")
      .option("--text <columns>", "of a file: the columns that hold the text, such as short_description,description")
      .option(
        "--label <field=column>",
        "of a file: which column holds what people decided, such as category=category; once for each field. Of a connection: the fields alone, or all",
        listed,
      )
      .option("--since <day>", "of a connection: tickets opened from that day on, such as 2026-01-31 (UTC)")
      .option("--type <record>", "of a connection: table or project, may be given several times (default: all)", listed)
      .option("--most <n>", "of a connection: so many tickets at the most");
  tickets(
    command(root, "train", "train the local model on closed tickets, offline; no text of a ticket gets into its file"),
  )
    .option(
      "--changes",
      "learn instead, from closed changes, what makes a change go wrong; of the other options only --file and --out are for it",
    )
    .option("--file <file>", "with --changes: CSV file in UTF-8 with one closed change in each line")
    .option(
      "--out <file>",
      `where the model is written (default: ${CLASSIFY_MODEL_PATH}; with --changes: <config>/policy/change-risk.model.json)`,
    )
    .option("--hold-out <percent>", "share of the texts that is measured on and not learnt from, 0 to 50 (default: 20)")
    .option(
      "--calibrate",
      "measure on all texts from which score on answers may act, as calibrate does; takes six times as long",
    )
    .option("--html <file>", "with --calibrate: write the report with the curve of coverage against error")
    .option("--target <percent>", "with --calibrate: the error that the report is about, such as 5%")
    .option("--seed <n>", "the same tickets and seed give the same weights (default: 1)")
    .addHelpText("after", FIELDS_HELP)
    .action(async ({ changes, out, ...options }: Omit<TrainOptions, "out"> & ChangesOptions & { changes?: boolean }) =>
      finish(
        changes
          ? await (await import("./train-changes.ts")).trainChanges({ ...options, ...(out !== undefined && { out }) })
          : await (await import("./train.ts")).train({ ...options, out: out ?? CLASSIFY_MODEL_PATH }),
      ),
    );
  tickets(
    command(root, "calibrate", "measure, on closed tickets that the model was not trained on, which answers may act"),
  )
    .option("--model <file>", "the model to measure", CLASSIFY_MODEL_PATH)
    .option("--out <file>", "where the result is written (default: beside the model)")
    .option("--html <file>", "write the report with the curve of coverage against error")
    .option("--target <percent>", "the error that the report is about; the result holds for every target", "5%")
    .addHelpText("after", FIELDS_HELP)
    .option("--outcomes <provider>", "measure a provider by what people closed tickets with that it had answered")
    .action(async ({ outcomes, ...options }: CalibrateOptions & { outcomes?: string }) =>
      finish(
        outcomes === undefined
          ? await (await import("./calibrate.ts")).calibrate(options)
          : await (await import("./calibrate-outcomes.ts")).calibrateOutcomes(outcomes, options),
      ),
    );
}

/** An option that may be given several times. */
function listed(value: string, before: string[] = []): string[] {
  return [...before, value];
}
