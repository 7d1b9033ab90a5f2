import type { YamlFile } from "../config/document.ts";
import { checkAgainst } from "../config/document.ts";
import type { Path } from "../config/issue.ts";
import type { CelType, Compile } from "../expression.ts";
import type { Problem } from "../problem.ts";
import type { Ticket } from "../ticket.ts";
import { policyContext } from "./declarations.ts";
import type { FactName, Facts } from "./facts.ts";
import { IncidentsFile, incidentsProblems } from "./incidents.ts";
import { KnowledgeFile, knowledgeProblems } from "./knowledge.ts";
import { RequestsFile, requestsProblems } from "./requests.ts";
import { compileCondition, conditionProblems, doubleIds, judge, type Rule } from "./rule.ts";

/** Files whose rules are read, checked and tested like all others, and that nothing acts on yet. */
export const CHECKED_FILES = ["requests", "incidents", "knowledge"] as const;
export type CheckedFileName = (typeof CHECKED_FILES)[number];

/** Rules of such a file, in the order in which they stand. */
export interface CheckedTable {
  file: CheckedFileName;
  /** first: the first rule that matches decides, the last one being the default. collect: all that match count. */
  hit: "first" | "collect";
  rules: readonly Rule[];
}

/** A rule of a file before its condition is compiled. */
interface Entry {
  id: string;
  why: string;
  /** Absent for the default. */
  when?: string;
}

/** Where the entries of a section stand in the file. */
type Section = readonly [path: Path, entries: readonly Entry[]];

/** Compiles one such file, or lists everything that is wrong with it: also its conditions, where its form is wrong. */
export function compileChecked(
  name: CheckedFileName,
  yaml: YamlFile,
  compile: Compile,
): CheckedTable | { problems: Problem[] } {
  const opened = open(name, yaml);
  if (!("sections" in opened)) return { problems: [...opened.problems, ...conditionProblems(yaml, compile)] };
  const { hit, sections } = opened;
  const entries = sections.flatMap(([path, listed]) =>
    listed.map((entry, at) => ({ entry, path: path[0] === "default" ? path : [...path, at] })),
  );
  const problems = doubleIds(
    yaml,
    entries.map(({ entry, path }) => ({ id: entry.id, path: [...path, "id"] })),
  );
  const rules: Rule[] = [];
  for (const { entry, path } of entries) {
    const { id, why, when } = entry;
    const condition = when === undefined ? undefined : compileCondition(yaml, [...path, "when"], when, compile);
    if (condition && "problems" in condition) problems.push(...condition.problems);
    else rules.push({ id, why, ...(condition && { condition }) });
  }
  const found = problems.length > 0 ? problems : opened.more();
  return found.length > 0 ? { problems: found } : { file: name, hit, rules };
}

interface Opened {
  hit: "first" | "collect";
  sections: readonly Section[];
  /** What is wrong beyond form and conditions. */
  more(): Problem[];
}

function open(name: CheckedFileName, yaml: YamlFile): Opened | { problems: Problem[] } {
  switch (name) {
    case "requests": {
      const checked = checkAgainst(yaml, RequestsFile);
      return "problems" in checked ? checked : firstMatch(checked.value, () => requestsProblems(yaml, checked.value));
    }
    case "incidents": {
      const checked = checkAgainst(yaml, IncidentsFile);
      if ("problems" in checked) return checked;
      const { correlation, major, knownErrors } = checked.value;
      return {
        hit: "collect",
        sections: [section("correlation", correlation), section("major", major), section("knownErrors", knownErrors)],
        more: () => incidentsProblems(yaml, checked.value),
      };
    }
    case "knowledge": {
      const checked = checkAgainst(yaml, KnowledgeFile);
      return "problems" in checked ? checked : firstMatch(checked.value, () => knowledgeProblems(yaml, checked.value));
    }
  }
}

function section(name: string, entries: readonly Entry[]): Section {
  return [[name], entries];
}

function firstMatch(file: { rules: readonly Entry[]; default: Entry }, more: () => Problem[]): Opened {
  return { hit: "first", sections: [section("rules", file.rules), [["default"], [file.default]]], more };
}

/** Which rules of such a file a ticket meets, or the facts that must be known first. A rule that errs is met by nothing. */
export function matchedBy(
  { hit, rules }: CheckedTable,
  ticket: Ticket,
  facts: Facts,
  nowMs: number,
  custom: Readonly<Record<string, CelType>>,
): { matched: string[]; errored: string[] } | { needs: readonly FactName[] } {
  const context = policyContext(ticket, facts, nowMs, custom);
  const matched: string[] = [];
  const errored: string[] = [];
  const needs = new Set<FactName>();
  for (const { id, condition } of rules) {
    const judged = condition ? judge(condition, context, facts, hit === "collect") : { verdict: "matched" };
    if ("needs" in judged) for (const name of judged.needs) needs.add(name);
    else if (judged.verdict === "matched") matched.push(id);
    else if (judged.verdict === "errored") errored.push(id);
    // What stands behind the rule that decides is not asked.
    if (hit === "first" && (matched.length > 0 || errored.length > 0 || needs.size > 0)) break;
  }
  return needs.size > 0 ? { needs: [...needs] } : { matched, errored };
}
