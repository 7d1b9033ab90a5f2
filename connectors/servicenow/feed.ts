import { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import type { ChangedPage, ChangedRecord } from "../../core/ports.ts";
import type { ServiceNowClient } from "./client.ts";
import { type Cursor, cursorAt, cursorFrom, keysetPage, msOf } from "./keyset.ts";
import { listRows } from "./table.ts";

const CURSOR = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) ([0-9a-f]{32}|-) (\d{1,5})$/;

const Row = z.looseObject({
  sys_id: z.string(),
  number: z.string().optional(),
  sys_mod_count: z.string().regex(/^\d+$/),
  sys_updated_on: z.string(),
});

/**
 * One page of what was edited at or after a time, by (sys_updated_on, sys_id). The instance keeps whole seconds, so the
 * time is cut to its second, and records of one second stand apart by their sys_id.
 */
export async function changedPage(
  connection: string,
  client: ServiceNowClient,
  { table, sinceMs, after }: { table: string; sinceMs: number; after: string | undefined },
): Promise<ChangedPage> {
  const cursor = after === undefined ? cursorAt(sinceMs) : parsed(connection, after);
  const walk = { operation: "feed", table, by: "sys_updated_on", fields: ["number", "sys_mod_count"] } as const;
  const { rows, next } = await keysetPage(connection, client, walk, cursor);
  const changed = z.array(Row).safeParse(rows);
  if (!changed.success) {
    const message = `${connection} answered feed of ${table} in an unknown form`;
    throw new ConnectorError({ kind: "protocol", connection, message });
  }
  return { records: changed.data.map((row) => changedRecord(table, row)), next: next && written(next) };
}

function written({ second, id, limit }: Cursor): string {
  return `${second} ${id ?? "-"} ${limit}`;
}

function parsed(connection: string, after: string): Cursor {
  const [, second, id, limit] = CURSOR.exec(after) ?? [];
  const cursor = second === undefined ? undefined : cursorFrom(second, id === "-" ? undefined : id, Number(limit));
  if (cursor) return cursor;
  const message = `the place to go on from in ${connection} is not one of its own; start again without it`;
  throw new ConnectorError({ kind: "rejected", connection, message });
}

function changedRecord(type: string, row: z.infer<typeof Row>): ChangedRecord {
  const { sys_id: id, number, sys_mod_count: revision, sys_updated_on } = row;
  return { type, id, key: number ?? id, revision, updatedAtMs: msOf(sys_updated_on) };
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
