import type { ServiceNowClient } from "./client.ts";
import { isSysId, type Listings, listings, type Row, textOf, timeText } from "./listing.ts";

const MEMBERS_MAX = 2_000;
const DELEGATES_MAX = 500;

export interface ServiceNowAccount {
  id: string;
  /** user_name, as `answeredBy` of an approval names accounts. */
  account: string;
}

/** Who may answer an approval. Read anew every time: whoever left a group an hour ago must not count. Failures are ConnectorErrors. */
export interface Approvers {
  /** Active members of a group. */
  members(groupId: string): Promise<ServiceNowAccount[]>;
  /** Who could answer approvals for a person at that instant (ms since 1970). */
  delegates(userId: string, atMs: number): Promise<ServiceNowAccount[]>;
}

export function approvers(deps: { connection: string; client: ServiceNowClient }): Approvers {
  const reader = listings(deps.connection, deps.client);
  return {
    members: (groupId) => members(reader, groupId),
    delegates: (userId, atMs) => delegates(reader, userId, atMs),
  };
}

async function members(reader: Listings, groupId: string): Promise<ServiceNowAccount[]> {
  if (!isSysId(groupId))
    throw reader.fault("rejected", "cannot be asked for the members of a group without its sys_id");
  const { rows, cut } = await reader.list({
    operation: "read_members",
    table: "sys_user_grmember",
    where: [
      { field: "group", is: "=", value: groupId },
      { field: "user.active", is: "=", value: "true" },
    ],
    fields: ["user", "user.user_name"],
    rowsMax: MEMBERS_MAX,
  });
  if (cut) throw reader.fault("rejected", `has a group of more than ${MEMBERS_MAX} members; let a smaller one approve`);
  return accounts(rows, "user");
}

async function delegates(reader: Listings, userId: string, atMs: number): Promise<ServiceNowAccount[]> {
  if (!isSysId(userId))
    throw reader.fault("rejected", "cannot be asked for the delegates of a person without a sys_id");
  const at = timeText(atMs);
  const { rows, cut } = await reader.list({
    operation: "read_delegates",
    table: "sys_user_delegate",
    where: [
      { field: "user", is: "=", value: userId },
      { field: "approvals", is: "=", value: "true" },
      { field: "starts", is: "<=", value: at },
      { field: "ends", is: ">=", value: at },
      { field: "delegate.active", is: "=", value: "true" },
    ],
    fields: ["delegate", "delegate.user_name"],
    rowsMax: DELEGATES_MAX,
  });
  if (cut)
    throw reader.fault("rejected", `has a person with more than ${DELEGATES_MAX} delegates; correct the records`);
  return accounts(rows, "delegate");
}

/** Each person once, by a reference of the rows. */
function accounts(rows: readonly Row[], reference: string): ServiceNowAccount[] {
  const found = new Map<string, string>();
  for (const row of rows) found.set(textOf(row, reference), textOf(row, `${reference}.user_name`));
  found.delete("");
  return [...found].map(([id, account]) => ({ id, account }));
}
