import { createCloudClient } from "jira.js";
import { type ClientConfig, createClient } from "jira.js/core";
import { z } from "zod";
import { adfToText, textToAdf } from "../../core/mapping/adf.ts";
import { PagingError } from "./faults.ts";
import { type HistoryEntry, historyItem } from "./history.ts";
import {
  commentProperties,
  type HistoryPage,
  type IssueEdit,
  type JiraRoutes,
  NOTE_PROPERTY,
  type SearchPage,
} from "./routes.ts";

const SEARCH_MAX = 100;

/** Behind this path an OAuth token or a scoped API token meets its site. */
const GATEWAY = /\/ex\/jira\/([0-9a-f-]{36})\/?$/i;

const Tenant = z.looseObject({ cloudId: z.string().min(1) });
const Groups = z.array(z.looseObject({ name: z.string().min(1) }));
const ServerInfo = z.looseObject({ baseUrl: z.string().min(1) });
const Bearers = z.looseObject({ values: z.array(z.unknown()) });
const Count = z.looseObject({ count: z.int().nonnegative() });

/** Jira Cloud over REST v3. */
export function cloudRoutes(config: ClientConfig): JiraRoutes {
  const client = createClient(config);
  const jira = createCloudClient(client);
  const cloudId = GATEWAY.exec(config.host ?? "")?.[1];
  return {
    readMax: 100,
    historyFieldsMax: 10,
    bearersMax: 50,
    person: { written: "accountId", recorded: "accountId" },
    issues: (ids, fields) => jira.issues.bulkFetchIssues({ issueIdsOrKeys: [...ids], fields: [...fields] }),
    issue: (id, fields) => jira.issues.getIssue({ issueIdOrKey: id, fields: [...fields] }),
    edit: (id, edit) => jira.issues.editIssue({ issueIdOrKey: id, ...editBody(edit, textToAdf) }),
    comment(id, { text, marker }) {
      const properties = commentProperties(marker);
      return jira.issueComments.addComment({ issueIdOrKey: id, body: { ...textToAdf(text) }, properties });
    },
    comments: (id, maxResults, startAt = 0) =>
      jira.issueComments.getComments({ issueIdOrKey: id, orderBy: "-created", maxResults, startAt }),
    moves: jira.issues,
    mark: (id) => jira.issueProperties.getIssueProperty({ issueIdOrKey: id, propertyKey: NOTE_PROPERTY }),
    users: (email) => jira.userSearch.findUsers({ query: email, maxResults: 5 }),
    async groups(accountId) {
      return Groups.parse(await jira.users.getUserGroups({ accountId })).map(({ name }) => name);
    },
    members: (groupname, startAt, maxResults) =>
      jira.groups.getUsersFromGroup({ groupname, includeInactiveUsers: true, startAt, maxResults }),
    async bearers(ids) {
      const known = ids.filter((id) => /^[\w:-]{1,128}$/.test(id));
      if (known.length === 0) return [];
      // jira.js has no method for this list.
      const searchParams = { accountId: known, maxResults: known.length };
      const url = "/rest/api/3/user/bulk";
      return Bearers.parse(await client.sendRequest<unknown>({ method: "GET", url, searchParams })).values;
    },
    async histories(ids, fieldIds, after) {
      const request = { issueIdsOrKeys: [...ids], fieldIds: [...fieldIds] };
      return historyPage(await jira.issues.getBulkChangelogs({ ...request, ...(after && { nextPageToken: after }) }));
    },
    async search({ jql, fields, after }) {
      const asked = { jql, fields, maxResults: SEARCH_MAX, ...(after !== undefined && { nextPageToken: after }) };
      return searchPage(await jira.issueSearch.searchAndReconsileIssuesUsingJqlPost(asked), after);
    },
    count: async (jql) => Count.parse(await jira.issueSearch.countIssues({ jql })).count,
    people: (accountId) => jira.userSearch.findUsers({ accountId }),
    myself: () => jira.myself.getCurrentUser({}),
    async identity() {
      // The gateway routes by cloud id, so that a clone cannot answer there; it has no tenant_info of its own.
      if (cloudId !== undefined) {
        ServerInfo.parse(await jira.serverInfo.getServerInfo());
        return `cloud:${cloudId}`;
      }
      // jira.js has no method for this page, which belongs to no API.
      return `cloud:${Tenant.parse(await client.sendRequest<unknown>({ url: "/_edge/tenant_info", method: "GET" })).cloudId}`;
    },
    rich: textToAdf,
    plain: adfToText,
  };
}

/**
 * The body of an edit: fields, note and mark in one, since Jira applies an edit as a whole or not at all. Jira documents
 * no properties of a comment in an edit, so this one cannot be made internal.
 */
export function editBody({ fields, note }: IssueEdit, rich: (text: string) => unknown) {
  if (note === undefined) return { fields };
  const update = { comment: [{ add: { body: rich(note.text) } }] };
  return { fields, update, properties: [{ key: NOTE_PROPERTY, value: { marker: note.marker } }] };
}

interface BulkChangelogs {
  issueChangeLogs?:
    | readonly {
        issueId?: string | undefined;
        changeHistories?: readonly (HistoryEntry & { items?: readonly object[] | undefined })[] | undefined;
      }[]
    | undefined;
  nextPageToken?: string | null | undefined;
}

function historyPage({ issueChangeLogs, nextPageToken }: BulkChangelogs): HistoryPage {
  const histories: HistoryPage["histories"] = new Map();
  for (const { issueId = "", changeHistories } of issueChangeLogs ?? []) {
    const items = (changeHistories ?? []).flatMap(({ items: changed, ...entry }) =>
      (changed ?? []).map((item) => historyItem(item, entry)),
    );
    histories.set(issueId, [...items.reverse(), ...(histories.get(issueId) ?? [])]);
  }
  return { histories, cut: [], next: nextPageToken ?? undefined };
}

const FoundIssues = z.looseObject({
  issues: z.array(z.unknown()),
  isLast: z.boolean().optional(),
  nextPageToken: z.string().min(1).nullish(),
});

/** The enhanced search has no total: only `isLast`, or a page without a token, proves its end. */
function searchPage(answer: unknown, after: string | undefined): SearchPage {
  const { issues, isLast, nextPageToken } = FoundIssues.parse(answer);
  const token = nextPageToken ?? undefined;
  if (isLast === true) return { issues, next: undefined };
  if (token === undefined && isLast === false) throw new PagingError("a page is not the last and names no next one");
  if (token !== undefined && token === after) throw new PagingError("a page names itself as the next one");
  return { issues, next: token };
}
