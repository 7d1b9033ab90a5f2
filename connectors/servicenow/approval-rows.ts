import type { ServiceNowClient } from "./client.ts";
import { idChunks, type Listings, type Row, textOf, timeOf } from "./listing.ts";

const ROWS_MAX = 500;
const FIELDS = [
  "sysapproval",
  "approver",
  "approver.user_name",
  "state",
  "group",
  "sys_mod_count",
  "sys_updated_by",
  "sys_updated_on",
];

/** Who set the state that an answered row is in, and when. */
export interface Answer {
  by: string;
  atMs: number | null;
}

/** What is read around approvals: their rows, the marker in their comments, the history of their states. */
export class ApprovalRows {
  readonly #client: ServiceNowClient;
  readonly #listings: Listings;

  constructor(client: ServiceNowClient, reader: Listings) {
    this.#client = client;
    this.#listings = reader;
  }

  /** Everybody's rows for a task. */
  async rowsOf(taskId: string): Promise<Row[]> {
    const { rows, cut } = await this.#listings.list({
      operation: "read_approvals",
      table: "sysapproval_approver",
      where: [{ field: "sysapproval", is: "=", value: taskId }],
      fields: FIELDS,
      rowsMax: ROWS_MAX,
    });
    // Half of the answers cannot be judged.
    if (cut)
      throw this.#listings.fault(
        "rejected",
        `has more than ${ROWS_MAX} approvals for one task; a person must look at it`,
      );
    return rows;
  }

  /** What was asked of groups under a marker. */
  async groupRows(taskId: string, marker: string): Promise<Row[]> {
    const { rows, cut } = await this.#listings.list({
      operation: "read_approvals",
      table: "sysapproval_group",
      where: [
        { field: "parent", is: "=", value: taskId },
        { field: "correlation_id", is: "=", value: marker },
      ],
      fields: ["assignment_group", "approval", "sys_mod_count"],
      rowsMax: ROWS_MAX,
    });
    if (cut) throw this.#listings.fault("rejected", `has more than ${ROWS_MAX} group approvals with one marker`);
    return rows;
  }

  /** Those of the rows in whose comments the marker stands. Throws where the comments cannot be read: a guess would ask twice. */
  async marked(rows: readonly Row[], marker: string): Promise<Row[]> {
    const marked = new Set<string>();
    for (const chunk of idChunks(rows.map(({ sys_id }) => sys_id))) {
      const found = await this.#listings.list({
        operation: "read_journal",
        table: "sys_journal_field",
        where: [
          { field: "element_id", in: chunk },
          { field: "element", is: "=", value: "comments" },
          { field: "value", is: "LIKE", value: marker },
        ],
        fields: [],
        rowsMax: ROWS_MAX,
      });
      for (const row of found.rows) if (textOf(row, "value").includes(marker)) marked.add(textOf(row, "element_id"));
    }
    if (rows.length > 0 && marked.size === 0 && !(await this.#journalReadable()))
      throw this.#listings.fault(
        "rejected",
        "shows no comments of approvals to the integration user, so our own cannot be told from others'; let it read sys_journal_field",
      );
    return rows.filter(({ sys_id }) => marked.has(sys_id));
  }

  /** Without the right to read the journal every answer is an empty list, not an error. */
  async #journalReadable(): Promise<boolean> {
    const params = { sysparm_fields: "sys_id", sysparm_limit: "1", sysparm_no_count: "true" };
    const path = "/api/now/table/sys_journal_field";
    const rows = await this.#client.send({ operation: "read_journal", method: "GET", path, params });
    return Array.isArray(rows) && rows.length > 0;
  }

  /** Who set the states that rows are in now, by their field history. */
  async answersTo(rows: readonly Row[]): Promise<Map<string, Answer>> {
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
