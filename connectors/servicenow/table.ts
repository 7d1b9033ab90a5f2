import { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import { ADDRESS_BYTES_MAX, type Listed, type ListRequest, type ServiceNowClient } from "./client.ts";
import { encodedQuery, holds, type Query } from "./query.ts";

export const SYS_ID = /^[0-9a-f]{32}$/;
/** More ids at once make no call cheaper. */
const IDS_MAX = 50;
/** A sys_id and its comma. */
const ID_BYTES = 33;

/** A question to one table. */
export interface Listing<Row extends z.ZodType> {
  /** What the call is for, as metrics name it. */
  operation: string;
  table: string;
  query: Query;
  /** Those that the query's conditions are about are asked for besides. */
  fields: readonly string[];
  limit: number;
  row: Row;
  /** Asks for the count of records as well, which the instance has to make. */
  counted?: boolean;
}

export interface Rows<Row> {
  rows: Row[];
  /** How many records meet the query, those hidden from us included; undefined where it was not asked or not said. */
  total: number | undefined;
}

/**
 * Asks a table. A row that does not meet the query is `protocol`, since an instance skips a condition that it does not
 * understand; so is a row of another form. There may be fewer rows than the limit although there are more records: the
 * limit is cut before rows that are hidden from us are taken out.
 */
export async function listRows<Row extends z.ZodType>(
  connection: string,
  client: ServiceNowClient,
  listing: Listing<Row>,
): Promise<Rows<z.output<Row>>> {
  return rowsFrom(connection, listing, await client.list(requestFor(connection, listing)));
}

/** Asks many tables in one call; undefined for a listing that the instance had no room left for. Otherwise as `listRows`. */
export async function batchRows<Row extends z.ZodType>(
  connection: string,
  client: ServiceNowClient,
  asked: readonly Listing<Row>[],
): Promise<(Rows<z.output<Row>> | undefined)[]> {
  const requests = asked.map((listing) => requestFor(connection, listing));
  const answers = await client.batch("batch", requests);
  return asked.map((listing, at) => {
    const answer = answers[at];
    return answer && rowsFrom(connection, listing, answer);
  });
}

function rowsFrom<Row extends z.ZodType>(
  connection: string,
  { operation, table, query, row }: Listing<Row>,
  { result, total }: Listed,
): Rows<z.output<Row>> {
  const fault = (what: string): ConnectorError =>
    new ConnectorError({
      kind: "protocol",
      connection,
      message: `${connection} answered ${operation} of ${table} ${what}`,
    });
  const raw = z.array(z.looseObject({})).safeParse(result);
  const rows = z.array(row).safeParse(result);
  if (!raw.success || !rows.success) throw fault("in an unknown form");
  if (!raw.data.every((one) => holds(query, one)))
    throw fault(
      `with a record that was not asked for, or without a field that was asked by; check that ${fieldsAskedBy(query).join(", ")} exist and that the integration user may read them`,
    );
  return { rows: rows.data, total };
}

function requestFor(connection: string, listing: Omit<Listing<z.ZodType>, "row">): ListRequest {
  const { operation, table, query, fields, limit, counted } = listing;
  const params = {
    sysparm_query: encodedQuery(connection, query),
    sysparm_fields: [...new Set([...fields, ...fieldsAskedBy(query)])].join(","),
    sysparm_limit: String(limit),
    sysparm_exclude_reference_link: "true",
    sysparm_display_value: "false",
    ...(!counted && { sysparm_no_count: "true" }),
  };
  return { operation, method: "GET", path: `/api/now/table/${table}`, params };
}

function fieldsAskedBy({ where }: Query): string[] {
  return [...new Set(where.flatMap((one) => ("any" in one ? one.any : [one])).map(({ field }) => field))];
}

/** How many sys_ids a listing's list of ids may hold, so that its address stays below ADDRESS_BYTES_MAX; at least one. */
export function idsThatFit(
  client: ServiceNowClient,
  connection: string,
  listing: (ids: readonly string[]) => Omit<Listing<z.ZodType>, "row">,
): number {
  const withOne = client.addressBytes(requestFor(connection, listing(["0".repeat(32)])));
  // Two more for the digits of the limit.
  const more = Math.floor((ADDRESS_BYTES_MAX - withOne - 2) / ID_BYTES);
  return Math.max(1, Math.min(IDS_MAX, 1 + more));
}

/** The list in pieces of at most `size`. */
export function inChunks<Item>(items: readonly Item[], size: number): Item[][] {
  const chunks: Item[][] = [];
  for (let start = 0; start < items.length; start += size) chunks.push(items.slice(start, start + size));
  return chunks;
}
