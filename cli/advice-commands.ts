import type { Command } from "commander";
import type { Registration } from "./sweep-commands.ts";
import type { TrainOptions } from "./train.ts";

/** Where the local model stands unless somebody says otherwise. */
export const CLASSIFY_MODEL_PATH = "./data/models/classify.model";

/** Commands about the models that give advice. */
export function addAdviceCommands(root: Command, { command, json, finish }: Registration): void {
  json(
    command(root, "train", "train the local model on closed tickets, offline; no text of a ticket gets into its file"),
  )
    .requiredOption("--from <file>", "CSV file in UTF-8 with one closed ticket in each line; may be gzipped")
    .requiredOption("--text <columns>", "columns that hold the text, such as short_description,description")
    .requiredOption(
      "--label <field=column>",
      "what to learn from which column, such as category=category; once for each field",
      listed,
    )
    .option("--out <file>", "where the model is written", CLASSIFY_MODEL_PATH)
    .option("--hold-out <percent>", "share of the texts that is measured on and not learnt from, 0 to 50", "20")
    .option("--seed <n>", "the same tickets and seed give the same weights", "1")
    .addHelpText("after", "\nFields: category, service, assignment_group, intent.")
    .action(async (options: TrainOptions) => finish(await (await import("./train.ts")).train(options)));
}

/** An option that may be given several times. */
function listed(value: string, before: string[] = []): string[] {
  return [...before, value];
}
