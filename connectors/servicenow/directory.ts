import NodeCache from "node-cache";
import { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import type { ServiceNowClient } from "./client.ts";

const AGE_MAX_S = 600;
const ENTRIES_MAX = 2_000;

const Rows = z.array(z.looseObject({ sys_id: z.string() }));

/** Names of groups and people → sys_ids, remembered for ten minutes. */
export interface Directory {
  /** The active group of that exact name. Throws `rejected` when there is none, or more than one. */
  group(name: string): Promise<string>;
  /** The active user with that sys_id, e-mail or user name. Throws `rejected` likewise. */
  user(idOrEmail: string): Promise<string>;
}

export function directory(connection: string, client: ServiceNowClient): Directory {
  // Promises are kept, not values: writes that need the same group at the same time share one look-up.
  const cache = new NodeCache({ stdTTL: AGE_MAX_S, maxKeys: ENTRIES_MAX, useClones: false, checkperiod: 0 });

  async function lookUp(table: string, query: string, what: string): Promise<string> {
    const params = { sysparm_query: query, sysparm_fields: "sys_id", sysparm_limit: "2", sysparm_no_count: "true" };
    const rows = Rows.safeParse(
      await client.send({ operation: "look_up", method: "GET", path: `/api/now/table/${table}`, params }),
    );
    if (!rows.success)
      throw new ConnectorError({
        kind: "protocol",
        connection,
        message: `${connection} answered a look-up in ${table} in an unknown form`,
      });
    const [only, second] = rows.data;
    if (only && !second) return only.sys_id;
    const found = only ? "more than one" : "no";
    throw new ConnectorError({
      kind: "rejected",
      connection,
      message: `${found} active ${what} in ${connection}; correct the rule or the record`,
    });
  }

  function remembered(key: string, find: () => Promise<string>): Promise<string> {
    const known = cache.get<Promise<string>>(key);
    if (known) return known;
    if (cache.keys().length >= ENTRIES_MAX) cache.flushAll();
    const found = find();
    cache.set(key, found);
    // A failure is not remembered: the group may exist the next time.
    found.catch(() => cache.del(key));
    return found;
  }

  function safe(value: string): string {
    if (!/[\^\n\r]/.test(value) && !value.startsWith("javascript:")) return value;
    throw new ConnectorError({
      kind: "rejected",
      connection,
      message: `a name with "^" cannot be looked up in ${connection}; rename it there`,
    });
  }

  return {
    group: (name) =>
      remembered(`group ${name}`, () =>
        lookUp("sys_user_group", `name=${safe(name)}^active=true`, `group is named "${name}"`),
      ),
    user: (idOrEmail) =>
      remembered(`user ${idOrEmail}`, async () => {
        const by = /^[0-9a-f]{32}$/.test(idOrEmail) ? "sys_id" : idOrEmail.includes("@") ? "email" : "user_name";
        return lookUp("sys_user", `${by}=${safe(idOrEmail)}^active=true`, `user has that ${by}`);
      }),
  };
}
