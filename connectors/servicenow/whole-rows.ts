import { idChunks, type Listings, type Row, textOf } from "./listing.ts";
import type { Query } from "./query.ts";
import { inChunks } from "./table.ts";

export interface RowsPerKey {
  /** What the call is for, as metrics name it. */
  operation: string;
  table: string;
  /** The field by which rows belong to a key: a reference, or sys_id itself. */
  key: string;
  where: Query["where"];
  fields: readonly string[];
  /** Of one call, for all its keys together. */
  rowsMax: number;
}

/** All rows of one key; incomplete where there are more than `rowsMax`, or some that we may not see. */
export type Portion = readonly Row[] | "incomplete";

/**
 * All rows of many keys (sys_ids) in as few calls as addresses can carry. A short list never passes for a whole one: a
 * call that was cut, or had rows taken out, is made again for half of its keys each, until those it is about are found.
 */
export async function wholeRows(
  listings: Listings,
  { key, where, ...listing }: RowsPerKey,
  keys: readonly string[],
): Promise<Map<string, Portion>> {
  const found = new Map<string, Portion>();
  const chunks = idChunks(keys);
  for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) {
    const { rows, cut, hidden } = await listings.list({ ...listing, where: [{ field: key, in: chunk }, ...where] });
    if ((cut || hidden) && chunk.length > 1) chunks.push(...inChunks(chunk, Math.ceil(chunk.length / 2)));
    else
      for (const one of chunk)
        found.set(one, cut || hidden ? "incomplete" : rows.filter((row) => textOf(row, key) === one));
  }
  return found;
}
