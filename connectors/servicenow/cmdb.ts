import type { Clock } from "../../core/clock.ts";
import type { Cmdb, ConfigurationItem, RelatedRecord, WalkLimits } from "../../core/ports.ts";
import type { ServiceNowClient } from "./client.ts";
import { configurationItems, type Items } from "./items.ts";
import { isSysId, type Listings, listings, type Row, textOf, timeOf, timeText } from "./listing.ts";
import type { Query } from "./query.ts";
import { topologyOf } from "./topology.ts";

const RELATED_MAX = 1_000;
const SERVICES_MAX = 500;
const RECORDS = {
  change_request: { operation: "read_changes", outcome: "close_code" },
  incident: { operation: "read_incidents", outcome: "close_code" },
} as const;

export interface CmdbDeps {
  connection: string;
  client: ServiceNowClient;
  clock: Clock;
}

/** The CMDB over the Table API. Items are remembered for ten minutes; relations and tickets are read every time. */
export function servicenowCmdb(deps: CmdbDeps): Cmdb {
  return new ServiceNowCmdb(listings(deps.connection, deps.client), deps.clock);
}

class ServiceNowCmdb implements Cmdb {
  readonly #listings: Listings;
  readonly #items: Items;

  constructor(rows: Listings, clock: Clock) {
    this.#listings = rows;
    this.#items = configurationItems(rows, clock);
  }

  ci(id: string): Promise<ConfigurationItem | undefined> {
    return this.#items.one(id);
  }

  ciNamed(name: string): Promise<ConfigurationItem | undefined> {
    return this.#items.named(name);
  }

  async dependents(
    id: string,
    limits: WalkLimits,
  ): Promise<{ items: { id: string; depth: number }[]; missing: string[]; cut: boolean }> {
    if ((await this.#items.one(id)) === undefined) return { items: [], missing: [id], cut: false };
    const { items, missing, cut } = await topologyOf(this.#listings, id, limits);
    return { items, missing, cut };
  }

  async servicesOf(id: string): Promise<ConfigurationItem[]> {
    if (!isSysId(id)) return [];
    const { rows, cut } = await this.#listings.list({
      operation: "read_services",
      table: "svc_ci_assoc",
      where: [{ field: "ci_id", is: "=", value: id }],
      fields: ["service_id"],
      rowsMax: SERVICES_MAX,
    });
    // The port has no way to say "and more", and fewer services than there are would pass for less risk.
    if (cut)
      throw this.#listings.fault(
        "rejected",
        `has more than ${SERVICES_MAX} services on one item; a person must look at it`,
      );
    const known = await this.#items.many(rows.map((row) => textOf(row, "service_id")));
    return [...known.values()].filter((item) => item !== undefined);
  }

  changesOn(id: string, sinceMs: number): Promise<{ records: RelatedRecord[]; cut: boolean }> {
    return this.#related("change_request", id, sinceMs);
  }

  incidentsOn(id: string, sinceMs: number): Promise<{ records: RelatedRecord[]; cut: boolean }> {
    return this.#related("incident", id, sinceMs);
  }

  /** Tickets of a table that name the item, or list it among those affected, and were opened or closed since. */
  async #related(
    table: keyof typeof RECORDS,
    id: string,
    sinceMs: number,
  ): Promise<{ records: RelatedRecord[]; cut: boolean }> {
    if (!isSysId(id)) return { records: [], cut: false };
    const { operation, outcome } = RECORDS[table];
    const since = timeText(sinceMs);
    const isSince = (of: string): Query["where"][number] => ({
      any: [
        { field: `${of}opened_at`, is: ">=", value: since },
        { field: `${of}closed_at`, is: ">=", value: since },
      ],
    });
    const fields = ["number", "state", "opened_at", "closed_at", outcome];
    const named = await this.#listings.list({
      operation,
      table,
      where: [{ field: "cmdb_ci", is: "=", value: id }, isSince("")],
      fields,
      rowsMax: RELATED_MAX,
    });
    const listed = await this.#listings.list({
      operation,
      table: "task_ci",
      where: [
        { field: "ci_item", is: "=", value: id },
        { field: "task.sys_class_name", is: "=", value: table },
        isSince("task."),
      ],
      fields: ["task"],
      rowsMax: RELATED_MAX,
    });
    const found = new Map(named.rows.map((row) => [row.sys_id, row]));
    const more = listed.rows.map((row) => textOf(row, "task")).filter((task) => !found.has(task));
    for (const [task, row] of await this.#listings.byIds(table, more, fields)) found.set(task, row);
    const records = [...found.values()].map((row) => this.#recordOf(table, row, textOf(row, outcome)));
    records.sort((a, b) => b.openedAtMs - a.openedAtMs || (a.id < b.id ? -1 : 1));
    return { records: records.slice(0, RELATED_MAX), cut: named.cut || listed.cut || records.length > RELATED_MAX };
  }

  #recordOf(type: string, row: Row, outcome: string): RelatedRecord {
    const openedAtMs = timeOf(textOf(row, "opened_at"));
    if (openedAtMs === null)
      throw this.#listings.fault("protocol", `answered a read of ${type} without the time it was opened`);
    return {
      type,
      id: row.sys_id,
      key: textOf(row, "number"),
      openedAtMs,
      closedAtMs: timeOf(textOf(row, "closed_at")),
      state: textOf(row, "state"),
      outcome: outcome || null,
    };
  }
}
