import { z } from "zod";
import { ConnectorError, type FaultKind } from "../../core/errors.ts";
import type { ServiceNowClient } from "./client.ts";
import type { Query } from "./query.ts";
import { inChunks, listRows, SYS_ID } from "./table.ts";

/** So that a URL stays below the 2 kB that some fronts refuse beyond. */
const IDS_AT_ONCE = 40;
const PAGE_ROWS = 500;
/** Row ACLs thin pages out after they are cut; this bounds the calls where they leave next to nothing. */
const PAGES_MAX = 40;

const Row = z.looseObject({ sys_id: z.string().regex(SYS_ID) });
/** A row of the Table API, raw values. */
export type Row = z.infer<typeof Row>;

export interface Listing {
  /** What the call is for, as metrics name it. */
  operation: string;
  table: string;
  where: Query["where"];
  /** Beside those of `where`, which every row is checked by. */
  fields: readonly string[];
  rowsMax: number;
}

/** Reads over the Table API that notice when they were not answered what they asked. Every failure is a ConnectorError. */
export interface Listings {
  /** Every row of a query that we may see, ordered by sys_id. */
  list(listing: Listing): Promise<Listed>;
  /** Rows by sys_id; those that are missing or hidden are left out. */
  byIds(table: string, ids: readonly string[], fields: readonly string[]): Promise<Map<string, Row>>;
  fault(kind: FaultKind, message: string): ConnectorError;
}

export interface Listed {
  rows: Row[];
  /** There are, or may be, more than these. */
  cut: boolean;
  /** There are more than these that we may not see, as far as the instance's own count tells. */
  hidden: boolean;
}

interface Page {
  found: Row[];
  /** How many records meet the query, those hidden from us included; undefined where the instance does not say. */
  total: number | undefined;
  /** Nothing comes behind it. A short page is no proof: it is cut before rows that we may not see are taken out of it. */
  last: boolean;
}

export function listings(connection: string, client: ServiceNowClient): Listings {
  function fault(kind: FaultKind, message: string): ConnectorError {
    return new ConnectorError({ kind, connection, message: `${connection} ${message}` });
  }

  async function page({ operation, table, where, fields }: Listing, limit: number): Promise<Page> {
    const { rows, total } = await listRows(connection, client, {
      ...{ operation, table, limit, row: Row, counted: true },
      query: { where, order: [{ field: "sys_id" }] },
      fields: ["sys_id", ...fields],
    });
    return { found: rows, total, last: rows.length === 0 || (total !== undefined && total <= limit) };
  }

  async function list(listing: Listing): Promise<Listed> {
    const { table, where, rowsMax } = listing;
    const rows: Row[] = [];
    let after = "";
    let counted: number | undefined;
    for (let pages = 0; pages < PAGES_MAX && rows.length <= rowsMax; pages += 1) {
      const next: Query["where"] = after === "" ? where : [...where, { field: "sys_id", is: ">", value: after }];
      const { found, total, last } = await page({ ...listing, where: next }, Math.min(PAGE_ROWS, rowsMax + 1));
      if (pages === 0) counted = total;
      for (const row of found) {
        if (row.sys_id <= after) throw fault("protocol", `answered a read of ${table} out of order`);
        after = row.sys_id;
        rows.push(row);
      }
      if (last && rows.length <= rowsMax) return { rows, cut: false, hidden: rows.length < (counted ?? 0) };
    }
    return { rows: rows.slice(0, rowsMax), cut: true, hidden: false };
  }

  async function byIds(table: string, ids: readonly string[], fields: readonly string[]): Promise<Map<string, Row>> {
    const found = new Map<string, Row>();
    for (const chunk of idChunks(ids)) {
      const where = [{ field: "sys_id", in: chunk }];
      const rows = await page(
        { operation: `read_${table}`, table, where, fields, rowsMax: chunk.length },
        chunk.length,
      );
      for (const row of rows.found) found.set(row.sys_id, row);
    }
    return found;
  }

  return { list, byIds, fault };
}

/** Ids in portions that a URL can carry. What is no sys_id is left out: it cannot be one of a record. */
export function idChunks(ids: readonly string[]): string[][] {
  const valid = [...new Set(ids)].filter(isSysId);
  return inChunks(valid, IDS_AT_ONCE);
}

/** Whether a text can be a sys_id, and so stand in a path or a query. */
export function isSysId(text: string): boolean {
  return SYS_ID.test(text);
}

/** A field of a row as text; empty where it is absent, the sys_id of a reference that came with its link. */
export function textOf(row: Row, field: string): string {
  const value = row[field];
  if (typeof value === "object" && value !== null && "value" in value) return String(value.value);
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** `2026-01-31 09:15:30` in UTC as ms since 1970; null for an empty or unreadable text. */
export function timeOf(text: string): number | null {
  if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(text)) return null;
  const ms = Date.parse(`${text.replace(" ", "T")}Z`);
  return Number.isNaN(ms) ? null : ms;
}

/** Ms since 1970 as the instance writes it, cut to its whole seconds. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace("T", " ");
}
