import Bottleneck from "bottleneck";
import type { Clock } from "../core/clock.ts";
import { ConnectorError } from "../core/errors.ts";
import type { Limits } from "../core/limits.ts";
import type { Meter } from "../core/ports.ts";

/** The one gate through which every call of a connection goes. */
export interface Calls {
  /**
   * Runs a call when its turn has come. While the vendor asks us to wait, fails at once without calling; so does one that
   * `writes` where nothing may be written any more by then.
   */
  run<T>(operation: string, call: () => Promise<T>, writes?: boolean): Promise<T>;
  /** Ends the gate: calls that wait for their turn are refused. Resolves when those under way have ended. */
  close(): Promise<void>;
}

/** Operations that can wait: however many there are, they leave `callsKeptMax` places to what people wait for. */
const BACKGROUND = new Set(["read", "feed"]);

/** Whether a connection may be written to: asked before every single call that writes. */
export type MayWrite = (connection: string) => Promise<boolean>;

/** What a vendor counts calls by, for an operation: a rest that it asks for is kept by all calls of that endpoint. */
export type EndpointOf = (operation: string) => string;

/**
 * Limits how many calls of a connection are under way and how fast they start, and obeys a vendor that asks for a rest:
 * the endpoint that was refused rests, or the connection where the vendor says that the quota is one for all.
 */
export function callGate(
  connection: string,
  limits: Limits,
  { clock, meter, mayWrite }: { clock: Clock; meter: Meter; mayWrite?: MayWrite },
  endpointOf: EndpointOf = () => "api",
): Calls {
  const all = new Bottleneck({ maxConcurrent: limits.callsAtOnceMax, minTime: limits.callSpacingMs });
  const background = new Bottleneck({ maxConcurrent: Math.max(1, limits.callsAtOnceMax - limits.callsKeptMax) });
  background.chain(all);
  const heldUntilMs = new Map<string, number>();
  let allHeldUntilMs = 0;

  function restMs(endpoint: string): number {
    return Math.max(allHeldUntilMs, heldUntilMs.get(endpoint) ?? 0) - clock.now();
  }

  function hold(endpoint: string, { retryAfterMs, limitScope }: ConnectorError): void {
    const untilMs = clock.now() + (retryAfterMs ?? limits.retryBaseMs);
    if (limitScope === "record") return;
    if (limitScope === "connection") allHeldUntilMs = Math.max(allHeldUntilMs, untilMs);
    else heldUntilMs.set(endpoint, Math.max(heldUntilMs.get(endpoint) ?? 0, untilMs));
  }

  async function attempt<T>(operation: string, call: () => Promise<T>, writes: boolean): Promise<T> {
    // It may have waited long for its turn.
    if (writes && mayWrite && !(await mayWrite(connection))) throw heldBack(connection);
    const endpoint = endpointOf(operation);
    const waitMs = restMs(endpoint);
    if (waitMs > 0) {
      throw new ConnectorError({
        kind: "rate_limited",
        connection,
        message: `${connection} asked us to wait`,
        retryAfterMs: waitMs,
      });
    }
    meter.count("interlock_vendor_calls_total", { connection, operation });
    try {
      return await call();
    } catch (error) {
      if (error instanceof ConnectorError && (error.kind === "rate_limited" || error.retryAfterMs !== undefined))
        hold(endpoint, error);
      throw error;
    }
  }

  return {
    run: (operation, call, writes = false) =>
      (BACKGROUND.has(operation) ? background : all).schedule(() => attempt(operation, call, writes)),
    async close() {
      await Promise.all([background.stop({ dropWaitingJobs: true }), all.stop({ dropWaitingJobs: true })]);
    },
  };
}

function heldBack(connection: string): ConnectorError {
  const message = `${connection} may not be written to now (interlock mode shows why); nothing was sent`;
  return new ConnectorError({ kind: "unavailable", connection, message });
}

/** Retry-After in ms: seconds or an HTTP date; undefined when absent or unreadable. At least `minMs`, and at most an hour, whatever a date says. */
export function retryAfterMs(header: unknown, nowMs: number, minMs = 1_000): number | undefined {
  if (typeof header !== "string" || header === "") return undefined;
  const seconds = Number(header);
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(header) - nowMs;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(minMs, ms), RETRY_AFTER_MAX_MS);
}

const RETRY_AFTER_MAX_MS = 3_600_000;

/** Transport failures after which the request certainly never reached the vendor. */
const NEVER_SENT = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT", "EPRIVATEADDRESS"]);

/** Codes that a connection can also break with after the request has left. */
const NEVER_SENT_IF_CONNECTING = new Set(["EHOSTUNREACH", "ENETUNREACH"]);
const CAUSES_MAX = 5;

/** Whether a transport failure proves that the request never reached the vendor; `cause` is the error it came in. */
export function wasNeverSent(code: string | undefined, cause?: unknown): boolean {
  if (code === undefined) return false;
  return NEVER_SENT.has(code) || (NEVER_SENT_IF_CONNECTING.has(code) && brokeWhileConnecting(cause));
}

function brokeWhileConnecting(error: unknown): boolean {
  for (let at = error, depth = 0; at instanceof Error && depth < CAUSES_MAX; at = at.cause, depth += 1) {
    if (at instanceof AggregateError && at.errors.length > 0) return at.errors.every(isOfConnect);
    if ("syscall" in at) return isOfConnect(at);
  }
  return false;
}

function isOfConnect(error: unknown): boolean {
  return error instanceof Error && "syscall" in error && error.syscall === "connect";
}
