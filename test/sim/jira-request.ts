/** Reading what a client sent: the caller, the JSON, and the lists Jira takes with commas or repeated names. */
import type { Request, Response } from "express";
import { adfFromText, isAdf } from "./adf.ts";
import { badField, JiraError } from "./jira-errors.ts";
import type { NewComment } from "./jira-store.ts";
import { isRecord, parseBody, queryOf } from "./sim-server.ts";

/** accountId of the caller; undefined when anonymous. */
export function callerOf(res: Response): string | undefined {
  const caller: unknown = res.locals["caller"];
  return typeof caller === "string" ? caller : undefined;
}

/** The caller of a write, or the 401. */
export function requireCaller(res: Response): string {
  const caller = callerOf(res);
  if (caller === undefined) throw new JiraError(401, []);
  return caller;
}

/** The JSON body as an object. */
export function readJson(req: Request): Record<string, unknown> {
  const body = parseBody(req);
  if ("failure" in body || !isRecord(body.value)) {
    throw new JiraError(400, ["There was an error parsing JSON. Check that your request body is valid."]);
  }
  return body.value;
}

/** A part of a body that must be an object when it is there. */
export function readObject(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

/** "a,b", repeated parameters or a JSON array; undefined when absent. */
export function readList(req: Request, name: string): string[] | undefined {
  const given = queryOf(req).getAll(name);
  return given.length === 0 ? undefined : splitList(given);
}

export function readStrings(value: unknown): string[] | undefined {
  if (typeof value === "string") return splitList([value]);
  return Array.isArray(value) ? value.map(String) : undefined;
}

function splitList(given: string[]): string[] {
  return given
    .flatMap((text) => text.split(","))
    .map((text) => text.trim())
    .filter((text) => text !== "");
}

export function readCount(req: Request, name: string, otherwise: number): number {
  const count = Number(queryOf(req).get(name) ?? otherwise);
  return Number.isInteger(count) && count >= 0 ? count : otherwise;
}

export function param(req: Request, name: string): string {
  const value = req.params[name];
  return typeof value === "string" ? value : "";
}

/** A comment as v3 (document) or v2 (text) writes it. */
export function readComment(input: Record<string, unknown>, version: 2 | 3): NewComment {
  const { body } = input;
  const properties = readProperties(input["properties"]);
  if (version === 2 && typeof body === "string" && body !== "") return { body: adfFromText(body), properties };
  if (version === 3 && isAdf(body)) return { body, properties };
  throw badField("comment", "Comment body is not valid!");
}

/** The parts of an edit or a transition; a field may stand in one of them only. */
export function readEdit(body: Record<string, unknown>): {
  fields: Record<string, unknown>;
  update: Record<string, unknown>;
} {
  const [fields, update] = [readObject(body["fields"]), readObject(body["update"])];
  const both = Object.keys(fields).find((name) => Object.hasOwn(update, name));
  if (both === undefined) return { fields, update };
  throw badField(both, `Field '${both}' cannot be set in both 'fields' and 'update'`);
}

/** `[{key, value}]`; what has no key is skipped. */
export function readProperties(input: unknown): Map<string, unknown> {
  const properties = new Map<string, unknown>();
  for (const entry of Array.isArray(input) ? input : []) {
    if (isRecord(entry) && typeof entry["key"] === "string") properties.set(entry["key"], entry["value"]);
  }
  return properties;
}

const OPERATIONS = ["add", "copy", "edit", "remove", "set"];

/** What `update` adds to `fields`: set for any field, add and remove for labels, add for comments. */
export function readUpdate(
  update: Record<string, unknown>,
  labelsNow: string[],
  version: 2 | 3,
): { fields: Record<string, unknown>; comment?: NewComment } {
  const fields: Record<string, unknown> = {};
  let comment: NewComment | undefined;
  let labels = labelsNow;
  for (const [name, operations] of Object.entries(update)) {
    for (const operation of Array.isArray(operations) ? operations : []) {
      if (!isRecord(operation)) continue;
      const odd = Object.keys(operation).find((key) => !OPERATIONS.includes(key));
      if (odd !== undefined) throw badField(name, `Operation '${odd}' is not supported`);
      if (name === "comment") comment = readComment(readObject(operation["add"]), version);
      else if ("set" in operation) fields[name] = operation["set"];
      else if (name === "labels") {
        const { add, remove } = operation;
        if (typeof add === "string" && !labels.includes(add)) labels = [...labels, add];
        if (typeof remove === "string") labels = labels.filter((label) => label !== remove);
        fields["labels"] = labels;
      } else throw badField(name, `Operation is not supported on field '${name}'`);
    }
  }
  return comment === undefined ? { fields } : { fields, comment };
}
