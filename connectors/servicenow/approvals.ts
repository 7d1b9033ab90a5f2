import { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import type { NativeApproval } from "../../core/ports.ts";
import { ApprovalRequests } from "./approval-requests.ts";
import { ApprovalRows } from "./approval-rows.ts";
import type { ServiceNowClient } from "./client.ts";
import { isSysId, type Listings, listings, type Row, textOf } from "./listing.ts";

const STATES = ["requested", "approved", "rejected", "cancelled"] as const;
/** It stands in a query, where `^` and `,` would end it. */
export const MARKER = /^\[il:[0-9A-Za-z_.:-]{1,80}\]$/;

const Written = z.looseObject({ sys_id: z.string(), sys_mod_count: z.string().optional() });

/** An answer, with what is needed to judge whether it counts. */
export interface ServiceNowApproval extends NativeApproval {
  /** The approver's user_name, as `answeredBy` names accounts. */
  approverAccount: string;
  /** The sysapproval_group row it came from; null for one that was asked of a person. */
  groupRequestId: string | null;
}

/** What is asked of somebody, and for which task. */
export interface ApprovalRequest {
  taskId: string;
  /** sys_id of the person or group that is asked. */
  from: string;
  /** `[il:<id>]`, one per gate and round of asking: what makes a repeated request find its first one. */
  marker: string;
  /** What they read, without the marker. It goes into ServiceNow only. */
  text: string;
}

export interface CancelledApprovals {
  cancelled: string[];
  /** Had been answered before we came. */
  answered: string[];
  /** Edited between our reading and our write, perhaps answered: the row's history shows by whom. */
  raced: string[];
}

/**
 * Approvals in their native queue. They are asked for, read and taken back; answering one is not among the things that
 * can be done here. Nothing is remembered: an answer is judged by what stands there now (who may answer: approvers.ts).
 * Every failure is a ConnectorError.
 */
export interface ServiceNowApprovals {
  /** Everybody's rows for a task, also those of the platform's own flows. */
  list(taskId: string): Promise<ServiceNowApproval[]>;
  /** Asks a person once: a row with this marker that is there already, in whatever state, is that one. */
  requestPerson(request: ApprovalRequest): Promise<{ id: string; created: boolean }>;
  /** Asks a group once; the platform then asks each member with a row of their own, a little later. */
  requestGroup(request: ApprovalRequest): Promise<{ id: string; created: boolean }>;
  /** Takes back what was asked under this marker and is not answered yet. */
  cancel(taskId: string, marker: string): Promise<CancelledApprovals>;
}

export function approvals(deps: { connection: string; client: ServiceNowClient }): ServiceNowApprovals {
  return new Approvals(deps.client, listings(deps.connection, deps.client), deps.connection);
}

class Approvals implements ServiceNowApprovals {
  readonly #client: ServiceNowClient;
  readonly #reads: ApprovalRows;
  readonly #listings: Listings;
  readonly #connection: string;
  readonly #requests: ApprovalRequests;

  constructor(client: ServiceNowClient, reader: Listings, connection: string) {
    this.#client = client;
    this.#reads = new ApprovalRows(client, reader);
    this.#listings = reader;
    this.#connection = connection;
    this.#requests = new ApprovalRequests({ connection, client, reads: this.#reads, listings: reader });
  }

  async list(taskId: string): Promise<ServiceNowApproval[]> {
    this.#check([taskId]);
    const rows = await this.#reads.rowsOf(taskId);
    const answers = await this.#reads.answersTo(rows);
    return rows.map((row) => {
      const answer = answers.get(row.sys_id);
      return {
        id: row.sys_id,
        approverId: textOf(row, "approver"),
        approverAccount: textOf(row, "approver.user_name"),
        groupRequestId: textOf(row, "group") || null,
        state: STATES.find((state) => state === textOf(row, "state")) ?? "other",
        answeredBy: answer?.by || null,
        answeredAtMs: answer?.atMs ?? null,
      };
    });
  }

  async requestPerson(request: ApprovalRequest): Promise<{ id: string; created: boolean }> {
    return this.#ask(request, { people: [request.from], groups: [] });
  }

  async requestGroup(request: ApprovalRequest): Promise<{ id: string; created: boolean }> {
    return this.#ask(request, { people: [], groups: [request.from] });
  }

  async cancel(taskId: string, marker: string): Promise<CancelledApprovals> {
    this.#check([taskId], marker);
    const done: CancelledApprovals = { cancelled: [], answered: [], raced: [] };
    const groups = await this.#reads.groupRows([taskId], [marker]);
    const groupIds = new Set(groups.map(({ sys_id }) => sys_id));
    // The group first, or the platform might ask its members again.
    for (const row of groups) await this.#cancelOne("sysapproval_group", "approval", row, done);
    const rows = await this.#reads.rowsOf(taskId);
    const ofGroups = rows.filter((row) => groupIds.has(textOf(row, "group")));
    const ofPersons = await this.#reads.marked(
      rows.filter((row) => textOf(row, "group") === ""),
      marker,
    );
    for (const row of [...ofGroups, ...ofPersons]) await this.#cancelOne("sysapproval_approver", "state", row, done);
    return done;
  }

  #check(ids: readonly string[], marker?: string): void {
    if (ids.every(isSysId) && (marker === undefined || MARKER.test(marker))) return;
    throw this.#listings.fault("rejected", "has no approvals by that id or marker; nothing was sent");
  }

  async #ask(
    { taskId, from, marker, text }: ApprovalRequest,
    of: { people: string[]; groups: string[] },
  ): Promise<{ id: string; created: boolean }> {
    this.#check([taskId, from], marker);
    const [asked] = await this.#requests.ask({ taskId, marker, text, ...of });
    if (!asked) throw this.#unclear("asked nobody");
    return { id: asked.row.sys_id, created: asked.created };
  }

  async #cancelOne(table: string, field: "state" | "approval", row: Row, done: CancelledApprovals): Promise<void> {
    const state = textOf(row, field);
    if (state === "approved" || state === "rejected") done.answered.push(row.sys_id);
    if (state !== "requested" && state !== "not requested") return;
    const answer = await this.#client.send({
      operation: "cancel_approval",
      method: "PATCH",
      path: `/api/now/table/${table}/${row.sys_id}`,
      params: { sysparm_fields: `sys_id,sys_mod_count,${field}`, sysparm_exclude_reference_link: "true" },
      body: { [field]: "cancelled" },
    });
    const written = Written.safeParse(answer);
    if (!written.success) throw this.#unclear(`answered the cancelling of ${row.sys_id} in an unknown form`);
    if (textOf(written.data, field) !== "cancelled")
      throw this.#listings.fault(
        "rejected",
        `kept approval request ${row.sys_id} as it was; check the write ACL of ${table}.${field} for the integration user`,
      );
    const seen = Number(textOf(row, "sys_mod_count"));
    done[Number(written.data.sys_mod_count) > seen + 1 ? "raced" : "cancelled"].push(row.sys_id);
  }

  #unclear(message: string): ConnectorError {
    const connection = this.#connection;
    return new ConnectorError({
      kind: "protocol",
      connection,
      outcome: "unknown",
      message: `${connection} ${message}`,
    });
  }
}
