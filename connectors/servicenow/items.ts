import NodeCache from "node-cache";
import type { Clock } from "../../core/clock.ts";
import type { ConfigurationItem } from "../../core/ports.ts";
import { gathered } from "../gathered.ts";
import { remembered } from "../remembered.ts";
import { isSysId, type Listings, type Row, textOf, timeOf } from "./listing.ts";
import { type Portion, wholeRows } from "./whole-rows.ts";

const AGE_MAX_MS = 600_000;
const ENTRIES_MAX = 5_000;
const SERVICES_MAX = 100;

export const ITEM_FIELDS = ["name", "sys_class_name", "environment", "owned_by", "owned_by.name", "sys_updated_on"];
/** The vendor's own spelling, and the right one. Only services have it. */
export const CRITICALITY_FIELDS = ["busines_criticality", "business_criticality"];
/** Of these an empty text means that the item has none; where the answer leaves one out, nobody knows. */
const TOLD = ["environment", "owned_by"];

/** Configuration items, remembered for ten minutes; one that is missing too. */
export interface Items {
  /** Undefined where there is no such item, or none that we may see. */
  one(id: string): Promise<ConfigurationItem | undefined>;
  many(ids: readonly string[]): Promise<Map<string, ConfigurationItem | undefined>>;
  /** The one item of that name, whatever its case. Undefined where there is none, or more than one. */
  named(name: string): Promise<ConfigurationItem | undefined>;
}

export function configurationItems(listings: Listings, clock: Clock): Items {
  const items = new ConfigurationItems(listings, clock);
  const one = gathered((ids) => items.known(ids));
  const ids = remembered<string | undefined>(clock);
  return {
    one,
    many: (wanted) => items.known(wanted),
    async named(name) {
      const id = await ids.get(name, () => items.idOf(name));
      return id === undefined ? undefined : one(id);
    },
  };
}

interface Remembered {
  /** Undefined for one that is not there. */
  item: ConfigurationItem | undefined;
  atMs: number;
}

class ConfigurationItems {
  readonly #listings: Listings;
  readonly #clock: Clock;
  readonly #items = new NodeCache({
    stdTTL: AGE_MAX_MS / 1_000,
    maxKeys: ENTRIES_MAX,
    useClones: false,
    checkperiod: 0,
  });

  constructor(listings: Listings, clock: Clock) {
    this.#listings = listings;
    this.#clock = clock;
  }

  async idOf(name: string): Promise<string | undefined> {
    const where = [{ field: "name", is: "=", value: name } as const];
    const asked = { operation: "find_cmdb_ci", table: "cmdb_ci", where, fields: ["name"], rowsMax: 1 };
    const { rows, cut, hidden } = await this.#listings.list(asked);
    return cut || hidden ? undefined : rows[0]?.sys_id;
  }

  /** Items by id, those that are missing as undefined: from memory, and the rest in bulk. */
  async known(ids: readonly string[]): Promise<Map<string, ConfigurationItem | undefined>> {
    const nowMs = this.#clock.now();
    const known = new Map<string, ConfigurationItem | undefined>();
    const unknown: string[] = [];
    for (const id of new Set(ids)) {
      const kept = this.#items.get<Remembered>(id);
      if (kept && nowMs - kept.atMs < AGE_MAX_MS) known.set(id, kept.item);
      else if (isSysId(id)) unknown.push(id);
    }
    if (unknown.length === 0) return known;
    const rows = await this.#listings.byIds("cmdb_ci", unknown, ITEM_FIELDS);
    const services = await this.#services([...rows.keys()]);
    if (this.#items.getStats().keys + unknown.length > ENTRIES_MAX) this.#items.flushAll();
    for (const id of unknown) {
      const row = rows.get(id);
      const item = row && this.#itemOf(row, services.get(id));
      known.set(id, item);
      if (this.#items.getStats().keys < ENTRIES_MAX) this.#items.set<Remembered>(id, { item, atMs: nowMs });
    }
    return known;
  }

  /** Through the parent table a record shows the parent's fields only, and which classes are services differs by instance. */
  #services(ids: readonly string[]): Promise<Map<string, Portion>> {
    const table = "cmdb_ci_service";
    const asked = { operation: `read_${table}`, table, key: "sys_id", where: [], rowsMax: SERVICES_MAX };
    return wholeRows(this.#listings, { ...asked, fields: CRITICALITY_FIELDS }, ids);
  }

  #itemOf(row: Row, services: Portion = []): ConfigurationItem {
    const updatedAtMs = timeOf(textOf(row, "sys_updated_on"));
    if (updatedAtMs === null)
      throw this.#listings.fault("protocol", "answered a configuration item without its time of update");
    const service = services === "incomplete" ? undefined : services[0];
    const texts = CRITICALITY_FIELDS.map((field) => service && textOf(service, field));
    const isHidden =
      services === "incomplete" || (service && CRITICALITY_FIELDS.every((field) => service[field] === undefined));
    return {
      id: row.sys_id,
      name: textOf(row, "name"),
      className: textOf(row, "sys_class_name"),
      environment: textOf(row, "environment") || null,
      criticality: texts.find((text) => text !== undefined && text !== "") ?? null,
      ownerId: textOf(row, "owned_by") || null,
      ownerName: textOf(row, "owned_by.name") || null,
      hidden: [
        ...TOLD.filter((field) => row[field] === undefined),
        ...(isHidden ? CRITICALITY_FIELDS.slice(0, 1) : []),
      ],
      updatedAtMs,
    };
  }
}
