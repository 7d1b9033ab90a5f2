import type { HistoryItem } from "./history.ts";
import type { MoveCalls } from "./transitions.ts";

/** A page of histories; `next` asks for what follows. */
export interface HistoryPage {
  /** By issue id, newest first. */
  histories: Map<string, HistoryItem[]>;
  /** Ids of issues whose history Jira cut off, so that it says nothing. */
  cut: readonly string[];
  next: string | undefined;
}

/** What an edit carries. `note`, which customers of a service project would see, rides along in the same call and stands or falls with the fields. */
export interface IssueEdit {
  fields: Record<string, unknown>;
  note?: { text: string; marker: string };
}

/** A search for changed issues; `after` is what the page before it gave. */
export interface ChangeSearch {
  jql: string;
  fields: string[];
  after: string | undefined;
}

/** What a page of a search said, of any kind of site. `next` is undefined where the end is proven. */
export interface SearchPage {
  issues: readonly unknown[];
  next: string | undefined;
}

/**
 * How one kind of deployment is spoken to. Each asking method is one call through jira.js and gives the answer as it
 * came, unless it says otherwise; checking and classifying is its caller's.
 */
export interface JiraRoutes {
  /** How many issues one read may name. */
  readonly readMax: number;
  /** How many fields one question about histories may name. */
  readonly historyFieldsMax: number;
  /** How many names one question for their bearers may hold. */
  readonly bearersMax: number;
  /** What a user is named by when written, and by what the history names them. */
  readonly person: { written: "accountId" | "name"; recorded: "accountId" | "key" };
  /** Several issues by id. Those that are missing or hidden are left out. */
  issues(ids: readonly string[], fields: readonly string[]): Promise<unknown>;
  issue(id: string, fields: readonly string[]): Promise<unknown>;
  edit(id: string, edit: IssueEdit): Promise<unknown>;
  /** A comment that the customers of a service project do not see. */
  comment(id: string, note: { text: string; marker: string }): Promise<unknown>;
  /** The newest comments first, or those that follow after the newest `startAt`. */
  comments(id: string, max: number, startAt?: number): Promise<unknown>;
  /** What moving an issue takes (see transitions.ts). */
  readonly moves: MoveCalls;
  /** The mark that the last edit with a note left on the issue. */
  mark(id: string): Promise<unknown>;
  /** Users that may have this e-mail address. */
  users(email: string): Promise<unknown>;
  /** Names of the groups that a person belongs to, by the id of a ticket's person. Throws what is no whole list. */
  groups(personId: string): Promise<string[]>;
  /** A page of a group's members, those who are switched off too. */
  members(group: string, startAt: number, max: number): Promise<unknown>;
  /** Users that may bear one of these ids, or in Data Center names and e-mails: switched off or not, and others beside them. */
  bearers(names: readonly string[]): Promise<unknown[]>;
  /** A person of the history as one that can be written, where the two differ. */
  written?(recorded: string): Promise<string>;
  /** What changed in the named fields of issues. Throws what is not a history. */
  histories(ids: readonly string[], fieldIds: readonly string[], after: string | undefined): Promise<HistoryPage>;
  /** Issues by JQL. Throws a PagingError where the answer does not prove that it goes on or ends. */
  search(search: ChangeSearch): Promise<SearchPage>;
  /** About how many issues a query finds. Throws what is no count. */
  count(jql: string): Promise<number>;
  /** The people, one or none, whom the history names so; where there is none, some versions answer 404. */
  people(recorded: string): Promise<unknown>;
  /** The account that we run as. */
  myself(): Promise<unknown>;
  /** What tells this site from every other, clones included as far as Jira lets on. */
  identity(): Promise<string>;
  /** Text in the form in which this deployment takes it, and back. */
  rich(text: string): unknown;
  plain(body: unknown): string;
}

/** Property of an issue (the last note) or of a comment (its own) that marks what we wrote, beside the marker in the text. */
export const NOTE_PROPERTY = "interlock.note";

/** The properties of a comment of ours: its mark, and for a service project that its customers do not see it. */
export function commentProperties(marker: string): { key: string; value: Record<string, unknown> }[] {
  return [
    { key: NOTE_PROPERTY, value: { marker } },
    { key: "sd.public.comment", value: { internal: true } },
  ];
}
