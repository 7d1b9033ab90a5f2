/**
 * ServiceNow's encoded query: `a=1^b=2^ORb=3^NQc=4^ORDERBYd`.
 * `^OR` binds only to the condition right before it; `^NQ` starts another query whose rows are added.
 * There is no escape for `^`: a value that contains one ends there, and what follows becomes a condition.
 */

const OPERATORS = [
  "NOT IN",
  "NOT LIKE",
  "NOTLIKE",
  "ISNOTEMPTY",
  "ISEMPTY",
  "EMPTYSTRING",
  "ANYTHING",
  "STARTSWITH",
  "ENDSWITH",
  "BETWEEN",
  "NSAMEAS",
  "SAMEAS",
  "LIKE",
  "IN",
  "!=",
  ">=",
  "<=",
  "=",
  ">",
  "<",
] as const;
export type Operator = (typeof OPERATORS)[number];

export interface Condition {
  field: string;
  operator: Operator;
  value: string;
}

/** Undefined stands for text that is no condition: the vendor skips it. */
type Alternatives = (Condition | undefined)[];

export interface EncodedQuery {
  /** Any group may hold; within a group every list must have one that holds. */
  groups: Alternatives[][];
  order: { field: string; descending: boolean }[];
}

/** What the evaluation must know about a table. `type` is undefined for an unknown field. */
export interface QueryFields<R> {
  type(path: string): string | undefined;
  /** Reads that path from a row. Asked once per condition, called once per row. */
  reader(path: string): (row: R) => string;
}

/** Parses any text; what cannot be read becomes an unreadable condition rather than an error. */
export function parseEncodedQuery(text: string): EncodedQuery {
  const query: EncodedQuery = { groups: [[]], order: [] };
  for (const part of text.split("^")) {
    if (part === "" || part === "EQ") continue;
    const group = query.groups.at(-1) ?? [];
    if (part.startsWith("ORDERBYDESC")) query.order.push({ field: part.slice(11), descending: true });
    else if (part.startsWith("ORDERBY")) query.order.push({ field: part.slice(7), descending: false });
    else if (part.startsWith("NQ")) query.groups.push([[parseCondition(part.slice(2))]]);
    else if (part.startsWith("OR") && group.length > 0) group.at(-1)?.push(parseCondition(part.slice(2)));
    else group.push([parseCondition(part)]);
  }
  return query;
}

function parseCondition(text: string): Condition | undefined {
  const field = /^[a-z_][a-z0-9_.]*/.exec(text)?.[0];
  if (field === undefined) return undefined;
  const rest = text.slice(field.length);
  const operator = OPERATORS.find((candidate) => rest.startsWith(candidate));
  return operator === undefined ? undefined : { field, operator, value: readValue(rest.slice(operator.length)) };
}

/** `javascript:gs.dateGenerate('2026-01-31','10:00:00')` is the one script understood; users here live in UTC. */
function readValue(value: string): string {
  const date = /^javascript:\s*gs\.dateGenerate\('([\d-]+)'\s*,\s*'([\d:]+)'\)$/.exec(value);
  return date === null ? value : `${date[1] ?? ""} ${date[2] ?? ""}`;
}

/** A test for rows, or undefined when the query names unknown fields and those are to yield no rows. */
export function compileQuery<R>(
  query: EncodedQuery,
  fields: QueryFields<R>,
  unknownYieldsNothing: boolean,
): ((row: R) => boolean) | undefined {
  let unknown = false;
  const groups = query.groups.map((group) =>
    group.map((alternatives) => {
      const tests: ((row: R) => boolean)[] = [];
      for (const condition of alternatives) {
        const type = condition === undefined ? undefined : fields.type(condition.field);
        if (condition === undefined || type === undefined) unknown = true;
        else tests.push(compileCondition(condition, type, fields));
      }
      return tests;
    }),
  );
  if (unknown && unknownYieldsNothing) return undefined;
  // A list without a single known condition restricts nothing: the query widens, silently.
  return (row) => groups.some((group) => group.every((tests) => tests.length === 0 || tests.some((test) => test(row))));
}

function compileCondition<R>(
  { field, operator, value }: Condition,
  type: string,
  fields: QueryFields<R>,
): (row: R) => boolean {
  const of = fields.reader(field);
  const wanted = value.toLowerCase();
  const listed = new Set(wanted.split(",").map((item) => item.trim()));
  const [low = "", high = ""] = value.split("@");
  const other = fields.reader(value);
  const compare = (left: string, right: string): number => compareAs(type, left, right);
  // An empty column is NULL in the database and is neither greater nor smaller than anything.
  const ordered = (row: R, test: (sign: number) => boolean): boolean => of(row) !== "" && test(compare(of(row), value));
  switch (operator) {
    case "=":
      return (row) => of(row).toLowerCase() === wanted;
    case "!=":
      return (row) => of(row).toLowerCase() !== wanted;
    case ">":
      return (row) => ordered(row, (sign) => sign > 0);
    case ">=":
      return (row) => ordered(row, (sign) => sign >= 0);
    case "<":
      return (row) => ordered(row, (sign) => sign < 0);
    case "<=":
      return (row) => ordered(row, (sign) => sign <= 0);
    case "IN":
      return (row) => listed.has(of(row).toLowerCase());
    case "NOT IN":
      return (row) => !listed.has(of(row).toLowerCase());
    case "LIKE":
      return (row) => of(row).toLowerCase().includes(wanted);
    case "NOTLIKE":
    case "NOT LIKE":
      return (row) => !of(row).toLowerCase().includes(wanted);
    case "STARTSWITH":
      return (row) => of(row).toLowerCase().startsWith(wanted);
    case "ENDSWITH":
      return (row) => of(row).toLowerCase().endsWith(wanted);
    case "ISEMPTY":
    case "EMPTYSTRING":
      return (row) => of(row) === "";
    case "ISNOTEMPTY":
      return (row) => of(row) !== "";
    case "ANYTHING":
      return () => true;
    case "BETWEEN":
      return (row) => of(row) !== "" && compare(of(row), low) >= 0 && compare(of(row), high) <= 0;
    case "SAMEAS":
      return (row) => of(row) === other(row);
    case "NSAMEAS":
      return (row) => of(row) !== other(row);
  }
}

function compareAs(type: string, left: string, right: string): number {
  if (type === "integer") return Number(left) - Number(right);
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** Orders a copy of the rows; unknown order fields are skipped, ties keep their place. */
export function orderRows<R>(rows: R[], query: EncodedQuery, fields: QueryFields<R>): R[] {
  const keys = query.order.flatMap(({ field, descending }) => {
    const type = fields.type(field);
    return type === undefined ? [] : [{ read: fields.reader(field), type, sign: descending ? -1 : 1 }];
  });
  if (keys.length === 0) return rows;
  return [...rows].sort((a, b) => {
    for (const { read, type, sign } of keys) {
      const order = compareAs(type, read(a), read(b));
      if (order !== 0) return order * sign;
    }
    return 0;
  });
}

/**
 * The values one of which `field` must have for any row to match, when the query says so with = or IN in every
 * group; undefined when rows cannot be found by that field alone.
 */
export function pinnedValues(query: EncodedQuery, field: string): Set<string> | undefined {
  const pinned = new Set<string>();
  for (const group of query.groups) {
    const only = group.flatMap((alternatives) => {
      const [condition] = alternatives;
      if (alternatives.length !== 1 || condition?.field !== field) return [];
      return condition.operator === "=" || condition.operator === "IN" ? [condition] : [];
    })[0];
    if (only === undefined) return undefined;
    const values = only.operator === "IN" ? only.value.split(",") : [only.value];
    for (const value of values) pinned.add(value.trim().toLowerCase());
  }
  return pinned;
}
