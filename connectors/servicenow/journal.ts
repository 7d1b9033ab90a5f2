import { z } from "zod";
import type { MarkerQuery } from "../../core/ports.ts";
import type { ServiceNowClient } from "./client.ts";
import { idsThatFit, inChunks, listRows, SYS_ID } from "./table.ts";

const ROWS_MAX = 1_000;

const JournalRow = z.looseObject({ element_id: z.string(), value: z.string() });

export type MarkerState = "present" | "absent" | "unreadable";

/** Looks for markers in the work notes (sys_journal_field): `absent` only where the journal could be read to its end. */
export async function markerStates(
  connection: string,
  client: ServiceNowClient,
  queries: readonly MarkerQuery[],
): Promise<Map<string, MarkerState>> {
  const states = new Map<string, MarkerState>();
  const listing = (ids: readonly string[]) => ({
    operation: "read_journal",
    table: "sys_journal_field",
    query: {
      where: [
        { field: "element_id", in: ids },
        { field: "element", is: "=", value: "work_notes" } as const,
        { field: "value", is: "LIKE", value: "[il:" } as const,
      ],
      order: [{ field: "sys_created_on", descending: true }],
    },
    fields: ["element_id", "value"],
    limit: ROWS_MAX,
    row: JournalRow,
  });
  for (const { marker } of queries) states.set(marker, "unreadable");
  const ids = [...new Set(queries.map(({ ref }) => ref.id))].filter((id) => SYS_ID.test(id));
  const chunks = inChunks(ids, idsThatFit(client, connection, listing));
  for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) {
    const { rows } = await listRows(connection, client, listing(chunk));
    const cut = rows.length >= ROWS_MAX;
    if (cut && chunk.length > 1) {
      chunks.push(...inChunks(chunk, Math.ceil(chunk.length / 2)));
      continue;
    }
    // Without the right to read the journal the answer is an empty list, not an error; and a right can be taken away.
    const readable = !cut && (rows.length > 0 || (await isReadable(connection, client)));
    const asked = new Set(chunk);
    for (const { ref, marker } of queries.filter((query) => asked.has(query.ref.id))) {
      const present = rows.some((row) => row.element_id === ref.id && row.value.includes(marker));
      states.set(marker, present ? "present" : readable ? "absent" : "unreadable");
    }
  }
  return states;
}

/** Whether any work note can be read: a right to read comments proves nothing about them. */
async function isReadable(connection: string, client: ServiceNowClient): Promise<boolean> {
  const { rows } = await listRows(connection, client, {
    operation: "read_journal",
    table: "sys_journal_field",
    query: { where: [{ field: "element", is: "=", value: "work_notes" }] },
    fields: ["sys_id"],
    limit: 1,
    row: z.looseObject({}),
  });
  return rows.length > 0;
}
