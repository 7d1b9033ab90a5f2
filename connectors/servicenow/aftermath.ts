import type { Clock } from "../../core/clock.ts";
import { type IncidentCounts, implementationOf } from "../../core/policy/aftermath.ts";
import type { Cmdb } from "../../core/ports.ts";
import type { Ticket } from "../../core/ticket.ts";
import { remembered } from "../remembered.ts";
import type { ServiceNowClient } from "./client.ts";
import { idChunks, isSysId, type Listing, type Listings, listings, textOf, timeText } from "./listing.ts";
import { topologyOf } from "./topology.ts";

const LIMITS = { depthMax: 3, itemsMax: 2_000 };
/** Items are kept by the id alone, but up to 2,000 of them for each. */
const ITEMS_KEPT_MAX = 50;
/** Of a portion of items; no rule asks for more than a thousand. */
const INCIDENTS_MAX = 1_000;
const LEAST = 5;

/** Of incidents that name an item, and of rows that list one as affected by an incident. */
export const INCIDENT_FIELDS = ["cmdb_ci", "opened_at", "priority"];
export const LISTED_FIELDS = [
  "ci_item",
  "task",
  ...["sys_class_name", "opened_at", "priority"].map((field) => `task.${field}`),
];

/**
 * Incidents on a change's item, and on what depends on it, that were opened since it was implemented; each counts once.
 * Null for what is not implemented, names no item, or names one that is not there. What depends on an item is remembered
 * for ten minutes; then it takes one call for every fifty portions of forty items.
 * Throws a ConnectorError where something may not be read in full: less would pass for less harm.
 */
export function aftermath(
  deps: { connection: string; client: ServiceNowClient; clock: Clock },
  cmdb: Pick<Cmdb, "ciNamed">,
): (ticket: Ticket) => Promise<IncidentCounts | null> {
  const { connection, client, clock } = deps;
  const reader = listings(connection, client);
  const around = remembered<readonly string[]>(clock, { entriesMax: ITEMS_KEPT_MAX });
  return async (ticket) => {
    const done = implementationOf(ticket, clock.now());
    const { ci, ciId } = ticket;
    if (!done || (ci === "" && ciId === "")) return null;
    const id = isSysId(ciId) ? ciId : (await cmdb.ciNamed(ci || ciId))?.id;
    if (id === undefined) return null;
    const items = await around.get(id, () => itemsAround(reader, id));
    return countedBy(await openedSince(reader, { id, items, since: timeText(done.sinceMs) }));
  };
}

/** The item itself first. Of more than can be counted, so many. */
async function itemsAround(reader: Listings, id: string): Promise<readonly string[]> {
  const { items, hidden } = await topologyOf(reader, id, LIMITS);
  if (!hidden) return [id, ...items.map((item) => item.id)];
  const what = "does not show all relations of an item and of what depends on it";
  throw reader.fault("rejected", `${what}; give the integration user read on every row of cmdb_rel_ci`);
}

/** sys_id of each incident → its priority. */
async function openedSince(
  reader: Listings,
  { id, items, since }: { id: string; items: readonly string[]; since: string },
): Promise<Map<string, string>> {
  const asked = [...idChunks(items).map((chunk) => naming(chunk, since)), listing(id, since)];
  const found = new Map<string, string>();
  for (const [at, { rows, hidden }] of (await reader.lists(asked)).entries()) {
    const isListing = at === asked.length - 1;
    if (hidden) {
      const table = asked[at]?.table ?? "";
      throw reader.fault(
        "rejected",
        `does not show all of ${table}; give the integration user read on every row of it`,
      );
    }
    for (const row of rows)
      found.set(isListing ? textOf(row, "task") : row.sys_id, textOf(row, isListing ? "task.priority" : "priority"));
  }
  return found;
}

function naming(items: readonly string[], since: string): Listing {
  return {
    ...{ operation: "read_incidents_since", table: "incident", fields: INCIDENT_FIELDS, rowsMax: INCIDENTS_MAX },
    where: [
      { field: "cmdb_ci", in: items },
      { field: "opened_at", is: ">=", value: since },
    ],
  };
}

function listing(id: string, since: string): Listing {
  return {
    ...{ operation: "read_incidents_since", table: "task_ci", fields: LISTED_FIELDS, rowsMax: INCIDENTS_MAX },
    where: [
      { field: "ci_item", is: "=", value: id },
      { field: "task.sys_class_name", is: "=", value: "incident" },
      { field: "task.opened_at", is: ">=", value: since },
    ],
  };
}

/** A priority that is none counts as the least. */
function countedBy(incidents: ReadonlyMap<string, string>): IncidentCounts {
  const counts = [0, 0, 0, 0, 0];
  for (const priority of incidents.values()) {
    const level = Number(priority);
    const at = (Number.isInteger(level) && level >= 1 && level <= LEAST ? level : LEAST) - 1;
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return counts;
}
