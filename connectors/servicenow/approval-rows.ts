import type { ServiceNowClient } from "./client.ts";
import { idChunks, type Listings, type Row, textOf, timeOf } from "./listing.ts";
import { wholeRows } from "./whole-rows.ts";

const ROWS_MAX = 500;
const FIELDS = [
  "approver",
  "approver.user_name",
  "approver.name",
  "state",
  "group",
  "group.correlation_id",
  "group.sys_created_on",
  "sys_created_on",
  "sys_mod_count",
  "sys_updated_by",
  "sys_updated_on",
  // What the task says of itself, in the same answer.
  "sysapproval.state",
  "sysapproval.approval",
];

/** A marker of ours, anywhere in a text. */
const MARKERS = /\[il:[0-9A-Za-z_.:-]{1,80}\]/g;

/** Who set the state that an answered row is in, and when. */
export interface Answer {
  /** user_name; empty where nobody is named. */
  by: string;
  atMs: number | null;
}

/** What is read around approvals: their rows, the markers in their comments, the history of their states. */
export class ApprovalRows {
  readonly #client: ServiceNowClient;
  readonly #listings: Listings;

  constructor(client: ServiceNowClient, reader: Listings) {
    this.#client = client;
    this.#listings = reader;
  }

  /** Everybody's rows for a task. */
  async rowsOf(taskId: string): Promise<Row[]> {
    return (await this.rowsOfAll([taskId])).get(taskId) ?? [];
  }

  /** The same for several tasks (sys_ids), in as few calls as addresses can carry. */
  async rowsOfAll(taskIds: readonly string[]): Promise<Map<string, Row[]>> {
    const found = await wholeRows(
      this.#listings,
      {
        operation: "read_approvals",
        table: "sysapproval_approver",
        key: "sysapproval",
        where: [],
        fields: FIELDS,
        rowsMax: ROWS_MAX,
      },
      taskIds,
    );
    return new Map([...found].map(([id, rows]) => [id, this.#whole(rows)]));
  }

  #whole(rows: readonly Row[] | "incomplete"): Row[] {
    if (rows !== "incomplete") return [...rows];
    // Half of the answers cannot be judged.
    throw this.#listings.fault(
      "rejected",
      `has more than ${ROWS_MAX} approvals for one task, or hides some; give the integration user read on every row of sysapproval_approver, or let a person look at the task`,
    );
  }

  /** What was asked of groups under one of the markers. */
  async groupRows(taskIds: readonly string[], markers: readonly string[]): Promise<Row[]> {
    const rows: Row[] = [];
    for (const chunk of idChunks(taskIds)) {
      const { rows: found, cut } = await this.#listings.list({
        operation: "read_approvals",
        table: "sysapproval_group",
        where: [
          { field: "parent", in: chunk },
          // One marker exactly; several by what all begin with, since a list of them could outgrow the address.
          markers.length === 1
            ? { field: "correlation_id", is: "=", value: markers[0] ?? "" }
            : { field: "correlation_id", is: "STARTSWITH", value: "[il:" },
        ],
        fields: ["assignment_group", "approval", "sys_created_on", "sys_mod_count", "parent.state", "parent.approval"],
        rowsMax: ROWS_MAX,
      });
      if (cut) throw this.#listings.fault("rejected", `has more than ${ROWS_MAX} group approvals with our markers`);
      rows.push(...found.filter((row) => markers.includes(textOf(row, "correlation_id"))));
    }
    return rows;
  }

  /** Those of the rows in whose comments the marker stands. Throws where the comments cannot be read: a guess would ask twice. */
  async marked(rows: readonly Row[], marker: string): Promise<Row[]> {
    const markers = await this.markersOf(rows);
    return rows.filter(({ sys_id }) => markers.get(sys_id)?.has(marker));
  }

  /** Our markers in the comments of rows, by sys_id. Throws likewise. */
  async markersOf(rows: readonly Row[]): Promise<Map<string, ReadonlySet<string>>> {
    const markers = new Map<string, Set<string>>();
    for (const chunk of idChunks(rows.map(({ sys_id }) => sys_id))) {
      const { rows: entries, cut } = await this.#listings.list({
        operation: "read_journal",
        table: "sys_journal_field",
        where: [
          { field: "element_id", in: chunk },
          { field: "element", is: "=", value: "comments" },
          { field: "value", is: "LIKE", value: "[il:" },
        ],
        fields: [],
        rowsMax: ROWS_MAX,
      });
      if (cut) throw this.#listings.fault("rejected", `has more than ${ROWS_MAX} comments with markers on approvals`);
      for (const entry of entries) {
        const id = textOf(entry, "element_id");
        const known = markers.get(id) ?? new Set();
        for (const [marker] of textOf(entry, "value").matchAll(MARKERS)) known.add(marker);
        markers.set(id, known);
      }
    }
    if (rows.length > 0 && markers.size === 0 && !(await this.#journalReadable()))
      throw this.#listings.fault(
        "rejected",
        "shows no comments of approvals to the integration user, so our own cannot be told from others'; let it read sys_journal_field",
      );
    return markers;
  }

  /** Without the right to read the journal every answer is an empty list, not an error. */
  async #journalReadable(): Promise<boolean> {
    const params = { sysparm_fields: "sys_id", sysparm_limit: "1", sysparm_no_count: "true" };
    const path = "/api/now/table/sys_journal_field";
    const rows = await this.#client.send({ operation: "read_journal", method: "GET", path, params });
    return Array.isArray(rows) && rows.length > 0;
  }

  /** The state and approval of a task, where no row tells them. Throws `not_found` where there is no such task. */
  async task(taskId: string, table = "task"): Promise<{ state: string; approval: string }> {
    const row = (await this.#listings.byIds(table, [taskId], ["state", "approval"])).get(taskId);
    if (!row)
      throw this.#listings.fault("not_found", `has no ${table} ${taskId}, or hides it from the integration user`);
    return { state: textOf(row, "state"), approval: textOf(row, "approval") };
  }

  /**
   * Who set the states that answered rows are in now, by their field history. Where that is not kept, the last edit of a
   * row is taken for the answer, as far as it says.
   */
  async answersTo(rows: readonly Row[]): Promise<Map<string, Answer>> {
    const answered = rows.filter((row) => isAnswered(row));
    const kept = await this.#answersKept(answered);
    return new Map(
      answered.map((row) => {
        const answer = kept.get(row.sys_id);
        const by = answer?.by ?? textOf(row, "sys_updated_by");
        return [row.sys_id, { by, atMs: answer?.atMs ?? timeOf(textOf(row, "sys_updated_on")) }];
      }),
    );
  }

  async #answersKept(rows: readonly Row[]): Promise<Map<string, Answer>> {
    const states = new Map(rows.map((row) => [row.sys_id, textOf(row, "state")]));
    const latest = new Map<string, { by: string; at: string }>();
    for (const chunk of idChunks([...states.keys()])) {
      const { rows: edits } = await this.#listings.list({
        operation: "read_history",
        table: "sys_audit",
        where: [
          { field: "documentkey", in: chunk },
          { field: "fieldname", is: "=", value: "state" },
        ],
        fields: ["newvalue", "user", "sys_created_on"],
        rowsMax: ROWS_MAX,
      });
      for (const edit of edits) {
        const id = textOf(edit, "documentkey");
        const at = textOf(edit, "sys_created_on");
        if (textOf(edit, "newvalue") !== states.get(id) || at < (latest.get(id)?.at ?? "")) continue;
        latest.set(id, { by: textOf(edit, "user"), at });
      }
    }
    return new Map([...latest].map(([id, { by, at }]) => [id, { by, atMs: timeOf(at) }]));
  }
}

/** Whether somebody has said yes or no. */
export function isAnswered(row: Row): boolean {
  return ["approved", "rejected"].includes(textOf(row, "state"));
}
