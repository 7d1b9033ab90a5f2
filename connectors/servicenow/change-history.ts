import {
  type Counting,
  counted,
  idChunks,
  type Listings,
  type Page,
  type Row,
  textOf,
  timeOf,
  timeText,
} from "./listing.ts";
import type { Condition, Query } from "./query.ts";

const DAY_MS = 86_400_000;
const CHANGES_DAYS = 90;
const INCIDENTS_DAYS = 30;
/** How a change ended that did not go as planned. One that succeeded with issues is among them: it needed people. */
export const WENT_WRONG = ["unsuccessful", "successful_issues"];
/** Changes that list the item as affected, beside those that name it. */
const AFFECTED_MAX = 400;

const CHANGE = "change_request";
/** Of changes, beside what they are asked by. */
export const CHANGE_FIELDS = ["active", "close_code", "opened_at", "closed_at", "start_date", "end_date"];
/** Of rows that list an item as affected by a task. */
export const AFFECTED_FIELDS = [
  "ci_item",
  "task",
  ...["sys_class_name", "cmdb_ci", "active", "opened_at", "closed_at"].map((field) => `task.${field}`),
];

/** A change and what its past is asked by. Ids are sys_ids; empty where the change names none. */
export interface Asked {
  itemId: string;
  /** Empty for one that is not in this instance. */
  changeId: string;
  groupId: string;
  /** A template where it was made from one, else its model. */
  model: { field: string; id: string };
  /** When it is planned for, in ms since 1970. */
  window: { startMs: number; endMs: number } | undefined;
  nowMs: number;
}

/** Counts of the past of a change's item, group and model. */
export interface ChangeHistory {
  changes: number;
  failedChanges: number;
  incidents: number;
  groupChanges: number;
  groupFailed: number;
  modelChanges: number;
  modelFailed: number;
  /** -1 where none was ever carried out. */
  daysSinceChange: number;
  /** Other open changes in its window that list the item as affected, by what they name: itself counted elsewhere. */
  affectedCollisions: readonly string[];
}

/**
 * What became of earlier changes and how many incidents there were, in two calls. Changes on the item are those that were
 * opened or closed in the 90 days, name it or list it as affected, and were not cancelled: open, or closed with a code.
 * Changes of the group and of the model are those that were closed with a code. Wrong went `unsuccessful` and
 * `successful_issues`. Of changes that only list the item, those before the window are not looked at.
 */
export async function changeHistory(listings: Listings, asked: Asked): Promise<ChangeHistory> {
  const counting = [...countings(asked)];
  const pages = counting.map(([, one]): Page => ({ ...one, fields: [], limit: 1 }));
  const answers = await listings.pages([...pages, affectedBy(asked), lastBefore(asked)]);
  const [affected, last] = answers.slice(pages.length);
  const counts = new Map(counting.map(([name, one], at) => [name, counted(one, answers[at], listings.fault)]));
  const count = (name: Counted): number => counts.get(name) ?? 0;
  if (counted(affectedBy(asked), affected, listings.fault) > (affected?.rows.length ?? 0))
    throw listings.fault(
      "rejected",
      `has more than ${AFFECTED_MAX} changes of ${CHANGES_DAYS} days that list one item, or hides some; a person must look at it`,
    );
  counted(lastBefore(asked), last, listings.fault);
  const more = await affectedChanges(listings, asked, affected?.rows ?? []);
  const closedMs = [...(last?.rows ?? []), ...more.carriedOut].map((row) => timeOf(textOf(row, "closed_at")) ?? 0);
  return {
    changes: count("named") + more.changes,
    failedChanges: count("failed") + more.failed,
    incidents: count("incidents") + count("affectedIncidents"),
    groupChanges: count("groupChanges"),
    groupFailed: count("groupFailed"),
    modelChanges: count("modelChanges"),
    modelFailed: count("modelFailed"),
    daysSinceChange:
      closedMs.length === 0 ? -1 : Math.max(0, Math.floor((asked.nowMs - Math.max(...closedMs)) / DAY_MS)),
    affectedCollisions: more.collisions,
  };
}

/** One question for each portion of items: incidents of 30 days on any of them. */
export function incidentsOn(ids: readonly string[], nowMs: number): Counting[] {
  const since = timeText(nowMs - INCIDENTS_DAYS * DAY_MS);
  return idChunks(ids).map((chunk) => ({
    ...{ operation: "count_incidents", table: "incident" },
    where: [
      { field: "cmdb_ci", in: chunk },
      { field: "opened_at", is: ">=", value: since },
    ],
  }));
}

/** One question for each portion of items: other open changes on any of them whose window overlaps. */
export function collisionsOn(ids: readonly string[], { changeId, window }: Asked): Counting[] {
  if (window === undefined) return [];
  const where: Query["where"] = [
    { field: "active", is: "=", value: "true" },
    { field: "start_date", is: "<", value: timeText(window.endMs) },
    { field: "end_date", is: ">", value: timeText(window.startMs) },
    ...notItself("sys_id", changeId),
  ];
  return idChunks(ids).map((chunk) => ({
    ...{ operation: "count_collisions", table: CHANGE },
    where: [{ field: "cmdb_ci", in: chunk }, ...where],
  }));
}

type OfOthers = "groupChanges" | "groupFailed" | "modelChanges" | "modelFailed";
type Counted = "named" | "failed" | "incidents" | "affectedIncidents" | OfOthers;

function countings({ itemId, changeId, groupId, model, nowMs }: Asked): Map<Counted, Counting> {
  const since = timeText(nowMs - CHANGES_DAYS * DAY_MS);
  const recent = { is: ">=", value: timeText(nowMs - INCIDENTS_DAYS * DAY_MS) } as const;
  const item: Condition = { field: "cmdb_ci", is: "=", value: itemId };
  const closed: Query["where"] = [
    { field: "closed_at", is: ">=", value: since },
    { field: "close_code", filled: true },
  ];
  const wrong: Condition = { field: "close_code", in: WENT_WRONG };
  const notThis = notItself("sys_id", changeId);
  const found = new Map<Counted, Counting>();
  const changes = (name: Counted, ...where: Query["where"]): void => {
    found.set(name, { operation: "count_changes", table: CHANGE, where });
  };
  const incidents = (name: Counted, table: string, ...where: Query["where"]): void => {
    found.set(name, { operation: "count_incidents", table, where });
  };
  const ofOthers = (field: string, value: string, [all, failed]: readonly [OfOthers, OfOthers]): void => {
    if (value === "") return;
    changes(all, { field, is: "=", value }, ...closed);
    changes(failed, { field, is: "=", value }, ...closed, wrong);
  };
  changes("named", item, openedOrClosed(since), notCancelled(), ...notThis);
  changes("failed", item, ...closed, wrong, ...notThis);
  incidents("incidents", "incident", item, { field: "opened_at", ...recent });
  incidents("affectedIncidents", "task_ci", ...listing(itemId, "incident"), { field: "task.opened_at", ...recent });
  ofOthers("assignment_group", groupId, ["groupChanges", "groupFailed"]);
  ofOthers(model.field, model.id, ["modelChanges", "modelFailed"]);
  return found;
}

/** Changes that list the item as affected and name another: those that are open, and those of the window. */
function affectedBy({ itemId, changeId, nowMs }: Asked): Page {
  const since = timeText(nowMs - CHANGES_DAYS * DAY_MS);
  return {
    ...{ operation: "read_affected", table: "task_ci", fields: ["task"], limit: AFFECTED_MAX },
    where: [
      ...listing(itemId, CHANGE),
      ...notItself("task", changeId),
      {
        any: [
          { field: "task.active", is: "=", value: "true" },
          { field: "task.closed_at", is: ">=", value: since },
        ],
      },
    ],
  };
}

/** The last change on the item that was carried out, whenever that was. */
function lastBefore({ itemId, changeId }: Asked): Page {
  return {
    ...{ operation: "read_last_change", table: CHANGE, fields: ["closed_at"], limit: 1 },
    where: [
      { field: "cmdb_ci", is: "=", value: itemId },
      { field: "closed_at", filled: true },
      { field: "close_code", filled: true },
      ...notItself("sys_id", changeId),
    ],
    order: [{ field: "closed_at", descending: true }],
  };
}

async function affectedChanges(listings: Listings, { window, nowMs }: Asked, listed: readonly Row[]) {
  const sinceMs = nowMs - CHANGES_DAYS * DAY_MS;
  const ids = listed.map((row) => textOf(row, "task"));
  const answers = await listings.pages(
    idChunks(ids).map((chunk) => ({
      ...{ operation: "read_affected", table: CHANGE, fields: ["cmdb_ci", ...CHANGE_FIELDS], limit: chunk.length },
      where: [{ field: "sys_id", in: chunk }],
    })),
  );
  const rows = answers.flatMap((answer) => answer.rows);
  if (rows.length < new Set(ids).size)
    throw listings.fault(
      "rejected",
      `does not show all of ${CHANGE}; give the integration user read on every row of it`,
    );
  const at = (row: Row, field: string): number => timeOf(textOf(row, field)) ?? Number.NaN;
  const isOpen = (row: Row): boolean => textOf(row, "active") === "true";
  const isDone = (row: Row): boolean => !isOpen(row) && textOf(row, "close_code") !== "";
  const carriedOut = rows.filter((row) => isDone(row) && at(row, "closed_at") >= sinceMs);
  const open = rows.filter((row) => isOpen(row));
  return {
    changes: carriedOut.length + open.filter((row) => at(row, "opened_at") >= sinceMs).length,
    failed: carriedOut.filter((row) => WENT_WRONG.includes(textOf(row, "close_code"))).length,
    carriedOut,
    collisions: open
      .filter((row) => window && at(row, "start_date") < window.endMs && at(row, "end_date") > window.startMs)
      .map((row) => textOf(row, "cmdb_ci")),
  };
}

/** Rows of task_ci that list the item, of tasks of a class that do not name it themselves. */
function listing(itemId: string, taskClass: string): Query["where"] {
  return [
    { field: "ci_item", is: "=", value: itemId },
    { field: "task.sys_class_name", is: "=", value: taskClass },
    { field: "task.cmdb_ci", is: "!=", value: itemId },
  ];
}

function openedOrClosed(since: string): Query["where"][number] {
  return { any: ["opened_at", "closed_at"].map((field) => ({ field, is: ">=", value: since }) as const) };
}

function notCancelled(): Query["where"][number] {
  return {
    any: [
      { field: "active", is: "=", value: "true" },
      { field: "close_code", filled: true },
    ],
  };
}

function notItself(field: string, changeId: string): Condition[] {
  return changeId === "" ? [] : [{ field, is: "!=", value: changeId }];
}

/** Adds up what a list of questions was answered with. */
export async function summed(listings: Listings, questions: readonly (readonly Counting[])[]): Promise<number[]> {
  const counts = await listings.counts(questions.flat());
  let at = 0;
  return questions.map((part) => {
    const sum = counts.slice(at, at + part.length).reduce((total, count) => total + count, 0);
    at += part.length;
    return sum;
  });
}
