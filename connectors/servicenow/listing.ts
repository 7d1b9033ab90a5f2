import { z } from "zod";
import { ConnectorError, type FaultKind } from "../../core/errors.ts";
import type { ServiceNowClient } from "./client.ts";
import type { Query } from "./query.ts";
import { batchRows, inChunks, listRows, type Rows, SYS_ID, type Listing as TableListing } from "./table.ts";

/** So that a URL stays below the 2 kB that some fronts refuse beyond. */
const IDS_AT_ONCE = 40;
const PAGE_ROWS = 500;
/** Row ACLs thin pages out after they are cut; this bounds the calls where they leave next to nothing. */
const PAGES_MAX = 40;
/** Of one batch: an instance takes some milliseconds for each part, and ends a batch after half a minute. */
const PARTS_MAX = 60;
/** Pages of a batch come in one answer: so many rows of all its parts, and of one at the least. */
const BATCH_ROWS = 30_000;
const BATCH_PAGE_ROWS = 300;
/** Batches that serve nothing, or less than was asked, before we give up. */
const BATCHES_MAX = 10;

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
  /** Of one call, where it asks for this alone; 500 otherwise. */
  pageRows?: number;
}

/** What is counted: how many records meet the conditions. */
export type Counting = Pick<Listing, "operation" | "table" | "where">;

/** One page: the first `limit` rows in an order, by sys_id where none is said. */
export interface Page extends Counting {
  fields: readonly string[];
  limit: number;
  order?: NonNullable<Query["order"]>;
}

/** Reads over the Table API that notice when they were not answered what they asked. Every failure is a ConnectorError. */
export interface Listings {
  /** Every row of a query that we may see, ordered by sys_id. */
  list(listing: Listing): Promise<Listed>;
  /** Many of them in as few calls as can be: one for a page of up to a hundred of them. */
  lists(listings: readonly Listing[]): Promise<Listed[]>;
  /** Single pages, each with its count; as few calls as for `lists`. */
  pages(asked: readonly Page[]): Promise<Rows<Row>[]>;
  /** How many records there are, those included that we may not see; as few calls as for `lists`. */
  counts(asked: readonly Counting[]): Promise<number[]>;
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

export function listings(connection: string, client: ServiceNowClient): Listings {
  function fault(kind: FaultKind, message: string): ConnectorError {
    return new ConnectorError({ kind, connection, message: `${connection} ${message}` });
  }

  function asListing({ operation, table, where, fields, limit, order }: Page): TableListing<typeof Row> {
    return {
      ...{ operation, table, limit, row: Row, counted: true },
      query: { where, order: order ?? [{ field: "sys_id" }] },
      fields: ["sys_id", ...fields],
    };
  }

  /** A call for one, batches for several. */
  async function pages(wanted: readonly Page[]): Promise<Rows<Row>[]> {
    const asked = wanted.map(asListing);
    const [only] = asked;
    if (only !== undefined && asked.length === 1) return [await listRows(connection, client, only)];
    const answers: Rows<Row>[] = [];
    for (const portion of inChunks(asked, PARTS_MAX))
      answers.push(...(await batched(connection, client, portion, fault)));
    return answers;
  }

  async function lists(asked: readonly Listing[]): Promise<Listed[]> {
    const runs = asked.map((listing) => new Run(listing, fault));
    for (let rounds = 0; rounds < PAGES_MAX; rounds += 1) {
      const open = runs.filter(({ listed }) => listed === undefined);
      if (open.length === 0) break;
      const asked = open.map((run) => run.next(open.length));
      for (const [at, answer] of (await pages(asked)).entries()) open[at]?.take(answer, asked[at]?.limit ?? 0);
    }
    return runs.map((run) => run.listed ?? run.cutOff());
  }

  async function list(listing: Listing): Promise<Listed> {
    const [listed] = await lists([listing]);
    if (listed) return listed;
    throw fault("protocol", "answered nothing");
  }

  async function counts(asked: readonly Counting[]): Promise<number[]> {
    const answers = await pages(asked.map((one) => ({ ...one, fields: [], limit: 1 })));
    return asked.map((one, at) => counted(one, answers[at], fault));
  }

  async function byIds(table: string, ids: readonly string[], fields: readonly string[]): Promise<Map<string, Row>> {
    const found = new Map<string, Row>();
    for (const chunk of idChunks(ids)) {
      const where = [{ field: "sys_id", in: chunk }];
      const [answer] = await pages([{ operation: `read_${table}`, table, where, fields, limit: chunk.length }]);
      for (const row of answer?.rows ?? []) found.set(row.sys_id, row);
    }
    return found;
  }

  return { list, lists, pages, counts, byIds, fault };
}

/** All parts of a batch; what the instance leaves unserved is asked again, a few times. */
async function batched(
  connection: string,
  client: ServiceNowClient,
  asked: readonly TableListing<typeof Row>[],
  fault: (kind: FaultKind, message: string) => ConnectorError,
): Promise<Rows<Row>[]> {
  const served = new Map<TableListing<typeof Row>, Rows<Row>>();
  for (let batches = 0; batches < BATCHES_MAX && served.size < asked.length; batches += 1) {
    const left = asked.filter((one) => !served.has(one));
    const answers = await batchRows(connection, client, left);
    for (const [at, one] of left.entries()) {
      const answer = answers[at];
      if (answer) served.set(one, answer);
    }
  }
  return asked.map((one) => {
    const answer = served.get(one);
    if (answer) return answer;
    throw fault("unavailable", `left parts of ${BATCHES_MAX} batches in a row unserved; it is short of time or room`);
  });
}

/** One listing on its way, page by page. */
class Run {
  readonly #listing: Listing;
  readonly #fault: Listings["fault"];
  readonly #rows: Row[] = [];
  #after = "";
  /** How many records meet the query, those hidden from us included; undefined where the instance does not say. */
  #counted: number | undefined;
  /** What it came to, once that is known. */
  listed: Listed | undefined;

  constructor(listing: Listing, fault: Listings["fault"]) {
    this.#listing = listing;
    this.#fault = fault;
  }

  /** What the next page asks for: keys instead of offsets, which drift while others write. Pages of a batch share its room. */
  next(together: number): Page {
    const { operation, table, where, fields, rowsMax, pageRows = PAGE_ROWS } = this.#listing;
    const after = { field: "sys_id", is: ">", value: this.#after } as const;
    const room =
      together === 1 ? pageRows : Math.min(pageRows, Math.max(BATCH_PAGE_ROWS, Math.floor(BATCH_ROWS / together)));
    return {
      ...{ operation, table, fields, limit: Math.min(room, rowsMax + 1) },
      where: this.#after === "" ? where : [...where, after],
    };
  }

  take({ rows, total }: Rows<Row>, limit: number): void {
    const { table, rowsMax } = this.#listing;
    if (this.#after === "") this.#counted = total;
    for (const row of rows) {
      if (row.sys_id <= this.#after) throw this.#fault("protocol", `answered a read of ${table} out of order`);
      this.#after = row.sys_id;
      this.#rows.push(row);
    }
    // A short page proves nothing: it is cut before rows that we may not see are taken out of it.
    const isLast = rows.length === 0 || (total !== undefined && total <= limit);
    if (this.#rows.length > rowsMax) this.listed = this.cutOff();
    else if (isLast) this.listed = { rows: this.#rows, cut: false, hidden: this.#rows.length < (this.#counted ?? 0) };
  }

  cutOff(): Listed {
    return { rows: this.#rows.slice(0, this.#listing.rowsMax), cut: true, hidden: false };
  }
}

/**
 * The count that came with a page. Throws where there is none, and where no row shows that the instance has understood
 * the question: it passes over a condition that it does not know.
 */
export function counted(
  { table, operation }: Counting,
  answer: Rows<Row> | undefined,
  fault: Listings["fault"],
): number {
  if (answer?.total === undefined)
    throw fault(
      "protocol",
      `did not say how many records of ${table} there are (${operation}); see whether a proxy takes X-Total-Count away`,
    );
  if (answer.total > 0 && answer.rows.length === 0)
    throw fault(
      "rejected",
      `does not show all of ${table} (${operation}); give the integration user read on every row of it`,
    );
  return answer.total;
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
