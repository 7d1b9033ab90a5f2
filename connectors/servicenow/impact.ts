import type { Clock } from "../../core/clock.ts";
import { ignoranceOf, qualityOf } from "../../core/cmdb/quality.ts";
import type { ImpactFact } from "../../core/policy/impact.ts";
import type { Cmdb } from "../../core/ports.ts";
import type { Ticket } from "../../core/ticket.ts";
import { remembered } from "../remembered.ts";
import { changes } from "./change.ts";
import { type Asked, type ChangeHistory, changeHistory, collisionsOn, incidentsOn, summed } from "./change-history.ts";
import type { ServiceNowClient } from "./client.ts";
import { itemConditions, type KnownItem } from "./item-condition.ts";
import { CRITICALITY_FIELDS } from "./items.ts";
import { isSysId, type Listings, listings, type Row, textOf } from "./listing.ts";
import { type Topology, topologyOf } from "./topology.ts";

const LIMITS = { depthMax: 3, itemsMax: 2_000 };
/** Of what an item depends on directly; more are not looked at for collisions. */
const BELOW_MAX = 500;
/** Items are kept by the id alone, but up to 2,000 of them for each. */
const ITEMS_KEPT_MAX = 50;
const HISTORY_AGE_MAX_MS = 60_000;
const HISTORIES_MAX = 500;
const CRITICAL_MAX = 5_000;
const CRITICAL_PAGE_ROWS = 1_000;
/** "1 - most critical". */
const MOST_CRITICAL = "1";

/** What changes are grouped by for their model's record: the template where there is one, else the model. */
export const MODEL_FIELDS = ["std_change_producer_version", "chg_model"];

interface Deps {
  connection: string;
  client: ServiceNowClient;
  clock: Clock;
}

/** What an item hangs together with, and what is known of it. */
interface Surroundings {
  item: KnownItem;
  topology: Topology;
  criticalDependents: number;
}

/** How many incidents there are near, and what else is planned there. */
interface Nearby {
  history: ChangeHistory;
  neighbourIncidents: number;
  collisions: number;
}

/**
 * What the CMDB and the history say of a change's item. Null for tickets that are no changes, name no item, or name one
 * that is not there. The first time it takes up to twenty calls, however many items depend on it; what hangs on an item
 * is remembered for ten minutes and its history for one, and then it takes two. A change of another system has no record
 * of its group, model and conflicts here: they are 0, 0 and -1. Without a planned window nothing collides.
 * Throws a ConnectorError where something may not be read in full: less would pass for less risk.
 */
export function impact(deps: Deps, cmdb: Cmdb): (ticket: Ticket) => Promise<ImpactFact | null> {
  const source = new Impact(deps, cmdb);
  return (ticket) => source.of(ticket);
}

class Impact {
  readonly #deps: Deps;
  readonly #cmdb: Cmdb;
  readonly #listings: Listings;
  readonly #changes: ReturnType<typeof changes>;
  readonly #surroundings;
  readonly #nearby;
  readonly #critical;

  constructor(deps: Deps, cmdb: Cmdb) {
    this.#deps = deps;
    this.#cmdb = cmdb;
    this.#listings = listings(deps.connection, deps.client);
    this.#changes = changes(deps);
    this.#surroundings = remembered<Surroundings | undefined>(deps.clock, { entriesMax: ITEMS_KEPT_MAX });
    const short = { ageMaxMs: HISTORY_AGE_MAX_MS, entriesMax: HISTORIES_MAX };
    this.#nearby = remembered<Nearby>(deps.clock, short);
    this.#critical = remembered<ReadonlySet<string>>(deps.clock, { entriesMax: 1 });
  }

  async of(ticket: Ticket): Promise<ImpactFact | null> {
    const { kind, ci, ciId } = ticket;
    if (kind !== "change" || (ci === "" && ciId === "")) return null;
    const id = isSysId(ciId) ? ciId : (await this.#cmdb.ciNamed(ci || ciId))?.id;
    if (id === undefined) return null;
    const around = await this.#surroundings.get(id, () => this.#surroundingsOf(id));
    if (around === undefined) return null;
    const asked = await this.#asked(id, ticket);
    const { window, changeId, groupId, model } = asked;
    const key = [id, changeId, groupId, model.id, window?.startMs, window?.endMs].join(" ");
    const near = await this.#nearby.get(key, () => this.#nearbyOf(asked, around.topology));
    const conflicts = changeId === "" ? undefined : await this.#changes.knownConflicts(changeId);
    return this.#factOf(around, near, conflicts);
  }

  async #surroundingsOf(id: string): Promise<Surroundings | undefined> {
    const item = (await itemConditions(this.#listings, [id])).get(id);
    if (item === undefined) return undefined;
    const topology = await topologyOf(this.#listings, id, LIMITS);
    if (topology.hidden) {
      const what = "does not show all relations of an item and of what depends on it";
      throw this.#listings.fault("rejected", `${what}; give the integration user read on every row of cmdb_rel_ci`);
    }
    const critical = await this.#critical.get("", () => this.#criticalServices());
    const criticalDependents = topology.items.filter((dependent) => critical.has(dependent.id)).length;
    return { item, topology, criticalDependents };
  }

  /** Through the parent table no item shows its criticality, and asking each by its id would take a call for forty. */
  async #criticalServices(): Promise<ReadonlySet<string>> {
    const { rows, cut, hidden } = await this.#listings.list({
      ...{ operation: "read_critical_services", table: "cmdb_ci_service", fields: [] },
      where: [{ any: CRITICALITY_FIELDS.map((field) => ({ field, is: "STARTSWITH", value: MOST_CRITICAL }) as const) }],
      ...{ rowsMax: CRITICAL_MAX, pageRows: CRITICAL_PAGE_ROWS },
    });
    if (cut || hidden) {
      const what = `has more than ${CRITICAL_MAX} most critical services, or hides some`;
      throw this.#listings.fault("rejected", `${what}; give the integration user read on every row of cmdb_ci_service`);
    }
    return new Set(rows.map(({ sys_id }) => sys_id));
  }

  /** A change of this instance is read for what the ticket does not say: the ids of its group and of its model. */
  async #asked(itemId: string, { ref, change: { plannedStart, plannedEnd } }: Ticket): Promise<Asked> {
    const [startMs, endMs] = [plannedStart, plannedEnd].map((at) => (at === undefined ? Number.NaN : Date.parse(at)));
    const isPlanned = startMs !== undefined && endMs !== undefined && startMs < endMs;
    const isOurs = ref.connection === this.#deps.connection && isSysId(ref.id);
    const row = isOurs ? await this.#changeRow(ref.type, ref.id) : undefined;
    const modelField = MODEL_FIELDS.find((field) => row && textOf(row, field) !== "");
    return {
      itemId,
      changeId: isOurs ? ref.id : "",
      groupId: row ? textOf(row, "assignment_group") : "",
      model: { field: modelField ?? "", id: row && modelField ? textOf(row, modelField) : "" },
      window: isPlanned ? { startMs, endMs } : undefined,
      nowMs: this.#deps.clock.now(),
    };
  }

  async #changeRow(table: string, id: string): Promise<Row> {
    const row = (await this.#listings.byIds(table, [id], ["assignment_group", ...MODEL_FIELDS])).get(id);
    if (row !== undefined && row["assignment_group"] !== undefined) return row;
    const what =
      row === undefined ? `has no ${table} ${id}, or hides it` : `does not show assignment_group of ${table}`;
    throw this.#listings.fault("rejected", `${what}; give the integration user read on it`);
  }

  async #nearbyOf(asked: Asked, topology: Topology): Promise<Nearby> {
    const history = await changeHistory(this.#listings, asked);
    const direct = topology.items.filter(({ depth }) => depth === 1).map(({ id }) => id);
    const below = topology.dependsOn.slice(0, BELOW_MAX);
    const watched = new Set([asked.itemId, ...topology.items.map(({ id }) => id), ...below]);
    const questions = [incidentsOn(direct, asked.nowMs), collisionsOn([...watched], asked)];
    const [neighbourIncidents = 0, named = 0] = await summed(this.#listings, questions);
    const listed = history.affectedCollisions.filter((item) => !watched.has(item)).length;
    return { history, neighbourIncidents, collisions: named + listed };
  }

  #factOf(
    { item, topology, criticalDependents }: Surroundings,
    near: Nearby,
    conflicts: number | undefined,
  ): ImpactFact {
    const nowMs = this.#deps.clock.now();
    const { affectedCollisions: _, ...history } = near.history;
    return {
      dependents: topology.items.length,
      dependentsCut: topology.cut,
      criticalDependents,
      missing: new Set([...topology.missing, ...topology.dependsOnMissing]).size,
      services: item.servicesCount,
      ...history,
      neighbourIncidents: near.neighbourIncidents,
      collisions: near.collisions,
      platformConflicts: conflicts ?? -1,
      ...ignoranceOf(item.condition, nowMs),
      noHistory: history.changes === 0 && history.daysSinceChange === -1,
      quality: qualityOf(item.condition, nowMs).score,
    };
  }
}
