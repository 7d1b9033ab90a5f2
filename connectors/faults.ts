import { ConnectorError, type FaultKind } from "../core/errors.ts";
import { retryAfterMs, wasNeverSent } from "./calls.ts";

/** A call, as far as its faults need to know it. */
export interface FaultyCall {
  connection: string;
  /** What the call is for, as metrics and messages name it. */
  operation: string;
  /** Whether it changes something at the vendor. */
  writes: boolean;
}

/** An answer that is not the one that was asked for. */
export interface Refusal extends FaultyCall {
  status: number;
  /** The answer's own Retry-After header, as it came. */
  retryAfter: unknown;
  nowMs: number;
  /** What to do about it, in the words of the vendor's own settings. */
  hint: string;
}

/** A call that got no proper answer: a question has changed nothing; a write may have been applied. */
export function inDoubt({ writes }: FaultyCall): "not_applied" | "unknown" {
  return writes ? "unknown" : "not_applied";
}

/** What a status means, the same for every vendor: whose fault it is, when to come back, whether a write was applied. */
export function statusFault(refusal: Refusal): ConnectorError {
  const { connection, operation, status, hint } = refusal;
  const retryAfter = retryAfterMs(refusal.retryAfter, refusal.nowMs);
  return new ConnectorError({
    kind: kindOf(status),
    connection,
    status,
    message: `${connection} answered ${operation} with ${status}: ${hint}`,
    outcome: wasRefused(status, retryAfter) ? "not_applied" : inDoubt(refusal),
    ...(retryAfter !== undefined && { retryAfterMs: retryAfter }),
  });
}

/**
 * Whether a status proves that nothing was done. A gateway that gave up, or a script that failed half way, says nothing
 * about what was stored; 503 and 408 may be such a gateway's too, unless they say when to come back.
 */
function wasRefused(status: number, retryAfter: number | undefined): boolean {
  if (status === 503 || status === 408) return retryAfter !== undefined;
  return status >= 400 && status < 500;
}

/** A call that broke off before its answer: the code of the break where there is one, and the error that it came in. */
export function unreachableFault(call: FaultyCall, code: string | undefined, cause?: unknown): ConnectorError {
  const { connection, operation } = call;
  const inside = "its name leads into a private network; set allowPrivateAddress: true where that is meant";
  const why = code === "EPRIVATEADDRESS" ? inside : (code ?? "no answer");
  return new ConnectorError({
    kind: "unavailable",
    connection,
    message: `${connection} could not be reached for ${operation} (${why})`,
    outcome: wasNeverSent(code, cause) ? "not_applied" : inDoubt(call),
  });
}

/** A success that the vendor itself would not have given. */
export function oddAnswerFault(
  call: FaultyCall,
  odd: { kind: "unavailable" | "protocol"; status?: number; message: string },
): ConnectorError {
  return new ConnectorError({ connection: call.connection, ...odd, outcome: inDoubt(call) });
}

function kindOf(status: number): FaultKind {
  if (status === 401) return "auth";
  if (status === 404) return "not_found";
  if (status === 409) return "conflict";
  if (status === 429) return "rate_limited";
  if (status < 400 || status === 408 || status >= 500) return "unavailable";
  return "rejected";
}
