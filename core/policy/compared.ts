import { type AstNode, children, isNode, pathOf } from "../expression-tree.ts";

/** A value that a condition compares a path with. */
export interface Compared {
  path: string;
  value: string | number;
  /** Characters from the start of the condition. */
  offset: number;
}

/** Every text and whole number that a condition compares a path with, by `==`, `!=` or `in`, wherever it stands in it. */
export function comparedLiterals(node: AstNode): Compared[] {
  const inner = children(node).flatMap(comparedLiterals);
  const [left, right] = Array.isArray(node.args) ? (node.args as unknown[]) : []; // operators hold their two sides
  if (!isNode(left) || !isNode(right) || !["==", "!=", "in"].includes(node.op)) return inner;
  const path = pathOf(left)?.join(".") ?? (node.op === "in" ? undefined : pathOf(right)?.join("."));
  if (path === undefined) return inner;
  const listed = right.op === "list" && Array.isArray(right.args) ? right.args.filter(isNode) : [];
  const found = (node.op === "in" ? listed : [left, right]).flatMap((literal): Compared[] => {
    const value = literalOf(literal);
    return value === undefined ? [] : [{ path, value, offset: literal.start }];
  });
  return [...inner, ...found];
}

/** The groups that a condition asks for by `inGroup`, as far as their names are written out. */
export function groupsAsked(node: AstNode): Pick<Compared, "value" | "offset">[] {
  const inner = children(node).flatMap(groupsAsked);
  if (node.op !== "call" || !Array.isArray(node.args) || node.args[0] !== "inGroup") return inner;
  const last: unknown = node.args.at(-1);
  const name: unknown = Array.isArray(last) ? last.at(-1) : undefined;
  const value = isNode(name) ? literalOf(name) : undefined;
  return isNode(name) && value !== undefined ? [...inner, { value, offset: name.start }] : inner;
}

function literalOf({ op, args }: AstNode): string | number | undefined {
  if (op !== "value") return undefined;
  if (typeof args === "string") return args;
  return typeof args === "bigint" ? Number(args) : undefined;
}
