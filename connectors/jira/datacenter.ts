import { type ClientConfig, createClient, type SendRequestOptions } from "jira.js/core";
import { z } from "zod";
import { adfToText } from "../../core/mapping/adf.ts";
import { editBody } from "./cloud.ts";
import { PagingError } from "./faults.ts";
import { historyItem } from "./history.ts";
import { commentProperties, type HistoryPage, type JiraRoutes, NOTE_PROPERTY, type SearchPage } from "./routes.ts";

const SEARCH_MAX = 100;
/** Pages of an offset overlap, since an issue that is edited meanwhile moves to the end and pulls the others along. */
const PAGE_STEP = 50;

const Found = z.looseObject({
  startAt: z.int().nonnegative(),
  total: z.int().nonnegative(),
  issues: z.array(z.unknown()),
});
const ServerInfo = z.looseObject({ baseUrl: z.string().min(1), serverTitle: z.string().optional() });
const Person = z.looseObject({ name: z.string().min(1) });
const Member = z.looseObject({
  groups: z.looseObject({
    size: z.int().nonnegative(),
    items: z.array(z.looseObject({ name: z.string().min(1) })),
  }),
});
const NamedFields = z.array(z.looseObject({ id: z.string(), name: z.string() }));
const WithHistory = z.looseObject({
  id: z.string(),
  changelog: z.looseObject({
    total: z.int().nonnegative(),
    histories: z.array(
      z.looseObject({
        id: z.unknown(),
        author: z.unknown(),
        created: z.unknown(),
        items: z.array(z.looseObject({ field: z.string() })),
      }),
    ),
  }),
});

/**
 * Jira Data Center over REST v2: plain texts, people by name, pages by offset. The methods of jira.js are for the Cloud,
 * whose bulk reads, histories and search do not exist here; so the routes are named here and go through its transport.
 */
export function datacenterRoutes(config: ClientConfig): JiraRoutes {
  const client = createClient(config);
  const send = (
    method: SendRequestOptions<unknown>["method"],
    path: string,
    rest: Partial<SendRequestOptions<unknown>> = {},
  ) => client.sendRequest<unknown>({ method, url: `/rest/api/2${path}`, ...rest });
  // An issue that is gone would fail a query that is validated, and with it all others.
  const search = (body: Record<string, unknown>) =>
    send("POST", "/search", { body: { validateQuery: false, ...body } });
  const rich = (text: string): string => text;
  return {
    readMax: 50,
    historyFieldsMax: 1_000,
    bearersMax: 1,
    person: { written: "name", recorded: "key" },
    issues: (ids, fields) => search({ jql: idsJql(ids), fields, maxResults: ids.length }),
    issue: (id, fields) => send("GET", `/issue/${id}`, { searchParams: { fields: fields.join(",") } }),
    edit: (id, edit) => send("PUT", `/issue/${id}`, { body: editBody(edit, rich) }),
    comment: (id, { text, marker }) =>
      send("POST", `/issue/${id}/comment`, {
        body: { body: text, properties: commentProperties(marker) },
      }),
    comments: (id, maxResults, startAt = 0) =>
      send("GET", `/issue/${id}/comment`, { searchParams: { orderBy: "-created", maxResults, startAt } }),
    moves: movesBy(send),
    mark: (id) => send("GET", `/issue/${id}/properties/${NOTE_PROPERTY}`),
    users: (email) => send("GET", "/user/search", { searchParams: { username: email, maxResults: 5 } }),
    async groups(key) {
      const searchParams = { key, expand: "groups" };
      const { size, items } = Member.parse(await send("GET", "/user", { searchParams })).groups;
      if (items.length !== size) throw new PagingError("a person's groups are not all in the answer");
      return items.map(({ name }) => name);
    },
    members: (groupname, startAt, maxResults) =>
      send("GET", "/group/member", { searchParams: { groupname, includeInactiveUsers: true, startAt, maxResults } }),
    bearers: async ([username = ""]) => {
      const searchParams = { username, includeInactive: true, maxResults: 50 };
      return z.array(z.unknown()).parse(await send("GET", "/user/search", { searchParams }));
    },
    written: async (key) => Person.parse(await send("GET", "/user", { searchParams: { key } })).name,
    async histories(ids, fieldIds) {
      const found = await search({
        jql: idsJql(ids),
        fields: ["updated"],
        expand: ["changelog"],
        maxResults: ids.length,
      });
      return historyPage(found, fieldIds, NamedFields.parse(await send("GET", "/field")));
    },
    async search({ jql, fields, after }) {
      const startAt = after === undefined ? 0 : Number(after);
      return searchPage(await search({ jql, fields, startAt, maxResults: SEARCH_MAX, validateQuery: true }), startAt);
    },
    count: async (jql) => Found.parse(await search({ jql, fields: ["id"], maxResults: 0 })).total,
    people: async (key) => [await send("GET", "/user", { searchParams: { key } })],
    myself: () => send("GET", "/myself"),
    async identity() {
      // No id of the installation can be had without administrator's rights: what its own settings say is the nearest.
      const { baseUrl, serverTitle } = ServerInfo.parse(await send("GET", "/serverInfo"));
      return `server:${baseUrl} ${serverTitle ?? ""}`.trim();
    },
    rich,
    plain: (body) => (typeof body === "string" ? body : adfToText(body)),
  };
}

type Send = (
  method: SendRequestOptions<unknown>["method"],
  path: string,
  rest?: Partial<SendRequestOptions<unknown>>,
) => Promise<unknown>;

function movesBy(send: Send): JiraRoutes["moves"] {
  return {
    getIssue: ({ issueIdOrKey, fields }) =>
      send("GET", `/issue/${issueIdOrKey}`, { searchParams: { fields: fields.join(",") } }),
    getTransitions: ({ issueIdOrKey, expand }) =>
      send("GET", `/issue/${issueIdOrKey}/transitions`, { searchParams: { expand } }),
    doTransition: ({ issueIdOrKey, ...body }) => send("POST", `/issue/${issueIdOrKey}/transitions`, { body }),
  };
}

function idsJql(ids: readonly string[]): string {
  const odd = ids.find((id) => !/^\d{1,19}$/.test(id));
  if (odd !== undefined) throw new RangeError("an issue id is not a number");
  return `id in (${ids.join(",")})`;
}

function searchPage(answer: unknown, startAt: number): SearchPage {
  const found = Found.parse(answer);
  if (found.startAt !== startAt) throw new PagingError("a page begins elsewhere than it was asked to");
  const endsAt = startAt + found.issues.length;
  if (endsAt >= found.total) return { issues: found.issues, next: undefined };
  if (found.issues.length <= PAGE_STEP) throw new PagingError("a page is shorter than the pages are apart");
  return { issues: found.issues, next: String(startAt + PAGE_STEP) };
}

/** Older versions name a changed field by what people call it only. A name that several fields have is none. */
function historyPage(answer: unknown, fieldIds: readonly string[], fields: z.infer<typeof NamedFields>): HistoryPage {
  const byName = new Map<string, string>();
  for (const { id, name } of fields) byName.set(name, byName.has(name) ? "" : id);
  const histories: HistoryPage["histories"] = new Map();
  const cut: string[] = [];
  for (const issue of z.array(WithHistory).parse(Found.parse(answer).issues)) {
    // A history that was cut off may lack what we look for, and then says nothing.
    if (issue.changelog.total > issue.changelog.histories.length) {
      cut.push(issue.id);
      continue;
    }
    const items = issue.changelog.histories.flatMap(({ items: changed, ...entry }) =>
      changed.map((item) => {
        const read = historyItem(item, entry);
        return { ...read, fieldId: read.fieldId || byName.get(item.field) || item.field };
      }),
    );
    const asked = items.filter(({ fieldId }) => fieldIds.includes(fieldId));
    histories.set(
      issue.id,
      asked.sort((a, b) => b.atMs - a.atMs),
    );
  }
  return { histories, cut, next: undefined };
}
