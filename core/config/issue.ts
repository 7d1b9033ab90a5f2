import type { z } from "zod";
import { didYouMean, nearest } from "../nearest.ts";

export type Path = readonly (string | number)[];

export interface Finding {
  path: Path;
  what: string;
  fix: string;
  /** The key itself is wrong, not its value. */
  atKey?: true;
}

type Issue = z.core.$ZodIssue;

/** The keys that are known at a place. */
export type KeysAt = (path: Path) => readonly string[];

/** One schema finding in an admin's words. An object with several unknown keys gives one finding for each. */
export function explainIssue(issue: Issue, root: unknown, keysAt: KeysAt): Finding[] {
  const path = issue.path.filter((part) => typeof part !== "symbol");
  const present = valueAt(root, path);
  const received = present !== undefined && isSecret(path) ? SECRET : present;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: [...path, key],
      what: isSecretHolder(path) ? "this key is not known here" : `"${shownKey(key)}" is not a known key here`,
      fix: unknownKeyFix(key, path, root, keysAt),
      atKey: true,
    }));
  }
  if (issue.code === "invalid_key")
    return [{ path, what: "this name is not allowed", fix: nameFix(issue, path), atKey: true }];
  if (received === undefined) return [{ path, what: "is missing", fix: `Add it: ${expectation(issue)}` }];
  if (issue.code === "invalid_union") return explainUnion(issue, path, received, root, keysAt);
  return [
    { path, what: whatIsWrong(issue, received), fix: `${meantValue(issue, received)}Write ${expectation(issue)}` },
  ];
}

/** What the key may have been meant to be: a known one that does not stand there already. */
function unknownKeyFix(key: string, path: Path, root: unknown, keysAt: KeysAt): string {
  const present = valueAt(root, path);
  const taken = present !== null && typeof present === "object" ? Object.keys(present) : [];
  const free = keysAt(path).filter((known) => !taken.includes(known));
  const meant = nearest(key, free);
  if (meant !== undefined) return `Did you mean "${meant}"?`;
  return free.length > 0 ? `Remove it, or use one of: ${free.join(", ")}` : "Remove it";
}

function nameFix({ issues: [why] }: Issue & { code: "invalid_key" }, path: Path): string {
  if (why?.code !== "invalid_value") return `Write ${why ? expectation(why) : ruleOf(undefined)}`;
  return `${didYouMean(String(path.at(-1)), why.values.map(String))}Write ${expectation(why)}`;
}

function meantValue(issue: Issue, received: unknown): string {
  if (issue.code !== "invalid_value" || typeof received !== "string") return "";
  return didYouMean(received, issue.values.map(String));
}

function explainUnion(
  issue: Issue & { code: "invalid_union" },
  path: Path,
  received: unknown,
  root: unknown,
  keysAt: KeysAt,
): Finding[] {
  if ("discriminator" in issue && typeof issue.discriminator === "string") {
    return [
      { path, what: `${show(received)} is not a known ${issue.discriminator}`, fix: `Write ${expectation(issue)}` },
    ];
  }
  const branches = issue.errors.filter((errors) => errors.length > 0);
  // The branch that got furthest, and then the one with the fewest faults, is the one the admin meant.
  const meant = [...branches].sort((a, b) => depth(b) - depth(a) || faults(a) - faults(b))[0];
  if (meant && depth(meant) > 0)
    return meant.flatMap((inner) => explainIssue({ ...inner, path: [...path, ...inner.path] }, root, keysAt));
  const wanted = branches.map((errors) => (errors[0] ? expectation(errors[0]) : "")).filter((text) => text !== "");
  return [{ path, what: `${show(received)} does not fit here`, fix: `Write ${wanted.join(" or ")}` }];
}

function depth(errors: readonly Issue[]): number {
  return Math.max(0, ...errors.map((error) => error.path.length));
}

function faults(errors: readonly Issue[]): number {
  return errors.reduce((sum, issue) => sum + (issue.code === "unrecognized_keys" ? issue.keys.length : 1), 0);
}

function whatIsWrong(issue: Issue, received: unknown): string {
  if (issue.code === "custom") return issue.message;
  if (issue.code === "too_small" || issue.code === "too_big") return `${show(received)} is out of bounds`;
  return `${show(received)} does not fit here`;
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      // A schema that says more than its type says it as its message.
      return issue.message.startsWith("Invalid input") ? article(issue.expected) : issue.message;
    case "invalid_value":
      return `one of: ${issue.values.map(String).join(", ")}`;
    case "too_small":
      return `at least ${String(issue.minimum)}${unit(issue.origin, issue.minimum)}`;
    case "too_big":
      return `at most ${String(issue.maximum)}${unit(issue.origin, issue.maximum)}`;
    case "custom":
      return ruleOf(typeof issue.params?.["fix"] === "string" ? issue.params["fix"] : undefined);
    case "invalid_format":
      return FORMATS[issue.format] ?? ruleOf(issue.message);
    case "invalid_union":
      if ("options" in issue && Array.isArray(issue.options)) return `one of: ${issue.options.map(String).join(", ")}`;
      return issue.errors
        .map((errors) => (errors[0] ? expectation(errors[0]) : ""))
        .filter((text) => text !== "")
        .join(" or ");
    default:
      return ruleOf(issue.message);
  }
}

/** What stands for formats whose own message says nothing to an admin. */
const FORMATS: Readonly<Record<string, string>> = { date: "a day such as 2026-12-25" };

const ARTICLES: Record<string, string> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "a mapping of keys to values",
  record: "a mapping of keys to values",
  array: "a list",
};

function article(expected: string): string {
  return ARTICLES[expected] ?? expected;
}

function unit(origin: string, count: number | bigint): string {
  const one = Number(count) === 1;
  if (origin === "array") return one ? " entry" : " entries";
  if (origin === "string") return one ? " character" : " characters";
  return "";
}

function ruleOf(message: string | undefined): string {
  return message ?? "what the documentation of this key describes";
}

/** Keys whose values are never shown, even where they were written out instead of referred to. */
const SECRET_KEYS = new Set([
  "password",
  "clientSecret",
  "apiToken",
  "apiKey",
  "privateKey",
  "token",
  "secretAccessKey",
  "sessionToken",
  "headers",
  "webhookSecrets",
  "store",
]);
/** Mappings of which some keys are secret: a bare value in their place, or a key nobody knows, may be the secret itself. */
const SECRET_HOLDERS = new Set(["auth", "webhookAuth"]);
const LOGIN_KEYS = new Set([...SECRET_KEYS, "type", "username", "email", "clientId", "subject", "keyId"]);
/** Keys of `ledger` that are. */
const LEDGER_KEYS = new Set(["key", "previousKey"]);
const SECRET = Symbol("secret");

function isSecret(path: Path): boolean {
  const ledger = path[0] === "ledger" && LEDGER_KEYS.has(String(path[1]));
  return ledger || path.some((part) => SECRET_KEYS.has(String(part))) || isSecretHolder(path);
}

function isSecretHolder(path: Path): boolean {
  return SECRET_HOLDERS.has(String(path.at(-1)));
}

/** A key as it may be shown: `password:abc`, where a space is missing, is a key of YAML and holds a secret. */
function shownKey(key: string | number): string {
  const name = /^[\w.-]*/.exec(String(key))?.[0] ?? "";
  return name === String(key) ? name : `${name}...`;
}

/** A path as it may be shown: ` token, abc` in a login makes a key of the secret. */
export function shownPath(path: Path): string {
  const shown = path.map((part, index) =>
    isSecretHolder(path.slice(0, index)) && !LOGIN_KEYS.has(String(part)) ? "..." : shownKey(part),
  );
  return shown.join(".");
}

/** The value as the admin wrote it. Long texts are cut. */
function show(value: unknown): string {
  if (value === SECRET) return "this value";
  if (typeof value === "string") return value.length > 40 ? `"${value.slice(0, 37)}..."` : `"${value}"`;
  if (Array.isArray(value)) return "a list";
  if (value !== null && typeof value === "object") return "a mapping";
  return String(value);
}

/** What stands at a path of a parsed document; own properties only. */
export function valueAt(root: unknown, path: Path): unknown {
  let at = root;
  for (const part of path) {
    if (at === null || typeof at !== "object" || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<string | number, unknown>)[part]; // an own property of an object, just checked
  }
  return at;
}
