import { z } from "zod";
import type { Limits } from "../limits.ts";
import type { ChangedPage } from "../ports.ts";

/** How far the sweeps of a record type have come; stored as JSON. */
export const Mark = z.strictObject({
  /** The newest change that was seen, by the vendor's clock, and never later than our own. */
  atMs: z.int(),
  /** When that change was first seen, by our clock. */
  reachedAtMs: z.int(),
  /** Whether it was swept again once everything that could turn up late behind it had done so. */
  closed: z.boolean(),
  /** Where a sweep that was cut short goes on. */
  resume: z.strictObject({ sinceMs: z.int(), after: z.string() }).exactOptional(),
});
export type Mark = z.infer<typeof Mark>;

/** The mark of a record type that was never swept. */
export function firstMark(nowMs: number, { sweepFirstMs }: Limits): Mark {
  return { atMs: nowMs - sweepFirstMs, reachedAtMs: nowMs, closed: true };
}

/** From when on, in ms by the vendor's clock, the next sweep looks. */
export function sinceOf({ atMs, closed, resume }: Mark, { sweepOverlapMs }: Limits): number {
  if (resume) return resume.sinceMs;
  // Without this, a quiet system's last busy minutes would be read again with every sweep, page after page.
  return closed ? atMs + 1 : atMs - sweepOverlapMs;
}

/** Of the sweep that a page belongs to. */
export interface Sweeping {
  sinceMs: number;
  /** When it began, by our clock. */
  beganAtMs: number;
  /** It did not go on where another was cut short. */
  whole: boolean;
}

/** The mark after a page that was taken in at `nowMs`, by our clock. */
export function advanced(
  mark: Mark,
  page: ChangedPage,
  { sinceMs, beganAtMs, whole }: Sweeping,
  nowMs: number,
  { sweepOverlapMs }: Limits,
): Mark {
  const newestMs = page.records.reduce((newest, { updatedAtMs }) => Math.max(newest, updatedAtMs), mark.atMs);
  const atMs = Math.max(mark.atMs, Math.min(newestMs, nowMs));
  const moved = atMs > mark.atMs;
  const next = { atMs, reachedAtMs: moved ? nowMs : mark.reachedAtMs };
  if (page.next !== undefined) return { ...next, closed: false, resume: { sinceMs, after: page.next } };
  const overlapIsOver = whole && beganAtMs >= mark.reachedAtMs + sweepOverlapMs;
  return { ...next, closed: !moved && (mark.closed || overlapIsOver) };
}
