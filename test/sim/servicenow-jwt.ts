/** The JWT provider of an instance: whom an assertion speaks for, when its signature and its claims hold. */
import { createPublicKey, verify } from "node:crypto";
import { isRecord } from "./sim-server.ts";

export interface JwtProvider {
  /** The kid of the certificate. */
  keyId: string;
  /** Its public key, PEM. */
  publicKey: string;
}

export interface AssertionCheck {
  provider: JwtProvider | undefined;
  clientId: string;
  nowMs: number;
  /** Ids of assertions that were presented before; the id of a good one is added. */
  seen: Set<string>;
}

/** The `sub` of a sound assertion (RS256, our kid, iss and aud = client_id, not expired, not presented before). */
export function subjectOf(assertion: string, { provider, clientId, nowMs, seen }: AssertionCheck): string | undefined {
  const [header = "", claims = "", signature = "", ...more] = assertion.split(".");
  if (provider === undefined || more.length > 0) return undefined;
  const { alg, kid } = parsed(header);
  if (alg !== "RS256" || kid !== provider.keyId) return undefined;
  const key = createPublicKey(provider.publicKey);
  if (!verify("sha256", Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, "base64url"))) return undefined;
  const { iss, sub, aud, iat, exp, jti } = parsed(claims);
  if (iss !== clientId || aud !== clientId || typeof sub !== "string" || typeof jti !== "string") return undefined;
  if (typeof iat !== "number" || typeof exp !== "number" || exp * 1_000 <= nowMs || seen.has(jti)) return undefined;
  seen.add(jti);
  return sub;
}

function parsed(part: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    return isRecord(value) ? value : {};
  } catch {
    return {};
  }
}
