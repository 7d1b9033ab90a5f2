/** Issues, comments and their history, in memory, indexed by id and by key. Every change is told to `onEvent`. */

import type { AdfDocument } from "./adf.ts";
import { adfToText } from "./adf.ts";
import { badField, JiraError, noField, noIssue } from "./jira-errors.ts";
import type { Dialect, FieldValue, JiraField } from "./jira-fields.ts";
import { changeSide, fieldsOf, readField } from "./jira-fields.ts";
import type { JiraProject, JiraSite } from "./jira-site.ts";
import type { Transition } from "./jira-workflow.ts";
import { resolutionAfter, statusNamed } from "./jira-workflow.ts";

export interface Change {
  field: string;
  fieldtype: "jira" | "custom";
  fieldId: string;
  from: string | null;
  fromString: string | null;
  to: string | null;
  toString: string | null;
  tmpFromAccountId?: string | null;
  tmpToAccountId?: string | null;
}

export interface History {
  id: string;
  author: string;
  createdMs: number;
  items: Change[];
}

export interface Comment {
  id: string;
  issueId: string;
  author: string;
  body: AdfDocument;
  createdMs: number;
  properties: Map<string, unknown>;
}

export interface Issue {
  id: string;
  key: string;
  project: string;
  status: string;
  creator: string;
  createdMs: number;
  updatedMs: number;
  values: Map<string, FieldValue>;
  comments: Comment[];
  histories: History[];
  properties: Map<string, unknown>;
}

export type EventKind = "created" | "updated" | "assigned" | "generic" | "commented" | "deleted";

export interface JiraEvent {
  kind: EventKind;
  issue: Issue;
  by: string;
  atMs: number;
  history?: History;
  comment?: Comment;
}

export interface Edit {
  by: string;
  dialect: Dialect;
}

export interface NewComment {
  body: AdfDocument;
  properties: Map<string, unknown>;
}

/** Never holds a reference to what it was given: values are read into its own form. */
export class JiraStore {
  readonly site: JiraSite;
  readonly fields: ReadonlyMap<string, JiraField>;
  readonly #now: () => number;
  readonly #onEvent: (event: JiraEvent) => void;
  readonly #byId = new Map<string, Issue>();
  readonly #byKey = new Map<string, Issue>();
  readonly #comments = new Map<string, Comment>();
  readonly #numbers = new Map<string, number>();
  #ids = 10_000;

  constructor(site: JiraSite, now: () => number, onEvent: (event: JiraEvent) => void) {
    this.site = site;
    this.fields = new Map(fieldsOf(site).map((field) => [field.id, field]));
    this.#now = now;
    this.#onEvent = onEvent;
  }

  find(idOrKey: string): Issue | undefined {
    return this.#byId.get(idOrKey) ?? this.#byKey.get(idOrKey.toUpperCase());
  }

  /** The issue, or the 404 that hides whether it exists. */
  issue(idOrKey: string): Issue {
    const issue = this.find(idOrKey);
    if (issue === undefined) throw noIssue();
    return issue;
  }

  comment(id: string): Comment | undefined {
    return this.#comments.get(id);
  }

  all(): Issue[] {
    return [...this.#byId.values()];
  }

  create(input: Record<string, unknown>, edit: Edit): Issue {
    const { project: projectInput, ...rest } = input;
    const project = this.#project(projectInput);
    const values = this.#readAll(rest, edit.dialect);
    const issueType = values.get("issuetype");
    if (typeof issueType !== "string") throw badField("issuetype", "Specify an issue type");
    if (!project.issueTypes.includes(issueType)) throw badField("issuetype", "Specify a valid issue type");
    if (!values.has("summary")) throw badField("summary", "You must specify a summary of the issue.");
    if (!values.has("priority")) values.set("priority", "Medium");
    if (!values.has("reporter")) values.set("reporter", edit.by);
    const atMs = this.#now();
    const number = (this.#numbers.get(project.key) ?? 0) + 1;
    this.#numbers.set(project.key, number);
    const issue: Issue = {
      id: this.#nextId(),
      key: `${project.key}-${number}`,
      project: project.key,
      status: project.workflow.initial,
      creator: edit.by,
      createdMs: atMs,
      updatedMs: atMs,
      values,
      comments: [],
      histories: [],
      properties: new Map(),
    };
    this.#byId.set(issue.id, issue);
    this.#byKey.set(issue.key, issue);
    // A creation has a changelog in its webhook, yet none in the issue's history.
    const items = [...values].flatMap(([id, value]) => this.#change(id, emptyLike(value), value));
    const status = { id: statusNamed(issue.status).id, text: issue.status };
    items.push(change({ id: "status", name: "Status" }, { id: null, text: null }, status));
    const history = { id: this.#nextId(), author: edit.by, createdMs: atMs, items };
    this.#onEvent({ kind: "created", issue, by: edit.by, atMs, history });
    return issue;
  }

  /** Field values as written; `comment` rides along in the same event. Nothing changed, nothing happens. */
  edit(issue: Issue, input: Record<string, unknown>, { by, dialect, comment }: Edit & { comment?: NewComment }): void {
    const values = this.#readAll(input, dialect);
    const items = this.#apply(issue, values);
    if (items.length === 0 && comment === undefined) return;
    const onlyAssignee = items.length > 0 && items.every((item) => item.fieldId === "assignee");
    const kind = onlyAssignee ? "assigned" : items.length === 0 ? "commented" : "updated";
    this.#record(issue, { kind, by, items, comment });
  }

  /** PUT assignee: an event comes even when the assignee stays the same, then with an empty changelog. */
  assign(issue: Issue, accountId: unknown, by: string): void {
    const input = { assignee: accountId === null || accountId === "-1" ? null : { accountId } };
    const items = this.#apply(issue, this.#readAll(input, { version: 3, bareNames: false }));
    this.#record(issue, { kind: "assigned", by, items, comment: undefined });
  }

  transitions(issue: Issue): Transition[] {
    const all = this.site.projects.get(issue.project)?.workflow.transitions ?? [];
    return all.filter((transition) => transition.from.includes(issue.status));
  }

  transition(
    issue: Issue,
    id: string,
    { fields, comment, by, dialect }: Edit & { fields: Record<string, unknown>; comment?: NewComment },
  ): void {
    const transition = this.transitions(issue).find((candidate) => candidate.id === id);
    if (transition === undefined) throw new JiraError(400, [`Transition id '${id}' is not valid for this issue.`]);
    const values = this.#readAll(fields, dialect, true);
    const resolution = resolutionAfter(transition.to);
    if (resolution === null || !values.has("resolution")) values.set("resolution", resolution);
    const items = this.#apply(issue, values);
    const from = { id: statusNamed(issue.status).id, text: issue.status };
    const to = { id: statusNamed(transition.to).id, text: transition.to };
    issue.status = transition.to;
    items.push(change({ id: "status", name: "status" }, from, to));
    this.#record(issue, { kind: "generic", by, items, comment });
  }

  addComment(issue: Issue, comment: NewComment, by: string): Comment {
    const atMs = this.#now();
    issue.updatedMs = atMs;
    const saved = this.#saveComment(issue, comment, by, atMs);
    this.#onEvent({ kind: "commented", issue, by, atMs, comment: saved });
    return saved;
  }

  remove(issue: Issue, by: string): void {
    this.#byId.delete(issue.id);
    this.#byKey.delete(issue.key);
    for (const comment of issue.comments) this.#comments.delete(comment.id);
    this.#onEvent({ kind: "deleted", issue, by, atMs: this.#now() });
  }

  #record(
    issue: Issue,
    { kind, by, items, comment }: { kind: EventKind; by: string; items: Change[]; comment: NewComment | undefined },
  ): void {
    const atMs = this.#now();
    issue.updatedMs = atMs;
    const history = { id: this.#nextId(), author: by, createdMs: atMs, items };
    if (items.length > 0) issue.histories.push(history);
    const saved = comment === undefined ? undefined : this.#saveComment(issue, comment, by, atMs);
    const withComment = saved === undefined ? {} : { comment: saved };
    // A change with a comment is told twice: once as the change, once as the comment.
    if (kind !== "commented") this.#onEvent({ kind, issue, by, atMs, history, ...withComment });
    if (saved !== undefined) this.#onEvent({ kind: "commented", issue, by, atMs, comment: saved });
  }

  #saveComment(issue: Issue, { body, properties }: NewComment, by: string, createdMs: number): Comment {
    const comment = { id: this.#nextId(), issueId: issue.id, author: by, body, createdMs, properties };
    issue.comments.push(comment);
    this.#comments.set(comment.id, comment);
    return comment;
  }

  #readAll(input: Record<string, unknown>, dialect: Dialect, inTransition = false): Map<string, FieldValue> {
    const values = new Map<string, FieldValue>();
    for (const [id, value] of Object.entries(input)) {
      const field = this.fields.get(id);
      if (field === undefined || (field.transitionOnly === true && !inTransition)) throw noField(id);
      values.set(id, readField(this.site, field, value, dialect));
    }
    return values;
  }

  #apply(issue: Issue, values: Map<string, FieldValue>): Change[] {
    return [...values].flatMap(([id, value]) => {
      const items = this.#change(id, issue.values.get(id) ?? emptyLike(value), value);
      issue.values.set(id, value);
      return items;
    });
  }

  #change(id: string, before: FieldValue, after: FieldValue): Change[] {
    const field = this.fields.get(id);
    if (field === undefined || JSON.stringify(before) === JSON.stringify(after)) return [];
    const item = change(field, changeSide(this.site, field, before), changeSide(this.site, field, after));
    if (field.kind !== "user") return [item];
    return [{ ...item, tmpFromAccountId: item.from, tmpToAccountId: item.to }];
  }

  #project(input: unknown): JiraProject {
    const wanted = typeof input === "string" ? { key: input } : input;
    for (const project of this.site.projects.values()) {
      if (typeof wanted !== "object" || wanted === null) break;
      if ("key" in wanted && wanted.key === project.key) return project;
      if ("id" in wanted && String(wanted.id) === project.id) return project;
    }
    throw badField("project", "Specify a valid project ID or key");
  }

  #nextId(): string {
    this.#ids += 1;
    return String(this.#ids);
  }
}

function emptyLike(value: FieldValue): FieldValue {
  return Array.isArray(value) ? [] : null;
}

function change(
  field: { id: string; name: string },
  from: { id: string | null; text: string | null },
  to: { id: string | null; text: string | null },
): Change {
  const custom = field.id.startsWith("customfield_");
  return {
    // The changelog names system fields by their id and custom fields by what people call them.
    field: custom || field.id === "status" ? field.name : field.id,
    fieldtype: custom ? "custom" : "jira",
    fieldId: field.id,
    from: from.id,
    fromString: from.text,
    to: to.id,
    toString: to.text,
  };
}

/** The comment's words, for plain-text answers. */
export function commentText(comment: Comment): string {
  return adfToText(comment.body);
}
