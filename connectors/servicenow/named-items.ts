import type { Patience } from "../../core/ports.ts";
import { type Listings, textOf, timeText } from "./listing.ts";

const TICKETS_MAX = 20_000;
const PAGE_ROWS = 1_000;

/** How often tickets named each item, most often first. */
export interface NamedItems {
  /** By sys_id. */
  items: { id: string; tickets: number }[];
  tickets: number;
  /** There are more tickets than were read, or some that we may not see: counts are of those that were. */
  cut: boolean;
}

/**
 * The items that tickets of some tables named, of those opened at that hour or later (ms since 1970). Of up to 20,000
 * tickets a table, in an order that has nothing to do with their hour. Reads no text.
 */
export async function namedItems(
  listings: Listings,
  { tables, sinceMs, patiently }: { tables: readonly string[]; sinceMs: number; patiently: Patience },
): Promise<NamedItems> {
  const counts = new Map<string, number>();
  let [tickets, isCut] = [0, false];
  for (const table of tables) {
    const { rows, cut, hidden } = await patiently(() =>
      listings.list({
        ...{ operation: "read_named_items", table, fields: [], rowsMax: TICKETS_MAX, pageRows: PAGE_ROWS },
        where: [
          { field: "cmdb_ci", filled: true },
          { field: "opened_at", is: ">=", value: timeText(sinceMs) },
        ],
      }),
    );
    isCut ||= cut || hidden;
    tickets += rows.length;
    for (const row of rows) counts.set(textOf(row, "cmdb_ci"), (counts.get(textOf(row, "cmdb_ci")) ?? 0) + 1);
  }
  const items = [...counts].map(([id, count]) => ({ id, tickets: count }));
  items.sort((a, b) => b.tickets - a.tickets || (a.id < b.id ? -1 : 1));
  return { items, tickets, cut: isCut };
}
