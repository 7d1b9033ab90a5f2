import { createCloudClient } from "jira.js";
import NodeCache from "node-cache";
import type { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import type { JiraConnection } from "../../core/config/settings.ts";
import { ConnectorError } from "../../core/errors.ts";
import type { Limits } from "../../core/limits.ts";
import { adfToText, textToAdf } from "../../core/mapping/adf.ts";
import type {
  Connector,
  Log,
  MarkerQuery,
  Meter,
  Overwrite,
  ReadOutcome,
  Write,
  WriteResult,
  WriteValue,
} from "../../core/ports.ts";
import { type Calls, callGate } from "../calls.ts";
import { deadToken, jiraFault, oddAnswer, withApplied } from "./faults.ts";
import { fieldIds, type HistoryItem, headOf, historyItem, replacedBy, since } from "./history.ts";
import { recorded } from "./http.ts";
import { Checked, Comments, Issues, mismatchLog, place, Users, unreadIds } from "./shape.ts";

const READ_MAX = 100;
const COMMENTS_MAX = 100;
/** Comment property that marks our own notes, beside the marker in their text. */
const NOTE_PROPERTY = "interlock.note";
const PEOPLE_MAX = 2_000;

/** The only status that means a call did what it should; 200 where none stands here. */
const DONE: Readonly<Record<string, number>> = { write: 204, note: 201 };

const HISTORY_FIELDS_MAX = 10;
const HISTORY_PAGES_MAX = 10;

export interface JiraOptions {
  connection: string;
  settings: JiraConnection;
  /** Fields that the mappings of this connection need, over all its projects. */
  fields: readonly string[];
  limits: Limits;
  clock: Clock;
  meter: Meter;
  log: Log;
}

/** Jira Cloud over REST v3: bulk fetch, one edit and one comment per ticket, notes marked by a comment property. */
export function jiraConnector(options: JiraOptions): Connector {
  return new JiraConnector(options);
}

class JiraConnector implements Connector {
  readonly connection: string;
  readonly readMax = READ_MAX;
  readonly #options: JiraOptions;
  readonly #calls: Calls;
  readonly #jira: ReturnType<typeof createCloudClient>;
  readonly #wanted: string[];
  readonly #people = new NodeCache({ stdTTL: 600, maxKeys: PEOPLE_MAX, useClones: false, checkperiod: 0 });

  constructor(options: JiraOptions) {
    const { connection, settings, limits, log } = options;
    this.connection = connection;
    this.#options = options;
    this.#calls = callGate(connection, limits, options);
    this.#jira = createCloudClient({
      host: settings.baseUrl,
      auth: settings.auth,
      onSchemaMismatch: mismatchLog(connection, log),
    });
    // jira.js names fields by their first step; a mapping may go deeper.
    const fields = ["updated", "project", ...options.fields.map(headOf)].filter(
      (field) => field !== "id" && field !== "key",
    );
    this.#wanted = [...new Set(fields)];
  }

  #call<T>(operation: string, work: () => Promise<T>): Promise<T> {
    return this.#calls.run(operation, async () => {
      const outcome = await recorded(work);
      if ("error" in outcome)
        throw jiraFault(outcome.error, {
          connection: this.connection,
          operation,
          record: outcome.record,
          nowMs: this.#options.clock.now(),
        });
      if (outcome.record.authenticationFailed) throw deadToken(this.connection);
      if (outcome.record.status !== (DONE[operation] ?? 200)) throw oddAnswer(this.connection, operation);
      return outcome.value;
    });
  }

  async #ask<T>(operation: string, schema: z.ZodType<T>, work: () => Promise<unknown>): Promise<T> {
    const answer = schema.safeParse(await this.#call(operation, work));
    if (answer.success) return answer.data;
    throw oddAnswer(this.connection, operation);
  }

  async read(_type: string, ids: readonly string[]): Promise<ReadOutcome[]> {
    const answer = await this.#ask("read", Issues, () =>
      this.#jira.issues.bulkFetchIssues({ issueIdsOrKeys: [...ids], fields: this.#wanted }),
    );
    const unread = unreadIds(answer.issueErrors ?? []);
    const found = new Map(answer.issues.map((issue) => [issue.id, issue]));
    return ids.map((id) => {
      const issue = found.get(id);
      // What could not be read just now is not the same as what does not exist; the others of the call go on.
      if (!issue) return unread.has(id) || unread.has("") ? this.#unread(id) : { id, found: false };
      return {
        id,
        found: true,
        key: issue.key,
        recordType: projectOf(issue.key),
        revision: String(issue.fields?.["updated"] ?? ""),
        record: { ...issue.fields, id, key: issue.key },
      };
    });
  }

  #unread(id: string): ReadOutcome {
    const message = `${this.connection} could not read the issue just now`;
    return {
      id,
      found: false,
      fault: new ConnectorError({ kind: "unavailable", connection: this.connection, message }),
    };
  }

  async #refuseStale(write: Write): Promise<void> {
    if (this.#options.clock.now() - write.readAtMs <= this.#options.limits.staleReadMs) return;
    const issue = await this.#ask("check", Checked, () =>
      this.#jira.issues.getIssue({ issueIdOrKey: write.ref.id, fields: ["updated"] }),
    );
    if (issue.fields.updated === write.revision) return;
    throw new ConnectorError({
      kind: "conflict",
      connection: this.connection,
      message: `${write.ref.key} changed after it was read; nothing was written`,
    });
  }

  async write(change: Write): Promise<WriteResult> {
    const fields = await this.#fieldsOf(change);
    await this.#refuseStale(change);
    const applied: string[] = [];
    if (change.fields.length > 0) {
      await this.#call("write", () => this.#jira.issues.editIssue({ issueIdOrKey: change.ref.id, fields }));
      applied.push(...change.fields.map(({ actionId }) => actionId));
    }
    const { note } = change;
    if (note) {
      try {
        const properties = [{ key: NOTE_PROPERTY, value: { marker: note.marker } }];
        await this.#call("note", () =>
          this.#jira.issueComments.addComment({
            issueIdOrKey: change.ref.id,
            body: { ...textToAdf(note.text) },
            properties,
          }),
        );
      } catch (error) {
        throw error instanceof ConnectorError ? withApplied(error, applied) : error;
      }
      applied.push(note.actionId);
    }
    // Jira answers an edit without a word on what it replaced, so its history is always asked: one call for a whole batch.
    return { applied, unconfirmed: [], dropped: [], raced: change.fields.length > 0 };
  }

  async #fieldsOf(change: Write): Promise<Record<string, unknown>> {
    const fields: Record<string, unknown> = {};
    for (const { patch } of change.fields) {
      for (const [path, value] of Object.entries(patch)) {
        place(fields, path.split("."), await this.#vendorValue(value));
      }
    }
    return fields;
  }

  async #vendorValue(value: WriteValue): Promise<unknown> {
    if (value === null || typeof value !== "object") return value;
    if ("group" in value) return value.group === "" ? null : { name: value.group };
    if ("user" in value) return value.user === "" ? null : { accountId: await this.#accountOf(value.user) };
    if ("instant" in value) return value.instant.replace("Z", "+0000");
    if ("seconds" in value) return value.seconds;
    return textToAdf(value.adf);
  }

  #accountOf(idOrEmail: string): Promise<string> {
    if (!idOrEmail.includes("@")) return Promise.resolve(idOrEmail);
    const known = this.#people.get<Promise<string>>(idOrEmail);
    if (known) return known;
    if (this.#people.keys().length >= PEOPLE_MAX) this.#people.flushAll();
    const found = this.#findAccount(idOrEmail);
    this.#people.set(idOrEmail, found);
    found.catch(() => this.#people.del(idOrEmail));
    return found;
  }

  async #findAccount(email: string): Promise<string> {
    const users = await this.#ask("look_up", Users, () =>
      this.#jira.userSearch.findUsers({ query: email, maxResults: 5 }),
    );
    const matches = users.filter(
      (user) => user.active !== false && user.emailAddress?.toLowerCase() === email.toLowerCase(),
    );
    const only = matches.length === 1 ? matches[0]?.accountId : undefined;
    if (only) return only;
    const message = `${matches.length === 0 ? "no" : "more than one"} active user of ${this.connection} shows that e-mail address; name the account id in the rule instead`;
    throw new ConnectorError({ kind: "rejected", connection: this.connection, message });
  }

  async confirm(queries: readonly MarkerQuery[]): Promise<Map<string, "present" | "absent" | "unreadable">> {
    const states = new Map<string, "present" | "absent" | "unreadable">();
    for (const { ref, marker } of queries) states.set(marker, await this.#markerState(ref.id, marker));
    return states;
  }

  async #markerState(issueId: string, marker: string): Promise<"present" | "absent" | "unreadable"> {
    try {
      const page = await this.#ask("read_journal", Comments, () =>
        this.#jira.issueComments.getComments({ issueIdOrKey: issueId, orderBy: "-created", maxResults: COMMENTS_MAX }),
      );
      if (page.comments.some(({ body }) => adfToText(body).includes(marker))) return "present";
      // Behind a full page there may be more.
      return page.comments.length < COMMENTS_MAX ? "absent" : "unreadable";
    } catch (error) {
      // An issue that is gone or closed to us by now says nothing about the others.
      if (error instanceof ConnectorError && (error.kind === "not_found" || error.kind === "rejected"))
        return "unreadable";
      throw error;
    }
  }

  async overwritten(writes: readonly Write[]): Promise<{ found: Overwrite[]; unknown: string[] }> {
    const found: Overwrite[] = [];
    const unknown: string[] = [];
    const histories = await this.#historiesOf(writes);
    for (const { ref, revision, fields } of writes) {
      for (const field of fields) {
        const replaced = replacedBy(field, since(revision, histories.get(ref.id) ?? []));
        if (replaced === undefined) unknown.push(field.actionId);
        else if (replaced !== null) found.push(replaced);
      }
    }
    return { found, unknown };
  }

  /** Changed fields of the issues, newest first. */
  async #historiesOf(writes: readonly Write[]): Promise<Map<string, HistoryItem[]>> {
    const histories = new Map<string, HistoryItem[]>();
    const issueIdsOrKeys = [...new Set(writes.map(({ ref }) => ref.id))];
    const ids = fieldIds(writes.flatMap(({ fields }) => fields));
    for (let start = 0; start < ids.length; start += HISTORY_FIELDS_MAX)
      await this.#readHistories({ issueIdsOrKeys, fieldIds: ids.slice(start, start + HISTORY_FIELDS_MAX) }, histories);
    return histories;
  }

  async #readHistories(
    asked: { issueIdsOrKeys: string[]; fieldIds: string[] },
    histories: Map<string, HistoryItem[]>,
  ): Promise<void> {
    let nextPageToken: string | undefined;
    for (let page = 0; page < HISTORY_PAGES_MAX; page += 1) {
      const request = { ...asked, ...(nextPageToken !== undefined && { nextPageToken }) };
      const answer = await this.#call("read_history", () => this.#jira.issues.getBulkChangelogs(request));
      for (const { issueId, changeHistories } of answer.issueChangeLogs ?? []) {
        const items = (changeHistories ?? []).flatMap(({ created, items: changed }) =>
          (changed ?? []).map((item) => historyItem(item, created)),
        );
        histories.set(issueId ?? "", [...items.reverse(), ...(histories.get(issueId ?? "") ?? [])]);
      }
      nextPageToken = answer.nextPageToken ?? undefined;
      if (nextPageToken === undefined) break;
    }
  }

  close(): Promise<void> {
    return this.#calls.close();
  }
}

function projectOf(key: string): string {
  return key.slice(0, key.lastIndexOf("-"));
}
