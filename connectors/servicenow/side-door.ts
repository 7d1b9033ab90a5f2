import { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import type { OpenRequest } from "../../core/gates/approvals.ts";
import type { ApprovalRows } from "./approval-rows.ts";
import type { Changes } from "./change.ts";
import type { ServiceNowClient } from "./client.ts";

const HOLD_REASON = "Waits for approval (Interlock)";

const Written = z.record(z.string(), z.unknown());

export interface SideDoorDeps {
  client: ServiceNowClient;
  reads: ApprovalRows;
  changes: Changes;
}

export interface Undone {
  done: boolean;
  /** For people; no ticket text. */
  detail: string;
  /** It was not on hold before. */
  onHold?: true;
}

/** A request with what there is to undo. */
export interface WentPast extends OpenRequest {
  /** The state it should be in again; empty where that is not known. */
  seen: string;
  /** The task's own state is to go back. */
  state: boolean;
  /** The task says approved, and nobody approved. */
  falselyApproved: boolean;
}

/**
 * Puts a task back to where it was when it was asked about; a change, which its model may not let back, is held instead.
 * Throws a ConnectorError for what may go better next time; what the instance refuses is `done: false`.
 */
export async function undoSideDoor(deps: SideDoorDeps, past: WentPast): Promise<Undone> {
  try {
    return past.recordType === "change_request" ? await undoChange(deps, past) : await undoTask(deps, past);
  } catch (error) {
    if (error instanceof ConnectorError && error.kind === "rejected") return { done: false, detail: error.message };
    throw error;
  }
}

async function undoTask({ client, reads }: SideDoorDeps, past: WentPast): Promise<Undone> {
  const { ref, recordType, seen, state, falselyApproved } = past;
  const now = await reads.task(ref.id, recordType);
  const body = {
    ...(state && seen !== "" && now.state !== seen && { state: seen }),
    ...(falselyApproved && now.approval === "approved" && { approval: "requested" }),
  };
  if (Object.keys(body).length === 0) return { done: true, detail: "stands as it did" };
  const lost = await patch(client, past, body);
  if (lost.length === 0) return { done: true, detail: `put back: ${Object.keys(body).join(", ")}` };
  return {
    done: false,
    detail: `${ref.key} kept its ${lost.join(", ")}; check the write ACLs and rules of ${recordType}`,
  };
}

async function undoChange({ client, changes }: SideDoorDeps, past: WentPast): Promise<Undone> {
  const { ref, seen, falselyApproved } = past;
  const now = await changes.read(ref.id);
  if (now === undefined) return { done: false, detail: `${ref.key} is gone, or hidden from the integration user` };
  if (now.state === seen && !falselyApproved) return { done: true, detail: "stands as it did" };
  if (seen !== "" && now.state !== seen && (await isMoved(changes, { id: ref.id, from: now.state, to: seen })))
    return { done: true, detail: "put back: state" };
  if (now.onHold) return { done: true, detail: "is on hold already" };
  const lost = await patch(client, past, { on_hold: "true", on_hold_reason: HOLD_REASON });
  // Without its reason a hold is still a hold.
  if (!lost.includes("on_hold")) return { done: true, detail: "put on hold", onHold: true };
  return { done: false, detail: `${ref.key} was not put on hold; check the write ACL of change_request.on_hold` };
}

async function isMoved(changes: Changes, move: { id: string; from: string; to: string }): Promise<boolean> {
  try {
    await changes.moveTo(move);
    return true;
  } catch (error) {
    if (error instanceof ConnectorError && error.kind === "rejected") return false;
    throw error;
  }
}

/** Names of the fields that came back other than they were sent. */
async function patch(
  client: ServiceNowClient,
  { recordType, ref }: WentPast,
  body: Readonly<Record<string, string>>,
): Promise<string[]> {
  const answer = await client.send({
    operation: "undo",
    method: "PATCH",
    path: `/api/now/table/${recordType}/${ref.id}`,
    params: { sysparm_fields: Object.keys(body).join(","), sysparm_exclude_reference_link: "true" },
    body,
  });
  const row = Written.safeParse(answer);
  return Object.keys(body).filter((field) => !row.success || String(row.data[field] ?? "") !== body[field]);
}
