/** Issues and comments as the API prints them: documents in v3, plain text in v2 and in webhooks. */
import { adfToText } from "./adf.ts";
import { showField } from "./jira-fields.ts";
import { apiUrl, jiraTime, showProject, showUser } from "./jira-site.ts";
import type { Change, Comment, History, Issue, JiraStore } from "./jira-store.ts";
import { showStatus } from "./jira-workflow.ts";

export interface IssueView {
  version: 2 | 3;
  /** Names, "*all", "*navigable" and "-name", as the `fields` parameter has them. */
  fields: readonly string[];
  /** Issue property keys to print. */
  properties: readonly string[];
  changelog: boolean;
}

type Printer = (store: JiraStore, issue: Issue, version: 2 | 3) => unknown;

/** What is not a stored value but follows from the issue. */
const DERIVED: Record<string, Printer> = {
  project: (store, issue, version) => showProject(store.site, issue.project, version),
  status: (store, issue, version) => showStatus(issue.status, apiUrl(store.site, version)),
  creator: (store, issue, version) => showUser(store.site, issue.creator, version),
  created: (_store, issue) => jiraTime(issue.createdMs),
  updated: (_store, issue) => jiraTime(issue.updatedMs),
  comment: (store, issue, version) => ({
    comments: issue.comments.map((comment) => showComment(store, comment, { version, withProperties: false })),
    self: `${apiUrl(store.site, version)}/issue/${issue.id}/comment`,
    maxResults: issue.comments.length,
    total: issue.comments.length,
    startAt: 0,
  }),
};

/** One issue; with `fields` naming nothing known it has an empty `fields`. */
export function showIssue(store: JiraStore, issue: Issue, view: IssueView): Record<string, unknown> {
  const names = wantedFields(store, view.fields);
  const fields: Record<string, unknown> = {};
  for (const name of names) {
    const field = store.fields.get(name);
    const derived = DERIVED[name];
    if (derived !== undefined) fields[name] = derived(store, issue, view.version);
    else if (field !== undefined) {
      const empty = field.kind === "labels" ? [] : null;
      fields[name] = showField(store.site, field, issue.values.get(name) ?? empty, view.version);
    }
  }
  const { id, key } = issue;
  const self = `${apiUrl(store.site, view.version)}/issue/${id}`;
  const shown: Record<string, unknown> = { expand: "renderedFields,names,schema,changelog", id, self, key, fields };
  if (view.properties.length > 0) shown["properties"] = wantedProperties(issue, view.properties);
  if (view.changelog) {
    const histories = issue.histories.map((history) => showHistory(store, history, view.version)).reverse();
    shown["changelog"] = { startAt: 0, maxResults: histories.length, total: histories.length, histories };
  }
  return shown;
}

function wantedFields(store: JiraStore, wanted: readonly string[]): Set<string> {
  const navigable = [...store.fields.keys(), ...Object.keys(DERIVED).filter((name) => name !== "comment")];
  const names = new Set<string>();
  const onlyRemovals = wanted.every((name) => name.startsWith("-"));
  if (onlyRemovals || wanted.includes("*all")) for (const name of [...navigable, "comment"]) names.add(name);
  if (wanted.includes("*navigable")) for (const name of navigable) names.add(name);
  for (const name of wanted) {
    if (name.startsWith("-")) names.delete(name.slice(1));
    else names.add(name);
  }
  return names;
}

function wantedProperties(issue: Issue, wanted: readonly string[]): Record<string, unknown> {
  const all = wanted.includes("*all");
  return Object.fromEntries([...issue.properties].filter(([key]) => all || wanted.includes(key)));
}

/** One comment. `jsdPublic` follows from the property JSM keeps internal notes by. */
export function showComment(
  store: JiraStore,
  comment: Comment,
  { version, withProperties }: { version: 2 | 3; withProperties: boolean },
): Record<string, unknown> {
  const author = showUser(store.site, comment.author, version);
  const shown: Record<string, unknown> = {
    self: `${apiUrl(store.site, version)}/issue/${comment.issueId}/comment/${comment.id}`,
    id: comment.id,
    author,
    body: version === 3 ? comment.body : adfToText(comment.body),
    updateAuthor: author,
    created: jiraTime(comment.createdMs),
    updated: jiraTime(comment.createdMs),
    jsdPublic: !isInternal(comment.properties.get("sd.public.comment")),
  };
  if (withProperties) shown["properties"] = [...comment.properties].map(([key, value]) => ({ key, value }));
  return shown;
}

function isInternal(property: unknown): boolean {
  return typeof property === "object" && property !== null && "internal" in property && property.internal === true;
}

/** A Data Center names the field only by what people call it. */
function withoutFieldId(item: Change): Partial<Change> {
  const named: Partial<Change> = { ...item };
  delete named.fieldId;
  delete named.tmpFromAccountId;
  delete named.tmpToAccountId;
  return named;
}

/** One entry of the history. */
export function showHistory(store: JiraStore, history: History, version: 2 | 3): Record<string, unknown> {
  const author = showUser(store.site, history.author, version);
  const items = store.site.about.deployment === "cloud" ? history.items : history.items.map(withoutFieldId);
  return { id: history.id, author, created: jiraTime(history.createdMs), items };
}
