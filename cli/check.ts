import { loadConfig } from "../core/config/load.ts";
import { runMappingTests } from "../core/mapping/run-tests.ts";
import { ProblemsError, renderProblem } from "../core/problem.ts";
import { type CommonOptions, foldersFrom } from "./config.ts";
import { diskFiles, secretsFrom } from "./system.ts";

/** `interlock check`: every problem at once, and the mapping tests. Starts nothing, calls nobody. */
export function check(options: CommonOptions): 0 | 1 {
  const folders = foldersFrom(options);
  const loaded = loadConfig(diskFiles, folders, secretsFrom(process.env));
  const mappings = "config" in loaded ? loaded.config.mappings : loaded.mappings;
  const tests = runMappingTests(diskFiles, folders.mappings, mappings);
  const { problems } = new ProblemsError([...("problems" in loaded ? loaded.problems : []), ...tests.problems]);
  const policyVersion = "config" in loaded ? loaded.config.policy.version : null;
  if (options.json) {
    console.log(JSON.stringify({ ok: problems.length === 0, problems, testsPassed: tests.passed, policyVersion }));
    return problems.length === 0 ? 0 : 1;
  }
  for (const problem of problems) console.log(renderProblem(problem));
  if (problems.length > 0) {
    console.log(`\n${problems.length} ${problems.length === 1 ? "problem" : "problems"}.`);
    return 1;
  }
  console.log(
    `The configuration is sound: ${tests.passed} mapping tests passed, policy version ${policyVersion ?? ""}.`,
  );
  return 0;
}
