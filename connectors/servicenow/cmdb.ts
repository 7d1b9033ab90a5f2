import type { Clock } from "../../core/clock.ts";
import type { Cmdb, ConfigurationItem, RelatedRecord, WalkLimits } from "../../core/ports.ts";
import type { ServiceNowClient } from "./client.ts";
import { configurationItems, type Items } from "./items.ts";
import { idChunks, isSysId, type Listings, listings, type Row, textOf, timeOf, timeText } from "./listing.ts";
import type { Query } from "./query.ts";

const RELATIONS_MAX = 10_000;
const RELATED_MAX = 1_000;
const SERVICES_MAX = 500;
/** Whatever a caller asks for. */
const DEPTH_MAX = 10;
const ITEMS_MAX = 5_000;

/**
 * In a relation the parent depends on the child ("Depends on::Used by", "Runs on::Runs", "Contains::Contained by"), which
 * is how the instance itself reckons impact. These are the parent descriptors that say the opposite.
 */
const CHILD_DEPENDS = ["Impacts", "Powers", "Provides", "Hosts", "Runs", "Supports", "Used by", "Virtualizes"];

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
    const depthMax = Math.min(limits.depthMax, DEPTH_MAX);
    const itemsMax = Math.min(limits.itemsMax, ITEMS_MAX);
    const items: { id: string; depth: number }[] = [];
    const missing = new Set<string>();
    const seen = new Set([id]);
    let level = await this.#present([id], missing);
    for (let depth = 1; level.length > 0; depth += 1) {
      const { ids, cut } = await this.#dependentsOf(level);
      const fresh = ids.filter((found) => !seen.has(found));
      // One level beyond the last is looked at, so that `cut` says whether there is anything.
      if (depth > depthMax) return { items, missing: [...missing], cut: cut || fresh.length > 0 };
      const room = itemsMax - items.length;
      for (const found of fresh) seen.add(found);
      level = await this.#present(fresh.slice(0, room + 1), missing);
      items.push(...level.slice(0, room).map((found) => ({ id: found, depth })));
      if (cut || level.length > room || fresh.length > room + 1) return { items, missing: [...missing], cut: true };
    }
    return { items, missing: [...missing], cut: false };
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

  /** Those of the ids that are there; the others are added to `missing`. */
  async #present(ids: readonly string[], missing: Set<string>): Promise<string[]> {
    const known = await this.#items.many(ids);
    const present = ids.filter((id) => known.get(id) !== undefined);
    for (const id of ids) if (known.get(id) === undefined) missing.add(id);
    return present;
  }

  /** What depends directly on any of the items. */
  async #dependentsOf(ids: readonly string[]): Promise<{ ids: string[]; cut: boolean }> {
    const found = new Set<string>();
    let cut = false;
    for (const chunk of idChunks(ids)) {
      const [above, below] = await Promise.all([this.#relations("child", chunk), this.#relations("parent", chunk)]);
      cut ||= above.cut || below.cut;
      for (const row of above.rows) if (!childDepends(row)) found.add(textOf(row, "parent"));
      for (const row of below.rows) if (childDepends(row)) found.add(textOf(row, "child"));
    }
    // An end that names nothing is a relation that was left behind.
    found.delete("");
    return { ids: [...found], cut };
  }

  #relations(end: "child" | "parent", ids: readonly string[]): Promise<{ rows: Row[]; cut: boolean }> {
    const where: Query["where"] = [
      { field: end, in: ids },
      ...(end === "parent" ? [{ field: "type.parent_descriptor", in: CHILD_DEPENDS }] : []),
    ];
    return this.#listings.list({
      operation: "read_relations",
      table: "cmdb_rel_ci",
      where,
      fields: ["parent", "child", "type.parent_descriptor"],
      rowsMax: RELATIONS_MAX,
    });
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

function childDepends(relation: Row): boolean {
  const descriptor = textOf(relation, "type.parent_descriptor").toLowerCase();
  return CHILD_DEPENDS.some((word) => word.toLowerCase() === descriptor);
}
