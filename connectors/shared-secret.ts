import { createHash, timingSafeEqual } from "node:crypto";
import type { WebhookAuth } from "../core/config/settings.ts";
import type { DeliveryHeaders } from "../core/ports.ts";

/** Equality in constant time, whatever the lengths. */
export function sameSecret(a: string | Buffer, b: string | Buffer): boolean {
  const digest = (value: string | Buffer): Buffer => createHash("sha256").update(value).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** A header that was sent once; undefined when absent or sent twice, since two values prove nothing. */
export function header(headers: DeliveryHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Checks the Authorization header of a sender that cannot sign. */
export function authorized(headers: DeliveryHeaders, auth: WebhookAuth): boolean {
  const given = header(headers, "authorization") ?? "";
  const wanted =
    auth.type === "bearer"
      ? `Bearer ${auth.token}`
      : `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString("base64")}`;
  return sameSecret(given, wanted);
}

/** A delivery id fit for the database: at most 200 printable ASCII characters. */
export function deliveryId(value: string | undefined): string | undefined {
  return value !== undefined && /^[\x21-\x7e]{1,200}$/.test(value) ? value : undefined;
}
