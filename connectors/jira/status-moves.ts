import { ConnectorError } from "../../core/errors.ts";
import type { JiraApi } from "./api.ts";
import type { Author, HistoryItem } from "./history.ts";

const PAGES_MAX = 20;
const FIELD = "status";

/** One move of an issue from a status to another, as its changelog has it. */
export interface StatusMove {
  id: string;
  atMs: number;
  author: Author;
  from: string;
  to: string;
}

/**
 * Every move of each issue, oldest first. Throws a ConnectorError, `protocol` or `rejected` for a history that is not
 * whole or has no times: what is missing from it could be an answer.
 */
export async function statusMoves(api: JiraApi, ids: readonly string[]): Promise<Map<string, StatusMove[]>> {
  const moves = new Map<string, StatusMove[]>(ids.map((id) => [id, []]));
  let after: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const place = after;
    const found = await api.send("read_history", (routes) => routes.histories(ids, [FIELD], place));
    if (found.cut.length > 0) throw partial(api, "cut off the changelog of an issue");
    for (const [id, items] of found.histories)
      moves.set(id, [...(moves.get(id) ?? []), ...items.flatMap((item) => moveOf(api, item))]);
    after = found.next;
    if (after === undefined) {
      for (const all of moves.values()) all.sort(inOrder);
      return moves;
    }
  }
  throw partial(api, `has more than ${PAGES_MAX} pages of changelogs for a few issues`);
}

function moveOf(api: JiraApi, { entryId, atMs, author, fieldId, fromText, toText }: HistoryItem): StatusMove[] {
  if (fieldId !== FIELD) return [];
  if (Number.isNaN(atMs)) throw partial(api, "does not date an entry of a changelog");
  return [{ id: entryId, atMs, author, from: fromText ?? "", to: toText ?? "" }];
}

/** Of one time by their ids, which count up. */
function inOrder(one: StatusMove, other: StatusMove): number {
  return one.atMs - other.atMs || Number(one.id) - Number(other.id) || 0;
}

function partial({ connection }: JiraApi, what: string): ConnectorError {
  const message = `${connection} ${what}; nothing was concluded from it, and a person must look at the issue`;
  return new ConnectorError({ kind: "rejected", connection, message });
}

/** In which status an issue stood at an instant; undefined where its moves do not tell. */
export function statusAt(moves: readonly StatusMove[], atMs: number): string | undefined {
  return moves.find((move) => move.atMs >= atMs)?.from ?? moves.at(-1)?.to;
}
