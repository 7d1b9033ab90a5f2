import { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import type { ServiceNowClient } from "./client.ts";
import type { Query } from "./query.ts";
import { listRows, SYS_ID } from "./table.ts";

const PAGE_ROWS = 200;
/** How many records in a row may be hidden from us before we give up instead of asking for ever more. */
const ROWS_MAX = 12_800;

/** `2026-01-31 09:15:30`, by the instance's clock in UTC. */
const SecondText = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
  .refine((text) => !Number.isNaN(msOf(text)));

/** The order of a walk through a table: by a time, and within its second by sys_id. */
export type TimeField = "sys_updated_on" | "sys_created_on";

/** Where a page begins: behind a record, or at a second where `id` is undefined; and how many records it looks at. */
export interface Cursor {
  second: string;
  id: string | undefined;
  limit: number;
}

export interface Walk {
  /** What the calls are for, as metrics name it. */
  operation: string;
  table: string;
  by: TimeField;
  fields: readonly string[];
}

const Row = z.looseObject({
  sys_id: z.string().regex(SYS_ID),
  sys_updated_on: SecondText.optional(),
  sys_created_on: SecondText.optional(),
});
/** A record of a walk. The field that the walk goes by is there. */
export type WalkedRow = z.infer<typeof Row>;

/** Where a walk from an hour on begins: the instance keeps whole seconds, so it is cut to its second. */
export function cursorAt(ms: number): Cursor {
  const second = new Date(Math.max(0, ms)).toISOString().slice(0, 19).replace("T", " ");
  return { second, id: undefined, limit: PAGE_ROWS };
}

/** A place as it may come back from outside; undefined where it cannot be one of ours. */
export function cursorFrom(second: string, id: string | undefined, limit: number): Cursor | undefined {
  return limit > ROWS_MAX || limit < 1 ? undefined : { second, id, limit };
}

/** A time of the instance in ms since 1970; NaN where it is none. */
export function msOf(text: string): number {
  return Date.parse(`${text.replace(" ", "T")}Z`);
}

/**
 * One page of a walk. A short page is no end: hidden records are taken out of it after it was cut. The end (`next` is
 * undefined) is an empty page, or one that the count proves to be the last.
 */
export async function keysetPage(
  connection: string,
  client: ServiceNowClient,
  walk: Walk,
  cursor: Cursor,
): Promise<{ rows: WalkedRow[]; next: Cursor | undefined; total: number | undefined }> {
  const { operation, table, by, fields } = walk;
  const listing = { operation, table, query: queryFrom(by, cursor), limit: cursor.limit, row: Row, counted: true };
  const { rows, total } = await listRows(connection, client, { ...listing, fields: ["sys_id", by, ...fields] });
  if (!inOrder(by, cursor, rows)) {
    const message = `${connection} answered a page of ${table} that does not move on; its order is not to be relied on`;
    throw new ConnectorError({ kind: "protocol", connection, message });
  }
  return { rows: rows.slice(0, PAGE_ROWS), next: nextOf(connection, { walk, cursor, rows, total }), total };
}

function queryFrom(by: TimeField, { second, id }: Cursor): Query {
  const from = { field: by, is: ">=", value: second } as const;
  const later = { field: by, is: ">", value: second } as const;
  const behind = id === undefined ? [] : [{ any: [later, { field: "sys_id", is: ">", value: id } as const] }];
  return { where: [from, ...behind], order: [{ field: by }, { field: "sys_id" }] };
}

function inOrder(by: TimeField, { second, id }: Cursor, rows: readonly WalkedRow[]): boolean {
  let last = `${second} ${id ?? ""}`;
  for (const row of rows) {
    const at = `${row[by] ?? ""} ${row.sys_id}`;
    if (at <= last) return false;
    last = at;
  }
  return true;
}

function nextOf(
  connection: string,
  page: { walk: Walk; cursor: Cursor; rows: readonly WalkedRow[]; total: number | undefined },
): Cursor | undefined {
  const { walk, cursor, rows, total } = page;
  const seen = rows.slice(0, PAGE_ROWS);
  const last = seen.at(-1);
  if (seen.length === rows.length && total !== undefined && total <= cursor.limit) return undefined;
  if (last) return { second: last[walk.by] ?? cursor.second, id: last.sys_id, limit: PAGE_ROWS };
  if (total === undefined) return undefined;
  // All that the page was cut from is hidden from us, and there is more. Their keys are not known, so the page grows.
  const limit = cursor.limit * 2;
  if (limit <= ROWS_MAX) return { ...cursor, limit };
  const message = `${connection} hides ${cursor.limit} records of ${walk.table} in a row from the integration user; give it the right to read them, or take ${walk.table} out of records`;
  throw new ConnectorError({ kind: "rejected", connection, message });
}
