import { z } from "zod";
import type { FieldWrite, Overwrite, Write } from "../../core/ports.ts";
import type { ServiceNowClient } from "./client.ts";
import { idsThatFit, inChunks, listRows, SYS_ID } from "./table.ts";

const ROWS_MAX = 1_000;

const AuditRow = z.looseObject({
  documentkey: z.string(),
  fieldname: z.string(),
  oldvalue: z.string(),
  newvalue: z.string(),
  record_checkpoint: z.string().optional(),
});
type AuditRow = z.infer<typeof AuditRow>;

/** Edits of the written fields since each write's reading, oldest first, by the ticket's sys_id. */
export type Histories = (write: Write) => readonly AuditRow[];

/** Asks the field history (sys_audit) of all written tickets at once, in as few calls as addresses can carry. */
export async function historiesOf(
  connection: string,
  client: ServiceNowClient,
  writes: readonly Write[],
): Promise<Histories> {
  const paths = [...new Set(writes.flatMap(pathsOf))];
  const ids = [...new Set(writes.map(({ ref }) => ref.id))].filter((id) => SYS_ID.test(id));
  const byTicket = new Map<string, AuditRow[]>();
  if (paths.length === 0 || ids.length === 0) return () => [];
  const listing = (chunk: readonly string[]) => ({
    operation: "read_history",
    table: "sys_audit",
    query: {
      where: [
        { field: "documentkey", in: chunk },
        { field: "fieldname", in: paths },
      ],
      order: [{ field: "record_checkpoint", descending: true }],
    },
    fields: ["documentkey", "fieldname", "oldvalue", "newvalue", "record_checkpoint"],
    limit: ROWS_MAX,
    row: AuditRow,
  });
  const chunks = inChunks(ids, idsThatFit(client, connection, listing));
  for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) {
    const { rows } = await listRows(connection, client, listing(chunk));
    if (rows.length >= ROWS_MAX && chunk.length > 1) {
      // What was cut off may be our own edit: fewer tickets at once leave room for all of it.
      chunks.push(...inChunks(chunk, Math.ceil(chunk.length / 2)));
      continue;
    }
    for (const id of chunk) byTicket.set(id, []);
    for (const row of rows) byTicket.get(row.documentkey)?.push(row);
  }
  return (write) => {
    const written = new Set(pathsOf(write));
    const edits = (byTicket.get(write.ref.id) ?? []).filter(({ fieldname }) => written.has(fieldname));
    return since(write.revision, edits);
  };
}

function pathsOf({ fields }: Write): string[] {
  return fields.flatMap(({ patch }) => Object.keys(patch));
}

/**
 * What came after a revision, oldest first, of a history that is newest first: there the first edit to our value is
 * ours, and neither an older one nor one that a person makes later is mistaken for it. All of it, where the history
 * does not count revisions.
 */
function since(revision: string, history: readonly AuditRow[]): AuditRow[] {
  if (history.some(({ record_checkpoint }) => !/^\d+$/.test(record_checkpoint ?? ""))) return [...history];
  return history.filter(({ record_checkpoint }) => Number(record_checkpoint) > Number(revision)).reverse();
}

/** What a write of ours replaced: undefined when our edit is not in the history, null when it replaced what we had seen. */
export function replacedBy(
  field: FieldWrite,
  sent: Readonly<Record<string, string>>,
  history: readonly AuditRow[],
): Overwrite | null | undefined {
  const patch: Record<string, string> = {};
  for (const [path, value] of Object.entries(sent)) {
    const ours = history.find((row) => row.fieldname === path && row.newvalue === value);
    if (!ours) return undefined;
    if (ours.oldvalue !== String(field.seen[path] ?? "")) patch[path] = ours.oldvalue;
  }
  const [first] = Object.values(patch);
  return first === undefined ? null : { actionId: field.actionId, patch, value: first };
}
