import { readFileSync } from "node:fs";
import { checkAgainst, parseYaml } from "../core/config/document.ts";
import { explain } from "../core/policy/explain.ts";
import { Trial } from "../core/policy/test-file.ts";
import { decideTrial } from "../core/policy/trial.ts";
import { ProblemsError } from "../core/problem.ts";
import { type CommonOptions, readConfig } from "./config.ts";

/** Largest file that is taken for a ticket. */
const BYTES_MAX = 1_048_576;

/**
 * `interlock decide`: what the rules say about a ticket that is written down, offline. The file, or `-` for what is piped
 * in, holds `ticket`, `facts` and `now` as a policy test does. Throws what is wrong with it as problems.
 */
export async function decideWritten(file: string, options: CommonOptions & { trace?: boolean }): Promise<0> {
  const { policy } = readConfig(options);
  const text = readFileSync(file === "-" ? 0 : file, "utf8").slice(0, BYTES_MAX);
  const parsed = parseYaml(file === "-" ? "(standard input)" : file, text);
  const checked = "file" in parsed ? checkAgainst(parsed.file, Trial) : parsed;
  if ("problems" in checked) throw new ProblemsError(checked.problems);
  const { decision, ticket, missing } = decideTrial(checked.value, policy);
  if (options.json) {
    console.log(JSON.stringify({ decision, missing }));
    return 0;
  }
  const { connection, key } = ticket.ref;
  const nothing = {
    skips: [],
    gates: [],
    fields: {},
    actions: [],
    parked: undefined,
    failing: undefined,
    settledAtMs: undefined,
  };
  const dueAtMs = decision.wakeAt === null ? null : Date.parse(decision.wakeAt);
  const view = { ticket: key, connection, key, revision: "", decision, rules: [...policy.rules], dueAtMs, ...nothing };
  for (const line of explain(view, options.trace === true)) console.log(line);
  if (missing.length > 0) console.log(`Asked for and not given: ${missing.join(", ")}.`);
  return 0;
}
