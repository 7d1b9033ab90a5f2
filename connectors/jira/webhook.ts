import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { JiraConnection } from "../../core/config/settings.ts";
import type { DeliveryHeaders, Located, WebhookSource } from "../../core/ports.ts";
import { authorized, deliveryId, header } from "../shared-secret.ts";

const IssueId = z.string().regex(/^\d{1,19}$/);
const Envelope = z.object({
  timestamp: z.number().optional(),
  webhookEvent: z.string().optional(),
  issue: z.object({ id: IssueId, key: z.string().regex(/^[A-Z][A-Z0-9_]{0,99}-\d{1,10}$/) }).optional(),
  comment: z.object({ self: z.string() }).optional(),
});

/** Jira's admin webhooks: HMAC-SHA256 over the raw body. The delivery id is not signed, so bodies are deduplicated too. */
export function jiraWebhooks(connection: Omit<JiraConnection, "deployment">): WebhookSource {
  const secrets = connection.webhookSecrets ?? [];
  const projects = new Set(Object.keys(connection.records));
  return {
    verify(headers, raw) {
      const refused = connection.webhookAuth
        ? authRefusal(headers, connection.webhookAuth)
        : signatureRefusal(headers, raw, secrets);
      if (refused !== undefined) return { refused };
      const id = deliveryId(header(headers, "x-atlassian-webhook-identifier"));
      return { deliveryId: id ?? createHash("sha256").update(raw).digest("hex") };
    },
    locate: (payload) => locate(payload, projects),
  };
}

function authRefusal(headers: DeliveryHeaders, auth: NonNullable<JiraConnection["webhookAuth"]>): string | undefined {
  return authorized(headers, auth) ? undefined : "wrong or missing Authorization header";
}

function signatureRefusal(headers: DeliveryHeaders, raw: Buffer, secrets: readonly string[]): string | undefined {
  const given = header(headers, "x-hub-signature");
  if (given === undefined) return "the X-Hub-Signature header is missing";
  const [, method, hex] = /^([a-z0-9-]+)=([0-9a-fA-F]+)$/.exec(given) ?? [];
  if (method !== "sha256" || hex?.length !== 64) return "X-Hub-Signature is not sha256=<64 hexadecimal characters>";
  const signature = Buffer.from(hex, "hex");
  const matches = secrets.map((secret) =>
    timingSafeEqual(createHmac("sha256", secret).update(raw).digest(), signature),
  );
  return matches.includes(true) ? undefined : "X-Hub-Signature does not match the body";
}

/** The issue, or the one a comment belongs to: Data Center sends comments without their issue. */
function locate(payload: unknown, projects: ReadonlySet<string>): Located {
  const envelope = Envelope.safeParse(payload);
  const { issue, comment, webhookEvent, timestamp } = envelope.success ? envelope.data : {};
  const versioned = timestamp !== undefined;
  if (issue) {
    const project = issue.key.slice(0, issue.key.lastIndexOf("-"));
    if (!projects.has(project)) return { found: "unmapped", what: project };
    return { found: true, type: "issue", recordId: issue.id, recordKey: issue.key, versioned };
  }
  const fromComment = /\/issue\/(\d{1,19})\/comment\//.exec(comment?.self ?? "")?.[1];
  if (fromComment !== undefined) return { found: true, type: "issue", recordId: fromComment, versioned };
  const what = webhookEvent === undefined ? "the body" : `the event ${webhookEvent.slice(0, 60)}`;
  return { found: false, reason: `${what} names no issue; subscribe the webhook to issue and comment events only` };
}
