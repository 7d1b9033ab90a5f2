import { ConnectorError } from "../../core/errors.ts";
import type { ChoiceList } from "../../core/live/answer.ts";
import type { InspectedRow, Inspection } from "./inspect.ts";

const DEPTH_MAX = 6;
const ROWS_MAX = 2_000;

/** A row of a table with the fields that may be read, if one can be seen; or why the table cannot be used at all. */
export async function lookInto(
  ours: Inspection,
  table: string,
  fields: readonly string[],
): Promise<{ row: InspectedRow | undefined } | { gone: { what: string; fix: string } }> {
  try {
    const [row] = await ours.read({ table, fields: ["sys_id", ...fields], limit: 1 });
    return { row };
  } catch (error) {
    if (!(error instanceof ConnectorError) || error.kind !== "rejected") throw error;
    const missing = error.status === 400;
    const what = missing ? "there is no such table" : "the integration user may not read it";
    const fix = missing
      ? `Correct records of the connection, or activate the plugin that brings ${table}`
      : `Give its role read on ${table}`;
    return { gone: { what, fix } };
  }
}

/** The table and what it extends, nearest first; empty where that may not be read. */
export async function lineageOf(ours: Inspection, table: string): Promise<string[]> {
  const steps = Array.from({ length: DEPTH_MAX }, (_, depth) => `${"super_class.".repeat(depth)}name`);
  const query = { where: [{ field: "name", is: "=" as const, value: table }] };
  const [row] = await ours.read({ table: "sys_db_object", fields: steps, query, limit: 1 });
  return row === undefined ? [] : steps.map((step) => row[step] ?? "").filter((name) => name !== "");
}

/** Fields of a table with those that it inherits; undefined where they may not be read, or are more than can be. */
export async function columnsOf(ours: Inspection, lineage: readonly string[]): Promise<Set<string> | undefined> {
  if (lineage.length === 0) return undefined;
  const query = { where: [{ field: "name", in: lineage }] };
  const rows = await ours.read({ table: "sys_dictionary", fields: ["element"], query, limit: ROWS_MAX });
  return rows.length === 0 || rows.length >= ROWS_MAX ? undefined : new Set(rows.map(({ element = "" }) => element));
}

/** Of paths, those whose first step is no field. What a reference leads to is not looked into. */
export function unknownPaths(paths: readonly string[], columns: ReadonlySet<string>): string[] {
  return paths.filter((path) => !columns.has(path.split(".")[0] ?? ""));
}

/**
 * The choices of fields: those of the nearest table with a list of its own. A field without one is left out; so is one
 * with more choices than can be read. `seen` is false where no choice at all could be.
 */
export async function choicesOf(
  ours: Inspection,
  lineage: readonly string[],
  paths: readonly string[],
): Promise<{ lists: Map<string, ChoiceList>; seen: boolean }> {
  const elements = [...new Set(paths)].filter((path) => !path.includes("."));
  const lists = new Map<string, ChoiceList>();
  if (elements.length === 0) return { lists, seen: true };
  let rows = await choiceRows(ours, lineage, elements);
  if (rows.length >= ROWS_MAX) {
    rows = [];
    // One long list must not hide the others.
    for (const element of elements) {
      const own = await choiceRows(ours, lineage, [element]);
      if (own.length < ROWS_MAX) rows.push(...own);
    }
  }
  for (const element of elements) {
    const own = rows.filter((row) => row["element"] === element);
    const active = own.filter(({ inactive }) => inactive !== "true");
    const nearest = lineage.find((table) => active.some(({ name }) => name === table));
    const offered = new Set(active.filter(({ name }) => name === nearest).map(({ value = "" }) => value));
    const retired = new Set(own.map(({ value = "" }) => value).filter((value) => !offered.has(value)));
    if (offered.size > 0) lists.set(element, { offered: [...offered], retired: [...retired] });
  }
  return { lists, seen: rows.length > 0 };
}

function choiceRows(
  ours: Inspection,
  lineage: readonly string[],
  elements: readonly string[],
): Promise<InspectedRow[]> {
  const where = [
    { field: "name", in: lineage },
    { field: "element", in: elements },
    { field: "language", is: "=" as const, value: "en" },
  ];
  return ours.read({ table: "sys_choice", fields: ["value", "inactive"], query: { where }, limit: ROWS_MAX });
}
