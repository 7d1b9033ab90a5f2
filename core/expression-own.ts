import type { Environment } from "@marcbachmann/cel-js";
import { RE2JS } from "re2js";
import { inZone, timeWithZone } from "./clock.ts";
import { type AstNode, children, isNode } from "./expression-tree.ts";

/** Fault of an own call, in the words of `ExpressionFault`. */
interface OwnFault {
  what: string;
  fix: string;
  offset: number;
}

/** Windows and calendars that rules may name, as pure questions. */
export interface NamedTimes {
  /** Whether an instant lies in the window of that name; undefined where there is no such window. */
  within(at: Date, name: string): boolean | undefined;
  /** Whole hours between two instants that the calendar of that name counts; undefined where there is no such calendar. */
  businessHours(from: Date, to: Date, calendar: string): number | undefined;
  windows: readonly string[];
  calendars: readonly string[];
  /** False where the files that name them are wrong themselves: a name that is not among them is not blamed then. */
  complete: boolean;
}

export const NO_TIMES: NamedTimes = {
  within: () => undefined,
  businessHours: () => undefined,
  windows: [],
  calendars: [],
  complete: true,
};

export const TIMESTAMP = "google.protobuf.Timestamp";
/** The type of people: what a rule may read of them, and the groups that `inGroup` looks into. */
export const PERSON = "Person";
/** Under this the groups of a person stand in a context. It is no name that a rule could read a field by. */
export const GROUPS = "groups it belongs to";
export const PERSON_FIELDS = { id: "string", name: "string", email: "string" } as const;

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
export function registerOwn(environment: Environment, times: NamedTimes): void {
  // The library shows a function only the declared fields of a value.
  environment.registerType(PERSON, { fields: { ...PERSON_FIELDS, [GROUPS]: "list<string>" } });
  environment.registerFunction("string.own_matches(string): bool", (text: string, regex: string) =>
    re2(regex).test(text),
  );
  environment.registerFunction(`own_timestamp(string): ${TIMESTAMP}`, timeWithZone);
  environment.registerFunction(
    `own_timestamp(int): ${TIMESTAMP}`,
    (seconds: bigint) => new Date(Number(seconds) * 1000),
  );
  environment.registerFunction(`${TIMESTAMP}.within(string): bool`, (at: Date, name: string) =>
    known(times.within(at, name), `no window "${name}"`),
  );
  environment.registerFunction(
    `${TIMESTAMP}.businessHours(${TIMESTAMP}, string): int`,
    (from: Date, to: Date, calendar: string) =>
      BigInt(known(times.businessHours(from, to, calendar), `no calendar "${calendar}"`)),
  );
  environment.registerFunction("list<string>.contains(string): bool", (list: string[], text: string) =>
    list.includes(text),
  );
  environment.registerFunction(`inGroup(${PERSON}, string): bool`, (person: unknown, group: string) => {
    const groups: unknown = person instanceof Map ? person.get(GROUPS) : undefined;
    if (!Array.isArray(groups)) throw new Error("groups is absent");
    return groups.includes(group);
  });
  for (const [name, part] of Object.entries(PARTS)) {
    environment.registerFunction(`${TIMESTAMP}.own_${name}(): int`, (at: Date) => BigInt(part(at)));
    environment.registerFunction(`${TIMESTAMP}.own_${name}(string): int`, (at: Date, zone: string) =>
      BigInt(part(inZone(at, zone))),
    );
  }
}

function known<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(what);
  return value;
}

export interface OwnCall {
  name: string;
  /** The library has one of that name, which ours stands in for. */
  renames: boolean;
  /** Where the name stands, but for what may stand between a value and its call. */
  from: number;
  argument: AstNode | undefined;
}

export function ownCalls(node: AstNode): OwnCall[] {
  const inner = children(node).flatMap(ownCalls);
  if (!Array.isArray(node.args) || (node.op !== "rcall" && node.op !== "call")) return inner;
  const [name, ...rest] = node.args as unknown[]; // a call holds its name, its receiver if it has one, and its arguments
  const renames = node.op === "call" ? name === "timestamp" : name === "matches" || Object.hasOwn(PARTS, String(name));
  const named = node.op === "rcall" && (name === "within" || name === "businessHours");
  const written = node.op === "call" && name === "duration";
  if (!renames && !named && !written) return inner;
  const receiver = node.op === "rcall" ? rest[0] : undefined;
  const last = rest.at(-1);
  // A window or calendar is named last, everything else first.
  const argument: unknown = Array.isArray(last) ? (named ? last.at(-1) : last[0]) : undefined;
  const from = isNode(receiver) ? receiver.end : node.start;
  return [...inner, { name: String(name), renames, from, argument: isNode(argument) ? argument : undefined }];
}

function literal(node: AstNode | undefined): string | undefined {
  return node?.op === "value" && typeof node.args === "string" ? node.args : undefined;
}

export function ownFault(call: OwnCall, times: NamedTimes): OwnFault | undefined {
  if (call.name === "matches") return patternFault(call);
  if (call.name === "within") return nameFault(call, "window", times);
  if (call.name === "businessHours") return nameFault(call, "calendar", times);
  if (call.name === "duration") return durationFault(call);
  return zoneFault(call);
}

function nameFault({ from, argument }: OwnCall, what: "window" | "calendar", times: NamedTimes): OwnFault | undefined {
  const names = times[`${what}s`];
  const name = literal(argument);
  if (name === undefined || argument === undefined)
    return { what: `the ${what} is not written out`, fix: `Write its name as a text: "..."`, offset: from };
  if (names.includes(name) || !times.complete) return undefined;
  const fix = names.length > 0 ? `Use one of: ${names.join(", ")}` : `Declare one under ${what}s: first`;
  return { what: `there is no ${what} "${name}"`, fix, offset: argument.start };
}

/** What the language takes for a length of time; it knows no days. */
const DURATION = /^[-+]?(?:\d{1,15}(?:\.\d{1,9})?(?:h|ms|m|s|us|ns))+$|^0$/;

function durationFault({ argument }: OwnCall): OwnFault | undefined {
  const text = literal(argument);
  if (text === undefined || argument === undefined || DURATION.test(text)) return undefined;
  return {
    what: `"${text}" is not a length of time`,
    fix: "Write it as 90m or 72h; there are no days",
    offset: argument.start,
  };
}

function zoneFault({ name, argument }: OwnCall): OwnFault | undefined {
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

function patternFault({ from, argument }: OwnCall): OwnFault | undefined {
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

export function renamed(source: string, calls: readonly OwnCall[]): string {
  let text = source;
  for (const { from } of calls.filter(({ renames }) => renames).sort((a, b) => b.from - a.from)) {
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
