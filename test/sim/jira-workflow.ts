/** Small workflows, in the shape JSM ships them: for incidents, with approvals or without, and for changes. */

export interface Status {
  id: string;
  name: string;
  category: "new" | "indeterminate" | "done";
}

export interface Transition {
  id: string;
  name: string;
  from: string[];
  to: string;
}

export interface Workflow {
  initial: string;
  statuses: string[];
  transitions: Transition[];
}

const STATUSES: Status[] = [
  { id: "1", name: "Open", category: "new" },
  { id: "3", name: "In Progress", category: "indeterminate" },
  { id: "10101", name: "Pending", category: "indeterminate" },
  { id: "5", name: "Resolved", category: "done" },
  { id: "6", name: "Closed", category: "done" },
  { id: "10102", name: "Canceled", category: "done" },
  { id: "10103", name: "Draft", category: "new" },
  { id: "10104", name: "Review", category: "new" },
  { id: "10105", name: "Awaiting approval", category: "indeterminate" },
  { id: "10106", name: "Scheduled", category: "indeterminate" },
  { id: "10107", name: "Implementing", category: "indeterminate" },
  { id: "10108", name: "Completed", category: "done" },
  { id: "10109", name: "Declined", category: "done" },
];

const INCIDENT: Workflow = {
  initial: "Open",
  statuses: ["Open", "In Progress", "Pending", "Resolved", "Closed", "Canceled"],
  transitions: [
    { id: "11", name: "Start work", from: ["Open", "Pending"], to: "In Progress" },
    { id: "21", name: "Pend", from: ["Open", "In Progress"], to: "Pending" },
    { id: "31", name: "Resolve", from: ["Open", "In Progress", "Pending"], to: "Resolved" },
    { id: "41", name: "Close", from: ["Resolved"], to: "Closed" },
    { id: "51", name: "Reopen", from: ["Resolved"], to: "In Progress" },
    { id: "61", name: "Cancel", from: ["Open", "In Progress", "Pending"], to: "Canceled" },
  ],
};

const CHANGE: Workflow = {
  initial: "Draft",
  statuses: ["Draft", "Review", "Awaiting approval", "Scheduled", "Implementing", "Completed", "Declined", "Canceled"],
  transitions: [
    { id: "11", name: "Submit for review", from: ["Draft"], to: "Review" },
    { id: "21", name: "Request approval", from: ["Review"], to: "Awaiting approval" },
    { id: "31", name: "Approve", from: ["Awaiting approval"], to: "Scheduled" },
    { id: "41", name: "Decline", from: ["Awaiting approval"], to: "Declined" },
    { id: "51", name: "Implement", from: ["Scheduled"], to: "Implementing" },
    { id: "61", name: "Complete", from: ["Implementing"], to: "Completed" },
    { id: "71", name: "Cancel", from: ["Draft", "Review", "Awaiting approval", "Scheduled"], to: "Canceled" },
    { id: "81", name: "Back to draft", from: ["Review", "Declined"], to: "Draft" },
    { id: "91", name: "Ask again", from: ["Scheduled", "Implementing", "Completed"], to: "Awaiting approval" },
  ],
};

/** Incidents that people approve on their way. */
const APPROVED_INCIDENT: Workflow = {
  initial: INCIDENT.initial,
  statuses: [...INCIDENT.statuses, "Awaiting approval", "Declined"],
  transitions: [
    ...INCIDENT.transitions,
    { id: "71", name: "Request approval", from: ["Open", "In Progress", "Pending"], to: "Awaiting approval" },
    { id: "81", name: "Approve", from: ["Awaiting approval"], to: "In Progress" },
    { id: "91", name: "Decline", from: ["Awaiting approval"], to: "Declined" },
    { id: "101", name: "Withdraw", from: ["Awaiting approval"], to: "Canceled" },
  ],
};

const CATEGORIES = {
  new: { id: 2, key: "new", colorName: "blue-gray", name: "To Do" },
  indeterminate: { id: 4, key: "indeterminate", colorName: "yellow", name: "In Progress" },
  done: { id: 3, key: "done", colorName: "green", name: "Done" },
};

/** Projects with a Change issue type run the change workflow, all others the incident one, or that with approvals. */
export function workflowFor(issueTypes: string[], withApproval = false): Workflow {
  if (issueTypes.includes("Change")) return CHANGE;
  return withApproval ? APPROVED_INCIDENT : INCIDENT;
}

/** The status by name. Only names from the workflows above are ever stored. */
export function statusNamed(name: string): Status {
  const status = STATUSES.find((candidate) => candidate.name === name);
  if (status === undefined) throw new Error(`the Jira simulator has no status "${name}"`);
  return status;
}

/** A status as the API prints it. */
export function showStatus(name: string, api: string): Record<string, unknown> {
  const { id, category } = statusNamed(name);
  const statusCategory = { self: `${api}/statuscategory/${CATEGORIES[category].id}`, ...CATEGORIES[category] };
  return { self: `${api}/status/${id}`, description: "", iconUrl: iconUrl(api, id), name, id, statusCategory };
}

function iconUrl(api: string, id: string): string {
  return `${new URL(api).origin}/images/icons/statuses/${id}.png`;
}

/** What the post function of a transition sets; null clears it. */
export function resolutionAfter(status: string): string | null {
  if (status === "Canceled") return "Won't Do";
  if (status === "Declined") return "Declined";
  return statusNamed(status).category === "done" ? "Done" : null;
}
