import { didYouMean, oneOf } from "../nearest.ts";
import type { Problem } from "../problem.ts";
import { SETTABLE_FIELDS } from "../ticket.ts";
import type { ChoiceList, LiveAnswers, RecordAnswer } from "./answer.ts";
import type { MappedNames, MappedValue, RecordUse } from "./mapped.ts";
import type { RuleValue } from "./named.ts";
import { isAbout, type Named } from "./questions.ts";

/** What is wrong with vendor fields and choices that mappings and rules name. */
export interface HeldValues {
  problems: Problem[];
  counts: { values: number; fields: number };
  open: number;
}

export function valueProblems(named: Named, answers: LiveAnswers): HeldValues {
  const judged = new Set<string>();
  const mappings = named.mappings.map((mapped) => usable(mapped, answers));
  const fields = mappings.map((mapped) => fieldProblems(mapped, answers));
  const choices = mappings.flatMap((mapped) => choiceProblems(mapped, answers, judged));
  const verdicts = named.values.map((value) => ruleVerdict(value, { mappings, answers, judged }));
  return {
    problems: [
      ...fields.flatMap(({ problems }) => problems),
      ...choices,
      ...verdicts.flatMap((verdict) => (typeof verdict === "string" ? [] : [verdict])),
    ],
    counts: { values: judged.size, fields: fields.reduce((sum, { count }) => sum + count, 0) },
    open: verdicts.filter((verdict) => verdict === "open").length,
  };
}

/** A mapping without the record types that are not there, which is a problem by itself. */
function usable(mapped: MappedNames, answers: LiveAnswers): MappedNames {
  return { ...mapped, uses: mapped.uses.filter((use) => recordOf(use, answers)?.gone === undefined) };
}

function recordOf({ connection, record }: RecordUse, answers: LiveAnswers): RecordAnswer | undefined {
  return answers.get(connection)?.records.get(record);
}

/** Of two numbers or letters neither is a misspelling of the other. */
function meant(value: string, offered: readonly string[]): string {
  return value.length > 2 ? didYouMean(value, offered) : "";
}

function fieldProblems({ fields, uses }: MappedNames, answers: LiveAnswers): { problems: Problem[]; count: number } {
  const seen = uses.flatMap((use) => {
    const answer = recordOf(use, answers)?.fields;
    return answer ? [{ use, answer }] : [];
  });
  const problems = fields.flatMap(({ path, place }) => {
    const without = seen.filter(({ answer }) => answer.unknown.has(path));
    const [first] = without;
    if (!first) return [];
    const what = `${path} is no field of ${placesOf(without.map(({ use }) => use))}`;
    return [{ ...place, what, fix: `${didYouMean(path, first.answer.similar)}${first.answer.hint}` }];
  });
  return { problems, count: seen.length > 0 ? new Set(fields.map(({ path }) => path)).size : 0 };
}

/** Vendor values of a mapping that are written and not offered, or that stand in the place of one that it does not know. */
function choiceProblems(mapped: MappedNames, answers: LiveAnswers, judged: Set<string>): Problem[] {
  const { uses, values, writes, mapping } = mapped;
  const listed = (path: string): { use: RecordUse; list: ChoiceList }[] =>
    uses.flatMap((use) => {
      const list = recordOf(use, answers)?.lists.get(path);
      return list ? [{ use, list }] : [];
    });
  const note = ({ path, value }: MappedValue): unknown => judged.add(`${mapping.name} ${path} ${value}`);
  const impossible = (value: MappedValue): Problem[] => {
    const lists = listed(value.path);
    if (lists.length > 0) note(value);
    const without = lists.filter(({ list }) => !list.offered.includes(value.value));
    const [first] = without;
    if (!first) return [];
    const what = `a rule may write "${value.value}", which is no choice of ${value.path} in ${placesOf(without.map(({ use }) => use))}`;
    const { offered } = first.list;
    return [{ ...value.place, what, fix: `${meant(value.value, offered)}${oneOf(offered)}` }];
  };
  const strange = (known: readonly MappedValue[]): Problem[] => {
    const [first] = known;
    const lists = first ? listed(first.path) : [];
    if (lists.length === 0 || lists.length < uses.length) return [];
    known.forEach(note);
    const offered = [...new Set(lists.flatMap(({ list }) => list.offered))];
    const unmapped = offered.filter((value) => value !== "" && !known.some((each) => each.value === value));
    // What nobody has does no harm, unless it was meant to be one that the mapping lacks.
    if (unmapped.length === 0) return [];
    const live = new Set([...offered, ...lists.flatMap(({ list }) => list.retired)]);
    return known
      .filter(({ value, written }) => !live.has(value) && !written)
      .map(({ path, value, place }) => {
        const what = `"${value}" is no choice of ${path} in ${placesOf(uses)}`;
        const fix = `${meant(value, unmapped)}Choices that the mapping does not know: ${unmapped.join(", ")}`;
        return { ...place, what, fix };
      });
  };
  const written = [...values.flat().filter((value) => value.written), ...writes];
  return [...written.flatMap(impossible), ...values.flatMap(strange)];
}

type Verdict = Problem | "fine" | "open";
/** `any`: nothing can be held against it. `no`: that record type cannot have the value; its choices where they are known. */
type UseVerdict = "fine" | "open" | "any" | { no: readonly string[] | undefined };

/** Where one of several will do, what they come to together. */
function best(verdicts: readonly UseVerdict[]): UseVerdict | undefined {
  return (["fine", "open", "any"] as const).find((each) => verdicts.includes(each)) ?? verdicts[0];
}

interface Judging {
  mappings: readonly MappedNames[];
  answers: LiveAnswers;
  /** Takes what was held against a list. */
  judged: Set<string>;
}

function ruleVerdict(rule: RuleValue, { mappings, answers, judged }: Judging): Verdict {
  const { scope, anyOf, field, place } = rule;
  const about = mappings.flatMap((mapped) => {
    const kind = scope.kinds?.includes(mapped.mapping.kind) ?? true;
    if (!kind || (scope.mapping !== undefined && scope.mapping !== mapped.mapping.name)) return [];
    return mapped.uses.filter(({ connection }) => isAbout(scope, connection)).map((use) => ({ use, mapped }));
  });
  const verdicts = about.map(({ use, mapped }) => {
    const each = anyOf.map((value) =>
      (rule.sets ? setVerdict : comparedVerdict)(value, field, { use, mapped, answers }),
    );
    return { use, verdict: best(each) ?? "any" };
  });
  const all = best(verdicts.map(({ verdict }) => verdict)) ?? "any";
  if (all === "open") return "open";
  const [value = ""] = anyOf;
  if (all === "fine") judged.add(`${field} ${value}`);
  if (typeof all === "string") return "fine";
  const seen = verdicts.flatMap(({ use, verdict }) =>
    typeof verdict === "object" && verdict.no ? [{ use, choices: verdict.no }] : [],
  );
  // What only mappings say is said without asking anybody.
  if (seen.length === 0) return "fine";
  judged.add(`${field} ${value}`);
  const offered = [...new Set(seen.flatMap(({ choices }) => choices))];
  const what = `"${value}" is no choice of ${field} in ${placesOf(seen.map(({ use }) => use))}`;
  return { ...place, what, fix: `${meant(value, offered)}${oneOf(offered)}` };
}

interface Looked {
  use: RecordUse;
  mapped: MappedNames;
  answers: LiveAnswers;
}

function comparedVerdict(value: string, field: string, { use, mapped, answers }: Looked): UseVerdict {
  const source = mapped.sourceOf(field);
  if (typeof source === "string") return "any";
  if ("fixed" in source) return source.fixed.includes(value) ? "any" : { no: undefined };
  if (source.given.includes(value)) return "any";
  const list = listAt(source.list, use, answers);
  return typeof list === "object" && list.retired.includes(value) ? "fine" : choiceVerdict(value, list);
}

function setVerdict(value: string, field: string, { use, mapped, answers }: Looked): UseVerdict {
  const settable = SETTABLE_FIELDS.find((each) => each === field);
  const patch = settable && mapped.mapping.toVendor(settable, value);
  if (!patch) return { no: undefined };
  const verdicts = Object.entries(patch).map(([path, written]) =>
    choiceVerdict(String(written), listAt(path, use, answers)),
  );
  const [no] = verdicts.filter((verdict) => typeof verdict === "object");
  return no ?? best(verdicts) ?? "any";
}

function listAt(path: string, use: RecordUse, answers: LiveAnswers): ChoiceList | "open" | "any" {
  const record = recordOf(use, answers);
  return record ? (record.lists.get(path) ?? "any") : "open";
}

function choiceVerdict(value: string, list: ReturnType<typeof listAt>): UseVerdict {
  if (typeof list === "string") return list;
  return list.offered.includes(value) ? "fine" : { no: list.offered };
}

/** `incident and change_request of snow, OPS of jira`. */
function placesOf(uses: readonly RecordUse[]): string {
  const byConnection = Map.groupBy(uses, ({ connection }) => connection);
  return [...byConnection]
    .map(([connection, own]) => `${own.map(({ record }) => record).join(" and ")} of ${connection}`)
    .join(", ");
}
