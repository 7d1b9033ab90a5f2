import { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import type { ServiceNowClient } from "./client.ts";
import type { Query } from "./query.ts";
import { listRows } from "./table.ts";

const Row = z.record(z.string(), z.unknown()).transform((row) => {
  const texts = Object.entries(row).map(([name, value]): [string, string] => [
    name,
    typeof value === "string" ? value : "",
  ]);
  return Object.fromEntries(texts);
});
/** A row of the Table API: every value is text, and a field that may not be read is absent. */
export type InspectedRow = z.infer<typeof Row>;

export interface RowsWanted {
  table: string;
  fields: readonly string[];
  query?: Query;
  limit: number;
}

/** The account that calls run as. */
export interface Account {
  sysId: string;
  userName: string;
  /** Empty where the account uses the instance's own. */
  timeZone: string;
}

/** What the administrative commands ask of an instance, beside the connector's own calls. */
export interface Inspection {
  /** Throws a ConnectorError, also when rows come back that were not asked for. */
  read(wanted: RowsWanted): Promise<InspectedRow[]>;
  account(): Promise<Account>;
}

export function inspection(connection: string, client: ServiceNowClient): Inspection {
  const odd = (message: string): ConnectorError =>
    new ConnectorError({ kind: "protocol", connection, message: `${connection} ${message}` });

  // No value from outside stands in this query, so it is the one that is written out.
  async function ask(table: string, fields: readonly string[], query: string, limit: number): Promise<InspectedRow[]> {
    const params = {
      sysparm_query: query,
      sysparm_fields: fields.join(","),
      sysparm_limit: String(limit),
      sysparm_exclude_reference_link: "true",
      sysparm_no_count: "true",
    };
    const answer = z
      .array(Row)
      .safeParse(await client.send({ operation: "inspect", method: "GET", path: `/api/now/table/${table}`, params }));
    if (answer.success) return answer.data;
    throw odd(`answered a look into ${table} in an unknown form`);
  }

  return {
    async read({ table, fields, query = { where: [] }, limit }) {
      const listing = { operation: "inspect", table, query, fields, limit, row: Row };
      return (await listRows(connection, client, listing)).rows;
    },
    async account() {
      // The instance fills in who is calling; no other question of the Table API says it for every kind of login.
      const fields = ["sys_id", "user_name", "time_zone"];
      const [only, second] = await ask("sys_user", fields, "sys_id=javascript:gs.getUserID()", 2);
      if (only === undefined || second !== undefined || !only["user_name"])
        throw odd("does not say which account is calling; give the account read on its own sys_user record");
      return { sysId: only["sys_id"] ?? "", userName: only["user_name"], timeZone: only["time_zone"] ?? "" };
    },
  };
}
