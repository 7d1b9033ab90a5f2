import { type Agent, type Dispatcher, request as send } from "undici";
import type { ProviderError } from "../../core/advice/provider.ts";
import { refusePrivateHost } from "../address.ts";
import {
  failedFault,
  inside,
  protocolFault,
  statusFault,
  timeoutFault,
  transportFault,
  unaskedFault,
} from "./faults.ts";

export interface ExchangeOptions {
  provider: string;
  dispatcher: Agent;
  allowPrivateAddress: boolean;
  /** Ends the call, wherever it is. */
  signal: AbortSignal;
  now(): number;
}

/** The one HTTP call of a question. */
export interface Exchange {
  /** For an SDK. Resolves with complete JSON and status 200, or rejects; what went wrong is kept for `faultOf`. */
  fetch: typeof globalThis.fetch;
  /** Why a question has no answer, when the SDK threw this. */
  faultOf(thrown: unknown): ProviderError;
}

type Failed = { fault: ProviderError };
type Answered = { text: string };

/**
 * Stands between an SDK and the network, so that every provider fails alike and is classified by what was seen on the
 * wire: no SDK sees a failure, a redirect, a page or half an answer, and none can ask twice.
 */
export function openExchange(options: ExchangeOptions): Exchange {
  const { provider } = options;
  let asked = false;
  let fault: ProviderError | undefined;

  async function once(input: unknown, init: RequestInit = {}): Promise<Failed | Answered> {
    if (asked) return { fault: protocolFault(provider, "in a way that asks to be asked again") };
    asked = true;
    if (options.signal.aborted) return { fault: timeoutFault(provider, false) };
    return call(options, String(input), init);
  }

  return {
    async fetch(input, init) {
      const got = await once(input, init);
      if ("text" in got) return new Response(got.text, { headers: { "content-type": "application/json" } });
      fault ??= got.fault;
      throw fault;
    },
    faultOf(thrown) {
      if (fault !== undefined) return fault;
      return asked ? protocolFault(provider, "in another form than its API has") : unaskedFault(provider, thrown);
    },
  };
}

async function call(options: ExchangeOptions, url: string, init: RequestInit): Promise<Failed | Answered> {
  const { provider, dispatcher, signal, allowPrivateAddress } = options;
  try {
    if (!allowPrivateAddress) refusePrivateHost(new URL(url).hostname);
    const { statusCode, headers, body } = await send(url, {
      method: "POST",
      headers: Object.fromEntries(new Headers(init.headers)),
      body: String(init.body),
      dispatcher,
      signal,
    });
    if (statusCode === 200) return answered(provider, await body.text());
    const header = (name: string): string | undefined => [headers[name]].flat()[0];
    const worthReading = (statusCode === 429 || statusCode === 503) && header("retry-after") === undefined;
    const refusal = { provider, status: statusCode, header, nowMs: options.now() };
    return { fault: statusFault({ ...refusal, body: worthReading ? await refusalBody(body) : drop(body) }) };
  } catch (error) {
    return { fault: signal.aborted ? timeoutFault(provider, true) : transportFault(provider, error) };
  }
}

type Body = Dispatcher.ResponseData["body"];

/** Whatever happens to the body of a refusal, its status is known. */
async function refusalBody(body: Body): Promise<unknown> {
  return parsed(await body.text().catch(() => ""));
}

/** Ends the connection with what is still to come. */
function drop(body: Body): undefined {
  body.once("error", () => undefined); // that it was ended, by us
  body.destroy();
}

function answered(provider: string, text: string): Failed | Answered {
  const value = parsed(text);
  if (value === null || typeof value !== "object" || Array.isArray(value))
    return { fault: protocolFault(provider, "with something else than JSON") };
  const error = inside(value, "error");
  return error === undefined || error === null ? { text } : { fault: failedFault(provider) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
