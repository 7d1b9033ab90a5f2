import { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import { inTurn } from "../in-turn.ts";
import type { ApprovalRows } from "./approval-rows.ts";
import type { ServiceNowClient } from "./client.ts";
import { type Listings, type Row, textOf } from "./listing.ts";

const TITLE_LENGTH_MAX = 160;

const Written = z.looseObject({ sys_id: z.string() });

/** What is asked under one marker. Ids are sys_ids. */
export interface Asking {
  taskId: string;
  marker: string;
  people: readonly string[];
  groups: readonly string[];
  text: string;
}

/** A row that stands for a request, whoever made it. */
export interface AskedRow {
  row: Row;
  /** sys_id of the person or group that is asked. */
  of: string;
  created: boolean;
}

export interface RequestDeps {
  connection: string;
  client: ServiceNowClient;
  reads: ApprovalRows;
  listings: Listings;
}

/** Creates the rows by which approvals are asked for: those that do not stand yet, and no other. */
export class ApprovalRequests {
  readonly #deps: RequestDeps;
  readonly #turns = inTurn();

  constructor(deps: RequestDeps) {
    this.#deps = deps;
  }

  /**
   * A row for each person and group, in their order, people first: the earliest of them does not change when a group's
   * members are asked later on. Every one can be found again under the marker when this returns, so that a call that was
   * cut short is completed by the next one.
   */
  ask(asking: Asking): Promise<AskedRow[]> {
    return this.#turns.run(`${asking.taskId} ${asking.marker}`, () => this.#ask(asking));
  }

  async #ask(asking: Asking): Promise<AskedRow[]> {
    const { taskId, marker, people, groups, text } = asking;
    const standing = await this.#standing(asking);
    const created = new Set<string>();
    for (const person of people.filter((id) => !standing.has(id))) {
      const body = { sysapproval: taskId, approver: person, state: "requested" };
      created.add(await this.#create("sysapproval_approver", body, { comments: `${text}\n\n${marker}` }));
    }
    for (const group of groups.filter((id) => !standing.has(id))) {
      const body = { parent: taskId, assignment_group: group, approval: "requested", correlation_id: marker };
      const [first = ""] = text.split("\n");
      const title = { short_description: first.slice(0, TITLE_LENGTH_MAX), description: text };
      created.add(await this.#create("sysapproval_group", body, title));
    }
    const now = created.size === 0 ? standing : await this.#standing(asking);
    return [...people, ...groups].map((of) => {
      const row = now.get(of);
      if (!row) throw this.#lost([...created].join(", "));
      return { row, of, created: created.has(row.sys_id) };
    });
  }

  /** Rows under the marker by whom they ask. */
  async #standing({ taskId, marker, people, groups }: Asking): Promise<Map<string, Row>> {
    const { reads } = this.#deps;
    const found = new Map<string, Row>();
    if (people.length > 0) {
      const asked = new Set(people);
      const theirs = (await reads.rowsOf(taskId)).filter((row) => asked.has(textOf(row, "approver")));
      // What a group's member is asked as such is the group's request, not this person's.
      const alone = theirs.filter((row) => textOf(row, "group") === "");
      for (const row of await reads.marked(alone, marker)) keep(found, textOf(row, "approver"), row);
    }
    if (groups.length > 0)
      for (const row of await reads.groupRows([taskId], [marker])) keep(found, textOf(row, "assignment_group"), row);
    return found;
  }

  /** `must` has to come back as it was sent: a field that an ACL or the table does not take is dropped without an error. */
  async #create(table: string, must: Record<string, string>, also: Record<string, string>): Promise<string> {
    const answer = await this.#deps.client.send({
      operation: "request_approval",
      method: "POST",
      path: `/api/now/table/${table}`,
      params: { sysparm_fields: ["sys_id", ...Object.keys(must)].join(","), sysparm_exclude_reference_link: "true" },
      body: { ...must, ...also },
    });
    const row = Written.safeParse(answer);
    if (!row.success) throw this.#unclear(`answered the creation in ${table} in an unknown form`);
    const { data } = row;
    const lost = Object.keys(must).filter((field) => textOf(data, field) !== must[field]);
    if (lost.length === 0) return data.sys_id;
    throw this.#deps.listings.fault(
      "rejected",
      `created ${table} ${data.sys_id} without ${lost.join(", ")}; delete it, and check the create ACLs of the integration user`,
    );
  }

  /** What we could not find again, we would create again at the next try. */
  #lost(ids: string): ConnectorError {
    return this.#deps.listings.fault(
      "rejected",
      `took approval request ${ids} and does not show it, or not its marker, to the integration user; check its read rights on sysapproval_approver, sysapproval_group and sys_journal_field`,
    );
  }

  #unclear(message: string): ConnectorError {
    const { connection } = this.#deps;
    return new ConnectorError({
      kind: "protocol",
      connection,
      outcome: "unknown",
      message: `${connection} ${message}`,
    });
  }
}

/** Of several, as after two processes asked at once, the first. */
function keep(found: Map<string, Row>, of: string, row: Row): void {
  const known = found.get(of);
  if (known && textOf(known, "sys_created_on") <= textOf(row, "sys_created_on")) return;
  found.set(of, row);
}
