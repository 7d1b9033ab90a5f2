/** `npm run bench -- <name>`: one JSON line per benchmark. Figures are ratios and counts of one run on this machine. */
import { Command } from "commander";
import { benchCalibrate, type CalibrateBench } from "./calibrate.ts";
import { benchChangeRisk, type ChangeRiskBench } from "./change-risk.ts";
import { benchClassify, type ClassifyBench } from "./classify.ts";
import { benchIntake } from "./intake.ts";
import { benchLedger, type LedgerBench } from "./ledger.ts";
import { benchStorm, type StormBench } from "./storm.ts";

const DEFAULT_SEED = 20_261_122;

const program = new Command("bench").description("Benchmarks; each prints one JSON line").showHelpAfterError();
program
  .command("intake")
  .description("acknowledged webhooks per second, beside a bare express on the same machine in the same run")
  .option("--seconds <n>", "length of each measured round", Number, 5)
  .action(async ({ seconds }: { seconds: number }) => print(await benchIntake(seconds)));
program
  .command("storm")
  .description("10,000 webhooks on 500 tickets: vendor calls, losses, duplicates")
  .option("--kills <n>", "how often the server is killed with SIGKILL on the way", Number, 0)
  .option(
    "--lose <n>",
    "of a hundred webhooks, so many never arrive; exits with 1 when a change is missing then",
    Number,
    0,
  )
  .option("--seed <n>", "order of the webhooks", Number, DEFAULT_SEED)
  .action(async (options: StormBench) => print(await benchStorm(options)));

program
  .command("ledger")
  .description("durable appends a second; size and time of proofs, and time of a verification, over a long ledger")
  .option("--entries <n>", "length of the ledger that is proven and verified", Number, 1_000_000)
  .option("--seconds <n>", "how long appends are measured", Number, 5)
  .action(async (options: LedgerBench) => print(await benchLedger(options)));

program
  .command("decide")
  .description("decisions a second with 500 rules and a full trace, beside two rule engines in the same run")
  // The engines to measure against are not built for every platform; the other benchmarks do without them.
  .action(async () => print(await (await import("./decide.ts")).benchDecide()));

program
  .command("classify")
  .description("accuracy, training time and speed of the local model on real tickets")
  .option("--data <path>", "CSV file, gzipped or not, with the columns text and topic_group")
  .option("--beside", "train fastText on the same tickets too")
  .action(async (options: ClassifyBench) => print(await benchClassify(options)));

program
  .command("calibrate")
  .description("whether promises of calibrated answers are kept, over many splits of real tickets")
  .option("--data <path>", "CSV file, gzipped or not, with the columns text and topic_group")
  .option("--splits <n>", "how often the tickets are dealt anew", Number, 200)
  .option("--seed <n>", "of the first split; the others follow", Number, DEFAULT_SEED)
  .option("--held-out <n>", "calibrate on one part of so many that is not trained on, instead of cross-fitting", Number)
  .action(async (options: CalibrateBench) => print(await benchCalibrate(options)));

program
  .command("change-risk")
  .description("how well the model of change risk ranks commits that were blamed for a bug: a proxy for changes")
  .option("--data <path>", "CSV file of commits, gzipped or not, in the format of the JIT defect prediction sets")
  .action(async (options: ChangeRiskBench) => print(await benchChangeRisk(options)));

function print(result: Record<string, unknown>): void {
  console.log(JSON.stringify(result));
}

await program.parseAsync();
