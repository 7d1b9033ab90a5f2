import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { SplitResult, SplitsWanted } from "./calibrate-worker.ts";
import { readTickets } from "./classify.ts";

const TICKETS_PATH = "../shared/data/it-tickets-topic-group-dev.csv.gz";
const WORKERS_MAX = 8;

export interface CalibrateBench {
  data?: string;
  splits: number;
  seed: number;
  /** Calibrate on one part of so many that the model is not trained on, instead of cross-fitting. */
  heldOut?: number;
}

/**
 * Whether calibrated promises are kept. Each split deals real tickets, each text once, into four fifths to train and
 * calibrate on and a fifth that neither sees. There, the answers whose bound is within the target are counted: how many
 * of all tickets they are, and whether more of them are wrong than the target allows. Nothing was chosen by the splits of
 * the default seed.
 */
export async function benchCalibrate(options: CalibrateBench): Promise<Record<string, unknown>> {
  const { data = TICKETS_PATH, splits, seed, heldOut } = options;
  if (!existsSync(data)) return { bench: "calibrate", skipped: `${data} is not there` };
  const tickets = await readTickets(data);
  const seeds = Array.from({ length: splits }, (_, at) => seed + at);
  const workers = Math.min(WORKERS_MAX, availableParallelism(), splits);
  const start = process.hrtime.bigint();
  const results = await Promise.all(
    Array.from({ length: workers }, (_, worker) =>
      resultsOf({ tickets, seeds: seeds.filter((_, at) => at % workers === worker), ...(heldOut && { heldOut }) }),
    ),
  );
  const all = results.flat();
  return {
    bench: "calibrate",
    splits,
    tickets: tickets.length,
    method: heldOut ? `held out 1 of ${heldOut}` : "cross-fitted",
    accuracy: share(all, ({ right, tested }) => right / tested),
    violation_share: share(all, ({ at5 }) => Number(at5.broken)),
    label_violation_share: ratio(
      all,
      ({ at5 }) => at5.labelsBroken,
      ({ at5 }) => at5.labels,
    ),
    coverage_at_5pct: share(all, ({ at5, tested }) => at5.automatic / tested),
    error_at_5pct: ratio(
      all,
      ({ at5 }) => at5.wrong,
      ({ at5 }) => at5.automatic,
    ),
    violation_share_at_2pct: share(all, ({ at2 }) => Number(at2.broken)),
    coverage_at_2pct: share(all, ({ at2, tested }) => at2.automatic / tested),
    error_at_2pct: ratio(
      all,
      ({ at2 }) => at2.wrong,
      ({ at2 }) => at2.automatic,
    ),
    coverage_at_10pct: share(all, ({ at10, tested }) => at10.automatic / tested),
    error_at_10pct: ratio(
      all,
      ({ at10 }) => at10.wrong,
      ({ at10 }) => at10.automatic,
    ),
    took_s: Math.round(Number(process.hrtime.bigint() - start) / 1e9),
  };
}

function resultsOf(workerData: SplitsWanted): Promise<SplitResult[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(fileURLToPath(new URL("./calibrate-worker.ts", import.meta.url)), { workerData });
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`a worker ended with ${code} before it had counted`)));
  });
}

/** The mean over all splits. */
function share(all: readonly SplitResult[], of: (result: SplitResult) => number): number {
  return ratio(all, of, () => 1);
}

function ratio(
  all: readonly SplitResult[],
  part: (result: SplitResult) => number,
  whole: (result: SplitResult) => number,
): number {
  const sum = (of: (result: SplitResult) => number): number => all.reduce((total, each) => total + of(each), 0);
  return sum(whole) === 0 ? 0 : Number((sum(part) / sum(whole)).toFixed(4));
}
