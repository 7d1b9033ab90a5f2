import { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import type { Patience } from "../../core/ports.ts";
import type { Edit } from "../versions.ts";
import type { ServiceNowClient } from "./client.ts";
import { msOf } from "./keyset.ts";
import { idsThatFit, inChunks, listRows, SYS_ID } from "./table.ts";

const PAGE_ROWS = 500;
/** Pages of one question; where they do not do, fewer tickets are asked about at once. */
const PAGES_MAX = 40;

const TABLE = "sys_audit";

const AuditRow = z.looseObject({
  sys_id: z.string().regex(SYS_ID),
  documentkey: z.string(),
  fieldname: z.string(),
  oldvalue: z.string(),
  newvalue: z.string(),
  record_checkpoint: z.string().optional(),
  sys_created_on: z.string().refine((text) => !Number.isNaN(msOf(text))),
});
type AuditRow = z.infer<typeof AuditRow>;

export interface Auditing {
  connection: string;
  client: ServiceNowClient;
  patiently: Patience;
}

/** A record whose edits are asked for, as it stands now. */
export interface AuditedRecord {
  sysId: string;
  /** `sys_mod_count`: edits that came after it was read are left out. */
  modCount: string;
  /** `sys_created_on`. */
  createdOn: string;
}

/**
 * The field history (sys_audit) of records, oldest first, of the named fields only, by sys_id. A record whose history
 * is too long to be read is not in the answer. Throws `rejected`, with what to grant, where the instance hides entries:
 * a history with holes would be told as a whole one.
 */
export async function editsOf(
  auditing: Auditing,
  records: readonly AuditedRecord[],
  fields: readonly string[],
): Promise<Map<string, Edit<string>[]>> {
  const { connection, client } = auditing;
  const found = new Map<string, Edit<string>[]>();
  const fit = idsThatFit(client, connection, (ids) => listing(ids, fields, "0".repeat(32)));
  const rowsOf = async (chunk: readonly AuditedRecord[]): Promise<void> => {
    const ids = chunk.map(({ sysId }) => sysId);
    const rows = await allRows(auditing, ids, fields);
    if (rows === undefined) {
      // One of them has edits without end: the others need not suffer for it.
      if (chunk.length > 1) for (const half of inChunks(chunk, Math.ceil(chunk.length / 2))) await rowsOf(half);
      return;
    }
    const byRecord = Map.groupBy(rows, ({ documentkey }) => documentkey);
    for (const record of chunk) found.set(record.sysId, editsFrom(byRecord.get(record.sysId) ?? [], record));
  };
  await Promise.all(inChunks(records, fit).map(rowsOf));
  return found;
}

/** Throws `rejected` where the account sees nothing at all in sys_audit. */
export async function expectAudit({ connection, client, patiently }: Auditing): Promise<void> {
  const any = { operation: "read_history", table: TABLE, query: { where: [] }, fields: ["sys_id"], limit: 1 };
  const { rows } = await granted(connection, () =>
    patiently(() => listRows(connection, client, { ...any, row: z.looseObject({}) })),
  );
  if (rows.length === 0) throw closed(connection, "shows no entry of sys_audit at all to the integration user");
}

function listing(ids: readonly string[], fields: readonly string[], after: string) {
  const behind = after === "" ? [] : [{ field: "sys_id", is: ">", value: after } as const];
  return {
    operation: "read_history",
    table: TABLE,
    query: {
      where: [{ field: "documentkey", in: ids }, { field: "fieldname", in: fields }, ...behind],
      order: [{ field: "sys_id" }],
    },
    fields: ["sys_id", "documentkey", "fieldname", "oldvalue", "newvalue", "record_checkpoint", "sys_created_on"],
    limit: PAGE_ROWS,
    row: AuditRow,
    counted: true,
  };
}

/** Undefined where there are more than can be read at once. */
async function allRows(
  { connection, client, patiently }: Auditing,
  ids: readonly string[],
  fields: readonly string[],
): Promise<AuditRow[] | undefined> {
  const rows: AuditRow[] = [];
  let total: number | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const asked = listing(ids, fields, rows.at(-1)?.sys_id ?? "");
    const answer = await granted(connection, () => patiently(() => listRows(connection, client, asked)));
    total ??= answer.total;
    rows.push(...answer.rows);
    const last = answer.rows.length === 0 || (answer.total !== undefined && answer.total <= PAGE_ROWS);
    if (!last) continue;
    if (total !== undefined && total > rows.length)
      throw closed(connection, `hides ${total - rows.length} entries of sys_audit from the integration user`);
    return rows;
  }
  return undefined;
}

/** One edit for each update of the record. Where the history does not count updates, for each second. */
function editsFrom(rows: readonly AuditRow[], { modCount, createdOn }: AuditedRecord): Edit<string>[] {
  const counted = rows.every(({ record_checkpoint }) => /^\d+$/.test(record_checkpoint ?? ""));
  // An instance that hides the count of updates cannot say what came after we had read.
  const lastEdit = modCount === "" ? Number.POSITIVE_INFINITY : Number(modCount);
  // Where inserts are audited, they stand there as changes from nothing.
  const edits = rows.filter(({ record_checkpoint, oldvalue, sys_created_on }) =>
    counted
      ? Number(record_checkpoint) > 0 && Number(record_checkpoint) <= lastEdit
      : sys_created_on !== createdOn || oldvalue !== "",
  );
  const moments = Map.groupBy(edits, (row) => (counted ? Number(row.record_checkpoint) : msOf(row.sys_created_on)));
  return [...moments]
    .sort(([one], [other]) => one - other)
    .map(([moment, changed]) => ({
      atMs: Math.min(...changed.map(({ sys_created_on }) => msOf(sys_created_on))),
      revision: String(moment),
      changes: changed.map(({ fieldname, oldvalue, newvalue }) => ({
        field: fieldname,
        before: oldvalue,
        after: newvalue,
      })),
    }));
}

async function granted<T>(connection: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof ConnectorError) || error.status !== 403) throw error;
    throw closed(connection, "does not let the integration user read sys_audit", error);
  }
}

function closed(connection: string, what: string, cause?: unknown): ConnectorError {
  const message = `${connection} ${what}, so how tickets were opened and what became of them cannot be told. Give its role a read ACL on sys_audit and all its fields (docs/servicenow.md), or export the history to a file`;
  return new ConnectorError({ kind: "rejected", connection, status: 403, message, cause });
}
