import { createHmac } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { JIRA_SECRET, SNOW_SECRET } from "./settings.ts";

/** A webhook delivery, signed and ready to be sent; sending it again is sending the same delivery. */
export interface Delivery {
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** What ServiceNow's business rule sends for a record. */
export function servicenowDelivery(id: string, record: { table: string; sysId: string; modCount: number }): Delivery {
  const body = JSON.stringify({
    table: record.table,
    sys_id: record.sysId,
    sys_mod_count: String(record.modCount),
    sys_updated_on: "2026-11-22 10:00:00",
  });
  const at = new Date();
  const headers = {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(Math.floor(at.getTime() / 1_000)),
    "webhook-signature": new Webhook(SNOW_SECRET).sign(id, at, body),
  };
  return { path: "/webhooks/snow", headers, body };
}

/** What Jira sends for an issue, about 1.2 KB of it. */
export function jiraDelivery(id: string, issue: { id: string; key: string; timestamp: number }): Delivery {
  const body = JSON.stringify({
    timestamp: issue.timestamp,
    webhookEvent: "jira:issue_updated",
    issue_event_type_name: "issue_updated",
    user: {
      accountId: "5b10-abel",
      displayName: "Abel Tuter",
      active: true,
      timeZone: "UTC",
      accountType: "atlassian",
    },
    issue: {
      id: issue.id,
      self: `https://example.atlassian.net/rest/api/2/issue/${issue.id}`,
      key: issue.key,
      fields: {
        summary: "Scanner in hall three does not read labels",
        description: "It beeps and shows a red light. ".repeat(14),
        issuetype: { id: "10001", name: "Incident", subtask: false },
        project: { id: "10000", key: issue.key.split("-")[0], name: "Operations" },
        priority: { id: "3", name: "Medium" },
        status: { id: "1", name: "Open", statusCategory: { id: 2, key: "new", name: "To Do" } },
        labels: ["warehouse"],
      },
    },
    changelog: {
      id: String(issue.timestamp),
      items: [
        {
          field: "labels",
          fieldtype: "jira",
          fieldId: "labels",
          from: null,
          fromString: "",
          to: null,
          toString: "warehouse",
        },
      ],
    },
  });
  const headers = {
    "content-type": "application/json; charset=UTF-8",
    "x-atlassian-webhook-identifier": id,
    "x-atlassian-webhook-flow": "Primary",
    "x-hub-signature": `sha256=${createHmac("sha256", JIRA_SECRET).update(body).digest("hex")}`,
  };
  return { path: "/webhooks/jira", headers, body };
}
