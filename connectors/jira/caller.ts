import type { createCloudClient } from "jira.js";
import type { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import type { TicketRef } from "../../core/ticket.ts";

export type CloudClient = ReturnType<typeof createCloudClient>;

/** The issue that a call is about: its id goes to Jira, its key into messages. */
export type IssueRef = Pick<TicketRef, "id" | "key">;

/** How jira.js is called: in its turn, within the connection's limits, each failure a ConnectorError (see `JiraApi`). */
export interface JiraCaller {
  readonly connection: string;
  send<T>(operation: string, work: () => Promise<T>): Promise<T>;
  /** An answer in any other form than the schema's is a fault, never an empty one. */
  ask<T>(operation: string, schema: z.ZodType<T>, work: () => Promise<unknown>): Promise<T>;
}

/** Lets a write to an issue start when the issue takes one more (see `IssuePace`). */
export interface Pace {
  turn<T>(issueId: string, write: () => Promise<T>): Promise<T>;
}

/** The same fault, in words that fit what was being done; its kind and delays stay, and its outcome unless one is given. */
export function reworded(error: ConnectorError, message: string, outcome = error.outcome): ConnectorError {
  const { kind, connection, applied, status, retryAfterMs, limitScope } = error;
  return new ConnectorError({
    kind,
    connection,
    message,
    outcome,
    applied,
    limitScope,
    ...(status !== undefined && { status }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}

/** jira.js puts the id into the path as it is, so nothing but an id or a key may reach it. Throws `rejected`. */
export function issueIdOf(connection: string, { id }: IssueRef): string {
  if (/^(\d{1,19}|[A-Z][A-Z0-9_]{0,49}-\d{1,10})$/.test(id)) return id;
  const message = `${connection} was to be asked about something that is no issue id; nothing was sent`;
  throw new ConnectorError({ kind: "rejected", connection, message });
}

const NAMES_MAX = 10;
const NAME_LENGTH_MAX = 60;

/** Names of a site's own set-up (statuses, fields), quoted and bounded, for a message. */
export function quoted(names: readonly string[]): string {
  const shown = [...new Set(names)].slice(0, NAMES_MAX).map((name) => {
    const plain = name.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
    return `"${plain.length > NAME_LENGTH_MAX ? `${plain.slice(0, NAME_LENGTH_MAX - 3)}...` : plain}"`;
  });
  const more = new Set(names).size - shown.length;
  return more > 0 ? `${shown.join(", ")} and ${more} more` : shown.join(", ");
}
