/** What can be wrong with an item in the CMDB. */
export const QUALITY_REASONS = [
  "nameless",
  "unclassified",
  "no_environment",
  "no_owner",
  "no_group",
  "stale",
  "undiscovered",
  "no_relation",
  "orphaned",
  "duplicate",
] as const;
export type QualityReason = (typeof QUALITY_REASONS)[number];

/**
 * What each costs of 100. Completeness 25, ownership 25, freshness 20, relations 20, being the only one 10: what nobody
 * owns or what hangs on nothing misleads a decision more than an empty field does.
 */
export const QUALITY_WEIGHTS: Readonly<Record<QualityReason, number>> = {
  nameless: 10,
  unclassified: 5,
  no_environment: 10,
  no_owner: 15,
  no_group: 10,
  stale: 15,
  undiscovered: 5,
  no_relation: 15,
  orphaned: 5,
  duplicate: 10,
};

/** Days after which an item that nobody touched, and one that discovery does not find any more, is taken for stale. */
export const UPDATED_DAYS_MAX = 365;
export const DISCOVERED_DAYS_MAX = 90;
const DAY_MS = 86_400_000;

/** What is known of an item, as far as its quality goes. No names. */
export interface ItemCondition {
  hasName: boolean;
  /** Of a class of its own, not of the one that all classes come from. */
  hasClass: boolean;
  hasEnvironment: boolean;
  /** Somebody owns or manages it. */
  hasOwner: boolean;
  /** A group supports it. */
  hasGroup: boolean;
  updatedAtMs: number;
  /** Null where discovery has never found it, which says nothing: not all items can be discovered. */
  discoveredAtMs: number | null;
  /** Some relation leads to an item that is there, in either direction. */
  hasRelation: boolean;
  hasService: boolean;
  /** Marked as one, or not the only item of its name and class. */
  isDuplicate: boolean;
}

export interface Quality {
  /** 0 to 100. */
  score: number;
  /** What it was lowered for, in the order of QUALITY_REASONS. */
  reasons: QualityReason[];
}

/** What a decision must not lean on: each is a risk of its own. */
export interface Ignorance {
  stale: boolean;
  orphaned: boolean;
  duplicate: boolean;
  /** Nobody owns or manages it, and no group supports it. */
  ownerless: boolean;
  relationless: boolean;
}

/** The quality of an item: 100 less the weight of each thing that is wrong with it. */
export function qualityOf(item: ItemCondition, nowMs: number): Quality {
  const reasons = QUALITY_REASONS.filter((reason) => isWrong(reason, item, nowMs));
  return { score: reasons.reduce((score, reason) => score - QUALITY_WEIGHTS[reason], 100), reasons };
}

/** What is not known about an item, by the same measures as its quality. */
export function ignoranceOf(item: ItemCondition, nowMs: number): Ignorance {
  const is = (reason: QualityReason): boolean => isWrong(reason, item, nowMs);
  return {
    stale: is("stale") || is("undiscovered"),
    orphaned: is("orphaned"),
    duplicate: is("duplicate"),
    ownerless: is("no_owner") && is("no_group"),
    relationless: is("no_relation"),
  };
}

function isWrong(reason: QualityReason, item: ItemCondition, nowMs: number): boolean {
  switch (reason) {
    case "nameless":
      return !item.hasName;
    case "unclassified":
      return !item.hasClass;
    case "no_environment":
      return !item.hasEnvironment;
    case "no_owner":
      return !item.hasOwner;
    case "no_group":
      return !item.hasGroup;
    case "stale":
      return nowMs - item.updatedAtMs > UPDATED_DAYS_MAX * DAY_MS;
    case "undiscovered":
      return item.discoveredAtMs !== null && nowMs - item.discoveredAtMs > DISCOVERED_DAYS_MAX * DAY_MS;
    case "no_relation":
      return !item.hasRelation;
    case "orphaned":
      return !item.hasRelation && !item.hasService;
    case "duplicate":
      return item.isDuplicate;
  }
}
