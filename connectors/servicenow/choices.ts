import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import { ConnectorError } from "../../core/errors.ts";
import { remembered } from "../remembered.ts";
import type { ServiceNowClient } from "./client.ts";
import { listRows } from "./table.ts";

const CHOICES_MAX = 1_000;
/** Whose list a table inherits that has none of its own. */
const PARENT = "task";

const Row = z.looseObject({ name: z.string(), value: z.string(), label: z.string() });

/** One value that a field may have, with what people see of it. */
export interface Choice {
  value: string;
  label: string;
}

/** What the instance's choice lists say, remembered for ten minutes. */
export interface Choices {
  /**
   * The active choices of a field in their order: the table's own, or where it has none those of `task`. Empty where
   * the field has no list, and also where the integration user may not read sys_choice.
   */
  choices(table: string, field: string): Promise<readonly Choice[]>;
}

export function choiceLists(connection: string, client: ServiceNowClient, clock: Clock): Choices {
  const known = remembered<readonly Choice[]>(clock);

  async function ask(table: string, field: string): Promise<readonly Choice[]> {
    const { rows } = await listRows(connection, client, {
      operation: "look_up",
      table: "sys_choice",
      query: {
        where: [
          { field: "name", in: [...new Set([table, PARENT])] },
          { field: "element", is: "=", value: field },
          { field: "inactive", is: "=", value: "false" },
          { field: "language", is: "=", value: "en" },
        ],
        order: [{ field: "sequence" }, { field: "value" }],
      },
      fields: ["name", "value", "label"],
      limit: CHOICES_MAX,
      row: Row,
    });
    if (rows.length >= CHOICES_MAX) {
      const message = `${table}.${field} has more than ${CHOICES_MAX} choices in ${connection}; a field of so many is not one to map by value`;
      throw new ConnectorError({ kind: "rejected", connection, message });
    }
    const own = rows.filter(({ name }) => name === table);
    return (own.length > 0 ? own : rows).map(({ value, label }) => ({ value, label }));
  }

  return { choices: (table, field) => known.get(`${table} ${field}`, () => ask(table, field)) };
}
