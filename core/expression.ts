import { Environment, type ObjectSchema } from "@marcbachmann/cel-js";
import {
  type NamedTimes,
  NO_TIMES,
  ownCalls,
  ownFault,
  PERSON,
  PERSON_FIELDS,
  registerOwn,
  renamed,
  TIMESTAMP,
} from "./expression-own.ts";
import { type AstNode, callsFunction, children, type EqualityTest, equalityTests, pathOf } from "./expression-tree.ts";
import { didYouMean } from "./nearest.ts";

/** CEL type names used in declarations; `list<string>`, people and nested records are possible too. */
export type CelType =
  | "string"
  | "int"
  | "bool"
  | "timestamp"
  | "list<string>"
  | "record"
  | "person"
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
  /** What must hold for it to be true, as far as it can be looked up without computing it. */
  tests: readonly EqualityTest[];
  /** It asks who belongs to a group. */
  asksGroups: boolean;
  /** Throws when a value it reads is absent or not of the declared type. */
  evaluate(context: Readonly<Record<string, unknown>>): unknown;
}

export type Compile = (
  source: string,
  wanted?: "bool" | "string" | "int",
) => { expression: Expression } | { fault: ExpressionFault };

const SOURCE_MAX = 4_000;

/** Makes a compiler for expressions over the declared variables. Regular expressions run on re2js, in linear time. */
export function expressionCompiler(declarations: Declarations, times: NamedTimes = NO_TIMES): Compile {
  const environment = new Environment({ limits: { maxAstNodes: 2_000, maxDepth: 50 } });
  registerOwn(environment, times);
  for (const [name, type] of Object.entries(declarations)) {
    if (typeof type === "string") environment.registerVariable(name, vendorType(type));
    else environment.registerVariable({ name, schema: vendorSchema(type) });
  }
  environment.registerOperator("double == int", (a: number, b: bigint) => a === Number(b));

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
      const found = ownFault(call, times);
      if (found) return { fault: found };
    }
    const program = environment.parse(renamed(source, calls));
    // Nothing may reach the library's own version by a way of writing that was not thought of.
    if (ownCalls(program.ast as unknown as AstNode).some(({ renames }) => renames))
      return fault("a call is written too cleverly", "Write it as text.matches(...)");
    return {
      expression: {
        source,
        reads: readsOf(ast, declarations),
        tests: equalityTests(ast),
        asksGroups: callsFunction(ast, "inGroup"),
        evaluate: (context) => program(context),
      },
    };
  };
}

function fault(what: string, fix: string): { fault: ExpressionFault } {
  return { fault: { what, fix, offset: 0 } };
}

function vendorType(type: string): string {
  if (type === "record") return "map<string, dyn>";
  if (type === "person") return PERSON;
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
    const fix =
      fields.length > 0
        ? `${didYouMean(missing[1] ?? "", fields)}Use one of: ${fields.join(", ")}`
        : "It has no fields at all";
    return { what: `${parent} has no field "${missing[1]}"`, fix, offset };
  }
  const unknown = /^Unknown variable: (.+)$/.exec(message);
  if (unknown) {
    const roots = Object.keys(declarations);
    const fix = `${didYouMean(unknown[1] ?? "", roots)}Start from one of: ${roots.join(", ")}`;
    return { what: `there is no "${unknown[1]}" here`, fix, offset };
  }
  const overload = /^no such overload: (.+)$/.exec(message);
  if (overload) return { what: `cannot compute ${overload[1]}`, fix: "Compare values of the same type", offset };
  return {
    what: `not a valid expression: ${message}`,
    fix: "Correct it: a == b, &&, ||, !; docs/policy.md lists names and functions",
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
    if (at === "person") at = PERSON_FIELDS;
  }
  return typeof at === "object" ? Object.keys(at) : [];
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
