import { instant } from "../clock.ts";
import { type ItemCondition, QUALITY_REASONS, type QualityReason, qualityOf } from "./quality.ts";

/** Items that are not there any more have no service, and neither have some that are. */
const NO_SERVICE = "(no service)";

/** What a report is made of: items that tickets named, with what is known of them. */
export interface NamedItem {
  id: string;
  tickets: number;
  /** Undefined for one that is not there, or not to be seen. */
  known: { name: string; className: string; services: readonly string[]; condition: ItemCondition } | undefined;
}

export interface ItemLine {
  id: string;
  name: string;
  className: string;
  /** 0 where tickets name an item that is not there. */
  score: number;
  reasons: (QualityReason | "missing")[];
  tickets: number;
  services: string[];
}

export interface ServiceLine {
  service: string;
  items: number;
  tickets: number;
  /** The mean of its items' scores, each counted once for every ticket that named it. */
  score: number;
}

/** Quality of the items that tickets of a connection named. Items that most tickets lost most by stand first. */
export interface CmdbReport {
  connection: string;
  since: string;
  /** Tickets that named an item, and the items that they named. */
  tickets: number;
  itemsNamed: number;
  /** The mean score, each item counted once for every ticket that named it; null where there is none. */
  score: number | null;
  items: ItemLine[];
  services: ServiceLine[];
  /** Reason → items. */
  reasons: Partial<Record<QualityReason | "missing", number>>;
  /** Whole sentences that a reader must know. */
  notes: string[];
}

export interface ReportBasis {
  connection: string;
  sinceMs: number;
  nowMs: number;
  tickets: number;
  itemsNamed: number;
  /** Not all tickets could be read. */
  cut: boolean;
}

/** What to do about each. */
export const REMEDIES: Readonly<Record<QualityReason | "missing", string>> = {
  missing: "restore the item, or correct the tickets that name it",
  nameless: "give it a name",
  unclassified: "give it a class of its own",
  no_environment: "say which environment it is in",
  no_owner: "say who owns or manages it",
  no_group: "name the group that supports it",
  stale: "confirm that it still is as it stands, or retire it",
  undiscovered: "see why discovery does not find it any more",
  no_relation: "relate it to what it runs on and to what depends on it",
  orphaned: "add it to the service that it serves, or retire it",
  duplicate: "merge it with the other of its name and class",
};

/** The report on items, all of which are in it. Pure. */
export function cmdbReport(named: readonly NamedItem[], basis: ReportBasis): CmdbReport {
  const { connection, sinceMs, nowMs, tickets, itemsNamed, cut } = basis;
  const items = named.map((item) => itemLine(item, nowMs));
  const lost = ({ score, tickets: count }: ItemLine): number => (100 - score) * count;
  items.sort((a, b) => lost(b) - lost(a) || b.tickets - a.tickets || (a.id < b.id ? -1 : 1));
  const notes = [
    `A score is 100 less what is wrong with an item; means count an item once for every ticket that named it.`,
  ];
  if (named.length < itemsNamed)
    notes.push(`Of ${itemsNamed} items the ${named.length} that most tickets named are looked at (--limit).`);
  if (cut) notes.push("There are more tickets than were read or may be seen, so counts of tickets are too low.");
  return {
    ...{ connection, since: instant(sinceMs), tickets, itemsNamed, score: items.length === 0 ? null : mean(items) },
    ...{ items, services: serviceLines(items), reasons: counted(items), notes },
  };
}

function itemLine({ id, tickets, known }: NamedItem, nowMs: number): ItemLine {
  if (known === undefined)
    return { id, name: "", className: "", score: 0, reasons: ["missing"], tickets, services: [] };
  const { name, className, services, condition } = known;
  return { id, name, className, ...qualityOf(condition, nowMs), tickets, services: [...services] };
}

function mean(items: readonly ItemLine[]): number {
  const weight = items.reduce((sum, { tickets }) => sum + tickets, 0);
  return weight === 0 ? 0 : Math.round(items.reduce((sum, { score, tickets }) => sum + score * tickets, 0) / weight);
}

/** An item that serves two services counts in both. */
function serviceLines(items: readonly ItemLine[]): ServiceLine[] {
  const byService = new Map<string, ItemLine[]>();
  for (const item of items)
    for (const service of item.services.length === 0 ? [NO_SERVICE] : new Set(item.services)) {
      const members = byService.get(service);
      if (members) members.push(item);
      else byService.set(service, [item]);
    }
  const lines = [...byService].map(([service, members]) => ({
    ...{ service, items: members.length, score: mean(members) },
    tickets: members.reduce((sum, { tickets }) => sum + tickets, 0),
  }));
  return lines.sort((a, b) => a.score - b.score || b.tickets - a.tickets || (a.service < b.service ? -1 : 1));
}

function counted(items: readonly ItemLine[]): CmdbReport["reasons"] {
  const of = (reason: QualityReason | "missing"): number =>
    items.filter(({ reasons }) => reasons.includes(reason)).length;
  const all = (["missing", ...QUALITY_REASONS] as const).map((reason) => [reason, of(reason)] as const);
  return Object.fromEntries(all.filter(([, count]) => count > 0));
}
