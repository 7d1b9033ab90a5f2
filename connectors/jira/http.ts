import { AsyncLocalStorage } from "node:async_hooks";
import { Agent, type Dispatcher, setGlobalDispatcher } from "undici";

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

/**
 * jira.js calls the global fetch and takes no transport of its own, so time-outs and header reading go into the
 * global dispatcher. Nothing else in this program uses fetch.
 */
export function installDispatcher(callTimeoutMs: number): Dispatcher {
  const agent = new Agent({
    connect: { timeout: Math.min(5_000, callTimeoutMs) },
    headersTimeout: callTimeoutMs,
    bodyTimeout: callTimeoutMs,
  });
  const dispatcher = agent.compose((dispatch) => (options, handler) => {
    const record = current.getStore();
    return dispatch(options, record ? watching(handler, record) : handler);
  });
  setGlobalDispatcher(dispatcher);
  return dispatcher;
}

function watching(handler: Dispatcher.DispatchHandler, record: CallRecord): Dispatcher.DispatchHandler {
  return {
    onRequestStart: (controller, context) => handler.onRequestStart?.(controller, context),
    onRequestUpgrade: (controller, status, headers, socket) =>
      handler.onRequestUpgrade?.(controller, status, headers, socket),
    onResponseStart(controller, status, headers, message) {
      record.status = status;
      const retryAfter = headers["retry-after"];
      if (typeof retryAfter === "string") record.retryAfter = retryAfter;
      record.authenticationFailed ||= headers["x-seraph-loginreason"] === "AUTHENTICATED_FAILED";
      handler.onResponseStart?.(controller, status, headers, message);
    },
    onResponseData: (controller, chunk) => handler.onResponseData?.(controller, chunk),
    onResponseEnd: (controller, trailers) => handler.onResponseEnd?.(controller, trailers),
    onResponseError: (controller, error) => handler.onResponseError?.(controller, error),
  };
}
