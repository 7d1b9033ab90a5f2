import { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import type {
  Connector,
  FieldWrite,
  MarkerQuery,
  Overwrite,
  ReadOutcome,
  VendorRecord,
  Write,
  WriteResult,
  WriteValue,
} from "../../core/ports.ts";
import { type ClientDeps, type ServiceNowClient, servicenowClient } from "./client.ts";
import { type Directory, directory } from "./directory.ts";

const SYS_ID = /^[0-9a-f]{32}$/;
/** URLs beyond about 2 kB are refused by some fronts. */
const QUERY_BYTES_MAX = 1_800;
const READ_MAX = 50;
const JOURNAL_ROWS_MAX = 1_000;
const HISTORY_ROWS_MAX = 100;

const Row = z.looseObject({ sys_id: z.string() });
const AuditRow = z.looseObject({
  fieldname: z.string(),
  oldvalue: z.string(),
  newvalue: z.string(),
  record_checkpoint: z.string().optional(),
});
type AuditRow = z.infer<typeof AuditRow>;
const JournalRow = z.looseObject({ element_id: z.string(), value: z.string() });

export interface ServiceNowOptions extends ClientDeps {
  /** Fields that the mappings of each table need. */
  fields: ReadonlyMap<string, readonly string[]>;
}

/** ServiceNow over the Table API: bulk reads by sys_id, one PATCH per ticket, notes read back from the journal. */
export function servicenowConnector(options: ServiceNowOptions): Connector {
  return new ServiceNowConnector(options);
}

class ServiceNowConnector implements Connector {
  readonly connection: string;
  readonly readMax: number;
  readonly #options: ServiceNowOptions;
  readonly #client: ServiceNowClient;
  readonly #names: Directory;

  constructor(options: ServiceNowOptions) {
    const { connection, fields } = options;
    const longest = Math.max(0, ...[...fields.values()].map((names) => names.join(",").length));
    this.connection = connection;
    this.readMax = Math.max(1, Math.min(READ_MAX, Math.floor((QUERY_BYTES_MAX - longest) / 33)));
    this.#options = options;
    this.#client = servicenowClient(options);
    this.#names = directory(connection, this.#client);
  }

  #protocol(message: string): ConnectorError {
    return new ConnectorError({
      kind: "protocol",
      connection: this.connection,
      message: `${this.connection} ${message}`,
    });
  }

  async #table(operation: string, name: string, params: Record<string, string>): Promise<unknown> {
    const common = { sysparm_exclude_reference_link: "true", sysparm_no_count: "true", sysparm_display_value: "false" };
    return this.#client.send({
      operation,
      method: "GET",
      path: `/api/now/table/${name}`,
      params: { ...common, ...params },
    });
  }

  async read(type: string, ids: readonly string[]): Promise<ReadOutcome[]> {
    const asked = new Set(ids.filter((id) => SYS_ID.test(id)));
    const found = new Map<string, VendorRecord>();
    if (asked.size > 0) {
      const fields = [
        ...new Set(["sys_id", "number", "sys_mod_count", ...(this.#options.fields.get(type) ?? [])]),
      ].join(",");
      const rows = z.array(Row).safeParse(
        await this.#table("read", type, {
          sysparm_query: `sys_idIN${[...asked].join(",")}`,
          sysparm_fields: fields,
          sysparm_limit: String(asked.size),
        }),
      );
      if (!rows.success) throw this.#protocol(`answered a read of ${type} in an unknown form`);
      for (const row of rows.data) {
        // An unknown field in a condition widens the query to the whole table; a row we did not ask for shows it.
        if (!asked.has(row.sys_id))
          throw this.#protocol(`answered a read of ${type} with a record that was not asked for`);
        found.set(row.sys_id, row);
      }
    }
    return ids.map((id) => {
      const record = found.get(id);
      return record
        ? {
            id,
            found: true,
            key: String(record["number"] ?? id),
            recordType: type,
            revision: String(record["sys_mod_count"] ?? ""),
            record,
          }
        : { id, found: false };
    });
  }

  async #refuseStale(write: Write): Promise<void> {
    if (this.#options.clock.now() - write.readAtMs <= this.#options.limits.staleReadMs) return;
    const rows = z.array(z.looseObject({ sys_mod_count: z.string() })).safeParse(
      await this.#table("check", write.recordType, {
        sysparm_query: `sys_id=${write.ref.id}`,
        sysparm_fields: "sys_id,sys_mod_count",
        sysparm_limit: "2",
      }),
    );
    const row = rows.success && rows.data.length === 1 ? rows.data[0] : undefined;
    if (row?.sys_mod_count === write.revision) return;
    throw new ConnectorError({
      kind: "conflict",
      connection: this.connection,
      message: `${write.ref.key} changed after it was read; nothing was written`,
    });
  }

  async #patchOf(fields: readonly FieldWrite[]): Promise<Record<string, string>> {
    const body: Record<string, string> = {};
    for (const field of fields)
      for (const [path, value] of Object.entries(field.patch)) body[path] = await vendorText(value, this.#names);
    return body;
  }

  async write(change: Write): Promise<WriteResult> {
    const body = await this.#patchOf(change.fields);
    await this.#refuseStale(change);
    const { note } = change;
    const echo = ["sys_id", "sys_mod_count", ...Object.keys(body)].join(",");
    const answer = await this.#client.send({
      operation: "write",
      method: "PATCH",
      path: `/api/now/table/${change.recordType}/${change.ref.id}`,
      params: { sysparm_fields: echo, sysparm_exclude_reference_link: "true", sysparm_display_value: "false" },
      body: { ...body, ...(note && { work_notes: note.text }) },
    });
    const row = Row.safeParse(answer);
    if (!row.success)
      throw new ConnectorError({
        kind: "protocol",
        connection: this.connection,
        message: `${this.connection} answered a write in an unknown form`,
        outcome: "unknown",
      });
    const dropped = change.fields.flatMap((field) => droppedFields(field, body, row.data));
    const lost = new Set(dropped.map(({ actionId }) => actionId));
    return {
      applied: change.fields.map(({ actionId }) => actionId).filter((id) => !lost.has(id)),
      unconfirmed: note ? [note.actionId] : [],
      dropped,
      // Our own update raises the counter by one. More than that is somebody else's edit, or a rule of the instance.
      raced: Number(row.data["sys_mod_count"]) !== Number(change.revision) + 1,
    };
  }

  async overwritten(writes: readonly Write[]): Promise<{ found: Overwrite[]; unknown: string[] }> {
    const found: Overwrite[] = [];
    const unknown: string[] = [];
    for (const write of writes) {
      const history = await this.#historyOf(write);
      for (const field of write.fields) {
        const replaced = replacedBy(field, await this.#patchOf([field]), history);
        if (replaced === undefined) unknown.push(field.actionId);
        else if (replaced !== null) found.push(replaced);
      }
    }
    return { found, unknown };
  }

  /** Changes of the written fields, those after our reading first. */
  async #historyOf(write: Write): Promise<AuditRow[]> {
    const paths = [...new Set(write.fields.flatMap(({ patch }) => Object.keys(patch)))];
    const rows = z.array(AuditRow).safeParse(
      await this.#table("read_history", "sys_audit", {
        sysparm_query: `documentkey=${write.ref.id}^fieldnameIN${paths.join(",")}^ORDERBYDESCrecord_checkpoint`,
        sysparm_fields: "fieldname,oldvalue,newvalue,record_checkpoint",
        sysparm_limit: String(HISTORY_ROWS_MAX),
      }),
    );
    if (!rows.success) throw this.#protocol("answered a read of the field history in an unknown form");
    return since(write.revision, rows.data);
  }

  async confirm(queries: readonly MarkerQuery[]): Promise<Map<string, "present" | "absent" | "unreadable">> {
    const states = new Map<string, "present" | "absent" | "unreadable">();
    const size = Math.min(READ_MAX, Math.floor(QUERY_BYTES_MAX / 33));
    for (let start = 0; start < queries.length; start += size) {
      const chunk = queries.slice(start, start + size);
      const ids = [...new Set(chunk.map(({ ref }) => ref.id))].filter((id) => SYS_ID.test(id));
      const rows = z.array(JournalRow).safeParse(
        await this.#table("read_journal", "sys_journal_field", {
          sysparm_query: `element_idIN${ids.join(",")}^element=work_notes^valueLIKE[il:^ORDERBYDESCsys_created_on`,
          sysparm_fields: "element_id,value",
          sysparm_limit: String(JOURNAL_ROWS_MAX),
        }),
      );
      if (!rows.success) throw this.#protocol("answered a read of the journal in an unknown form");
      // Without the right to read the journal the answer is an empty list, not an error; and a right can be taken away.
      const readable = rows.data.length > 0 || (await this.#probeJournal());
      for (const { ref, marker } of chunk) {
        const present = rows.data.some((row) => row.element_id === ref.id && row.value.includes(marker));
        states.set(marker, present ? "present" : readable ? "absent" : "unreadable");
      }
    }
    return states;
  }

  async #probeJournal(): Promise<boolean> {
    const rows = await this.#table("read_journal", "sys_journal_field", {
      sysparm_fields: "sys_id",
      sysparm_limit: "1",
    });
    return Array.isArray(rows) && rows.length > 0;
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}

/** Fields that came back other than they were sent: an ACL or an unknown name drops them without an error. */
function droppedFields(
  field: FieldWrite,
  sent: Readonly<Record<string, string>>,
  row: VendorRecord,
): WriteResult["dropped"] {
  const lost = Object.keys(field.patch).filter((path) => String(row[path] ?? "") !== sent[path]);
  if (lost.length === 0) return [];
  const reason = `ServiceNow accepted the call but kept the old ${lost.join(", ")}; check the field's write ACL for the integration user, and that the field exists`;
  return [{ actionId: field.actionId, reason }];
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
function replacedBy(
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

async function vendorText(value: WriteValue, names: Directory): Promise<string> {
  if (value === null) return "";
  if (typeof value !== "object") return String(value);
  if ("group" in value) return value.group === "" ? "" : names.group(value.group);
  if ("user" in value) return value.user === "" ? "" : names.user(value.user);
  if ("instant" in value) return value.instant.slice(0, 19).replace("T", " ");
  if ("seconds" in value) return new Date(value.seconds * 1_000).toISOString().slice(0, 19).replace("T", " ");
  return value.adf;
}
