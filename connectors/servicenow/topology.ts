/** How configuration items hang together, read a level at a time from the relations alone. */
import type { WalkLimits } from "../../core/ports.ts";
import { idChunks, type Listed, type Listing, type Listings, type Row, textOf } from "./listing.ts";
import { inChunks } from "./table.ts";

/** Relations of one level that are looked at; of a portion of ids at the least so many. */
const RELATIONS_MAX = 20_000;
const PORTION_RELATIONS_MIN = 600;
const PAGE_ROWS = 1_000;
/** So few ids need one call for both directions. */
const FEW = 15;
/** Portions of ids that are asked for together, each in both directions. */
const PORTIONS_MAX = 50;
/** Whatever a caller asks for. */
const DEPTH_MAX = 10;
const ITEMS_MAX = 5_000;

/**
 * In a relation the parent depends on the child ("Depends on::Used by", "Runs on::Runs", "Contains::Contained by"), which
 * is how the instance itself reckons impact. These are the parent descriptors that say the opposite.
 */
const CHILD_DEPENDS = ["Impacts", "Powers", "Provides", "Hosts", "Runs", "Supports", "Used by", "Virtualizes"];
const ENDS = ["parent", "child"] as const;

export const RELATION_FIELDS = ["parent", "child", "parent.sys_id", "child.sys_id", "type.parent_descriptor"];

/** What hangs on an item. Each item once, however many relations lead to it. */
export interface Topology {
  /** What depends on it, directly or through others. */
  items: { id: string; depth: number }[];
  /** Named as dependent but not there, or not to be seen. */
  missing: string[];
  /** There are, or may be, more than these. */
  cut: boolean;
  /** What it depends on directly, and of that what is not there. */
  dependsOn: string[];
  dependsOnMissing: string[];
  /** Relations that we may not see. */
  hidden: boolean;
}

/** An end of a relation: its id, and whether there is an item of that id. */
interface End {
  id: string;
  there: boolean;
}

/** The items around one that is there. Calls grow with the levels, not with the items: one serves about 2,000 of them. */
export async function topologyOf(listings: Listings, id: string, limits: WalkLimits): Promise<Topology> {
  const depthMax = Math.min(limits.depthMax, DEPTH_MAX);
  const itemsMax = Math.min(limits.itemsMax, ITEMS_MAX);
  const items: Topology["items"] = [];
  const missing = new Set<string>();
  const below = new Map<string, boolean>();
  const seen = new Set([id]);
  const told = (cut: boolean, hidden: boolean): Topology => ({
    ...{ items, missing: [...missing], cut, hidden },
    dependsOn: [...below].filter(([, there]) => there).map(([of]) => of),
    dependsOnMissing: [...below].filter(([, there]) => !there).map(([of]) => of),
  });
  let level = [id];
  let isHidden = false;
  for (let depth = 1; level.length > 0; depth += 1) {
    const { above, cut, hidden } = await around(listings, level, depth === 1 ? below : undefined);
    below.delete(id);
    isHidden ||= hidden;
    const fresh = [...above].filter(([of]) => !seen.has(of));
    // One level beyond the last is looked at, so that `cut` says whether there is anything.
    if (depth > depthMax) return told(cut || fresh.length > 0, isHidden);
    for (const [of, there] of fresh) {
      seen.add(of);
      if (!there) missing.add(of);
    }
    const room = itemsMax - items.length;
    level = fresh.filter(([, there]) => there).map(([of]) => of);
    items.push(...level.slice(0, room).map((of) => ({ id: of, depth })));
    if (cut || level.length > room) return told(true, isHidden);
  }
  return told(false, isHidden);
}

/** What depends directly on any of the items, and in `below`, where it is given, what they depend on. */
async function around(
  listings: Listings,
  ids: readonly string[],
  below?: Map<string, boolean>,
): Promise<{ above: Map<string, boolean>; cut: boolean; hidden: boolean }> {
  const asked = new Set(ids);
  const above = new Map<string, boolean>();
  let [cut, hidden, left] = [false, false, RELATIONS_MAX];
  for (const portions of inChunks(idChunks(ids), PORTIONS_MAX)) {
    const found: Listed[] = await listings.lists(ids.length <= FEW ? [both(ids)] : eachWay(portions));
    for (const { rows, ...more } of found) {
      cut ||= more.cut;
      hidden ||= more.hidden;
      left -= rows.length;
      for (const row of rows) {
        const { dependent, on } = endsOf(listings, row);
        // An end that names nothing is a relation that was left behind.
        if (asked.has(on.id) && dependent.id !== "") above.set(dependent.id, dependent.there);
        if (asked.has(dependent.id) && on.id !== "") below?.set(on.id, on.there);
      }
    }
    if (left <= 0) return { above, cut: true, hidden };
  }
  return { above, cut, hidden };
}

function both(ids: readonly string[]): Listing {
  return relations([{ any: ENDS.map((end) => ({ field: end, in: ids })) }], RELATIONS_MAX);
}

/** Few relations say that the child depends, so the others of a parent are not asked for. */
function eachWay(portions: readonly string[][]): Listing[] {
  const rowsMax = Math.max(PORTION_RELATIONS_MIN, Math.floor(RELATIONS_MAX / portions.length / 2));
  return portions.flatMap((ids) => [
    relations([{ field: "child", in: ids }], rowsMax),
    relations(
      [
        { field: "parent", in: ids },
        { field: "type.parent_descriptor", in: CHILD_DEPENDS },
      ],
      rowsMax,
    ),
  ]);
}

function relations(where: Listing["where"], rowsMax: number): Listing {
  const asked = { operation: "read_relations", table: "cmdb_rel_ci", fields: RELATION_FIELDS };
  return { ...asked, where, rowsMax, pageRows: PAGE_ROWS };
}

function endsOf(listings: Listings, row: Row): { dependent: End; on: End } {
  const descriptor = textOf(row, "type.parent_descriptor").toLowerCase();
  const [dependent, on] = CHILD_DEPENDS.some((word) => word.toLowerCase() === descriptor)
    ? (["child", "parent"] as const)
    : ENDS;
  return { dependent: endOf(listings, row, dependent), on: endOf(listings, row, on) };
}

function endOf(listings: Listings, row: Row, end: "parent" | "child"): End {
  if (row[`${end}.sys_id`] === undefined)
    throw listings.fault(
      "rejected",
      `does not show ${end}.sys_id of cmdb_rel_ci; give the integration user read on it`,
    );
  return { id: textOf(row, end), there: textOf(row, `${end}.sys_id`) !== "" };
}
