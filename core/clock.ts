/**
 * Time as the core sees it. Everything that waits or asks for the hour takes a Clock, so tests run on virtual time
 * and a decision never depends on when it happened to run.
 */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number;
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Random numbers, injected for the same reason as the clock. */
export interface Rng {
  /** Uniform in [0, 1). */
  next(): number;
}

/** Makes identifiers that are unique within one installation. */
export interface Ids {
  /** 16 lower-case hexadecimal characters. */
  short(): string;
}

/** An instant as RFC 3339 in UTC with milliseconds: the only way this project writes time down. */
export function instant(ms: number): string {
  return new Date(ms).toISOString();
}

/** A time that says its own zone: `2026-01-31T09:15:30Z`, or with an offset. Anything else throws a RangeError. */
export function timeWithZone(text: string): Date {
  const zoned = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(text);
  const at = new Date(zoned ? text : Number.NaN);
  if (Number.isNaN(at.getTime())) throw new RangeError("a time is not in the form 2026-01-31T09:15:30Z");
  return at;
}

/** What the clock on the wall shows in a zone, as a date to be read in UTC. The zone of this machine has no part in it. */
export function inZone(at: Date, timeZone: string): Date {
  const fields = { year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric" } as const;
  const format = new Intl.DateTimeFormat("en-US", { timeZone, ...fields, second: "numeric", hourCycle: "h23" });
  const shown = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second));
}
