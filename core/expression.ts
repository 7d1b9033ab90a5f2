import { Environment, type ObjectSchema } from "@marcbachmann/cel-js";
import { RE2JS } from "re2js";
import { inZone, timeWithZone } from "./clock.ts";

/** CEL type names used in declarations; `list<string>` and nested records are possible too. */
export type CelType =
  | "string"
  | "int"
  | "bool"
  | "timestamp"
  | "list<string>"
  | "record"
  | { readonly [field: string]: CelType };

/** Variable name → its type. What is not declared here does not exist for a rule. */
export type Declarations = Readonly<Record<string, CelType>>;

export interface ExpressionFault {
  what: string;
  fix: string;
  /** Characters from the start of the expression. */
  offset: number;
}

/** A compiled, type-checked expression. Pure: it reads its context and nothing else. */
export interface Expression {
  source: string;
  /** Paths it may read, such as `ticket.priority`, sorted. */
  reads: readonly string[];
  /** Throws when a value it reads is absent or not of the declared type. */
  evaluate(context: Readonly<Record<string, unknown>>): unknown;
}

export type Compile = (
  source: string,
  wanted?: "bool" | "string" | "int",
) => { expression: Expression } | { fault: ExpressionFault };

const SOURCE_MAX = 4_000;

interface AstNode {
  op: string;
  args: unknown;
  start: number;
  end: number;
}

/** Makes a compiler for expressions over the declared variables. Regular expressions run on re2js, in linear time. */
export function expressionCompiler(declarations: Declarations): Compile {
  const environment = new Environment({ limits: { maxAstNodes: 2_000, maxDepth: 50 } });
  for (const [name, type] of Object.entries(declarations)) {
    if (typeof type === "string") environment.registerVariable(name, vendorType(type));
    else environment.registerVariable({ name, schema: vendorSchema(type) });
  }
  environment.registerOperator("double == int", (a: number, b: bigint) => a === Number(b));
  registerOwn(environment);

  return (source, wanted = "bool") => {
    if (source.length > SOURCE_MAX)
      return fault(`the expression is longer than ${SOURCE_MAX} characters`, "Split the rule");
    const checked = environment.check(source);
    if (!checked.valid) return { fault: faultOf(checked.error, source, declarations) };
    const type = String(checked.type);
    if (type !== wanted && type !== "dyn")
      return fault(`the expression gives ${type}, not ${wanted}`, `Write an expression that gives ${wanted}`);
    const ast = environment.parse(source).ast as unknown as AstNode; // the library's node type hides its own fields
    const calls = ownCalls(ast);
    for (const call of calls) {
      const found = call.name === "matches" ? patternFault(call) : zoneFault(call);
      if (found) return { fault: found };
    }
    const program = environment.parse(renamed(source, calls));
    // Nothing may reach the library's own version by a way of writing that was not thought of.
    if (ownCalls(program.ast as unknown as AstNode).length > 0)
      return fault("a call is written too cleverly", "Write it as text.matches(...)");
    return {
      expression: { source, reads: readsOf(ast, declarations), evaluate: (context) => program({ ...context }) },
    };
  };
}

function fault(what: string, fix: string): { fault: ExpressionFault } {
  return { fault: { what, fix, offset: 0 } };
}

function vendorType(type: string): string {
  if (type === "record") return "map<string, dyn>";
  return type === "timestamp" ? TIMESTAMP : type;
}

function vendorSchema(type: { readonly [field: string]: CelType }): ObjectSchema {
  return Object.fromEntries(
    Object.entries(type).map(([field, inner]) => [
      field,
      typeof inner === "string" ? vendorType(inner) : vendorSchema(inner),
    ]),
  );
}

function faultOf(error: unknown, source: string, declarations: Declarations): ExpressionFault {
  const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
  const offset = offsetOf(error);
  const missing = /^No such key: (.+)$/.exec(message);
  if (missing) {
    const parent = /([A-Za-z_][\w.]*)\.$/.exec(source.slice(0, offset))?.[1] ?? "";
    const fields = fieldsAt(declarations, parent);
    const fix = fields.length > 0 ? `Use one of: ${fields.join(", ")}` : "It has no fields at all";
    return { what: `${parent} has no field "${missing[1]}"`, fix, offset };
  }
  const unknown = /^Unknown variable: (.+)$/.exec(message);
  if (unknown)
    return {
      what: `there is no "${unknown[1]}" here`,
      fix: `Start from one of: ${Object.keys(declarations).join(", ")}`,
      offset,
    };
  const overload = /^no such overload: (.+)$/.exec(message);
  if (overload) return { what: `cannot compute ${overload[1]}`, fix: "Compare values of the same type", offset };
  return {
    what: `not a valid expression: ${message}`,
    fix: "Correct it; the language is CEL (docs/configuration.md)",
    offset,
  };
}

function offsetOf(error: unknown): number {
  const range = error !== null && typeof error === "object" && "range" in error ? error.range : undefined;
  const start = range !== null && typeof range === "object" && range && "start" in range ? range.start : undefined;
  return typeof start === "number" ? start : 0;
}

function fieldsAt(declarations: Declarations, parent: string): string[] {
  let at: CelType | Declarations | undefined = declarations;
  for (const part of parent === "" ? [] : parent.split(".")) {
    at = typeof at === "object" && at !== null && Object.hasOwn(at, part) ? at[part] : undefined;
  }
  return typeof at === "object" ? Object.keys(at) : [];
}

function children(node: AstNode): AstNode[] {
  const found: AstNode[] = [];
  const add = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) add(item);
    else if (isNode(value)) found.push(value);
  };
  add(node.args);
  return found;
}

function isNode(value: unknown): value is AstNode {
  return value !== null && typeof value === "object" && "op" in value && "args" in value;
}

const TIMESTAMP = "google.protobuf.Timestamp";

/** Parts of a time in a zone, read from a date that shows the zone's own clock in UTC. */
const PARTS: Readonly<Record<string, (local: Date) => number>> = {
  getFullYear: (local) => local.getUTCFullYear(),
  getMonth: (local) => local.getUTCMonth(),
  getDate: (local) => local.getUTCDate(),
  getDayOfMonth: (local) => local.getUTCDate() - 1,
  getDayOfWeek: (local) => local.getUTCDay(),
  getDayOfYear: (local) => Math.floor((local.getTime() - Date.UTC(local.getUTCFullYear(), 0, 1)) / 86_400_000),
  getHours: (local) => local.getUTCHours(),
  getMinutes: (local) => local.getUTCMinutes(),
  getSeconds: (local) => local.getUTCSeconds(),
};

/**
 * The library's own versions cannot be replaced, so calls are renamed to ours: its `matches` runs on the backtracking
 * engine, and what it does with zones depends on the zone of the machine.
 */
function registerOwn(environment: Environment): void {
  environment.registerFunction("string.own_matches(string): bool", (text: string, regex: string) =>
    re2(regex).test(text),
  );
  environment.registerFunction(`own_timestamp(string): ${TIMESTAMP}`, timeWithZone);
  environment.registerFunction(
    `own_timestamp(int): ${TIMESTAMP}`,
    (seconds: bigint) => new Date(Number(seconds) * 1000),
  );
  for (const [name, part] of Object.entries(PARTS)) {
    environment.registerFunction(`${TIMESTAMP}.own_${name}(): int`, (at: Date) => BigInt(part(at)));
    environment.registerFunction(`${TIMESTAMP}.own_${name}(string): int`, (at: Date, zone: string) =>
      BigInt(part(inZone(at, zone))),
    );
  }
}

interface OwnCall {
  name: string;
  /** Where the name stands, but for what may stand between a value and its call. */
  from: number;
  argument: AstNode | undefined;
}

function ownCalls(node: AstNode): OwnCall[] {
  const inner = children(node).flatMap(ownCalls);
  if (!Array.isArray(node.args) || (node.op !== "rcall" && node.op !== "call")) return inner;
  const [name, ...rest] = node.args as unknown[]; // a call holds its name, its receiver if it has one, and its arguments
  const own = node.op === "call" ? name === "timestamp" : name === "matches" || Object.hasOwn(PARTS, String(name));
  if (!own) return inner;
  const receiver = node.op === "rcall" ? rest[0] : undefined;
  const last = rest.at(-1);
  const argument: unknown = Array.isArray(last) ? last[0] : undefined;
  const from = isNode(receiver) ? receiver.end : node.start;
  return [...inner, { name: String(name), from, argument: isNode(argument) ? argument : undefined }];
}

function literal(node: AstNode | undefined): string | undefined {
  return node?.op === "value" && typeof node.args === "string" ? node.args : undefined;
}

function zoneFault({ name, argument }: OwnCall): ExpressionFault | undefined {
  const text = literal(argument);
  if (text === undefined || argument === undefined) return undefined;
  try {
    if (name === "timestamp") timeWithZone(text);
    else inZone(new Date(0), text);
    return undefined;
  } catch {
    const what = name === "timestamp" ? `"${text}" is not a time with a zone` : `there is no time zone "${text}"`;
    const fix = name === "timestamp" ? "Write it as 2026-01-31T09:15:30Z" : "Use a name such as Europe/Berlin";
    return { what, fix, offset: argument.start };
  }
}

function patternFault({ from, argument }: OwnCall): ExpressionFault | undefined {
  const pattern = literal(argument);
  if (pattern === undefined || argument === undefined) {
    return {
      what: "the pattern of matches() is not written out",
      fix: 'Write the pattern as a text: matches("...")',
      offset: from,
    };
  }
  try {
    re2(pattern);
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      what: `the pattern is refused: ${reason}`,
      fix: "Use RE2 syntax: no look-around, no back-references, repeats up to 1000",
      offset: argument.start,
    };
  }
}

/** Between a value and its call may stand brackets, space and comments, which may hold the name too. */
const BEFORE_NAME = /^(?:[\s().]|\/\/[^\n]*(?:\n|$))*/;

function renamed(source: string, calls: readonly OwnCall[]): string {
  let text = source;
  for (const { from } of [...calls].sort((a, b) => b.from - a.from)) {
    const at = from + (BEFORE_NAME.exec(text.slice(from))?.[0].length ?? 0);
    text = `${text.slice(0, at)}own_${text.slice(at)}`;
  }
  return text;
}

const PATTERNS_MAX = 500;
const patterns = new Map<string, RE2JS>();

function re2(pattern: string): RE2JS {
  const known = patterns.get(pattern);
  if (known) return known;
  const compiled = RE2JS.compile(pattern);
  if (patterns.size >= PATTERNS_MAX) patterns.clear();
  patterns.set(pattern, compiled);
  return compiled;
}

/** The declared paths an expression mentions, deepest first joined: `ticket.change.type`, never `ticket.change`. */
function readsOf(ast: AstNode, declarations: Declarations): string[] {
  const found = new Set<string>();
  const visit = (node: AstNode): void => {
    const path = pathOf(node);
    if (path && Object.hasOwn(declarations, path[0] ?? "")) {
      found.add(path.join("."));
      return;
    }
    for (const child of children(node)) visit(child);
  };
  visit(ast);
  return [...found].sort();
}

function pathOf(node: AstNode): string[] | undefined {
  if (node.op === "id" && typeof node.args === "string") return [node.args];
  if (node.op !== "." || !Array.isArray(node.args)) return undefined;
  const [parent, field] = node.args as unknown[]; // a field access holds its object and its field's name
  const before = isNode(parent) ? pathOf(parent) : undefined;
  return before && typeof field === "string" ? [...before, field] : undefined;
}
