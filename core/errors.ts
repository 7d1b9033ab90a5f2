/** What went wrong with a vendor, decided once at the connector's edge. Retry policy reads this, never a message. */
export const FAULT_KINDS = [
  "auth",
  "rejected",
  "not_found",
  "conflict",
  "rate_limited",
  "unavailable",
  "protocol",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface ConnectorFault {
  kind: FaultKind;
  connection: string;
  /** What happened and what to do next, in a sentence, without ticket text. */
  message: string;
  /** HTTP status, when there was an answer. */
  status?: number;
  /** The server's own word on when to come back. */
  retryAfterMs?: number;
  /** For a rest that was asked for: what has to keep it. The endpoint where nothing is said. */
  limitScope?: LimitScope;
  /** For a write: whether the vendor may have applied it. */
  outcome?: "not_applied" | "unknown";
  /** For a write of several calls: the actions that are certain to have been applied before the failure. */
  applied?: readonly string[];
  cause?: unknown;
}

export type LimitScope = "record" | "endpoint" | "connection";

/** The one error that leaves a connector. */
export class ConnectorError extends Error {
  readonly kind: FaultKind;
  readonly connection: string;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  readonly limitScope: LimitScope;
  readonly outcome: "not_applied" | "unknown";
  readonly applied: readonly string[];

  constructor(fault: ConnectorFault) {
    super(fault.message, fault.cause === undefined ? undefined : { cause: fault.cause });
    this.name = "ConnectorError";
    this.kind = fault.kind;
    this.connection = fault.connection;
    this.status = fault.status;
    this.retryAfterMs = fault.retryAfterMs;
    this.limitScope = fault.limitScope ?? "endpoint";
    this.outcome = fault.outcome ?? "not_applied";
    this.applied = fault.applied ?? [];
  }
}

/** Whose turn it is after a fault: ours (try again later) or a person's (park the ticket). */
export const FAULT_RETRY: Record<FaultKind, "park" | "outage" | "attempt"> = {
  auth: "park",
  rejected: "park",
  not_found: "park",
  conflict: "attempt",
  rate_limited: "outage",
  unavailable: "outage",
  protocol: "attempt",
};

/** The store cannot take a write now: the sender is told to come back (503), nothing is decided. */
export class StoreUnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StoreUnavailableError";
  }
}

/** The text of an error for a log line or a parked reason: its name and message, bounded. */
export function describeError(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return text.length > 300 ? `${text.slice(0, 297)}...` : text;
}
