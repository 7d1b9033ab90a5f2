import { checkConfig } from "../core/config/check.ts";
import { renderProblem } from "../core/problem.ts";
import { type CommonOptions, foldersFrom } from "./config.ts";
import { diskFiles, secretsFrom } from "./system.ts";

/** `interlock check`: every problem at once, and the tests of mappings and rules. Starts nothing, calls nobody. */
export function check(options: CommonOptions): 0 | 1 {
  const found = checkConfig(diskFiles, foldersFrom(options), secretsFrom(process.env), Date.now());
  const { problems, mappingTestsPassed, policyTestsPassed, notActedOn, policyVersion = null } = found;
  const ok = problems.length === 0;
  if (options.json) {
    const counts = { mappingTestsPassed, policyTestsPassed: policyTestsPassed ?? null };
    const testsPassed = mappingTestsPassed + (policyTestsPassed ?? 0);
    console.log(JSON.stringify({ ok, problems, testsPassed, ...counts, notActedOn, policyVersion }));
    return ok ? 0 : 1;
  }
  for (const problem of problems) console.log(renderProblem(problem));
  if (policyTestsPassed === undefined)
    console.log("\nThe tests of the rules were not run: first the rules and mappings must be sound.");
  if (notActedOn.length > 0)
    console.log(`Checked and tested, but no decision is made by them yet: ${notActedOn.join(", ")}.`);
  console.log(
    ok
      ? `The configuration is sound: ${mappingTestsPassed} mapping tests and ${policyTestsPassed} policy tests passed, policy version ${policyVersion}.`
      : `\n${problems.length} ${problems.length === 1 ? "problem" : "problems"}.`,
  );
  return ok ? 0 : 1;
}
