/**
 * Approvals as an instance runs them: rows are asked of people, only their own answer is taken, and what follows from
 * it happens later. A change's own flow waits for its own rows; rows that others insert decide nothing there.
 */
import { ServiceNowError } from "./servicenow-errors.ts";
import type { Row, Write } from "./servicenow-rules.ts";
import type { Declaration } from "./servicenow-schema.ts";
import type { ServiceNowStore } from "./servicenow-store.ts";

export const APPROVAL_TABLES: Record<string, Declaration> = {
  sysapproval_group: {
    parent: "task",
    prefix: "GAPRV",
    strings: "wait_for",
    defaults: { approval: "not requested" },
  },
  sysapproval_approver: {
    display: "approver",
    strings: "state source_table document_id",
    integers: "iteration",
    dates: "expected_start due_date",
    journals: "comments",
    references: { approver: "sys_user", sysapproval: "task", group: "sysapproval_group" },
    defaults: { state: "not requested", iteration: "1" },
  },
  sys_user_delegate: {
    display: "delegate",
    booleans: "approvals assignments notifications invitations",
    dates: "starts ends",
    references: { user: "sys_user", delegate: "sys_user" },
    defaults: { approvals: "true", assignments: "true", notifications: "true", invitations: "true" },
  },
};

/** Who the flows act as. */
export const FLOW = { by: "system" };
const ANSWERS = ["approved", "rejected"];
const DELAY_MS = 3_000;
const STEPS_MAX = 10_000;

export interface Flows {
  /** Does what has become due by the simulator's clock. */
  run(): void;
  /** Refuses an answer that is not the caller's to give, and transitions that no change makes. */
  guard(write: Write): void;
  /** What a stored record sets off. */
  wrote(row: Row): void;
}

export interface FlowOptions {
  now(): number;
  /** The store, which is made with these flows in it. */
  store(): ServiceNowStore;
  /** user_names that may answer for others. */
  admins: ReadonlySet<string>;
  /** Name of the group that authorises changes; without one nobody is asked at that step. */
  authorizeGroup: string | undefined;
}

/** The flow engine: everything it does comes DELAY_MS after what set it off. */
export function createFlows(options: FlowOptions): Flows {
  const due: { atMs: number; step(): void }[] = [];
  const later = (step: () => void): void => {
    due.push({ atMs: options.now() + DELAY_MS, step });
  };
  /** Of changes, by sys_id: what they were in when they were last written. */
  const states = new Map<string, string>();
  return {
    run() {
      const stepsMax = due.length + STEPS_MAX;
      for (let steps = 0; steps < stepsMax; steps += 1) {
        // In the order in which they become due: all wait equally long.
        const [first] = due;
        if (first === undefined || first.atMs > options.now()) return;
        due.shift();
        first.step();
      }
      throw new Error("the flows of the ServiceNow simulator set each other off without end");
    },
    guard(write) {
      if (write.table.name === "sysapproval_approver") guardAnswer(options, write);
      if (write.table.name === "change_request") guardTransition(write);
    },
    wrote(row) {
      const { sys_id, sys_class_name: table } = row;
      if (table === "sysapproval_group") later(() => askMembers(options.store(), sys_id));
      if (table === "sysapproval_approver" && ANSWERS.includes(row["state"] ?? ""))
        later(() => concludeAnswer(options.store(), sys_id));
      if (table !== "change_request") return;
      const state = row["state"] ?? "";
      const entered = states.has(sys_id) && states.get(sys_id) !== state;
      states.set(sys_id, state);
      later(() => followChange(options, sys_id, entered));
    },
  };
}

function guardAnswer(options: FlowOptions, { before, row, journals, actor, nowText }: Write): void {
  const state = row["state"] ?? "";
  if (!ANSWERS.includes(state) || before?.["state"] === state) return;
  const store = options.store();
  const name = store.get(actor)?.["user_name"] ?? "";
  const approver = row["approver"] ?? "";
  const isDelegate = store
    .list("sys_user_delegate")
    .some(
      (one) =>
        one["user"] === approver &&
        one["delegate"] === actor &&
        one["approvals"] === "true" &&
        (one["starts"] ?? "") <= nowText &&
        (one["ends"] ?? "") >= nowText,
    );
  if (actor === "" || (actor !== approver && !isDelegate && !options.admins.has(name)))
    throw new ServiceNowError(403, "Operation Failed", "ACL Exception Update Failed due to security constraints");
  if (before !== undefined && before["state"] !== "requested")
    throw aborted("sysapproval_approver", "Approval Already Decided");
  if (state === "rejected" && !journals.some(({ element }) => element === "comments"))
    throw aborted("sysapproval_approver", "Reject Approval Comments");
}

/** To where a change may go by hand; Assess and Authorize are left by approval alone. */
const TRANSITIONS: Record<string, Record<string, string[]>> = {
  normal: {
    "-5": ["-4", "4"],
    "-4": ["-5", "4"],
    "-3": ["-5", "4"],
    "-2": ["-1", "-5", "4"],
    "-1": ["0", "4"],
    "0": ["3"],
  },
  emergency: { "-5": ["-3", "4"], "-3": ["-5", "4"], "-2": ["-1", "-5", "4"], "-1": ["0", "4"], "0": ["3"] },
  standard: { "-5": ["-2", "4"], "-2": ["-1", "-5", "4"], "-1": ["0", "4"], "0": ["3"] },
};
/** By approval: where an approved step leads. */
const APPROVED: Record<string, string> = { "-4": "-3", "-3": "-2" };

/** States that a change may be moved to from where it is. */
export function nextStates(change: Row): string[] {
  return TRANSITIONS[change["type"] ?? ""]?.[change["state"] ?? ""] ?? [];
}

function guardTransition({ before, row, actor }: Write): void {
  const from = before?.["state"];
  const to = row["state"] ?? "";
  if (before === undefined || from === to) return;
  // The flow engine is nobody's user record.
  if (actor === "" && (APPROVED[from ?? ""] === to || to === "-5")) return;
  if (!nextStates(before).includes(to)) throw aborted("change_request", "Change Model: Check State Transition");
}

function aborted(table: string, rule: string): ServiceNowError {
  const detail = `Operation against file '${table}' was aborted by Business Rule '${rule}^0123456789abcdef0123456789abcdef'. Business Rule Stack:${rule}`;
  return new ServiceNowError(403, "Operation Failed", detail);
}

function rowsOf(store: ServiceNowStore, field: string, id: string): Row[] {
  return store.list("sysapproval_approver").filter((row) => row[field] === id);
}

/** A group that is asked means that each active member is; one that is not asked any more frees them. */
function askMembers(store: ServiceNowStore, groupRowId: string): void {
  const group = store.get(groupRowId);
  if (group === undefined) return;
  const asked = rowsOf(store, "group", groupRowId);
  if (group["approval"] === "cancelled") settle(store, asked, "cancelled");
  if (group["approval"] !== "requested") return;
  for (const { user = "", group: of } of store.list("sys_user_grmember")) {
    const active = store.get(user)?.["active"] === "true";
    if (of !== group["assignment_group"] || !active || asked.some((row) => row["approver"] === user)) continue;
    const fields = { approver: user, sysapproval: group["parent"] ?? "", group: groupRowId, state: "requested" };
    store.insert("sysapproval_approver", fields, { by: group["sys_created_by"] ?? "" });
  }
}

function settle(store: ServiceNowStore, rows: readonly Row[], state: string): void {
  for (const row of rows)
    if (row["state"] === "requested") store.update("sysapproval_approver", row.sys_id, { state }, FLOW);
}

/** The first answer of a group is the group's; then the step of the change, where a flow waits for it. */
function concludeAnswer(store: ServiceNowStore, rowId: string): void {
  const row = store.get(rowId);
  const state = row?.["state"] ?? "";
  if (row === undefined || !ANSWERS.includes(state)) return;
  const group = store.get(row["group"] ?? "");
  if (group !== undefined && group["approval"] === "requested") {
    store.update("sysapproval_group", group.sys_id, { approval: state }, FLOW);
    settle(store, rowsOf(store, "group", group.sys_id), "not_required");
  }
  const change = store.find("change_request", row["sysapproval"] ?? "");
  if (change !== undefined && group?.["sys_created_by"] === FLOW.by) concludeStep(store, change, state);
}

function concludeStep(store: ServiceNowStore, change: Row, state: string): void {
  const to = state === "approved" ? APPROVED[change["state"] ?? ""] : "-5";
  if (to === undefined || change["approval"] !== "requested") return;
  const approval = state === "rejected" ? "rejected" : to === "-2" ? "approved" : "not requested";
  store.update("change_request", change.sys_id, { state: to, approval }, FLOW);
  if (state === "rejected") settle(store, rowsOf(store, "sysapproval", change.sys_id), "cancelled");
}

/** What a change's flow does where it finds the change: asks for its step, or takes back what is asked when it is `entered`. */
function followChange({ store: current, authorizeGroup }: FlowOptions, id: string, entered: boolean): void {
  const store = current();
  const change = store.get(id);
  if (change === undefined) return;
  const state = change["state"] ?? "";
  if (state === "-5" || state === "4") {
    if (!entered) return;
    settle(store, rowsOf(store, "sysapproval", id), "cancelled");
    if (change["approval"] === "requested") store.update("change_request", id, { approval: "not requested" }, FLOW);
    return;
  }
  if (APPROVED[state] === undefined || change["approval"] === "requested") return;
  store.update("change_request", id, { approval: "requested" }, FLOW);
  const authorizers = store.list("sys_user_group").find(({ name }) => name === authorizeGroup);
  const group = state === "-4" ? (change["assignment_group"] ?? "") : (authorizers?.sys_id ?? "");
  const members = store.list("sys_user_grmember").some((row) => row["group"] === group);
  // A policy that finds nobody to ask approves.
  if (!members) concludeStep(store, { ...change, approval: "requested" }, "approved");
  else store.insert("sysapproval_group", { parent: id, assignment_group: group, approval: "requested" }, FLOW);
}
