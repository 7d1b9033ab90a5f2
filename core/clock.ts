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
