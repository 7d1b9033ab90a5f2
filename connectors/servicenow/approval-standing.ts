import type { GivenAnswer } from "../../core/gates/answer.ts";
import type { OpenRequest, RequestStanding } from "../../core/gates/approvals.ts";
import type { Electorates } from "./approval-electorate.ts";
import { type Answer, type ApprovalRows, isAnswered } from "./approval-rows.ts";
import { type Row, textOf, timeOf } from "./listing.ts";

/** Tables whose approvals the platform's own flows run: an approved row of theirs explains an approved task. */
const APPROVED_BY_FLOWS: ReadonlySet<string> = new Set(["change_request", "sc_request", "sc_req_item"]);

/** What stands for one request, as it was read. */
interface Found {
  request: OpenRequest;
  /** Rows of people, under the marker. */
  rows: readonly Row[];
  /** Rows of groups, under the marker, where they had to be read. */
  groups: readonly Row[];
  /** Rows on the same task that nobody here asked for. */
  others: readonly Row[];
  /** Every row on the task: those of our other requests too. */
  all: readonly Row[];
}

/**
 * What became of requests. Several of one task share one read of its rows; all share the reads of comments and of the
 * history. Without an answer that is two calls; three where a group's members are not asked yet, or nothing is found.
 */
export async function standingOf(
  { reads, electorates }: { reads: ApprovalRows; electorates: Electorates },
  requests: readonly OpenRequest[],
): Promise<RequestStanding[]> {
  const found = await findAll(reads, requests);
  const answered = found.flatMap((each) => [...each.rows, ...(countsOthers(each) ? each.others : [])]);
  const answers = await reads.answersTo([...new Map(answered.map((row) => [row.sys_id, row])).values()]);
  const standing: RequestStanding[] = [];
  for (const each of found) standing.push(await shown(electorates, each, answers));
  return standing;
}

async function findAll(reads: ApprovalRows, requests: readonly OpenRequest[]): Promise<Found[]> {
  const rows = await reads.rowsOfAll([...new Set(requests.map(({ ref }) => ref.id))]);
  const alone = [...rows.values()].flat().filter((row) => textOf(row, "group") === "");
  const markers = await reads.markersOf(alone);
  const isUnder = (row: Row, marker: string): boolean =>
    textOf(row, "group") === ""
      ? markers.get(row.sys_id)?.has(marker) === true
      : textOf(row, "group.correlation_id") === marker;
  const isOthers = (row: Row): boolean =>
    textOf(row, "group") === "" ? !markers.has(row.sys_id) : !textOf(row, "group.correlation_id").startsWith("[il:");
  const found = requests.map((request): Found => {
    const all = rows.get(request.ref.id) ?? [];
    const mine = all.filter((row) => isUnder(row, request.marker));
    return { request, rows: mine, groups: [], others: all.filter(isOthers), all };
  });
  const unclear = found.filter((each) => each.rows.length === 0 || each.others.some(hidesItsGroup));
  if (unclear.length === 0) return found;
  const ids = [...new Set(unclear.map(({ request }) => request.ref.id))];
  const groups = await reads.groupRows(ids, [...new Set(unclear.map(({ request }) => request.marker))]);
  return found.map((each) => (unclear.includes(each) ? withGroups(each, groups) : each));
}

/** The row's group may be ours: it does not show under which marker it was asked. */
function hidesItsGroup(row: Row): boolean {
  return textOf(row, "group") !== "" && row["group.correlation_id"] === undefined;
}

function withGroups({ request, rows, others, all }: Found, found: readonly Row[]): Found {
  const groups = found.filter(
    (row) => textOf(row, "parent") === request.ref.id && textOf(row, "correlation_id") === request.marker,
  );
  const ids = new Set(groups.map(({ sys_id }) => sys_id));
  const members = others.filter((row) => ids.has(textOf(row, "group")));
  const rest = others.filter((row) => !members.includes(row));
  return { request, rows: [...rows, ...members], groups, others: rest, all };
}

/** A change's own flow asks people too, and what they answer there is an answer to us as well, if they may give it. */
function countsOthers({ request }: Found): boolean {
  return request.platform && request.recordType === "change_request";
}

/** Every row was answered or closed: whatever came of it, nobody can answer any more. */
function isSpent({ rows, groups }: Found): boolean {
  const asked = [...rows.map((row) => textOf(row, "state")), ...groups.map((row) => textOf(row, "approval"))];
  return rows.length > 0 && !asked.includes("requested") && !asked.includes("not requested");
}

async function shown(
  electorates: Electorates,
  found: Found,
  answersByRow: ReadonlyMap<string, Answer>,
): Promise<RequestStanding> {
  const { rows, groups, others } = found;
  const atMs = earliest([...rows, ...groups]);
  if (atMs === null) return { state: "absent" };
  const names = new Map(rows.map((row) => [textOf(row, "approver"), textOf(row, "approver.name")]));
  const answers: GivenAnswer[] = [];
  for (const row of countsOthers(found) ? [...rows, ...others] : rows) {
    const answer = answersByRow.get(row.sys_id);
    if (!answer || !isAnswered(row)) continue;
    const by = await whoIs(electorates, row, answer.by);
    const approverId = textOf(row, "approver");
    names.set(approverId, textOf(row, "approver.name"));
    if (by) names.set(by.id, by.name);
    const decision = textOf(row, "state") === "approved" ? "approved" : "rejected";
    answers.push({ id: row.sys_id, decision, approverId, answeredById: by?.id ?? null, atMs: answer.atMs });
  }
  const { state: seen, approval } = taskOf(rows, groups);
  return {
    state: "standing",
    atMs,
    seen,
    answers,
    names,
    sideDoor: sideDoorOf(found, approval),
    spent: isSpent(found),
    shut: false,
  };
}

/** When the first of the rows was created, or the group's for which one stands, by the instance's clock. */
export function earliest(rows: readonly Row[]): number | null {
  const times = rows.flatMap(
    (row) => timeOf(textOf(row, "group.sys_created_on")) ?? timeOf(textOf(row, "sys_created_on")) ?? [],
  );
  return times.length === 0 ? null : Math.min(...times);
}

/** What rows of people or of groups say of their task; empty where they do not. */
export function taskOf(rows: readonly Row[], groups: readonly Row[]): { state: string; approval: string } {
  const [row] = rows;
  if (row) return { state: textOf(row, "sysapproval.state"), approval: textOf(row, "sysapproval.approval") };
  const [group] = groups;
  if (!group) return { state: "", approval: "" };
  return { state: textOf(group, "parent.state"), approval: textOf(group, "parent.approval") };
}

/** Whom a history names by user_name. Most answer for themselves, which needs no look-up. */
async function whoIs(
  electorates: Electorates,
  row: Row,
  account: string,
): Promise<{ id: string; name: string } | null> {
  if (account === "") return null;
  if (textOf(row, "approver.user_name").toLowerCase() === account.toLowerCase())
    return { id: textOf(row, "approver"), name: textOf(row, "approver.name") };
  return electorates.idOf(account);
}

function sideDoorOf({ request, others, all }: Found, approval: string): string | null {
  if (approval !== "approved") return null;
  // Another request of ours on the same task may have been approved, and the platform sums up.
  const explaining = APPROVED_BY_FLOWS.has(request.recordType) ? all : all.filter((row) => !others.includes(row));
  if (explaining.some((row) => textOf(row, "state") === "approved")) return null;
  return `The approval field of ${request.ref.key} says approved, and nobody who was asked has approved.`;
}
