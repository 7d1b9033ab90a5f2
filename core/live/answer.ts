/**
 * What the connections are asked about the names of a configuration, and what they answer. Asking is a connector's
 * work; holding names against the answers is done in `held.ts`.
 */

/** Everything that one system of record is asked about. Each name once. */
export interface LiveQuestion {
  groups: readonly string[];
  /** By id, e-mail or user name. */
  people: readonly string[];
  /** Groups, or people by any of these or by their name. */
  mentions: readonly string[];
  records: readonly RecordQuestion[];
}

export interface RecordQuestion {
  /** Table or project key. */
  record: string;
  /** Vendor paths that must be fields. */
  fields: readonly string[];
  /** Vendor paths whose choices are asked for. */
  lists: readonly string[];
}

/**
 * `active`: one bears the name and can be used. `unaskable`: no question to the system can carry the name, so that the
 * running sidecar cannot use it either.
 */
export type Standing = "active" | "inactive" | "several" | "unknown" | "unaskable";

/** How names stand with a system. */
export interface Roll {
  standing: ReadonlyMap<string, Standing>;
  /** Names that could have been meant; none where all that were asked for are known. */
  similar: readonly string[];
}

export interface LiveAnswer {
  /** Undefined where the account may not look, or sees none at all. */
  groups: Roll | undefined;
  people: Roll | undefined;
  mentions: Roll | undefined;
  records: ReadonlyMap<string, RecordAnswer>;
  /** What could not be looked into, and why: sentences without their full stop. */
  unseen: readonly string[];
}

export interface RecordAnswer {
  /** Why the table or project itself cannot be used; then nothing else is said of it. */
  gone?: { what: string; fix: string };
  /** Undefined where they could not be looked into. */
  fields: { unknown: ReadonlySet<string>; similar: readonly string[]; hint: string } | undefined;
  /** By vendor path. A path without a list takes any value, as far as can be seen. */
  lists: ReadonlyMap<string, ChoiceList>;
}

export interface ChoiceList {
  offered: readonly string[];
  /** Not offered any more; older records may still have them. */
  retired: readonly string[];
}

/** What every connection answered; undefined for one that did not. */
export type LiveAnswers = ReadonlyMap<string, LiveAnswer | undefined>;
