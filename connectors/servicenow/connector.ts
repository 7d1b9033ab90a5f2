import { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import type { Approvals } from "../../core/gates/approvals.ts";
import type {
  Archive,
  ChangedPage,
  ChangeFeed,
  Connector,
  FieldWrite,
  MarkerQuery,
  Overwrite,
  PastRecord,
  PastWanted,
  ReadOutcome,
  VendorRecord,
  Write,
  WriteResult,
  WriteValue,
} from "../../core/ports.ts";
import { servicenowApprovals } from "./approval-queue.ts";
import { type ClientDeps, type ServiceNowClient, servicenowClient } from "./client.ts";
import { type Directory, directory } from "./directory.ts";
import { type ServiceNowFacts, servicenowFacts } from "./facts.ts";
import { changedPage, instanceIdentity } from "./feed.ts";
import { historiesOf, replacedBy } from "./history.ts";
import { type MarkerState, markerStates } from "./journal.ts";
import { openedCount, pastRecords } from "./past.ts";
import { idsThatFit, inChunks, listRows, SYS_ID } from "./table.ts";

const Row = z.looseObject({ sys_id: z.string() });

export interface ServiceNowOptions extends ClientDeps {
  /** Fields that the mappings of each table need now; they may be others at the next call. */
  fields: () => ReadonlyMap<string, readonly string[]>;
}

/** ServiceNow over the Table API: bulk reads by sys_id, one PATCH per ticket, notes read back from the journal, facts and approvals. */
export function servicenowConnector(
  options: ServiceNowOptions,
): Connector & ChangeFeed & Archive & { readonly facts: ServiceNowFacts; readonly approvals: Approvals } {
  return new ServiceNowConnector(options);
}

class ServiceNowConnector implements Connector, ChangeFeed, Archive {
  readonly connection: string;
  readonly facts: ServiceNowFacts;
  readonly approvals: Approvals;
  readonly #options: ServiceNowOptions;
  readonly #client: ServiceNowClient;
  readonly #names: Directory;

  constructor(options: ServiceNowOptions) {
    const { connection, clock } = options;
    this.connection = connection;
    this.#options = options;
    this.#client = servicenowClient(options);
    this.#names = directory(connection, this.#client, clock);
    this.facts = servicenowFacts({ connection, client: this.#client, clock });
    const { automation } = options.settings;
    this.approvals = servicenowApprovals({ connection, client: this.#client, clock, automation });
  }

  get readMax(): number {
    const fields = this.#options.fields();
    return Math.min(...[...new Set(["", ...fields.keys()])].map((type) => this.#idsAtOnce(type, fields.get(type))));
  }

  #idsAtOnce(type: string, fields: readonly string[] | undefined): number {
    return idsThatFit(this.#client, this.connection, (ids) => this.#listing(type, fields, ids));
  }

  #listing(type: string, fields: readonly string[] | undefined, ids: readonly string[]) {
    return {
      operation: "read",
      table: type,
      query: { where: [{ field: "sys_id", in: ids }] },
      fields: ["sys_id", "number", "sys_mod_count", ...(fields ?? [])],
      limit: ids.length,
      row: Row,
    };
  }

  async read(type: string, ids: readonly string[]): Promise<ReadOutcome[]> {
    const fields = this.#options.fields().get(type);
    const asked = [...new Set(ids.filter((id) => SYS_ID.test(id)))];
    const found = new Map<string, VendorRecord>();
    // More than one only where the fields have become more since the ids were counted.
    for (const chunk of inChunks(asked, this.#idsAtOnce(type, fields))) {
      const { rows } = await listRows(this.connection, this.#client, this.#listing(type, fields, chunk));
      for (const row of rows) found.set(row.sys_id, row);
    }
    return ids.map((id) => {
      const record = found.get(id);
      if (!record) return { id, found: false };
      const [key, revision] = [String(record["number"] ?? id), String(record["sys_mod_count"] ?? "")];
      return { id, found: true, key, recordType: type, revision, record };
    });
  }

  async changed(recordType: string, sinceMs: number, after?: string): Promise<ChangedPage> {
    this.#refuseUnknown(recordType);
    return changedPage(this.connection, this.#client, { table: recordType, sinceMs, after });
  }

  async opened(wanted: PastWanted): Promise<number | undefined> {
    this.#refuseUnknown(wanted.recordType);
    return openedCount({ connection: this.connection, client: this.#client }, wanted);
  }

  async *past(wanted: PastWanted): AsyncGenerator<PastRecord[], void, undefined> {
    this.#refuseUnknown(wanted.recordType);
    yield* pastRecords({ connection: this.connection, client: this.#client }, wanted);
  }

  identity(): Promise<string> {
    return instanceIdentity(this.connection, this.#client);
  }

  #refuseUnknown(table: string): void {
    if (Object.hasOwn(this.#options.settings.records, table)) return;
    const message = `${table} is not a table of ${this.connection}; add it to records in interlock.yaml`;
    throw new ConnectorError({ kind: "rejected", connection: this.connection, message });
  }

  async #refuseStale(write: Write): Promise<void> {
    if (this.#options.clock.now() - write.readAtMs <= this.#options.limits.staleReadMs) return;
    const { rows } = await listRows(this.connection, this.#client, {
      operation: "check",
      table: write.recordType,
      query: { where: [{ field: "sys_id", is: "=", value: write.ref.id }] },
      fields: ["sys_id", "sys_mod_count"],
      limit: 2,
      row: z.looseObject({ sys_mod_count: z.string() }),
    });
    if (rows.length === 1 && rows[0]?.sys_mod_count === write.revision) return;
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
    const historyOf = await historiesOf(this.connection, this.#client, writes);
    for (const write of writes) {
      const history = historyOf(write);
      for (const field of write.fields) {
        const replaced = replacedBy(field, await this.#patchOf([field]), history);
        if (replaced === undefined) unknown.push(field.actionId);
        else if (replaced !== null) found.push(replaced);
      }
    }
    return { found, unknown };
  }

  confirm(queries: readonly MarkerQuery[]): Promise<Map<string, MarkerState>> {
    return markerStates(this.connection, this.#client, queries);
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

async function vendorText(value: WriteValue, names: Directory): Promise<string> {
  if (value === null) return "";
  if (typeof value !== "object") return String(value);
  if ("group" in value) return value.group === "" ? "" : names.group(value.group);
  if ("user" in value) return value.user === "" ? "" : names.user(value.user);
  if ("instant" in value) return value.instant.slice(0, 19).replace("T", " ");
  if ("seconds" in value) return new Date(value.seconds * 1_000).toISOString().slice(0, 19).replace("T", " ");
  return value.adf;
}
