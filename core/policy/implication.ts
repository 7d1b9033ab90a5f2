import { type AstNode, isNode, pathOf } from "../expression-tree.ts";

/** What a path may be. Values are tagged with their type: `s:` text, `i:` whole number, `b:` yes or no. */
interface Domain {
  /** The only values it may have; undefined where any will do that the rest allows. */
  only: ReadonlySet<string> | undefined;
  not: ReadonlySet<string>;
  /** Whole numbers, both included. */
  min: number;
  max: number;
}

/** Things that must hold together: what paths may be, and conditions that are only known by their text. */
export interface Clause {
  domains: ReadonlyMap<string, Domain>;
  others: ReadonlySet<string>;
}

/** Path → all values it can have. */
export type Closed = ReadonlyMap<string, readonly (string | number | boolean)[]>;

/** Clauses of which at least one holds wherever the condition does; none where it never does. */
export interface Alternatives {
  clauses: readonly Clause[];
  /** Paths of which more was demanded than any value can give. */
  impossible: ReadonlySet<string>;
}

const CLAUSES_MAX = 16;
const ANY: Domain = { only: undefined, not: new Set(), min: Number.NEGATIVE_INFINITY, max: Number.POSITIVE_INFINITY };
const TRUE: Clause = { domains: new Map(), others: new Set() };

/** Takes a condition apart as far as that can be done for certain; what cannot be taken apart is compared by its text. */
export function alternativesOf(node: AstNode, closed: Closed): Alternatives {
  const impossible = new Set<string>();
  const clauses = split(node, false).flatMap((clause) => {
    const wrong = contradiction(clause, closed);
    if (wrong === undefined) return [clause];
    if (wrong !== "") impossible.add(wrong);
    return [];
  });
  return { clauses, impossible };
}

/** Whether every ticket that meets the first clause is certain to meet the second. */
export function implies(first: Clause, second: Clause, closed: Closed): boolean {
  for (const text of second.others) if (!first.others.has(text)) return false;
  for (const [path, wanted] of second.domains) {
    if (!within(first.domains.get(path) ?? ANY, wanted, closed.get(path))) return false;
  }
  return true;
}

function split(node: AstNode, negated: boolean): Clause[] {
  const [left, right] = Array.isArray(node.args) ? (node.args as unknown[]) : []; // operators hold their sides
  if (node.op === "!_" && isNode(node.args)) return split(node.args, !negated);
  if (node.op === "value" && typeof node.args === "boolean") return node.args === negated ? [] : [TRUE];
  if ((node.op !== "&&" && node.op !== "||") || !isNode(left) || !isNode(right)) return [atom(node, negated)];
  const a = split(left, negated);
  const b = split(right, negated);
  const together = (node.op === "&&") !== negated;
  if (together ? a.length * b.length > CLAUSES_MAX : a.length + b.length > CLAUSES_MAX) return [opaque(node, negated)];
  return together ? a.flatMap((one) => b.map((other) => both(one, other))) : [...a, ...b];
}

function atom(node: AstNode, negated: boolean): Clause {
  const found = comparison(node) ?? flag(node);
  const domain = found && (negated ? complement(found.domain) : found.domain);
  return found && domain ? { domains: new Map([[found.path, domain]]), others: new Set() } : opaque(node, negated);
}

function opaque(node: AstNode, negated: boolean): Clause {
  return { domains: new Map(), others: new Set([`${negated ? "not " : ""}${textOf(node)}`]) };
}

/** The same for every way of writing a condition that differs in space and brackets only. */
function textOf(node: AstNode): string {
  return JSON.stringify(node, (key, value: unknown) => {
    if (key === "start" || key === "end") return undefined;
    if (typeof value === "bigint") return `${value}n`;
    return isNode(value) ? { op: value.op, args: value.args } : value;
  });
}

const FLIPPED: Readonly<Record<string, string>> = {
  "==": "==",
  "!=": "!=",
  "<": ">",
  "<=": ">=",
  ">": "<",
  ">=": "<=",
};

function comparison(node: AstNode): { path: string; domain: Domain } | undefined {
  const [left, right] = Array.isArray(node.args) ? (node.args as unknown[]) : []; // as above
  if (!isNode(left) || !isNode(right)) return undefined;
  if (node.op === "in") {
    const path = longPath(left);
    const values = right.op === "list" && Array.isArray(right.args) ? right.args.filter(isNode).map(tagged) : [];
    if (path === undefined || values.length === 0 || values.includes(undefined)) return undefined;
    return { path, domain: { ...ANY, only: new Set(values.filter((value) => value !== undefined)) } };
  }
  const direct = longPath(left);
  const path = direct ?? longPath(right);
  const value = tagged(direct === undefined ? left : right);
  const op = direct === undefined ? FLIPPED[node.op] : node.op;
  const domain = op === undefined || value === undefined ? undefined : domainOf(op, value);
  return path === undefined || domain === undefined ? undefined : { path, domain };
}

function domainOf(op: string, value: string): Domain | undefined {
  if (op === "==") return { ...ANY, only: new Set([value]) };
  if (op === "!=") return { ...ANY, not: new Set([value]) };
  if (!value.startsWith("i:")) return undefined;
  const number = Number(value.slice(2));
  if (op === "<") return { ...ANY, max: number - 1 };
  if (op === "<=") return { ...ANY, max: number };
  if (op === ">") return { ...ANY, min: number + 1 };
  return op === ">=" ? { ...ANY, min: number } : undefined;
}

/** A path that stands by itself is a question with yes or no. */
function flag(node: AstNode): { path: string; domain: Domain } | undefined {
  const path = longPath(node);
  return path === undefined ? undefined : { path, domain: { ...ANY, only: new Set(["b:true"]) } };
}

function longPath(node: AstNode): string | undefined {
  const path = pathOf(node);
  return path && path.length > 1 ? path.join(".") : undefined;
}

function tagged({ op, args }: AstNode): string | undefined {
  if (op === "value" && typeof args === "string") return `s:${args}`;
  if (op === "value" && typeof args === "boolean") return `b:${args}`;
  // Beyond that, bounds could not be compared exactly.
  if (op === "value" && typeof args === "bigint" && Number.isSafeInteger(Number(args))) return `i:${args}`;
  return undefined;
}

function tag(value: string | number | boolean): string {
  return `${typeof value === "string" ? "s" : typeof value === "number" ? "i" : "b"}:${value}`;
}

/** The other way round, where that is one domain again: a comparison bounds on one side only. */
function complement({ only, not, min, max }: Domain): Domain | undefined {
  if (only && not.size === 0) return { ...ANY, not: only };
  if (not.size > 0) return { ...ANY, only: not };
  return min > Number.NEGATIVE_INFINITY ? { ...ANY, max: min - 1 } : { ...ANY, min: max + 1 };
}

function both(a: Clause, b: Clause): Clause {
  const domains = new Map(a.domains);
  for (const [path, domain] of b.domains) domains.set(path, meet(domains.get(path) ?? ANY, domain));
  return { domains, others: new Set([...a.others, ...b.others]) };
}

function meet(a: Domain, b: Domain): Domain {
  const { only } = a;
  return {
    only: only && b.only ? new Set([...only].filter((value) => b.only?.has(value))) : (only ?? b.only),
    not: new Set([...a.not, ...b.not]),
    min: Math.max(a.min, b.min),
    max: Math.min(a.max, b.max),
  };
}

function allows({ only, not, min, max }: Domain, value: string): boolean {
  const number = value.startsWith("i:") ? Number(value.slice(2)) : undefined;
  const bounded = number === undefined || (number >= min && number <= max);
  return bounded && !not.has(value) && (only?.has(value) ?? true);
}

/** The values that are left, where they can be counted. */
function valuesOf(domain: Domain, closed: readonly (string | number | boolean)[] | undefined): string[] | undefined {
  const all = closed?.map(tag) ?? (domain.only && [...domain.only]);
  return all?.filter((value) => allows(domain, value));
}

function within(inner: Domain, outer: Domain, closed: readonly (string | number | boolean)[] | undefined): boolean {
  const values = valuesOf(inner, closed);
  if (values) return values.every((value) => allows(outer, value));
  if (outer.only) return false;
  const excluded = [...outer.not].every((value) => !allows(inner, value));
  return excluded && inner.min >= outer.min && inner.max <= outer.max;
}

/** The path that no value is left for; an empty text where conditions contradict each other; undefined where all is well. */
function contradiction({ domains, others }: Clause, closed: Closed): string | undefined {
  for (const [path, domain] of domains) {
    if (domain.min > domain.max || valuesOf(domain, closed.get(path))?.length === 0) return path;
  }
  for (const text of others) if (others.has(`not ${text}`)) return "";
  return undefined;
}
