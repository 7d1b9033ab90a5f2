import { AsyncLocalStorage } from "node:async_hooks";
import { Agent, type Dispatcher, getGlobalDispatcher, setGlobalDispatcher } from "undici";
import { publicLookup, refusePrivateHost } from "../address.ts";

/** What an answer's headers said that jira.js does not pass on. */
export interface CallRecord {
  status?: number;
  retryAfter?: string;
  /** When a rate limit's window ends, as ISO 8601. */
  resetAt?: string;
  /** Which limit was met, in Jira's own words. */
  limitReason?: string;
  /** Jira's name for this call, for its support. */
  traceId?: string;
  /** The token was not accepted and the call ran as nobody: an empty answer then means nothing. */
  authenticationFailed: boolean;
}

interface CurrentCall {
  record: CallRecord;
  allowPrivateAddress: boolean;
}

const current = new AsyncLocalStorage<CurrentCall>();

/**
 * Runs one call of jira.js and gives what its headers said, also when it fails. Unless it is allowed, no connection is
 * made to an address in this machine or a private network, whatever name leads there.
 */
export async function recorded<T>(
  call: () => Promise<T>,
  allowPrivateAddress = false,
): Promise<{ record: CallRecord; value: T } | { record: CallRecord; error: unknown }> {
  const record: CallRecord = { authenticationFailed: false };
  try {
    return { record, value: await current.run({ record, allowPrivateAddress }, call) };
  } catch (error) {
    return { record, error };
  }
}

/** What was there before us, so that a stopped server leaves a working fetch behind. */
const original = getGlobalDispatcher();

/** Carries every call that jira.js makes. */
export interface CallDispatcher {
  /** Waits for the calls under way. */
  close(): Promise<void>;
  /** Cuts them off instead, with an outcome that is unknown. */
  abort(): Promise<void>;
}

/**
 * jira.js calls the global fetch and takes no transport of its own, so time-outs and header reading go into the
 * global dispatcher. Nothing else in this program uses fetch.
 */
export function installDispatcher(callTimeoutMs: number): CallDispatcher {
  const connectMs = Math.min(5_000, callTimeoutMs);
  const times = { headersTimeout: callTimeoutMs, bodyTimeout: callTimeoutMs };
  const open = new Agent({ ...times, connect: { timeout: connectMs } });
  // Connections are shared between calls, so those that may not lead inside have a pool of their own.
  const guarded = new Agent({ ...times, connect: { timeout: connectMs, lookup: publicLookup() } });
  const dispatcher = open.compose((dispatch) => (options, handler) => {
    const call = current.getStore();
    if (!call) return dispatch(options, handler);
    if (!call.allowPrivateAddress) refusePrivateHost(new URL(String(options.origin)).hostname);
    const watched = watching(handler, call.record, callTimeoutMs);
    return call.allowPrivateAddress ? dispatch(options, watched) : guarded.dispatch(options, watched);
  });
  setGlobalDispatcher(dispatcher);
  const uninstall = (): void => {
    if (getGlobalDispatcher() === dispatcher) setGlobalDispatcher(original);
  };
  return {
    async close() {
      uninstall();
      await Promise.all([dispatcher.close(), guarded.close()]);
    },
    async abort() {
      // Stays installed: what a batch would still call must not go out past it.
      await Promise.all([dispatcher.destroy(), guarded.destroy()]);
      uninstall();
    },
  };
}

function note(record: CallRecord, headers: Readonly<Record<string, string | string[] | undefined>>): void {
  const one = (name: string, form: RegExp): string | undefined => {
    const value = headers[name];
    return typeof value === "string" && form.test(value) ? value : undefined;
  };
  const said = {
    retryAfter: one("retry-after", /./),
    // Other servers count seconds here.
    resetAt: one("x-ratelimit-reset", /^\d{4}-\d\d-\d\dT/),
    limitReason: one("ratelimit-reason", /^[a-z-]{1,60}$/),
    traceId: one("atl-traceid", /^[\w-]{1,64}$/),
  };
  Object.assign(record, Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined)));
  record.authenticationFailed ||= String(headers["x-seraph-loginreason"]).includes("AUTHENTICATED_FAILED");
}

/** Ends a call ourselves; the code is what messages show. */
class CutShortError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = "CutShortError";
    this.code = code;
  }
}

/** undici's own time-outs start again with every byte; `callTimeoutMs` is for the call in all. */
function watching(
  handler: Dispatcher.DispatchHandler,
  record: CallRecord,
  callTimeoutMs: number,
): Dispatcher.DispatchHandler {
  let running: Dispatcher.DispatchController | undefined;
  const timer = setTimeout(
    () => running?.abort(new CutShortError("ETIMEDOUT", "no complete answer in time")),
    callTimeoutMs,
  );
  return {
    onRequestStart(controller, context) {
      running = controller;
      handler.onRequestStart?.(controller, context);
    },
    onRequestUpgrade: (controller, status, headers, socket) =>
      handler.onRequestUpgrade?.(controller, status, headers, socket),
    onResponseStart(controller, status, headers, message) {
      record.status = status;
      note(record, headers);
      // Jira's API never redirects; where a front sends us is not where the admin's credentials and writes should go.
      if (status >= 300 && status < 400) controller.abort(new CutShortError("EREDIRECT", "the answer is a redirect"));
      else handler.onResponseStart?.(controller, status, headers, message);
    },
    onResponseData: (controller, chunk) => handler.onResponseData?.(controller, chunk),
    onResponseEnd(controller, trailers) {
      clearTimeout(timer);
      handler.onResponseEnd?.(controller, trailers);
    },
    onResponseError(controller, error) {
      clearTimeout(timer);
      handler.onResponseError?.(controller, error);
    },
  };
}
