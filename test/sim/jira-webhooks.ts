/** Jira's webhooks: the v2 shape whatever API was called, signed over the raw body, retried under one identifier. */
import { createHmac, randomUUID } from "node:crypto";
import { showComment, showIssue } from "./jira-render.ts";
import { showUser } from "./jira-site.ts";
import type { EventKind, JiraEvent, JiraStore } from "./jira-store.ts";
import type { WebhookSender } from "./webhook-sender.ts";

const EVENT_NAMES: Record<EventKind, string> = {
  created: "jira:issue_created",
  updated: "jira:issue_updated",
  assigned: "jira:issue_updated",
  generic: "jira:issue_updated",
  commented: "comment_created",
  deleted: "jira:issue_deleted",
};

const TYPE_NAMES: Partial<Record<EventKind, string>> = {
  created: "issue_created",
  updated: "issue_updated",
  assigned: "issue_assigned",
  generic: "issue_generic",
};

const SLIM_FIELDS = ["summary", "issuetype", "project", "assignee", "priority", "status"];
const FULL_FIELDS = ["*navigable"];

/** The body Jira sends for an event. */
export function webhookBody(store: JiraStore, event: JiraEvent): Record<string, unknown> {
  const { kind, issue, by, atMs, history, comment } = event;
  const view = { version: 2, properties: [], changelog: false } as const;
  const webhookEvent = EVENT_NAMES[kind];
  const shownComment =
    comment === undefined ? undefined : showComment(store, comment, { version: 2, withProperties: false });
  if (kind === "commented") {
    // A comment event has no user of its own: who it was stands in the comment.
    return {
      timestamp: atMs,
      webhookEvent,
      comment: shownComment,
      issue: slim(showIssue(store, issue, { ...view, fields: SLIM_FIELDS })),
    };
  }
  const body: Record<string, unknown> = { timestamp: atMs, webhookEvent };
  const type = TYPE_NAMES[kind];
  if (type !== undefined) body["issue_event_type_name"] = type;
  body["user"] = showUser(store.site, by, 2);
  body["issue"] = slim(showIssue(store, issue, { ...view, fields: FULL_FIELDS }));
  if (history !== undefined) body["changelog"] = { id: history.id, items: history.items };
  if (shownComment !== undefined) body["comment"] = shownComment;
  return body;
}

/** Webhooks leave `expand` out. */
function slim({ expand: _expand, ...issue }: Record<string, unknown>): Record<string, unknown> {
  return issue;
}

/** Queues one delivery. The body is frozen at the time of the event, and so are the bytes that are signed. */
export function sendWebhook(sender: WebhookSender, store: JiraStore, event: JiraEvent): void {
  const payload = JSON.stringify(webhookBody(store, event));
  const deliveryId = randomUUID();
  sender.send({
    deliveryId,
    body: () => payload,
    headers(body, secret, attempt) {
      const signature = createHmac("sha256", secret).update(body, "utf8").digest("hex");
      const headers: Record<string, string> = {
        "content-type": "application/json; charset=UTF-8",
        "user-agent": "Atlassian Webhook HTTP Client",
        "x-atlassian-webhook-identifier": deliveryId,
        "x-atlassian-webhook-flow": "Primary",
        "x-hub-signature": `sha256=${signature}`,
      };
      if (attempt > 1) headers["x-atlassian-webhook-retry"] = String(attempt - 1);
      return headers;
    },
  });
}
