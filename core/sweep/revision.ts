/**
 * Whether a record that was read at one revision is at another one or beyond it. Both are a vendor's counter or both its
 * update time; what is neither is compared for being the same.
 */
export function revisionReached(read: string, wanted: string): boolean {
  if (read === wanted) return true;
  if (isCount(read) && isCount(wanted)) return BigInt(read) >= BigInt(wanted);
  const [readMs, wantedMs] = [timeOf(read), timeOf(wanted)];
  return readMs !== undefined && wantedMs !== undefined && readMs >= wantedMs;
}

function isCount(revision: string): boolean {
  return /^\d{1,30}$/.test(revision);
}

function timeOf(revision: string): number | undefined {
  const ms = /^\d{4}-\d\d-\d\dT/.test(revision) ? Date.parse(revision) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}
