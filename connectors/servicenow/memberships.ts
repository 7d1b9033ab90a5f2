import type { Clock } from "../../core/clock.ts";
import { gathered } from "../gathered.ts";
import { remembered } from "../remembered.ts";
import type { ServiceNowClient } from "./client.ts";
import { isSysId, type Listings, listings, type Row, textOf } from "./listing.ts";
import { type Portion, wholeRows } from "./whole-rows.ts";

/** Of all people of one call together. */
const ROWS_MAX = 5_000;

/** Which groups a person belongs to. Remembered for ten minutes; a failure is not. */
export interface Memberships {
  /**
   * Names of the active groups that a person (sys_id) is a member of, sorted. Throws a ConnectorError where that cannot
   * be told in full: a list that was cut says of a member that he is none.
   */
  of(userId: string): Promise<string[]>;
}

export function memberships(connection: string, client: ServiceNowClient, clock: Clock): Memberships {
  const reader = listings(connection, client);
  const asked = gathered((ids) => wholeRows(reader, MEMBERSHIPS, ids));
  const known = remembered<Portion>(clock);
  return {
    async of(userId) {
      if (!isSysId(userId))
        throw reader.fault("rejected", "names a person by something that is no sys_id; map a reference to sys_user");
      return namesOf(reader, await known.get(userId, async () => (await asked(userId)) ?? "incomplete"));
    },
  };
}

const MEMBERSHIPS = {
  operation: "read_groups",
  table: "sys_user_grmember",
  key: "user",
  where: [{ field: "group.active", is: "=", value: "true" } as const],
  fields: ["group.name"],
  rowsMax: ROWS_MAX,
};

function namesOf(reader: Listings, rows: Portion): string[] {
  if (rows === "incomplete") {
    const what = `does not show all memberships of a person, or has more than ${ROWS_MAX} of one`;
    throw reader.fault("rejected", `${what}; give the integration user read on every row of sys_user_grmember`);
  }
  return [...new Set(rows.map((row) => nameOf(reader, row)))].sort();
}

function nameOf(reader: Listings, row: Row): string {
  const name = textOf(row, "group.name");
  if (name !== "") return name;
  throw reader.fault("rejected", "does not show the name of a group; give the integration user read on sys_user_group");
}
