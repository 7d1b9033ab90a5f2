import { createHash, timingSafeEqual } from "node:crypto";

/** Whether an Authorization header carries exactly this token; in constant time, whatever the lengths. */
export function bearerMatches(header: string | undefined, token: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(header ?? ""), digest(`Bearer ${token}`));
}
