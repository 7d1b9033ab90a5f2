import { z } from "zod";
import { ConnectorError } from "../../core/errors.ts";
import type { MarkerQuery, Overwrite, Write, WriteValue } from "../../core/ports.ts";
import type { JiraApi } from "./api.ts";
import { fieldIds, type HistoryItem, replacedBy, since } from "./history.ts";
import { Comments } from "./shape.ts";

const COMMENTS_MAX = 100;
const HISTORY_FIELDS_MAX = 10;
const HISTORY_PAGES_MAX = 10;

const Mark = z.looseObject({ value: z.looseObject({ marker: z.string() }) });

type MarkerState = "present" | "absent" | "unreadable";

/** Looks at what became of writes: which notes stand, and what of other people's our edits replaced. */
export class JiraLookBack {
  readonly #api: JiraApi;

  constructor(api: JiraApi) {
    this.#api = api;
  }

  async confirm(queries: readonly MarkerQuery[]): Promise<Map<string, MarkerState>> {
    const states = new Map<string, MarkerState>();
    for (const { ref, marker } of queries) states.set(marker, await this.#markerState(ref.id, marker));
    return states;
  }

  async #markerState(issueId: string, marker: string): Promise<MarkerState> {
    try {
      const page = await this.#api.ask("read_journal", Comments, (routes) => routes.comments(issueId, COMMENTS_MAX));
      if (page.comments.some(({ body }) => this.#api.routes.plain(body).includes(marker))) return "present";
      if (isWhole(page)) return "absent";
    } catch (error) {
      // An issue that is gone or closed to us by now says nothing about the others.
      if (isKind(error, "not_found")) return "unreadable";
      if (!isKind(error, "rejected")) throw error;
    }
    // Behind a page that is full or was cut short there may be more, and comments may be closed to us: then the mark of the edit itself decides.
    return this.#marked(issueId, marker);
  }

  async #marked(issueId: string, marker: string): Promise<MarkerState> {
    try {
      const mark = await this.#api.ask("read_mark", Mark, (routes) => routes.mark(issueId));
      return mark.value.marker === marker ? "present" : "unreadable";
    } catch (error) {
      if (isKind(error, "not_found") || isKind(error, "rejected")) return "unreadable";
      throw error;
    }
  }

  async overwritten(writes: readonly Write[]): Promise<{ found: Overwrite[]; unknown: string[] }> {
    const found: Overwrite[] = [];
    const unknown: string[] = [];
    const histories = await this.#historiesOf(writes);
    const { recorded } = this.#api.routes.person;
    for (const { ref, revision, fields } of writes) {
      const history = since(revision, histories.get(ref.id) ?? []);
      for (const field of fields) {
        const replaced = replacedBy(field, history, recorded);
        if (replaced === undefined) unknown.push(field.actionId);
        else if (replaced !== null) found.push(await this.#writable(replaced));
      }
    }
    return { found, unknown };
  }

  /** The history may name people otherwise than a write does. */
  async #writable(overwrite: Overwrite): Promise<Overwrite> {
    const { written } = this.#api.routes;
    if (!written) return overwrite;
    const patch: Record<string, WriteValue> = {};
    let { value } = overwrite;
    for (const [path, put] of Object.entries(overwrite.patch)) {
      patch[path] = put;
      if (put === null || typeof put !== "object" || !("user" in put)) continue;
      const user = await this.#api.send("look_up", () => written(put.user));
      patch[path] = { user };
      value = user;
    }
    return { ...overwrite, patch, value };
  }

  /** Changed fields of the issues, newest first. */
  async #historiesOf(writes: readonly Write[]): Promise<Map<string, HistoryItem[]>> {
    const histories = new Map<string, HistoryItem[]>();
    const issueIds = [...new Set(writes.map(({ ref }) => ref.id))];
    const fields = fieldIds(writes.flatMap((write) => write.fields));
    for (let start = 0; start < fields.length; start += HISTORY_FIELDS_MAX)
      await this.#readHistories(issueIds, fields.slice(start, start + HISTORY_FIELDS_MAX), histories);
    return histories;
  }

  async #readHistories(
    issueIds: readonly string[],
    fields: readonly string[],
    histories: Map<string, HistoryItem[]>,
  ): Promise<void> {
    let after: string | undefined;
    for (let page = 0; page < HISTORY_PAGES_MAX; page += 1) {
      const answer = await this.#api.send("read_history", (routes) => routes.histories(issueIds, fields, after));
      for (const [issueId, items] of answer.histories)
        histories.set(issueId, [...items, ...(histories.get(issueId) ?? [])]);
      after = answer.next;
      if (after === undefined) break;
    }
  }
}

/** Whether a page certainly holds all comments: it says how many there are, has them, and had room for more. */
function isWhole({ comments, total, maxResults = COMMENTS_MAX }: z.infer<typeof Comments>): boolean {
  const roomFor = Math.min(maxResults, COMMENTS_MAX);
  return total !== undefined && comments.length >= total && comments.length < roomFor;
}

function isKind(error: unknown, kind: ConnectorError["kind"]): boolean {
  return error instanceof ConnectorError && error.kind === kind;
}
