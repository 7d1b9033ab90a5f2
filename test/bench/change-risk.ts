import { createReadStream, existsSync } from "node:fs";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { parse } from "csv-parse";
import { z } from "zod";
import { instant } from "../../core/clock.ts";
import { type Ranking, ranking } from "../../core/risk/auc.ts";
import { riskChance } from "../../core/risk/score.ts";
import { learnWeights, type RiskCase, splitByTime, type Weighable } from "../../core/risk/train.ts";

const COMMITS_PATH = "../shared/data/change-risk-proxy-dev.csv.gz";
const ERRORS_95 = 1.96;

const Num = z.coerce.number();
const Row = z.looseObject({
  ...{ date: Num, bug: Num, ns: Num, nd: Num, nf: Num, entrophy: Num, la: Num, ld: Num, lt: Num, fix: Num, age: Num },
  nuc: Num,
});
type Commit = z.infer<typeof Row>;

/**
 * What a commit has in common with a change. Left out, as they are about people: ndev, the developers of the files
 * before, and exp, rexp and sexp, the experience of the author.
 */
const FEATURES: readonly (Omit<Weighable, "rising"> & { read(commit: Commit, at: Date): number })[] = [
  // Spread: subsystems, folders, files, and how evenly the lines lie in them; as services and dependents of an item.
  { name: "subsystems", transform: "log1p", read: ({ ns }) => ns },
  { name: "folders", transform: "log1p", read: ({ nd }) => nd },
  { name: "files", transform: "log1p", read: ({ nf }) => nf },
  { name: "entropy", transform: "identity", read: ({ entrophy }) => entrophy },
  // Size: lines added, deleted, and there before; as the length of the window.
  { name: "added", transform: "log1p", read: ({ la }) => la },
  { name: "deleted", transform: "log1p", read: ({ ld }) => ld },
  { name: "before", transform: "log1p", read: ({ lt }) => lt },
  // Purpose; as the type of a change.
  { name: "fix", transform: "flag", read: ({ fix }) => fix },
  // History of the files: days since they were changed, and changes to them; as those of an item.
  { name: "daysSinceChange", transform: "log1p", read: ({ age }) => age },
  { name: "changes", transform: "log1p", read: ({ nuc }) => nuc },
  // When, as the product's own model sees it.
  { name: "utc00to06", transform: "flag", read: (_, at) => Number(at.getUTCHours() < 6) },
  { name: "utc06to12", transform: "flag", read: (_, at) => Number(at.getUTCHours() >= 6 && at.getUTCHours() < 12) },
  { name: "utc12to18", transform: "flag", read: (_, at) => Number(at.getUTCHours() >= 12 && at.getUTCHours() < 18) },
  { name: "weekend", transform: "flag", read: (_, at) => Number(at.getUTCDay() % 6 === 0) },
  { name: "friday", transform: "flag", read: (_, at) => Number(at.getUTCDay() === 5) },
];

export interface ChangeRiskBench {
  data?: string;
}

/**
 * How well the model of change risk ranks commits that were later blamed for a bug: a proxy, as there is no public log of
 * changes with outcomes. Learnt from the first four fifths by time, measured on the rest, beside the lines added alone.
 */
export async function benchChangeRisk({ data = COMMITS_PATH }: ChangeRiskBench): Promise<Record<string, unknown>> {
  if (!existsSync(data)) return { bench: "change-risk", skipped: `${data} is not there` };
  const cases = await readCases(data);
  const { earlier, later } = splitByTime(cases);
  const features = FEATURES.map((each) => ({ ...each, rising: false }));
  const start = process.hrtime.bigint();
  const weights = learnWeights(earlier, features);
  const trainS = Number(process.hrtime.bigint() - start) / 1e9;
  const bad = later.map(({ failed }) => failed);
  const model = ranking(
    later.map(({ values }) => riskChance(weights, values)),
    bad,
  );
  const added = FEATURES.findIndex(({ name }) => name === "added");
  const lines = ranking(
    later.map(({ values }) => values[added] ?? 0),
    bad,
  );
  console.error(
    [
      "Commits of a public project stand in for changes here: every figure is of a proxy, not of changes and their outcomes.",
      `Learnt from the first ${earlier.length} by time, ${earlier.filter(({ failed }) => failed).length} of them bad;`,
      `measured on the ${later.length} after them, ${bad.filter(Boolean).length} of them bad.`,
      `proxy AUC of the model:       ${shown(model)}`,
      `proxy AUC of the lines added: ${shown(lines)}`,
    ].join("\n"),
  );
  return {
    bench: "change-risk",
    proxy: true,
    auc: rounded(model.auc),
    lines_added_auc: rounded(lines.auc),
    auc_error: rounded(model.error),
    trained: earlier.length,
    measured: later.length,
    measured_bad: model.bad,
    features: FEATURES.length,
    train_s: Number(trainS.toFixed(2)),
  };
}

async function readCases(path: string): Promise<RiskCase[]> {
  const raw: Readable = createReadStream(path);
  const rows = (path.endsWith(".gz") ? raw.pipe(createGunzip()) : raw).pipe(parse({ columns: true, bom: true }));
  const cases: RiskCase[] = [];
  for await (const row of rows) {
    const commit = Row.parse(row);
    const at = new Date(commit.date * 1_000);
    const values = FEATURES.map(({ read }) => read(commit, at));
    cases.push({ startsAt: instant(at.getTime()), values, failed: commit.bug > 0 });
  }
  return cases;
}

function shown({ auc = Number.NaN, error = Number.NaN }: Ranking): string {
  const [low, high] = [auc - ERRORS_95 * error, auc + ERRORS_95 * error];
  return `${auc.toFixed(4)} (95 %: ${low.toFixed(3)} to ${high.toFixed(3)}, Hanley and McNeil)`;
}

function rounded(value: number | undefined): number | null {
  return value === undefined ? null : Number(value.toFixed(4));
}
