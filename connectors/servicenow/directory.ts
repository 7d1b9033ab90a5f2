import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import { ConnectorError } from "../../core/errors.ts";
import { remembered } from "../remembered.ts";
import type { ServiceNowClient } from "./client.ts";
import type { Query } from "./query.ts";
import { listRows, SYS_ID } from "./table.ts";

const Row = z.looseObject({ sys_id: z.string() });

/** Names of groups, people and configuration items → sys_ids, remembered for ten minutes. */
export interface Directory {
  /** The active group of that exact name. Throws `rejected` when there is none, or more than one. */
  group(name: string): Promise<string>;
  /** The active user with that sys_id, e-mail or user name. Throws `rejected` likewise. */
  user(idOrEmail: string): Promise<string>;
  /** The configuration item with that sys_id or exact name. Throws `rejected` likewise. */
  item(idOrName: string): Promise<string>;
}

interface Wanted {
  table: string;
  where: Query["where"];
  /** In a message, without what would be personal. */
  what: string;
}

export function directory(connection: string, client: ServiceNowClient, clock: Clock): Directory {
  const known = remembered<string>(clock);

  async function lookUp({ table, where, what }: Wanted): Promise<string> {
    const listing = { operation: "look_up", table, query: { where }, fields: ["sys_id"], limit: 2, row: Row };
    const [only, second] = (await listRows(connection, client, listing)).rows;
    if (only && !second) return only.sys_id;
    const message = `${only ? "more than one" : "no"} ${what} in ${connection}; correct the rule or the record`;
    throw new ConnectorError({ kind: "rejected", connection, message });
  }

  const active = { field: "active", is: "=", value: "true" } as const;
  return {
    group: (name) =>
      known.get(`group ${name}`, () => {
        const where = [{ field: "name", is: "=", value: name } as const, active];
        return lookUp({ table: "sys_user_group", where, what: `active group is named "${name}"` });
      }),
    user: (idOrEmail) =>
      known.get(`user ${idOrEmail}`, () => {
        const by = SYS_ID.test(idOrEmail) ? "sys_id" : idOrEmail.includes("@") ? "email" : "user_name";
        const where = [{ field: by, is: "=", value: idOrEmail } as const, active];
        return lookUp({ table: "sys_user", where, what: `active user has that ${by}` });
      }),
    item: (idOrName) =>
      known.get(`item ${idOrName}`, () => {
        const by = SYS_ID.test(idOrName) ? "sys_id" : "name";
        const where = [{ field: by, is: "=", value: idOrName } as const];
        return lookUp({ table: "cmdb_ci", where, what: `configuration item has that ${by}` });
      }),
  };
}
