import { instant } from "../clock.ts";
import { parseYaml, type YamlFile } from "../config/document.ts";
import type { ConfigFiles } from "../config/files.ts";
import { valueAt } from "../config/issue.ts";
import { type AstNode, children, isNode, pathOf } from "../expression-tree.ts";
import { didYouMean, oneOf } from "../nearest.ts";
import type { Problem } from "../problem.ts";
import { CHANGE_RISKS, CHANGE_TYPES, TICKET_KINDS, TICKET_STATUSES } from "../ticket.ts";
import { comparedLiterals } from "./compared.ts";
import { type Alternatives, alternativesOf, type Clause, type Closed, implies } from "./implication.ts";
import { WindowFile, windowOf } from "./window.ts";
import { treeOf, type WrittenRule, writtenRules } from "./written.ts";

/** Files of which the first rule that matches decides. */
const FIRST_MATCH: ReadonlySet<string> = new Set(["routing", "sla", "autonomy", "requests", "knowledge"]);

/** Fields that have these values and no others, whatever is mapped. */
const CANONICAL: Closed = new Map<string, readonly (string | number)[]>([
  ["ticket.kind", TICKET_KINDS],
  ["ticket.status", TICKET_STATUSES],
  ["ticket.priority", [1, 2, 3, 4, 5]],
  ["ticket.impact", [1, 2, 3]],
  ["ticket.urgency", [1, 2, 3]],
  ["ticket.change.type", CHANGE_TYPES],
  ["ticket.change.risk", CHANGE_RISKS],
]);

/** Where rules read the name of a ticket's connection. */
export const CONNECTION = "ticket.connection";

/**
 * What is sound by itself and can still not be meant: values that never come, conditions that can never be true, rules
 * that an earlier one always decides before, times that are over. `given` are the values that the mappings in use can
 * give to fields; `nowMs` is in ms since 1970. Says nothing of files that cannot be read: loading them does.
 */
export function lintPolicy(
  files: ConfigFiles,
  { folder, names }: { folder: string; names: readonly string[] },
  given: Closed,
  nowMs: number,
): Problem[] {
  const closed: Closed = new Map([...given, ...CANONICAL]);
  return names.flatMap((name) => {
    const path = `${folder}/${name}.yaml`;
    const parsed = parseYaml(path, files.read(path) ?? "");
    if ("problems" in parsed) return [];
    const yaml = parsed.file;
    const rules = writtenRules(yaml.value).map((rule) => readRule(rule, closed));
    return [
      ...rules.flatMap((rule) => ruleProblems(yaml, rule, closed)),
      ...(FIRST_MATCH.has(name) ? covered(yaml, rules, closed) : []),
      ...(name === "freezes" ? pastWindows(yaml, rules, (ics) => files.read(`${folder}/${ics}`), nowMs) : []),
      ...(name === "incidents" ? pastContracts(yaml, rules, nowMs) : []),
    ];
  });
}

interface ReadRule extends WrittenRule {
  /** Undefined for a default, and where the condition cannot be read. */
  tree: AstNode | undefined;
  /** Undefined where the condition cannot be read. */
  alternatives: Alternatives | undefined;
}

const ALWAYS: Clause = { domains: new Map(), others: new Set() };

function readRule(rule: WrittenRule, closed: Closed): ReadRule {
  if (!rule.when) return { ...rule, tree: undefined, alternatives: { clauses: [ALWAYS], impossible: new Set() } };
  const tree = treeOf(rule.when.source);
  // Where it cannot be read, loading the file says what is wrong with it.
  return { ...rule, tree, alternatives: tree && alternativesOf(tree, closed) };
}

function ruleProblems(yaml: YamlFile, { when, tree, alternatives }: ReadRule, closed: Closed): Problem[] {
  if (!when || !tree || !alternatives) return [];
  const bounds = idleBounds(tree, closed).map(({ text, always, path, values, offset }) => {
    const what = `${text} is ${always ? "always" : "never"} true`;
    return yaml.problem(
      when.path,
      what,
      `${path} is one of: ${values.join(", ")}; correct the bound, or leave it out`,
      offset,
    );
  });
  const literals = comparedLiterals(tree).flatMap(({ path, value, offset }) => {
    const values = closed.get(path);
    if (!values || values.includes(value)) return [];
    const what = strangeness(path, typeof value === "string" ? `"${value}"` : String(value));
    const near = typeof value === "string" ? didYouMean(value, values.map(String)) : "";
    return [yaml.problem(when.path, what, `${near}${oneOf(values.map(String))}`, offset)];
  });
  const found = [...bounds, ...literals];
  if (found.length > 0 || alternatives.clauses.length > 0) return found;
  const paths = [...alternatives.impossible].sort();
  const asked = paths.length > 0 ? `: no value fits all that it asks of ${paths.join(" and of ")}` : "";
  const fix =
    paths.length > 0 ? "Write || where one of them is enough, or remove the rule" : "Correct it, or remove the rule";
  return [yaml.problem(when.path, `the condition can never be true${asked}`, fix)];
}

function strangeness(path: string, literal: string): string {
  if (path === CONNECTION) return `there is no connection ${literal}`;
  return CANONICAL.has(path) ? `${path} is never ${literal}` : `no mapping in use gives ${path} ${literal}`;
}

interface IdleBound {
  text: string;
  always: boolean;
  path: string;
  values: readonly number[];
  /** Characters from the start of the condition. */
  offset: number;
}

const ORDERS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};

/** Bounds that every value of a field is within, or none. */
function idleBounds(node: AstNode, closed: Closed): IdleBound[] {
  const inner = children(node).flatMap((child) => idleBounds(child, closed));
  const [left, right] = Array.isArray(node.args) ? (node.args as unknown[]) : []; // operators hold their two sides
  const holds = ORDERS[node.op];
  if (!holds || !isNode(left) || !isNode(right)) return inner;
  const onLeft = typeof right.args === "bigint";
  const path = pathOf(onLeft ? left : right)?.join(".");
  const bound = onLeft ? right.args : left.args;
  const values = (path === undefined ? undefined : closed.get(path))?.filter((value) => typeof value === "number");
  if (path === undefined || typeof bound !== "bigint" || !values || values.length === 0) return inner;
  const fitting = values.filter((value) => (onLeft ? holds(value, Number(bound)) : holds(Number(bound), value))).length;
  if (fitting > 0 && fitting < values.length) return inner;
  const text = onLeft ? `${path} ${node.op} ${bound}` : `${bound} ${node.op} ${path}`;
  return [...inner, { text, always: fitting > 0, path, values, offset: node.start }];
}

/** Rules that never decide, since rules above them match whatever they match. */
function covered(yaml: YamlFile, rules: readonly ReadRule[], closed: Closed): Problem[] {
  const above: { id: string; clause: Clause }[] = [];
  return rules.flatMap(({ id, path, when, alternatives }) => {
    const clauses = alternatives?.clauses ?? [];
    const by = clauses.map((clause) => above.find((earlier) => implies(clause, earlier.clause, closed))?.id);
    above.push(...clauses.map((clause) => ({ id, clause })));
    const ids = [...new Set(by.filter((found) => found !== undefined))];
    if (ids.length === 0 || by.includes(undefined)) return [];
    const named = ids.map((found) => `"${found}"`).join(" and ");
    if (!when) {
      const what = `never decides: ${named} above matches every ticket`;
      return [yaml.problem([...path, "id"], what, `Narrow ${named}, or make it the default`)];
    }
    const what = `never decides: ${named} above ${ids.length > 1 ? "match" : "matches"} every ticket that this rule does`;
    return [yaml.problem(when.path, what, `Move it above ${named}, narrow ${named}, or remove it`)];
  });
}

function pastWindows(
  yaml: YamlFile,
  rules: readonly ReadRule[],
  readIcs: (name: string) => string | undefined,
  nowMs: number,
): Problem[] {
  return rules.flatMap(({ path }) => {
    const at = [...path, "window"];
    const window = WindowFile.safeParse(valueAt(yaml.value, at));
    if (!window.success) return [];
    const lastMs = lastOf(window.data, readIcs);
    if (lastMs === undefined || lastMs >= nowMs) return [];
    const what = `the window was over on ${instant(lastMs).slice(0, 10)}, so this freeze never holds again`;
    return [yaml.problem(at, what, "Write the next date, or remove the freeze")];
  });
}

/** When a window is over for good; undefined where it never is, or cannot be read, which loading it says. */
function lastOf(window: WindowFile, readIcs: (name: string) => string | undefined): number | undefined {
  try {
    return windowOf(window, "ics" in window ? readIcs(window.ics) : undefined).lastMs;
  } catch {
    return undefined;
  }
}

function pastContracts(yaml: YamlFile, rules: readonly ReadRule[], nowMs: number): Problem[] {
  return rules.flatMap(({ path }) => {
    const at = [...path, "then", "until"];
    const until = valueAt(yaml.value, at);
    if (typeof until !== "string" || until >= instant(nowMs).slice(0, 10)) return [];
    const fix = "Write a later day if the fault is still there, or remove the rule";
    return [yaml.problem(at, `the contract was over on ${until}, so this rule never holds again`, fix)];
  });
}
