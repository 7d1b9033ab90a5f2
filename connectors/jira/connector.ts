import type { Clock } from "../../core/clock.ts";
import type { JiraConnection } from "../../core/config/settings.ts";
import { ConnectorError } from "../../core/errors.ts";
import type { Approvals } from "../../core/gates/approvals.ts";
import type { Limits } from "../../core/limits.ts";
import type { Archive, ChangeFeed, Connector, Log, Meter, ReadOutcome } from "../../core/ports.ts";
import type { MayWrite } from "../calls.ts";
import { JiraApi } from "./api.ts";
import { jiraApprovals } from "./approval-queue.ts";
import { type JiraFacts, jiraFacts } from "./facts.ts";
import { JiraFeed } from "./feed.ts";
import { headOf } from "./history.ts";
import { JiraLookBack } from "./look-back.ts";
import { NoteWays } from "./note-ways.ts";
import { IssuePace } from "./pace.ts";
import { pastIssues } from "./past.ts";
import { Account, Issues, projectOf, unreadIds } from "./shape.ts";
import { JiraWriter } from "./write.ts";

export interface JiraOptions {
  connection: string;
  settings: JiraConnection;
  /** Fields that the mappings of this connection need now, over all its projects; they may be others at the next call. */
  fields: () => readonly string[];
  limits: Limits;
  clock: Clock;
  meter: Meter;
  log: Log;
  mayWrite?: MayWrite;
}

export type JiraConnector = Connector &
  ChangeFeed &
  Archive & {
    readonly facts: JiraFacts;
    /** Undefined where the settings do not say how people approve. */
    readonly approvals: Approvals | undefined;
  };

/** Jira, Cloud or Data Center: bulk reads, one edit per decided ticket that carries its note along, a feed of changes, facts, approvals. */
export function jiraConnector(options: JiraOptions): JiraConnector {
  const { connection, clock, limits, settings } = options;
  const api = new JiraApi(options);
  const noteWays = new NoteWays();
  const pace = new IssuePace(connection, clock);
  const writer = new JiraWriter({ api, clock, limits, pace, noteWays });
  const lookBack = new JiraLookBack(api);
  const feed = new JiraFeed({ api, clock, log: options.log });
  const wanted = (): string[] => {
    // jira.js names fields by their first step; a mapping may go deeper.
    const heads = ["updated", "project", ...options.fields().map(headOf)];
    return [...new Set(heads.filter((field) => field !== "id" && field !== "key"))];
  };
  return {
    connection,
    facts: jiraFacts({ api, clock }),
    approvals: approvalsOf(settings, { api, clock, pace }),
    readMax: api.routes.readMax,
    read: (_type, ids) => readIssues({ api, noteWays }, ids, wanted()),
    write: (write) => writer.write(write),
    confirm: (queries) => lookBack.confirm(queries),
    overwritten: (writes) => lookBack.overwritten(writes),
    changed: (projectKey, sinceMs, after) => feed.changed(projectKey, sinceMs, after),
    opened: ({ recordType, sinceMs, patiently }) => patiently(() => feed.openedCount(recordType, sinceMs)),
    past: (wanted) => pastIssues({ api, feed }, wanted),
    identity: () => feed.identity(),
    close: () => api.close(),
  };
}

function approvalsOf(
  { approvals, automation }: JiraConnection,
  deps: { api: JiraApi; clock: Clock; pace: IssuePace },
): Approvals | undefined {
  return approvals && jiraApprovals({ ...deps, settings: approvals, automation });
}

async function readIssues(
  { api, noteWays }: { api: JiraApi; noteWays: NoteWays },
  ids: readonly string[],
  fields: readonly string[],
): Promise<ReadOutcome[]> {
  const answer = await api.ask("read", Issues, (routes) => routes.issues(ids, fields));
  const unread = unreadIds(answer.issueErrors ?? []);
  // Nobody sees no issues either; only an account's own answer tells the two apart.
  if (ids.length > 0 && answer.issues.length === 0 && unread.size === 0)
    await api.ask("who_am_i", Account, (routes) => routes.myself());
  for (const issue of answer.issues) noteWays.saw(issue);
  const found = new Map(answer.issues.map((issue) => [issue.id, issue]));
  return ids.map((id): ReadOutcome => {
    const issue = found.get(id);
    // What could not be read just now is not the same as what does not exist; the others of the call go on.
    if (!issue) return unread.has(id) || unread.has("") ? unreadOutcome(api.connection, id) : { id, found: false };
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

function unreadOutcome(connection: string, id: string): ReadOutcome {
  const message = `${connection} could not read the issue just now`;
  return { id, found: false, fault: new ConnectorError({ kind: "unavailable", connection, message }) };
}
