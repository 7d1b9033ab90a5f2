/** Base-system choice lists, as rows of sys_choice. A table without its own list inherits that of `task`. */

const LEVELS = { "1": "1 - High", "2": "2 - Medium", "3": "3 - Low" };
const PRIORITIES = { "1": "1 - Critical", "2": "2 - High", "3": "3 - Moderate", "4": "4 - Low", "5": "5 - Planning" };
const INCIDENT_STATES = {
  "1": "New",
  "2": "In Progress",
  "3": "On Hold",
  "6": "Resolved",
  "7": "Closed",
  "8": "Canceled",
};

function named(...labels: string[]): Record<string, string> {
  return Object.fromEntries(labels.map((label) => [label, label]));
}

const CHOICES: Record<string, Record<string, Record<string, string>>> = {
  task: {
    state: {
      "-5": "Pending",
      "1": "Open",
      "2": "Work in Progress",
      "3": "Closed Complete",
      "4": "Closed Incomplete",
      "7": "Closed Skipped",
    },
    impact: LEVELS,
    urgency: LEVELS,
    priority: PRIORITIES,
    approval: {
      "not requested": "Not Yet Requested",
      requested: "Requested",
      approved: "Approved",
      rejected: "Rejected",
      cancelled: "Cancelled",
      not_required: "Not Required",
      duplicate: "Duplicate",
    },
  },
  incident: {
    state: INCIDENT_STATES,
    incident_state: INCIDENT_STATES,
    hold_reason: { "1": "Awaiting Caller", "3": "Awaiting Problem", "4": "Awaiting Vendor", "5": "Awaiting Change" },
    close_code: named(
      "Duplicate",
      "Known error",
      "No resolution provided",
      "Resolved by caller",
      "Resolved by change",
      "Resolved by problem",
      "Resolved by request",
      "Solution provided",
      "Workaround provided",
      "User error",
    ),
    category: {
      inquiry: "Inquiry / Help",
      software: "Software",
      hardware: "Hardware",
      network: "Network",
      database: "Database",
      security: "Security",
    },
    impact: LEVELS,
    urgency: LEVELS,
    priority: PRIORITIES,
  },
  change_request: {
    state: {
      "-5": "New",
      "-4": "Assess",
      "-3": "Authorize",
      "-2": "Scheduled",
      "-1": "Implement",
      "0": "Review",
      "3": "Closed",
      "4": "Canceled",
    },
    type: { normal: "Normal", standard: "Standard", emergency: "Emergency" },
    risk: { "2": "High", "3": "Moderate", "4": "Low" },
    close_code: {
      successful: "Successful",
      successful_issues: "Successful with issues",
      unsuccessful: "Unsuccessful",
    },
    category: named("Hardware", "Software", "Service", "System Software", "Network", "Other"),
    impact: LEVELS,
    urgency: LEVELS,
    priority: { "1": "1 - Critical", "2": "2 - High", "3": "3 - Moderate", "4": "4 - Low" },
  },
  problem: {
    state: {
      "101": "New",
      "102": "Assess",
      "103": "Root Cause Analysis",
      "104": "Fix in Progress",
      "106": "Resolved",
      "107": "Closed",
    },
  },
  sc_req_item: {
    stage: {
      request_approved: "Request Approved",
      fulfillment: "Fulfillment",
      delivery: "Delivery",
      completed: "Completed",
    },
  },
};

export interface Choice {
  name: string;
  element: string;
  value: string;
  label: string;
  sequence: string;
}

/** All base choices in list order. */
export function baseChoices(): Choice[] {
  const choices: Choice[] = [];
  for (const [name, elements] of Object.entries(CHOICES)) {
    for (const [element, values] of Object.entries(elements)) {
      Object.entries(values).forEach(([value, label], index) => {
        choices.push({ name, element, value, label, sequence: String(index + 1) });
      });
    }
  }
  return choices;
}
