import { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import type { TicketRef } from "../../core/ticket.ts";
import type { JiraApi } from "./api.ts";
import type { Pace } from "./caller.ts";
import { timeOf } from "./history.ts";

const PAGE_SIZE = 100;
const PAGES_MAX = 10;

const Comment = z.looseObject({ body: z.unknown(), created: z.unknown() });
const Page = z.looseObject({ comments: z.array(Comment), total: z.int().nonnegative().optional() });

/**
 * When the comment with the marker was written, in ms by Jira's clock; undefined where there is none. Of several, as
 * where somebody quotes it, the first. `sinceMs`: it is not older than this. Throws a ConnectorError, also where there
 * are too many comments to be sure.
 */
export async function requestedAt(
  api: JiraApi,
  { id, key }: TicketRef,
  { marker, sinceMs }: { marker: string; sinceMs: number | null },
): Promise<number | undefined> {
  const { connection } = api;
  const found: number[] = [];
  let startAt = 0;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const from = startAt;
    const { comments, total } = await api.ask("read_journal", Page, (routes) => routes.comments(id, PAGE_SIZE, from));
    for (const { body, created } of comments)
      if (api.routes.plain(body).includes(marker)) found.push(datedAt(api, created));
    startAt += comments.length;
    // Newest first: behind one that is older there is none of interest.
    const isPast = sinceMs !== null && comments.some(({ created }) => timeOf(created) < sinceMs);
    if (isPast || comments.length === 0 || (total !== undefined && startAt >= total))
      return found.length === 0 ? undefined : Math.min(...found);
  }
  const message = `${key} of ${connection} has more than ${PAGE_SIZE * PAGES_MAX} comments, so that it cannot be told what was asked; a person must look at it`;
  throw new ConnectorError({ kind: "rejected", connection, message });
}

/** Writes it, as an internal note where customers could read along; answers when, in ms by Jira's clock. */
export async function writeRequest(
  { api, pace }: { api: JiraApi; pace: Pace },
  { id }: TicketRef,
  { text, marker }: { text: string; marker: string },
): Promise<number> {
  const note = { text: `${text}\n\n${marker}`, marker };
  const written = await pace.turn(id, () => api.send("note", (routes) => routes.comment(id, note)));
  const comment = Comment.safeParse(written);
  if (comment.success) return datedAt(api, comment.data.created, "unknown");
  throw undated(api, "unknown");
}

function datedAt(api: JiraApi, created: unknown, outcome: "not_applied" | "unknown" = "not_applied"): number {
  const atMs = timeOf(created);
  if (Number.isNaN(atMs)) throw undated(api, outcome);
  return atMs;
}

function undated({ connection }: JiraApi, outcome: "not_applied" | "unknown"): ConnectorError {
  const message = `${connection} does not say when a comment was written`;
  return new ConnectorError({ kind: "protocol", connection, message, outcome });
}
