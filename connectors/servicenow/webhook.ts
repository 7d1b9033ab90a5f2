import { createHash } from "node:crypto";
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import { z } from "zod";
import type { ServiceNowConnection } from "../../core/config/settings.ts";
import type { DeliveryHeaders, Located, WebhookSource } from "../../core/ports.ts";
import { authorized, deliveryId, header } from "../shared-secret.ts";

/** What our business rule sends. Nothing of it is trusted beyond which record to read. */
const Hint = z.looseObject({
  table: z.string().regex(/^[a-z][a-z0-9_]{0,79}$/),
  sys_id: z.string().regex(/^[0-9a-f]{32}$/),
});

/** ServiceNow's webhooks, sent by our own business rule: Standard Webhooks signatures, five minutes of tolerance. */
export function servicenowWebhooks(connection: ServiceNowConnection): WebhookSource {
  const keys = (connection.webhookSecrets ?? []).map((secret) => new Webhook(secret));
  const tables = new Set(Object.keys(connection.records));
  return {
    verify: (headers, raw) =>
      connection.webhookAuth ? verifyAuth(headers, raw, connection.webhookAuth) : verifySignature(headers, raw, keys),
    locate: (payload) => locate(payload, tables),
  };
}

function verifyAuth(
  headers: DeliveryHeaders,
  raw: Buffer,
  auth: NonNullable<ServiceNowConnection["webhookAuth"]>,
): ReturnType<WebhookSource["verify"]> {
  if (!authorized(headers, auth)) return { refused: "wrong or missing Authorization header" };
  return { deliveryId: deliveryId(header(headers, "webhook-id")) ?? createHash("sha256").update(raw).digest("hex") };
}

function verifySignature(
  headers: DeliveryHeaders,
  raw: Buffer,
  keys: readonly Webhook[],
): ReturnType<WebhookSource["verify"]> {
  const id = deliveryId(header(headers, "webhook-id"));
  const timestamp = header(headers, "webhook-timestamp");
  const signature = header(headers, "webhook-signature");
  if (id === undefined || timestamp === undefined || signature === undefined)
    return { refused: "a webhook-* header is missing" };
  // The library reads a number from the front of any text; a timestamp is digits and nothing else.
  if (!/^\d{1,12}$/.test(timestamp)) return { refused: "webhook-timestamp is not a number of seconds" };
  const signed = { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signature };
  let refused = "no secret is configured";
  for (const key of keys) {
    try {
      key.verify(raw, signed, { jsonParse: false });
      return { deliveryId: id };
    } catch (error) {
      if (!(error instanceof WebhookVerificationError)) throw error;
      refused = error.message;
    }
  }
  return { refused };
}

function locate(payload: unknown, tables: ReadonlySet<string>): Located {
  const hint = Hint.safeParse(payload);
  if (!hint.success)
    return {
      found: false,
      reason: "the body names no table and sys_id; expected {table, sys_id, sys_mod_count, sys_updated_on}",
    };
  const { table, sys_id } = hint.data;
  return tables.has(table)
    ? {
        found: true,
        type: table,
        recordId: sys_id,
        versioned: "sys_mod_count" in hint.data || "sys_updated_on" in hint.data,
      }
    : { found: "unmapped", what: table };
}
