import type { NamedPolicy } from "../core/backtest/backtest.ts";
import { loadPolicy } from "../core/config/policy-files.ts";
import type { Mapping } from "../core/mapping/mapping.ts";
import { type Problem, ProblemsError } from "../core/problem.ts";
import type { SourceOptions } from "./backtest-source.ts";
import { foldersFrom } from "./config.ts";
import { diskFiles } from "./system.ts";

/** The policies of `--policy`, compiled for tickets of these mappings. Throws all of their problems at once. */
export function policiesFrom(options: SourceOptions, mappings: readonly Mapping[]): NamedPolicy[] {
  const problems: Problem[] = [];
  const policies: NamedPolicy[] = [];
  for (const name of options.policy ?? [`${foldersFrom(options).config}/policy`]) {
    const policy = loadPolicy(diskFiles, name, mappings, true);
    if ("problems" in policy) problems.push(...policy.problems);
    else policies.push({ name, policy });
  }
  if (problems.length > 0) throw new ProblemsError(problems);
  return policies;
}
