/** Rows as the Table API prints them: strings only, references as objects, dotted names as flat keys. */
import type { Row } from "./servicenow-rules.ts";
import type { Field } from "./servicenow-schema.ts";
import { fieldAt, tableNamed } from "./servicenow-schema.ts";
import type { ServiceNowStore } from "./servicenow-store.ts";

export interface RenderOptions {
  /** sysparm_fields as given; undefined for all. */
  fields: string[] | undefined;
  displayValue: "false" | "true" | "all";
  excludeReferenceLink: boolean;
  /** http://host:port, for links. */
  baseUrl: string;
  /** Whether the caller may read a field of a table, also one that a path leads to; one he may not is left out. */
  canRead(field: Field): boolean;
}

type Rendered = string | Record<string, string>;

interface Column {
  path: string;
  field: Field;
  read(row: Row): string;
}

/**
 * Prints records of a table. Asked through a parent table, a record shows the parent's fields only; unknown names in
 * `fields` are dropped without a word.
 */
export function rowRenderer(
  store: ServiceNowStore,
  table: string,
  options: RenderOptions,
): (row: Row) => Record<string, Rendered> {
  const columns: Column[] = [];
  for (const path of options.fields ?? tableNamed(table).fields.keys()) {
    const field = fieldAt(table, path);
    if (field !== undefined && options.canRead(field)) columns.push({ path, field, read: store.reader(path) });
  }
  return (row) => {
    const out: Record<string, Rendered> = {};
    for (const column of columns) out[column.path] = renderValue(store, row, column, options);
    return out;
  };
}

function renderValue(
  store: ServiceNowStore,
  row: Row,
  { field, path, read }: Column,
  options: RenderOptions,
): Rendered {
  const value = read(row);
  if (field.type === "reference") return renderReference(store, field, value, options);
  if (options.displayValue === "false") return value;
  const shown = displayText(store, owner(store, row, path), field, value);
  return options.displayValue === "true" ? shown : { display_value: shown, value };
}

function renderReference(store: ServiceNowStore, field: Field, value: string, options: RenderOptions): Rendered {
  const { displayValue, excludeReferenceLink, baseUrl } = options;
  const link = `${baseUrl}/api/now/table/${field.reference ?? ""}/${value}`;
  if (displayValue === "false") return value === "" || excludeReferenceLink ? value : { link, value };
  const display_value = value === "global" ? "global" : store.display(value);
  if (displayValue === "all") {
    return value === "" || excludeReferenceLink ? { display_value, value } : { display_value, link, value };
  }
  return value === "" || excludeReferenceLink ? display_value : { display_value, link };
}

function displayText(store: ServiceNowStore, row: Row | undefined, field: Field, value: string): string {
  if (row === undefined) return "";
  if (field.type === "journal") return journalText(store, row, field.name);
  return value === "" ? "" : (store.label(row["sys_class_name"] ?? "", field.name, value) ?? value);
}

/** The record a dotted path ends in. */
function owner(store: ServiceNowStore, row: Row, path: string): Row | undefined {
  const dot = path.lastIndexOf(".");
  return dot === -1 ? row : store.get(store.reader(path.slice(0, dot))(row));
}

/** The activity stream's plain text: newest entry first. */
function journalText(store: ServiceNowStore, row: Row, element: string): string {
  const heading = element === "work_notes" ? "Work notes" : "Additional comments";
  return store
    .journal(row.sys_id)
    .filter((entry) => entry["element"] === element)
    .reverse()
    .map((entry) => `${entry["sys_created_on"]} - ${entry["sys_created_by"]} (${heading})\n${entry["value"]}\n\n`)
    .join("");
}
