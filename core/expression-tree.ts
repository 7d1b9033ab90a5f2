/** A node of a parsed expression; the library's own type hides these fields. */
export interface AstNode {
  op: string;
  args: unknown;
  start: number;
  end: number;
}

export function isNode(value: unknown): value is AstNode {
  return value !== null && typeof value === "object" && "op" in value && "args" in value;
}

export function children(node: AstNode): AstNode[] {
  const found: AstNode[] = [];
  const add = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) add(item);
    else if (isNode(value)) found.push(value);
  };
  add(node.args);
  return found;
}

/** `ticket.change.type` as its steps; undefined for anything that is not a plain path. */
export function pathOf(node: AstNode): string[] | undefined {
  if (node.op === "id" && typeof node.args === "string") return [node.args];
  if (node.op !== "." || !Array.isArray(node.args)) return undefined;
  const [parent, field] = node.args as unknown[]; // a field access holds its object and its field's name
  const before = isNode(parent) ? pathOf(parent) : undefined;
  return before && typeof field === "string" ? [...before, field] : undefined;
}

/** Whether an expression calls a function of that name, however it is written. */
export function callsFunction(node: AstNode, name: string): boolean {
  const calls = (node.op === "call" || node.op === "rcall") && Array.isArray(node.args) && node.args[0] === name;
  return calls || children(node).some((child) => callsFunction(child, name));
}

/** A path that must have one of these values, or the whole expression is false. */
export interface EqualityTest {
  path: string;
  /** Texts, and whole numbers as texts. */
  values: readonly string[];
}

/** What every `&&` of an expression's top level demands by `==` or `in`: cheap to look up before anything is computed. */
export function equalityTests(node: AstNode): EqualityTest[] {
  if (!Array.isArray(node.args)) return [];
  const [left, right] = node.args as unknown[]; // operators hold their two sides
  if (!isNode(left) || !isNode(right)) return [];
  if (node.op === "&&") return [...equalityTests(left), ...equalityTests(right)];
  if (node.op === "==") return testOf(left, [right]) ?? testOf(right, [left]) ?? [];
  if (node.op === "in" && right.op === "list" && Array.isArray(right.args))
    return testOf(left, right.args.filter(isNode)) ?? [];
  return [];
}

function testOf(at: AstNode, values: readonly AstNode[]): EqualityTest[] | undefined {
  const path = pathOf(at);
  if (!path || path.length < 2) return undefined;
  const found = values.map(literalText);
  if (found.length === 0 || found.includes(undefined)) return undefined;
  return [{ path: path.join("."), values: found.filter((value) => value !== undefined) }];
}

function literalText({ op, args }: AstNode): string | undefined {
  if (op !== "value") return undefined;
  if (typeof args === "string") return args;
  return typeof args === "bigint" ? String(args) : undefined;
}
