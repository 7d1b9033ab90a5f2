import { type Checked, checkConfig } from "../core/config/check.ts";
import { loadConfig } from "../core/config/load.ts";
import { ProblemsError, renderProblem } from "../core/problem.ts";
import { AUC_MAX } from "../core/risk/model.ts";
import type { LiveCheck } from "./check-live.ts";
import { type CommonOptions, foldersFrom } from "./config.ts";
import { diskFiles, secretsFrom, systemClock } from "./system.ts";

export interface CheckOptions extends CommonOptions {
  /** Also ask the connections whether what is named is there. */
  live?: boolean;
}

/**
 * `interlock check`: every problem at once, and the tests of mappings and rules. Starts nothing and calls nobody, but
 * with `--live` the systems of the connections.
 */
export async function check(options: CheckOptions): Promise<0 | 1> {
  const found = checkConfig(diskFiles, foldersFrom(options), secretsFrom(process.env), systemClock.now());
  const live = options.live ? await heldLive(options) : undefined;
  const { problems } = new ProblemsError([...found.problems, ...(live?.problems ?? [])]);
  const all = { ...found, problems };
  const asked = options.live ? (live ?? null) : undefined;
  if (options.json) console.log(JSON.stringify(report(all, asked)));
  else for (const line of lines(all, asked)) console.log(line);
  return problems.length === 0 ? 0 : 1;
}

/** Undefined where there is no configuration that could be held against anything. */
async function heldLive(options: CheckOptions): Promise<LiveCheck | undefined> {
  const folders = foldersFrom(options);
  const loaded = loadConfig(diskFiles, folders, secretsFrom(process.env));
  if ("problems" in loaded) return undefined;
  // The vendors' libraries are for whoever asks for them.
  const { checkLive } = await import("./check-live.ts");
  return checkLive(loaded.config, folders, systemClock);
}

/** null where it could not be asked for; undefined where it was not to be. */
type MayBeLive = LiveCheck | null | undefined;

function report(
  { problems, mappingTestsPassed, policyTestsPassed, notActedOn, unaskable, riskModel, policyVersion }: Checked,
  live: MayBeLive,
): object {
  const counts = { mappingTestsPassed, policyTestsPassed: policyTestsPassed ?? null };
  const testsPassed = mappingTestsPassed + (policyTestsPassed ?? 0);
  const { problems: _problems, ...held } = live ?? { problems: [] };
  const asked = live === undefined ? {} : { live: live ? held : null };
  return {
    ok: problems.length === 0,
    problems,
    testsPassed,
    ...counts,
    notActedOn,
    unaskable,
    riskModel: riskModel ?? null,
    policyVersion: policyVersion ?? null,
    ...asked,
  };
}

function lines(
  { problems, mappingTestsPassed, policyTestsPassed, notActedOn, unaskable, riskModel, policyVersion }: Checked,
  live: MayBeLive,
): string[] {
  const found = problems.map(renderProblem);
  if (policyTestsPassed === undefined)
    found.push("\nThe tests of the rules were not run: first the rules and mappings must be sound.");
  if (notActedOn.length > 0)
    found.push(`Checked and tested, but no decision is made by them yet: ${notActedOn.join(", ")}.`);
  for (const name of unaskable)
    found.push(`connection ${name}: nobody can be asked for an approval there: set approvals (docs/approvals.md)`);
  if (riskModel) found.push(modelLine(riskModel));
  if (live !== undefined) found.push(...liveLines(live));
  if (problems.length === 0) {
    const tests = `${mappingTestsPassed} mapping tests and ${policyTestsPassed} policy tests passed`;
    return [...found, `The configuration is sound: ${tests}, policy version ${policyVersion}.`];
  }
  return [...found, `\n${problems.length} ${problems.length === 1 ? "problem" : "problems"}.`];
}

const DAY_LETTERS = "2026-01-31".length;

function modelLine({ learnt, validation }: NonNullable<Checked["riskModel"]>): string {
  const { changes, failed, from, until } = learnt;
  const span = `${from.slice(0, DAY_LETTERS)} to ${until.slice(0, DAY_LETTERS)}`;
  const auc = (validation.auc / AUC_MAX).toFixed(3);
  return `Changes are scored by a model learnt from ${changes} changes of ${span}, of which ${failed} went wrong (AUC ${auc}); the tests of the rules run without it.`;
}

function liveLines(live: LiveCheck | null): string[] {
  if (!live) return ["Nothing was held against the live systems: first the configuration must load."];
  const { answered, counts, notHeld } = live;
  const held = `${counts.groups} groups, ${counts.people} people, ${counts.values} values and ${counts.fields} fields`;
  return [
    ...(answered.length > 0 ? [`Held against ${answered.join(" and ")}: ${held}.`] : []),
    ...notHeld.map((what) => `Not held against the live systems: ${what}.`),
  ];
}
