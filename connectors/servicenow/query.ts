/**
 * The one place where encoded queries are made. The language has no escape: a `^` in a value ends it, and what follows
 * becomes a condition of its own. And an instance that does not know a field skips its condition without a word, so
 * that the query widens to the whole table. So a value that could break out is refused, and `holds` tells of every row
 * that comes back whether it was asked for.
 */
import { ConnectorError } from "../../core/errors.ts";

export type Condition =
  | { field: string; is: "=" | "!=" | ">" | ">=" | "<" | "<=" | "LIKE" | "STARTSWITH"; value: string }
  | { field: string; in: readonly string[] }
  | { field: string; between: readonly [string, string] }
  | { field: string; filled: true };

export interface Query {
  /** All must hold; of `any`, one. */
  where: readonly (Condition | { any: readonly Condition[] })[];
  order?: readonly { field: string; descending?: boolean }[];
}

const FIELD = /^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const BREAKS_OUT = /[\^\u0000-\u001f\u007f]/;
/** The instance would run it. */
const SCRIPT = /^\s*javascript\s*:/i;

/** The text of `sysparm_query`. Throws `rejected`, without the value, where one could become more than a value. */
export function encodedQuery(connection: string, { where, order = [] }: Query): string {
  const refused = (field: string, why: string): ConnectorError =>
    new ConnectorError({
      kind: "rejected",
      connection,
      message: `a value for ${field} ${why}, which no query of ${connection} can carry; rename it there, or correct the rule or the record`,
    });
  const encode = (condition: Condition): string => encodeCondition(condition, refused);
  const conditions = where.map((condition) =>
    "any" in condition ? condition.any.map(encode).join("^OR") : encode(condition),
  );
  const orders = order.map(({ field, descending }) => `ORDERBY${descending ? "DESC" : ""}${fieldName(field, refused)}`);
  return [...conditions, ...orders].join("^");
}

/** Whether a value can stand in a query by itself. */
export function isAskable(value: string): boolean {
  return value !== "" && !BREAKS_OUT.test(value) && !SCRIPT.test(value);
}

type Refused = (field: string, why: string) => ConnectorError;

function encodeCondition(condition: Condition, refused: Refused): string {
  const field = fieldName(condition.field, refused);
  const value = (text: string, separator?: string): string => {
    if (BREAKS_OUT.test(text)) throw refused(field, 'has a "^" or a line break in it');
    if (SCRIPT.test(text)) throw refused(field, "is a script");
    if (separator && text.includes(separator)) throw refused(field, `has a "${separator}" in it`);
    return text;
  };
  const listed = (text: string, separator: string): string => {
    if (text === "") throw refused(field, "is empty in a list");
    return value(text, separator);
  };
  if ("in" in condition) {
    if (condition.in.length === 0) throw refused(field, "is none of an empty list");
    return `${field}IN${condition.in.map((item) => listed(item, ",")).join(",")}`;
  }
  if ("filled" in condition) return `${field}ISNOTEMPTY`;
  if ("between" in condition) return `${field}BETWEEN${condition.between.map((end) => listed(end, "@")).join("@")}`;
  // `>` before a value that begins with `=` would be read as `>=`.
  if ((condition.is === ">" || condition.is === "<") && condition.value.startsWith("="))
    throw refused(field, 'begins with "="');
  return `${field}${condition.is}${value(condition.value)}`;
}

function fieldName(field: string, refused: Refused): string {
  if (!FIELD.test(field)) throw refused(JSON.stringify(field.slice(0, 40)), "stands behind a name that is no field");
  return field;
}

/** Whether a row, as the Table API answered it, meets a query's conditions. A field that the row does not show does not. */
export function holds({ where }: Pick<Query, "where">, row: Readonly<Record<string, unknown>>): boolean {
  return where.every((condition) =>
    "any" in condition ? condition.any.some((one) => meets(one, row)) : meets(condition, row),
  );
}

function meets(condition: Condition, row: Readonly<Record<string, unknown>>): boolean {
  const text = shown(row[condition.field]);
  if (text === undefined) return false;
  if ("in" in condition) return condition.in.some((item) => compare(text, item) === 0);
  if ("filled" in condition) return text !== "";
  if ("between" in condition)
    return compare(text, condition.between[0]) >= 0 && compare(text, condition.between[1]) <= 0;
  const { is, value } = condition;
  if (is === "LIKE") return folded(text).includes(folded(value));
  if (is === "STARTSWITH") return folded(text).startsWith(folded(value));
  const order = compare(text, value);
  if (is === "=") return order === 0;
  if (is === "!=") return order !== 0;
  if (is === ">") return order > 0;
  if (is === ">=") return order >= 0;
  return is === "<" ? order < 0 : order <= 0;
}

/** A field as text: references come with or without their link. */
function shown(value: unknown): string | undefined {
  if (typeof value === "object" && value !== null && "value" in value) return shown(value.value);
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : undefined;
}

/** As the instance's database compares: without regard to case or to blanks at the end, numbers by their value. */
function compare(left: string, right: string): number {
  if (isNumber(left) && isNumber(right)) return Number(left) - Number(right);
  const [one, other] = [folded(left), folded(right)];
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

function isNumber(text: string): boolean {
  return /^-?\d{1,15}$/.test(text);
}

function folded(text: string): string {
  return text.trimEnd().toLowerCase();
}
