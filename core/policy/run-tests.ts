import { isDeepStrictEqual } from "node:util";
import { checkAgainst, parseYaml, type YamlFile } from "../config/document.ts";
import type { ConfigFiles } from "../config/files.ts";
import type { Path } from "../config/issue.ts";
import type { Decision } from "../decision.ts";
import type { TestRun } from "../mapping/run-tests.ts";
import { didYouMean } from "../nearest.ts";
import type { Problem } from "../problem.ts";
import type { Ticket } from "../ticket.ts";
import { BOARD_IDS, rollbackName } from "./change-risk.ts";
import { matchedBy } from "./checked.ts";
import { FACT_ROUNDS_MAX, type Facts, factsUnanswered } from "./facts.ts";
import type { Policy } from "./policy.ts";
import { BOARD } from "./risk.ts";
import { type Expectation, type PolicyTest, PolicyTests } from "./test-file.ts";
import { decideTrial } from "./trial.ts";
import { writtenRules } from "./written.ts";

const FIX = "Correct the rules or the test";

/**
 * Runs `<file>.test.yaml` of every policy file, offline. A file without tests is a problem, and so is a rule that no
 * test of its file matches, or that none passes by: nobody knows what it does. They test what stands in the files, so a
 * trained model does not take part: another training must not fail them.
 */
export function runPolicyTests(files: ConfigFiles, folder: string, loaded: Policy): TestRun {
  const policy = withoutModel(loaded);
  const run: TestRun = { passed: 0, problems: [], failed: [] };
  const known = knownRules(policy);
  for (const file of tables(policy)) {
    const path = `${folder}/${file}.test.yaml`;
    const text = files.read(path);
    if (text === undefined) {
      const fix = "Write one that each rule matches, and one that it does not";
      run.problems.push({ file: path, line: 0, col: 0, path: "", what: `${file}.yaml has no tests`, fix });
      continue;
    }
    const parsed = parseYaml(path, text);
    const checked = "file" in parsed ? checkAgainst(parsed.file, PolicyTests) : parsed;
    if ("problems" in checked) run.problems.push(...checked.problems);
    else if ("file" in parsed) {
      const seen = checked.value.map((test, index) => runOne(parsed.file, test, index, { policy, known, run }));
      run.problems.push(...uncovered(file, seen, policy, `${folder}/${file}.yaml`));
    }
  }
  return run;
}

function withoutModel({ risk, ...policy }: Policy): Policy {
  if (!risk) return { ...policy, risk };
  const { model: _model, ...rules } = risk;
  return { ...policy, risk: rules };
}

/** The files that are there; what a decision is made by where none is has no tests. */
function tables({ files }: Policy): string[] {
  return Object.keys(files).flatMap((name) => (name.endsWith(".yaml") ? [name.slice(0, -".yaml".length)] : []));
}

/** `file/id` of every rule. */
function knownRules({ rules, checked }: Policy): string[] {
  return [
    ...rules.map(({ name }) => name),
    ...checked.flatMap((table) => table.rules.map(({ id }) => `${table.file}/${id}`)),
  ];
}

/** What became of every rule in one test: matched, not matched, or neither where it was not asked or failed. */
type Seen = ReadonlyMap<string, "matched" | "missed">;

interface Bench {
  policy: Policy;
  known: readonly string[];
  run: TestRun;
}

function runOne(yaml: YamlFile, test: PolicyTest, index: number, { policy, known, run }: Bench): Seen {
  const { decision, ticket, facts, missing, nowMs } = decideTrial(test, policy);
  const seen = seenIn(decision, ticket, facts, policy, nowMs);
  const matched = [...seen].flatMap(([name, verdict]) => (verdict === "matched" ? [name] : []));
  const told = missing.filter((name) => name !== "assessment" && (name !== "advice" || advised(policy)));
  const aside = told.length > 0 ? ` (${told.join(" and ")} asked for and not given)` : "";
  const faults = [
    ...unknownCustom(test, policy),
    ...unknownIds(test.expect, policy, known),
    ...differences(test.expect, decision, matched).map(({ key, what }): Fault => {
      return { path: ["expect", key], what: `test "${test.name}" expected ${what}${aside}`, fix: FIX };
    }),
  ];
  if (faults.length === 0) run.passed += 1;
  const failed = faults.map(({ path, what, fix }) => yaml.problem([index, ...path], what, fix));
  run.problems.push(...failed);
  run.failed.push(...failed);
  return seen;
}

/** Absent advice adds nothing to a guard, so it is worth a word only where other rules read it. */
function advised({ rules }: Policy): boolean {
  return rules.some(
    ({ name, reads }) => !/^(gates|freezes)\//.test(name) && reads.some((path) => path.startsWith("advice.")),
  );
}

function seenIn({ trace }: Decision, ticket: Ticket, facts: Facts, policy: Policy, nowMs: number): Seen {
  const seen = new Map<string, "matched" | "missed">();
  policy.rules.forEach(({ name }, at) => {
    const letter = trace.verdicts[at];
    if (letter === "m") seen.set(name, "matched");
    if (letter === "n") seen.set(name, "missed");
  });
  for (const table of policy.checked) {
    let known = facts;
    let found = matchedBy(table, ticket, known, nowMs, policy.custom);
    for (let round = 0; round < FACT_ROUNDS_MAX && "needs" in found; round += 1) {
      known = { ...known, ...factsUnanswered(found.needs, ticket) };
      found = matchedBy(table, ticket, known, nowMs, policy.custom);
    }
    if ("needs" in found) continue;
    const ids = table.rules.map(({ id }) => id);
    const decided = ids.findIndex((id) => found.matched.includes(id));
    ids.forEach((id, at) => {
      if (found.matched.includes(id)) seen.set(`${table.file}/${id}`, "matched");
      else if (!found.errored.includes(id) && (table.hit === "collect" || at < decided))
        seen.set(`${table.file}/${id}`, "missed");
    });
  }
  return seen;
}

interface Fault {
  path: Path;
  what: string;
  fix: string;
}

/** A field of the customer's own that no mapping declares would be no part of any decision. */
function unknownCustom({ ticket }: PolicyTest, { custom }: Policy): Fault[] {
  const names = Object.keys(custom);
  return Object.keys(ticket.custom ?? {})
    .filter((name) => !Object.hasOwn(custom, name))
    .map((name) => ({
      path: ["ticket", "custom", name],
      what: `no mapping in use declares the custom field "${name}"`,
      fix: `${didYouMean(name, names)}${names.length > 0 ? `Use one of: ${names.join(", ")}` : "Declare it under custom: of a mapping"}`,
    }));
}

/** A rule that is not there never matches, which would make some expectations true for ever. */
function unknownIds(expected: Expectation, policy: Policy, known: readonly string[]): Fault[] {
  const ids = (file: string): string[] =>
    known.filter((name) => name.startsWith(`${file}/`)).map((name) => name.slice(file.length + 1));
  const back = policy.risk?.rollback.rules.map(({ id }) => rollbackName(id)) ?? [];
  const guards = [...ids("gates"), ...ids("freezes"), ...(policy.risk ? [BOARD] : []), ...back];
  const any = [...known, ...known.map((name) => name.slice(name.indexOf("/") + 1))];
  const holding = [...any, ...(policy.risk ? BOARD_IDS.map((id) => `change-risk/${id}`) : []), ...back];
  const steps = policy.sla.rules.flatMap(({ clocks }) => clocks.flatMap((clock) => clock.steps.map(({ id }) => id)));
  const asked: readonly (readonly [string, readonly string[], readonly string[], string])[] = [
    ["rule", [expected.rule ?? []].flat(), ids("routing"), "routing rule"],
    ["gates", expected.gates ?? [], guards, "gate or freeze"],
    ["holds", expected.holds ?? [], holding, "rule"],
    ["rollback", expected.rollback ? [expected.rollback.rule] : [], back, "rollback rule"],
    ["escalations", expected.escalations ?? [], steps, "step"],
    ["because", expected.because ?? [], any, "rule"],
    ["becauseNot", expected.becauseNot ?? [], any, "rule"],
  ];
  return asked.flatMap(([key, named, there, noun]) =>
    named.flatMap((id, at): Fault[] => {
      if (there.includes(id)) return [];
      const path = key === "rule" || key === "rollback" ? ["expect", key] : ["expect", key, at];
      const fix = `${didYouMean(id, there)}Write the id of a ${noun} that is there`;
      return [{ path, what: `there is no ${noun} "${id}"`, fix }];
    }),
  );
}

interface Difference {
  key: string;
  what: string;
}

function differences(expected: Expectation, decision: Decision, matched: readonly string[]): Difference[] {
  const found: Difference[] = [];
  const compare = (key: keyof Expectation, came: unknown, shown = shownValue(came)): void => {
    const wanted = expected[key];
    if (wanted === undefined || isDeepStrictEqual(inOrder(wanted), inOrder(came))) return;
    found.push({ key, what: `${key} ${shownValue(inOrder(wanted))}, and got ${shown}` });
  };
  compare("rule", decision.because[0]?.rule ?? null, decision.because[0]?.rule ?? heldBy(decision));
  compare("set", decision.set);
  compare("suggests", decision.suggests);
  compare("gates", [...new Set(decision.gates.map(({ rule }) => rule))]);
  compare("holds", [...new Set(decision.holds.map(({ rule }) => rule))], heldBy(decision));
  compare("escalations", [...new Set(decision.escalations.map(({ step }) => step))]);
  compare("wakeAt", decision.wakeAt);
  compare("mode", decision.mode);
  compare("risk", riskAsked(expected.risk, decision), riskText(decision));
  const { rollback } = decision;
  compare("rollback", rollback && { rule: rollback.rule, state: rollback.state });
  const isMatched = (id: string): boolean => matched.some((name) => name === id || name.endsWith(`/${id}`));
  const absent = (expected.because ?? []).filter((id) => !isMatched(id));
  const present = (expected.becauseNot ?? []).filter(isMatched);
  if (absent.length > 0)
    found.push({ key: "because", what: `${absent.join(" and ")} to match, and these matched: ${shownValue(matched)}` });
  if (present.length > 0) found.push({ key: "becauseNot", what: `${present.join(" and ")} not to match` });
  return found;
}

/** Of a decision's risk, what an expectation names. */
function riskAsked(expected: Expectation["risk"], { risk }: Decision): unknown {
  if (!expected || !risk) return risk && {};
  const { tier, points } = risk;
  return { ...(expected.tier !== undefined && { tier }), ...(expected.points !== undefined && { points }) };
}

function riskText({ risk }: Decision): string {
  if (!risk) return "none";
  return `${risk.tier}, ${risk.points}: ${risk.factors.map(({ id, points }) => `${id} ${points}`).join(", ")}`;
}

/** Ids and fields have no order in an expectation. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return [...value].sort();
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function heldBy({ holds }: Decision): string {
  return holds.length === 0 ? "none" : holds.map(({ rule, reason }) => `${rule} (${reason})`).join(", ");
}

function shownValue(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "none" : value.join(", ");
  if (value === null) return "none";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Rules of a file that its own tests do not show both sides of. A default has but one: it decides when nothing else does. */
function uncovered(file: string, seen: readonly Seen[], { files }: Policy, path: string): Problem[] {
  const parsed = parseYaml(path, files[`${file}.yaml`] ?? "");
  if ("problems" in parsed) return parsed.problems;
  return writtenRules(parsed.file.value).flatMap(({ id, path: at }) => {
    const verdicts = seen.map((each) => each.get(`${file}/${id}`));
    const missing: Problem[] = [];
    const tell = (what: string, fix: string): void => {
      missing.push(parsed.file.problem([...at, "id"], `no test in ${file}.test.yaml ${what}`, fix));
    };
    if (!verdicts.includes("matched"))
      tell(`makes rule "${id}" match`, "Add a test with a ticket that it is meant for, or remove the rule");
    if (at[0] !== "default" && !verdicts.includes("missed"))
      tell(`passes rule "${id}" by`, "Add a test with a ticket that it must leave alone");
    return missing;
  });
}
