import { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import type { ChangedPage, ChangedRecord } from "../../core/ports.ts";
import type { ServiceNowClient } from "./client.ts";
import type { Query } from "./query.ts";
import { listRows, SYS_ID } from "./table.ts";

const PAGE_ROWS = 200;
/** How many records in a row may be hidden from us before the feed gives up instead of asking for ever more. */
const ROWS_MAX = 12_800;

const CURSOR = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) ([0-9a-f]{32}|-) (\d{1,5})$/;

const Row = z.looseObject({
  sys_id: z.string().regex(SYS_ID),
  number: z.string().optional(),
  sys_mod_count: z.string().regex(/^\d+$/),
  sys_updated_on: z
    .string()
    .regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
    .refine((text) => !Number.isNaN(timeOf(text))),
});
type Row = z.infer<typeof Row>;

/** Where a page begins: behind a record, or at a second where `id` is undefined; and how many records it looks at. */
interface Cursor {
  updatedOn: string;
  id: string | undefined;
  limit: number;
}

/**
 * One page of what was edited at or after a time, by (sys_updated_on, sys_id). The instance keeps whole seconds, so the
 * time is cut to its second, and records of one second stand apart by their sys_id. A short page is no end: hidden
 * records are taken out of it after it was cut. The end is an empty page, or one that the count proves to be the last.
 */
export async function changedPage(
  connection: string,
  client: ServiceNowClient,
  { table, sinceMs, after }: { table: string; sinceMs: number; after: string | undefined },
): Promise<ChangedPage> {
  const cursor =
    after === undefined ? { updatedOn: secondOf(sinceMs), id: undefined, limit: PAGE_ROWS } : parsed(connection, after);
  const listing = { operation: "feed", table, query: queryFrom(cursor), limit: cursor.limit, row: Row, counted: true };
  const fields = ["sys_id", "number", "sys_mod_count", "sys_updated_on"];
  const { rows, total } = await listRows(connection, client, { ...listing, fields });
  if (!inOrder(cursor, rows)) {
    const message = `${connection} answered a page of ${table} that does not move on; its order is not to be relied on`;
    throw new ConnectorError({ kind: "protocol", connection, message });
  }
  const records = rows.slice(0, PAGE_ROWS).map((row) => changedRecord(table, row));
  return { records, next: nextOf(connection, { table, cursor, rows, total }) };
}

function queryFrom({ updatedOn, id }: Cursor): Query {
  const from = { field: "sys_updated_on", is: ">=", value: updatedOn } as const;
  const later = { field: "sys_updated_on", is: ">", value: updatedOn } as const;
  const behind = id === undefined ? [] : [{ any: [later, { field: "sys_id", is: ">", value: id } as const] }];
  return { where: [from, ...behind], order: [{ field: "sys_updated_on" }, { field: "sys_id" }] };
}

function inOrder({ updatedOn, id }: Cursor, rows: readonly Row[]): boolean {
  let last = `${updatedOn} ${id ?? ""}`;
  for (const row of rows) {
    const at = `${row.sys_updated_on} ${row.sys_id}`;
    if (at <= last) return false;
    last = at;
  }
  return true;
}

function nextOf(
  connection: string,
  page: { table: string; cursor: Cursor; rows: readonly Row[]; total: number | undefined },
): string | undefined {
  const { table, cursor, rows, total } = page;
  const seen = rows.slice(0, PAGE_ROWS);
  const last = seen.at(-1);
  if (seen.length === rows.length && total !== undefined && total <= cursor.limit) return undefined;
  if (last) return `${last.sys_updated_on} ${last.sys_id} ${PAGE_ROWS}`;
  if (total === undefined) return undefined;
  // All that the page was cut from is hidden from us, and there is more. Their keys are not known, so the page grows.
  const limit = cursor.limit * 2;
  if (limit <= ROWS_MAX) return `${cursor.updatedOn} ${cursor.id ?? "-"} ${limit}`;
  const message = `${connection} hides ${cursor.limit} changed records of ${table} in a row from the integration user; give it the right to read them, or take ${table} out of records`;
  throw new ConnectorError({ kind: "rejected", connection, message });
}

function parsed(connection: string, after: string): Cursor {
  const [, updatedOn, id, limit] = CURSOR.exec(after) ?? [];
  if (updatedOn === undefined || id === undefined || Number(limit) > ROWS_MAX || Number(limit) < 1) {
    const message = `the place to go on from in ${connection} is not one of its own; start again without it`;
    throw new ConnectorError({ kind: "rejected", connection, message });
  }
  return { updatedOn, id: id === "-" ? undefined : id, limit: Number(limit) };
}

function changedRecord(type: string, row: Row): ChangedRecord {
  const { sys_id: id, number, sys_mod_count: revision, sys_updated_on } = row;
  return { type, id, key: number ?? id, revision, updatedAtMs: timeOf(sys_updated_on) };
}

function timeOf(text: string): number {
  return Date.parse(`${text.replace(" ", "T")}Z`);
}

/** The second that a time lies in, as the instance writes it. */
function secondOf(ms: number): string {
  return new Date(Math.max(0, ms)).toISOString().slice(0, 19).replace("T", " ");
}

const Property = z.looseObject({ name: z.string(), value: z.string() });

/**
 * What the instance calls itself: its property `instance_id`, or where that cannot be read `instance_name`. A clone
 * under the same address has other ones. Never the address, which is what a clone takes over.
 */
export async function instanceIdentity(connection: string, client: ServiceNowClient): Promise<string> {
  const names = ["instance_id", "instance_name"];
  const { rows } = await listRows(connection, client, {
    operation: "identity",
    table: "sys_properties",
    query: { where: [{ field: "name", in: names }] },
    fields: ["name", "value"],
    limit: 10,
    row: Property,
  });
  for (const name of names) {
    const values = new Set(rows.filter((row) => row.name === name && row.value !== "").map(({ value }) => value));
    const [value] = values;
    if (value !== undefined && values.size === 1) return `${name}:${value}`;
  }
  const message = `${connection} does not say which instance it is; let the integration user read the system properties instance_id and instance_name`;
  throw new ConnectorError({ kind: "rejected", connection, message });
}
