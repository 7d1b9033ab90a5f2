import { z } from "zod";

/** The first reason of an action that undoes others; their ids are the other reasons. */
export const REVOKED = "revoked";

/** The rule that stands in the record of a person's value that was put back. */
export const GIVEN_BACK = "edited-at-the-same-moment";

/** Reasons of what is never undone: a person's value that was put back, and what undoes. */
export const UNDOING: readonly string[] = [REVOKED, GIVEN_BACK];

/**
 * What became of an action that was to be undone. restored: its field is what it was before, or what it asked of people
 * is taken back. corrected: a later note says that this one does not hold any more. kept: it stands, and the reason says why.
 */
export const RevokedState = z.enum(["restored", "corrected", "kept"]);
export type RevokedState = z.infer<typeof RevokedState>;

/** Which actions to undo: those that meet everything that is named, which must be something. Hours in ms since 1970. */
export interface RevokeSelector {
  action?: string;
  /** A rule that stands in the reasons of an action. */
  rule?: string;
  decision?: string;
  connection?: string;
  /** Of intents recorded at that hour or later, and before the other. */
  sinceMs?: number;
  untilMs?: number;
}

/** The end of one action that was to be undone. */
export interface RevokedEnd {
  actionId: string;
  revocation: string;
  state: RevokedState;
  /** Why it was kept, in words; empty otherwise. */
  reason: string;
}
