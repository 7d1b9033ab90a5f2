import { Environment, type ObjectSchema } from "@marcbachmann/cel-js";
import { RE2JS } from "re2js";

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
  // The library's own `matches` runs on the backtracking engine and cannot be replaced; calls to it are renamed.
  environment.registerFunction("string.re2Matches(string): bool", (text: string, pattern: string) =>
    re2(pattern).test(text),
  );

  return (source, wanted = "bool") => {
    if (source.length > SOURCE_MAX) {
      return {
        fault: { what: `the expression is longer than ${SOURCE_MAX} characters`, fix: "Split the rule", offset: 0 },
      };
    }
    const checked = environment.check(source);
    if (!checked.valid) return { fault: faultOf(checked.error, source, declarations) };
    const type = String(checked.type);
    if (type !== wanted && type !== "dyn") {
      return {
        fault: {
          what: `the expression gives ${type}, not ${wanted}`,
          fix: `Write an expression that gives ${wanted}`,
          offset: 0,
        },
      };
    }
    const ast = environment.parse(source).ast as unknown as AstNode; // the library's node type hides its own fields
    const calls = matchesCalls(ast);
    for (const call of calls) {
      const fault = patternFault(call);
      if (fault) return { fault };
    }
    const program = environment.parse(renamed(source, calls));
    return {
      expression: { source, reads: readsOf(ast, declarations), evaluate: (context) => program({ ...context }) },
    };
  };
}

function vendorType(type: string): string {
  if (type === "record") return "map<string, dyn>";
  return type === "timestamp" ? "google.protobuf.Timestamp" : type;
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
    fix: "Correct it; the language is CEL (docs/policy.md)",
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

interface MatchesCall {
  nameStart: number;
  pattern: AstNode | undefined;
}

function matchesCalls(node: AstNode): MatchesCall[] {
  const inner = children(node).flatMap(matchesCalls);
  if (node.op !== "rcall" || !Array.isArray(node.args) || node.args[0] !== "matches") return inner;
  const receiver: unknown = node.args[1];
  const parameters: unknown = node.args[2];
  const pattern: unknown = Array.isArray(parameters) ? parameters[0] : undefined;
  const from = isNode(receiver) ? receiver.end : node.start;
  return [...inner, { nameStart: from, pattern: isNode(pattern) ? pattern : undefined }];
}

function patternFault(call: MatchesCall): ExpressionFault | undefined {
  const pattern = call.pattern;
  if (pattern?.op !== "value" || typeof pattern.args !== "string") {
    return {
      what: "the pattern of matches() is not written out",
      fix: 'Write the pattern as a text: matches("...")',
      offset: call.nameStart,
    };
  }
  try {
    re2(pattern.args);
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      what: `the pattern is refused: ${reason}`,
      fix: "Use RE2 syntax: no look-around, no back-references, repeats up to 1000",
      offset: pattern.start,
    };
  }
}

function renamed(source: string, calls: readonly MatchesCall[]): string {
  let text = source;
  for (const { nameStart } of [...calls].sort((a, b) => b.nameStart - a.nameStart)) {
    text = text.slice(0, nameStart) + text.slice(nameStart).replace("matches", "re2Matches");
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
