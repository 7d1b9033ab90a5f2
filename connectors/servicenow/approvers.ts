import type { ServiceNowClient } from "./client.ts";
import { idChunks, isSysId, type Listings, listings, type Row, textOf, timeText } from "./listing.ts";
import { type Condition, isAskable } from "./query.ts";
import { inChunks, SYS_ID } from "./table.ts";

const MEMBERS_MAX = 2_000;
const DELEGATES_MAX = 500;
/** So that an address carries them, whatever their length. */
const PEOPLE_AT_ONCE = 10;
const PEOPLE_ROWS_MAX = 200;

export interface ServiceNowAccount {
  id: string;
  /** user_name, as `answeredBy` of an approval names accounts. */
  account: string;
}

export interface ServiceNowPerson extends ServiceNowAccount {
  name: string;
  active: boolean;
}

export interface ServiceNowDelegate extends ServiceNowPerson {
  /** sys_id of the person they stand in for. */
  for: string;
  startsAt: string;
  endsAt: string;
}

/** Who may answer an approval. Read anew every time: whoever left a group an hour ago must not count. Failures are ConnectorErrors. */
export interface Approvers {
  /** Active members of a group. */
  members(groupId: string): Promise<ServiceNowAccount[]>;
  /** Everybody in the active groups of exactly this name, active or not, by group sys_id: more than one is no name. */
  roster(groupName: string): Promise<ReadonlyMap<string, ServiceNowPerson[]>>;
  /** Those who bear a name, which is a sys_id, an e-mail or a user_name; active or not, and empty where nobody does. */
  people(names: readonly string[]): Promise<ReadonlyMap<string, ServiceNowPerson[]>>;
  /** The same by user_name alone. */
  accounts(userNames: readonly string[]): Promise<ReadonlyMap<string, ServiceNowPerson[]>>;
  /** Who could answer approvals for a person at that instant (ms since 1970). */
  delegates(userId: string, atMs: number): Promise<ServiceNowAccount[]>;
  /** Those who could answer for one of these people at some instant of a span, with their own spans. */
  delegatesOf(userIds: readonly string[], span: { fromMs: number; toMs: number }): Promise<ServiceNowDelegate[]>;
}

export function approvers(deps: { connection: string; client: ServiceNowClient }): Approvers {
  const reader = listings(deps.connection, deps.client);
  return {
    members: (groupId) => members(reader, groupId),
    roster: (groupName) => roster(reader, groupName),
    people: (names) => people(reader, names, columnOf),
    accounts: (userNames) => people(reader, userNames, () => "user_name"),
    async delegates(userId, atMs) {
      if (!isSysId(userId))
        throw reader.fault("rejected", "cannot be asked for the delegates of a person without a sys_id");
      const found = await delegatesOf(reader, [userId], { fromMs: atMs, toMs: atMs });
      const active = found.filter((delegate) => delegate.active);
      return [...new Map(active.map(({ id, account }) => [id, account]))].map(([id, account]) => ({ id, account }));
    },
    delegatesOf: (userIds, span) => delegatesOf(reader, userIds, span),
  };
}

async function members(reader: Listings, groupId: string): Promise<ServiceNowAccount[]> {
  if (!isSysId(groupId))
    throw reader.fault("rejected", "cannot be asked for the members of a group without its sys_id");
  const rows = await memberRows(reader, [
    { field: "group", is: "=", value: groupId },
    { field: "user.active", is: "=", value: "true" },
  ]);
  const found = new Map(rows.map((row) => [textOf(row, "user"), textOf(row, "user.user_name")]));
  found.delete("");
  return [...found].map(([id, account]) => ({ id, account }));
}

async function roster(reader: Listings, groupName: string): Promise<Map<string, ServiceNowPerson[]>> {
  const groups = new Map<string, ServiceNowPerson[]>();
  if (!isAskable(groupName)) return groups;
  const rows = await memberRows(reader, [
    { field: "group.name", is: "=", value: groupName },
    { field: "group.active", is: "=", value: "true" },
  ]);
  for (const row of rows) {
    // The instance compares without regard to case; tickets and rules do not.
    if (textOf(row, "group.name") !== groupName || textOf(row, "user") === "") continue;
    const group = groups.get(textOf(row, "group")) ?? [];
    const id = textOf(row, "user");
    if (!group.some((member) => member.id === id)) group.push(personOf(row, id, "user."));
    groups.set(textOf(row, "group"), group);
  }
  return groups;
}

async function memberRows(reader: Listings, where: readonly Condition[]): Promise<Row[]> {
  const { rows, cut, hidden } = await reader.list({
    operation: "read_members",
    table: "sys_user_grmember",
    where,
    fields: ["group", "user", "user.user_name", "user.name", "user.active"],
    rowsMax: MEMBERS_MAX,
  });
  if (cut) throw reader.fault("rejected", `has a group of more than ${MEMBERS_MAX} members; let a smaller one approve`);
  if (hidden)
    throw reader.fault(
      "rejected",
      "does not show all members of a group; give the integration user read on every row of sys_user_grmember",
    );
  return rows;
}

async function people(
  reader: Listings,
  names: readonly string[],
  columnOf: (name: string) => string,
): Promise<Map<string, ServiceNowPerson[]>> {
  const rows: Row[] = [];
  for (const chunk of inChunks(names.filter(isAskable), PEOPLE_AT_ONCE)) {
    const { rows: found, cut } = await reader.list({
      operation: "read_people",
      table: "sys_user",
      where: [{ any: chunk.map((name): Condition => ({ field: columnOf(name), is: "=", value: name })) }],
      fields: ["user_name", "email", "name", "active"],
      rowsMax: PEOPLE_ROWS_MAX,
    });
    if (cut) throw reader.fault("rejected", `has more than ${PEOPLE_ROWS_MAX} people by the names of a rule; name one`);
    rows.push(...found);
  }
  return new Map(
    names.map((name) => {
      const bearing = rows.filter((row) => textOf(row, columnOf(name)).toLowerCase() === name.toLowerCase());
      return [name, bearing.map((row) => personOf(row, row.sys_id))];
    }),
  );
}

function columnOf(name: string): string {
  if (SYS_ID.test(name)) return "sys_id";
  return name.includes("@") ? "email" : "user_name";
}

async function delegatesOf(
  reader: Listings,
  userIds: readonly string[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
): Promise<ServiceNowDelegate[]> {
  const delegates: ServiceNowDelegate[] = [];
  for (const chunk of idChunks(userIds)) {
    const { rows, cut } = await reader.list({
      operation: "read_delegates",
      table: "sys_user_delegate",
      where: [
        { field: "user", in: chunk },
        { field: "approvals", is: "=", value: "true" },
        { field: "starts", is: "<=", value: timeText(toMs) },
        { field: "ends", is: ">=", value: timeText(fromMs) },
      ],
      fields: ["delegate", "delegate.user_name", "delegate.name", "delegate.active"],
      rowsMax: DELEGATES_MAX,
    });
    if (cut) throw reader.fault("rejected", `has more than ${DELEGATES_MAX} delegates for a few people; correct them`);
    for (const row of rows) {
      const id = textOf(row, "delegate");
      const span = { startsAt: textOf(row, "starts"), endsAt: textOf(row, "ends") };
      if (id !== "") delegates.push({ ...personOf(row, id, "delegate."), for: textOf(row, "user"), ...span });
    }
  }
  return delegates;
}

function personOf(row: Row, id: string, prefix = ""): ServiceNowPerson {
  return {
    id,
    account: textOf(row, `${prefix}user_name`),
    name: textOf(row, `${prefix}name`),
    // A field that may not be read is absent, and says nobody is active.
    active: textOf(row, `${prefix}active`) === "true",
  };
}
