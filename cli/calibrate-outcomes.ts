import { InvalidArgumentError } from "commander";
import { writeCalibrations } from "../core/advice/calibration/file.ts";
import { calibrateFields } from "../core/advice/calibration/local.ts";
import type { MeasuredOutcome } from "../core/advice/remembered.ts";
import { SCORE_MAX } from "../core/advice/score.ts";
import { LABEL_FIELDS } from "../core/advice/step.ts";
import { digestOf, sha256Hex } from "../core/canonical.ts";
import { instant } from "../core/clock.ts";
import { measuredFigures, measuredReport, targetIn } from "./calibration-report.ts";
import { type CommonOptions, readStoreSettings } from "./config.ts";
import { lookAt } from "./store.ts";
import { systemClock } from "./system.ts";
import { makeRoom, writeWhole } from "./whole-file.ts";

const OUTCOMES_MAX = 100_000;

export interface OutcomeOptions extends CommonOptions {
  out?: string;
  target: string;
}

/**
 * `interlock calibrate --outcomes <provider>`: measures a provider's model by what people closed tickets with that it had
 * answered. Exit code 1 where there is nothing to measure yet.
 */
export async function calibrateOutcomes(provider: string, options: OutcomeOptions): Promise<0 | 1> {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(provider))
    throw new InvalidArgumentError(`--outcomes ${provider} is no name of a provider; it is the one under ai.providers`);
  const targetBp = targetIn(options.target);
  const path = options.out ?? `./data/models/${provider}.calibration.json`;
  const { store: url } = readStoreSettings(options);
  const outcomes = await lookAt(url, systemClock, (store) => store.outcomesOf(provider, OUTCOMES_MAX));
  const [latest] = outcomes;
  if (!latest) {
    console.error(`interlock: no ticket that ${provider} advised on is closed yet; let it suggest for a while`);
    return 1;
  }
  await makeRoom("--out", path);
  // Two builds of a model are two models: what the one before was worth says nothing of this one.
  const own = outcomes.filter(({ by }) => by === latest.by);
  const calibrations = calibrateFields(own.map(answerOf), {
    method: "outcomes",
    modelDigest: sha256Hex(latest.by),
    dataDigest: digestOf(own.map(({ field, label, correct }) => [field, label, correct])),
    calibratedAt: instant(systemClock.now()),
  });
  await writeWhole(path, writeCalibrations(calibrations));
  const measured = LABEL_FIELDS.flatMap((field) => {
    const calibration = calibrations[field];
    return calibration ? [{ field, calibration, unknownLabels: [] }] : [];
  });
  const as = { path, html: undefined, targetBp };
  if (options.json)
    console.log(JSON.stringify({ by: latest.by, outcomes: own.length, ...measuredFigures(measured, as) }));
  else console.log(`${latest.by}: ${own.length} outcomes.\n${measuredReport(measured, as)}`);
  return 0;
}

/** Such a model has no score of its own: all its answers count alike. */
function answerOf({ field, label, correct }: MeasuredOutcome) {
  return { field, label, correct, score: SCORE_MAX };
}
