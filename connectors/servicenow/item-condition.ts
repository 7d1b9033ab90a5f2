import type { ItemCondition } from "../../core/cmdb/quality.ts";
import { counted, idChunks, isSysId, type Listings, type Page, type Row, textOf, timeOf } from "./listing.ts";
import { isAskable } from "./query.ts";
import type { Rows } from "./table.ts";
import { RELATION_FIELDS } from "./topology.ts";

export const CONDITION_FIELDS = [
  "name",
  "sys_class_name",
  "environment",
  "owned_by",
  "managed_by",
  "support_group",
  "last_discovered",
  "duplicate_of",
  "sys_updated_on",
];
/** Of what makes an item part of a service. */
export const MEMBERSHIP_FIELDS = ["service_id", "service_id.sys_id", "service_id.name"];
/** The class that all others come from says nothing. */
const ROOT_CLASS = "cmdb_ci";
/** Of an item: enough to find one that leads somewhere. */
const RELATIONS_MAX = 50;
const SERVICES_MAX = 200;

/** An item with the services it belongs to and what its quality is reckoned from. */
export interface KnownItem {
  id: string;
  name: string;
  className: string;
  /** The first 200. */
  services: { id: string; name: string }[];
  servicesCount: number;
  condition: ItemCondition;
}

/**
 * Items by sys_id as their quality sees them; those that are not there are left out. Two calls for an item, and about
 * three for a hundred. Of who owns an item only whether anybody does is kept. Throws a ConnectorError where a field may
 * not be read: it would pass for an empty one.
 */
export async function itemConditions(listings: Listings, ids: readonly string[]): Promise<Map<string, KnownItem>> {
  const asked = [...new Set(ids)].filter(isSysId);
  const chunks = idChunks(asked);
  const answers = await listings.pages([...chunks.map(itemsOf), ...asked.map(relationsOf), ...asked.map(servicesOf)]);
  const rows = answers.slice(0, chunks.length).flatMap((answer) => answer.rows);
  const [relations, services] = [chunks.length, chunks.length + asked.length].map(
    (from) => new Map(asked.map((id, at) => [id, answers[from + at]])),
  );
  const same = await sameNamed(listings, rows);
  return new Map(
    rows.map((row) => {
      const of = { relations: relations?.get(row.sys_id), services: services?.get(row.sys_id) };
      return [row.sys_id, knownItem(listings, row, { ...of, isDuplicate: (same.get(row.sys_id) ?? 0) > 1 })];
    }),
  );
}

function itemsOf(ids: readonly string[]): Page {
  const asked = { operation: "read_cmdb_ci", table: "cmdb_ci", fields: CONDITION_FIELDS, limit: ids.length };
  return { ...asked, where: [{ field: "sys_id", in: ids }] };
}

function relationsOf(id: string): Page {
  const any = (["child", "parent"] as const).map((field) => ({ field, is: "=", value: id }) as const);
  const asked = { operation: "read_relations", table: "cmdb_rel_ci", fields: RELATION_FIELDS, limit: RELATIONS_MAX };
  return { ...asked, where: [{ any }] };
}

function servicesOf(id: string): Page {
  const asked = { operation: "read_services", table: "svc_ci_assoc", fields: MEMBERSHIP_FIELDS, limit: SERVICES_MAX };
  return { ...asked, where: [{ field: "ci_id", is: "=", value: id }] };
}

/** How many items have the name and the class of each; none is said of a name that no query can carry. */
async function sameNamed(listings: Listings, rows: readonly Row[]): Promise<Map<string, number>> {
  const askable = rows.filter((row) => isAskable(textOf(row, "name")));
  const counts = await listings.counts(
    askable.map((row) => ({
      ...{ operation: "count_same_name", table: "cmdb_ci" },
      where: (["name", "sys_class_name"] as const).map(
        (field) => ({ field, is: "=", value: textOf(row, field) }) as const,
      ),
    })),
  );
  return new Map(askable.map((row, at) => [row.sys_id, counts[at] ?? 0]));
}

interface Around {
  relations: Rows<Row> | undefined;
  services: Rows<Row> | undefined;
  isDuplicate: boolean;
}

function knownItem(listings: Listings, row: Row, { relations, services, isDuplicate }: Around): KnownItem {
  const hidden = CONDITION_FIELDS.filter((field) => row[field] === undefined);
  if (hidden.length > 0) {
    const what = `does not show ${hidden.join(", ")} of a configuration item`;
    throw listings.fault("rejected", `${what}; give the integration user read on it (interlock doctor)`);
  }
  const updatedAtMs = timeOf(textOf(row, "sys_updated_on"));
  if (updatedAtMs === null)
    throw listings.fault("protocol", "answered a configuration item without its time of update");
  const has = (field: string): boolean => textOf(row, field) !== "";
  const member = servicesIn(listings, services);
  return {
    id: row.sys_id,
    name: textOf(row, "name"),
    className: textOf(row, "sys_class_name"),
    services: member.first,
    servicesCount: member.count,
    condition: {
      hasName: has("name"),
      hasClass: has("sys_class_name") && textOf(row, "sys_class_name") !== ROOT_CLASS,
      hasEnvironment: has("environment"),
      hasOwner: has("owned_by") || has("managed_by"),
      hasGroup: has("support_group"),
      updatedAtMs,
      discoveredAtMs: timeOf(textOf(row, "last_discovered")),
      hasRelation: leadsSomewhere(listings, row.sys_id, relations),
      hasService: member.count > 0,
      isDuplicate: isDuplicate || has("duplicate_of"),
    },
  };
}

function leadsSomewhere(listings: Listings, id: string, answer: Rows<Row> | undefined): boolean {
  counted({ operation: "read_relations", table: "cmdb_rel_ci", where: [] }, answer, listings.fault);
  return (answer?.rows ?? []).some((row) =>
    (["parent", "child"] as const).some((end) => {
      const other = textOf(row, `${end}.sys_id`);
      return other !== "" && other !== id;
    }),
  );
}

function servicesIn(
  listings: Listings,
  answer: Rows<Row> | undefined,
): { first: KnownItem["services"]; count: number } {
  const total = counted({ operation: "read_services", table: "svc_ci_assoc", where: [] }, answer, listings.fault);
  const found = new Map<string, string>();
  for (const row of answer?.rows ?? []) {
    // One that is not there any more is no service.
    const id = textOf(row, "service_id.sys_id");
    if (id !== "") found.set(id, textOf(row, "service_id.name") || id);
  }
  const first = [...found].map(([id, name]) => ({ id, name }));
  return { first, count: total > (answer?.rows.length ?? 0) ? total : first.length };
}
