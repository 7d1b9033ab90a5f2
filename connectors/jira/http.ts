import { AsyncLocalStorage } from "node:async_hooks";
import { Agent, type Dispatcher, getGlobalDispatcher, setGlobalDispatcher } from "undici";

/** What an answer's headers said that jira.js does not pass on. */
export interface CallRecord {
  status?: number;
  retryAfter?: string;
  /** The token was not accepted and the call ran as nobody: an empty answer then means nothing. */
  authenticationFailed: boolean;
}

const current = new AsyncLocalStorage<CallRecord>();

/** Runs one call of jira.js and gives what its headers said, also when it fails. */
export async function recorded<T>(
  call: () => Promise<T>,
): Promise<{ record: CallRecord; value: T } | { record: CallRecord; error: unknown }> {
  const record: CallRecord = { authenticationFailed: false };
  try {
    return { record, value: await current.run(record, call) };
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
  const agent = new Agent({
    connect: { timeout: Math.min(5_000, callTimeoutMs) },
    headersTimeout: callTimeoutMs,
    bodyTimeout: callTimeoutMs,
  });
  const dispatcher = agent.compose((dispatch) => (options, handler) => {
    const record = current.getStore();
    return dispatch(options, record ? watching(handler, record, callTimeoutMs) : handler);
  });
  setGlobalDispatcher(dispatcher);
  const uninstall = (): void => {
    if (getGlobalDispatcher() === dispatcher) setGlobalDispatcher(original);
  };
  return {
    async close() {
      uninstall();
      await dispatcher.close();
    },
    async abort() {
      // Stays installed: what a batch would still call must not go out past it.
      await dispatcher.destroy();
      uninstall();
    },
  };
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
      const retryAfter = headers["retry-after"];
      if (typeof retryAfter === "string") record.retryAfter = retryAfter;
      record.authenticationFailed ||= headers["x-seraph-loginreason"] === "AUTHENTICATED_FAILED";
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
