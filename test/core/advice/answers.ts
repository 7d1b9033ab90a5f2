import type { Sets } from "../../../core/advice/answer.ts";
import { Labels } from "../../../core/advice/labels.ts";

/** A small installation, with a label of every awkward kind. */
export const SETS: Sets = {
  labels: Labels.parse({
    category: ["Network", "Security", "E-mail & calendar", "constructor"],
    service: ["VPN", "Payroll"],
    assignment_group: ["Network Operations", "Service Desk"],
    intent: ["something broke", "access wanted"],
    urgency_signals: ["outage", "deadline today", "many people"],
    security_categories: ["Security"],
    risk_factors: [
      { id: "no_backout", means: "There is no way back" },
      { id: "peak_hours", means: "It happens while many people work" },
    ],
  }),
  articles: ["KB0001", "KB0002"],
};

export const CLASSIFIED = {
  category: "Network",
  service: "VPN",
  assignment_group: "(none)",
  intent: "something broke",
  security_related: false,
  urgency_signals: ["outage"],
  rationale: "The VPN asks again and again.",
};
