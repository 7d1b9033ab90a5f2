/**
 * As much JQL as a sweep needs: clauses joined by AND over a few fields, and an order.
 * Times have minute precision and are read in the time zone of this site's accounts.
 */
import { inZone } from "../../core/clock.ts";
import { JiraError } from "./jira-errors.ts";
import type { Issue } from "./jira-store.ts";

export interface JqlClause {
  field: string;
  operator: string;
  values: string[];
}

export interface Jql {
  clauses: JqlClause[];
  order: { field: string; descending: boolean }[];
}

const TIME_FIELDS = ["updated", "created"];
const FIELDS = [
  "project",
  "key",
  "issuekey",
  "id",
  "status",
  "issuetype",
  "type",
  "labels",
  "assignee",
  ...TIME_FIELDS,
];

/** Parses and checks; throws the 400 that Jira answers. */
export function parseJql(text: string, nowMs: number, timeZone: string): Jql {
  const [where = "", orderText] = splitOrder(text);
  const tokens = tokenize(where);
  const jql: Jql = { clauses: [], order: parseOrder(orderText) };
  while (tokens.length > 0) {
    if (jql.clauses.length > 0) expectWord(tokens, "and");
    jql.clauses.push(parseClause(tokens));
  }
  for (const clause of jql.clauses) checkClause(clause, nowMs, timeZone);
  if (jql.clauses.length === 0) {
    throw new JiraError(400, [
      "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.",
    ]);
  }
  return jql;
}

function splitOrder(text: string): [string, string | undefined] {
  const at = /\border\s+by\b/i.exec(text);
  return at === null ? [text, undefined] : [text.slice(0, at.index), text.slice(at.index + at[0].length)];
}

function parseOrder(text: string | undefined): Jql["order"] {
  if (text === undefined) return [];
  return text.split(",").map((part) => {
    const [field = "", direction = "asc"] = part.trim().split(/\s+/);
    if (!FIELDS.includes(field.toLowerCase())) throw unknownField(field);
    return { field: field.toLowerCase(), descending: direction.toLowerCase() === "desc" };
  });
}

function tokenize(text: string): string[] {
  const pattern = /\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|>=|<=|!=|=|>|<|\(|\)|,|[^\s"'(),=<>!]+)/gy;
  const tokens: string[] = [];
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    tokens.push(match[1] ?? "");
    at = match.index + match[0].length;
  }
  if (text.slice(at).trim() !== "") throw syntax(text.slice(at).trim());
  return tokens;
}

function parseClause(tokens: string[]): JqlClause {
  const field = (tokens.shift() ?? "").toLowerCase();
  let operator = (tokens.shift() ?? "").toLowerCase();
  if (operator === "not" || (operator === "is" && tokens[0]?.toLowerCase() === "not")) {
    operator = `${operator} ${(tokens.shift() ?? "").toLowerCase()}`;
  }
  if (!["=", "!=", ">=", "<=", ">", "<", "in", "not in", "is", "is not"].includes(operator)) throw syntax(operator);
  if (!operator.endsWith("in")) return { field, operator, values: [unquote(tokens.shift())] };
  expectWord(tokens, "(");
  const values: string[] = [];
  for (;;) {
    values.push(unquote(tokens.shift()));
    const next = tokens.shift();
    if (next === ")") return { field, operator, values };
    if (next !== ",") throw syntax(next ?? "");
  }
}

function expectWord(tokens: string[], word: string): void {
  const token = tokens.shift();
  if (token?.toLowerCase() !== word) throw syntax(token ?? "");
}

function unquote(token: string | undefined): string {
  if (token === undefined || ["(", ")", ","].includes(token)) throw syntax(token ?? "");
  return /^["']/.test(token) ? token.slice(1, -1).replace(/\\(.)/g, "$1") : token;
}

function checkClause({ field, operator, values }: JqlClause, nowMs: number, timeZone: string): void {
  if (!FIELDS.includes(field)) throw unknownField(field);
  if (TIME_FIELDS.includes(field) && !operator.startsWith("is"))
    for (const value of values) readTime(field, value, { nowMs, timeZone });
}

/** "2026-01-31 10:15", a date, or a period such as "-10m". Seconds are an error. */
function readTime(field: string, value: string, { nowMs, timeZone }: { nowMs: number; timeZone: string }): number {
  const period = /^([+-]?\d+)([mhdw])$/.exec(value);
  if (period !== null) {
    const units: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
    return nowMs + Number(period[1]) * (units[period[2] ?? "m"] ?? 0);
  }
  const date = /^(\d{4})[-/](\d\d?)[-/](\d\d?)(?: (\d\d?):(\d\d))?$/.exec(value);
  if (date === null) {
    throw new JiraError(400, [
      `Date value '${value}' for field '${field}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', ` +
        "'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.",
    ]);
  }
  const [, year, month, day, hour = "0", minute = "0"] = date;
  const wallMs = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute));
  // Of two hours with the same name it is the later one: a sweep that counts on the other would lose an hour.
  const offsets = [-12, 12].map((hours) => offsetMs(wallMs + hours * 3_600_000, timeZone));
  const instants = offsets.map((offset) => wallMs - offset).filter((at) => at + offsetMs(at, timeZone) === wallMs);
  return Math.max(...(instants.length > 0 ? instants : [wallMs - Math.min(...offsets)]));
}

function offsetMs(atMs: number, timeZone: string): number {
  return inZone(new Date(atMs), timeZone).getTime() - atMs;
}

function unknownField(field: string): JiraError {
  return new JiraError(400, [`Field '${field}' does not exist or you do not have permission to view it.`]);
}

function syntax(near: string): JiraError {
  return new JiraError(400, [`Error in the JQL Query: the simulator does not understand '${near}' here.`]);
}

/** The issues that match, in the order asked for; without one, newest first. */
export function runJql(jql: Jql, issues: Issue[], nowMs: number, timeZone: string): Issue[] {
  const found = issues.filter((issue) => jql.clauses.every((clause) => holds(clause, issue, { nowMs, timeZone })));
  const order = jql.order.length > 0 ? jql.order : [{ field: "created", descending: true }];
  return found.sort((a, b) => {
    for (const { field, descending } of order) {
      const sign = compare(sortKey(a, field), sortKey(b, field));
      if (sign !== 0) return descending ? -sign : sign;
    }
    return Number(a.id) - Number(b.id);
  });
}

function holds(
  { field, operator, values }: JqlClause,
  issue: Issue,
  clock: { nowMs: number; timeZone: string },
): boolean {
  const actual = valuesOf(issue, field).map((value) => value.toLowerCase());
  if (TIME_FIELDS.includes(field)) {
    const at = field === "updated" ? issue.updatedMs : issue.createdMs;
    const wanted = readTime(field, values[0] ?? "", clock);
    return operator === ">="
      ? at >= wanted
      : operator === ">"
        ? at > wanted
        : operator === "<"
          ? at < wanted
          : at <= wanted;
  }
  if (operator === "is") return actual.length === 0;
  if (operator === "is not") return actual.length > 0;
  const any = values.some((value) => actual.includes(value.toLowerCase()));
  return operator === "!=" || operator === "not in" ? !any : any;
}

function valuesOf(issue: Issue, field: string): string[] {
  const stored = issue.values.get(field === "type" ? "issuetype" : field) ?? null;
  if (field === "project") return [issue.project];
  if (field === "status") return [issue.status];
  if (field === "key" || field === "issuekey" || field === "id") return [issue.key, issue.id];
  if (Array.isArray(stored)) return stored;
  return typeof stored === "string" ? [stored] : [];
}

function sortKey(issue: Issue, field: string): (string | number)[] {
  if (field === "updated") return [issue.updatedMs];
  if (field === "created") return [issue.createdMs];
  if (field === "key" || field === "issuekey") return [issue.project, Number(issue.key.split("-")[1])];
  if (field === "id") return [Number(issue.id)];
  return valuesOf(issue, field);
}

function compare(a: (string | number)[], b: (string | number)[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index];
    if (right === undefined || left > right) return 1;
    if (left < right) return -1;
  }
  return 0;
}
