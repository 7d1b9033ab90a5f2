import { ProviderError, type ProviderFaultKind } from "../../core/advice/provider.ts";
import { retryAfterMs, wasNeverSent } from "../calls.ts";

/** An answer that is not the one that was asked for. */
export interface Refusal {
  provider: string;
  status: number;
  header(name: string): string | undefined;
  /** Its body, where it was worth reading; parsed. */
  body: unknown;
  nowMs: number;
}

/** What a status means, the same for every provider. Nothing that the provider wrote gets into the message but its name of the call. */
export function statusFault(refusal: Refusal): ProviderError {
  const { provider, status, header } = refusal;
  const kind = kindOf(status);
  const restMs = kind === "rate_limited" || kind === "unavailable" ? restOf(refusal) : undefined;
  return new ProviderError({
    kind,
    provider,
    status,
    message: `${provider} answered with ${status}: ${hintOf(status, kind)}${traceOf(header)}`,
    mayBeCharged: mayBeCharged(status, restMs),
    ...(restMs !== undefined && { retryAfterMs: restMs }),
  });
}

function kindOf(status: number): ProviderFaultKind {
  if (status === 429) return "rate_limited";
  // 402: the account has no money left, which only a person changes.
  if (status === 401 || status === 402 || status === 403) return "auth";
  // 424 is how Bedrock says that the model failed.
  if (status === 408 || status === 424 || status >= 500) return "unavailable";
  return status >= 400 ? "rejected" : "protocol";
}

/**
 * A refusal at the door costs nothing. A gateway that gave up, or a model that failed half way, may have been paid for;
 * so may a 503 or 408, unless it says when to come back. 529 is an overload, told before anything runs.
 */
function mayBeCharged(status: number, restMs: number | undefined): boolean {
  if (status === 503 || status === 408) return restMs === undefined;
  return (status >= 200 && status < 300) || status === 424 || (status >= 500 && status !== 529);
}

function hintOf(status: number, kind: ProviderFaultKind): string {
  if (status === 404) return "it knows no such model or address; check model and baseUrl";
  if (status === 413) return "the question is too long for it";
  if (status >= 300 && status < 400) return "it sends us elsewhere; write the address itself into baseUrl";
  if (kind === "auth") return "it does not accept the key, or the key may not use this model";
  if (kind === "rate_limited") return "it asks us to wait";
  if (kind === "unavailable") return "it is overloaded or in trouble";
  if (kind === "protocol") return "it does not speak the API that was expected; check type and baseUrl";
  return "it refuses the request; check model, effort, structuredOutput and sendTemperature, where it has them";
}

const TRACE_HEADERS = ["request-id", "x-request-id", "x-amzn-requestid"];

/** The provider's name for the call, for its support. */
function traceOf(header: Refusal["header"]): string {
  const trace = TRACE_HEADERS.map(header).find((value) => value !== undefined && /^[\w-]{1,64}$/.test(value));
  return trace === undefined ? "" : ` (its request ${trace})`;
}

function restOf({ header, body, nowMs }: Refusal): number | undefined {
  const exactMs = Number(header("retry-after-ms") || Number.NaN);
  if (Number.isFinite(exactMs)) return retryAfterMs(String(exactMs / 1_000), nowMs, 0);
  return retryAfterMs(header("retry-after"), nowMs, 0) ?? retryAfterMs(delayOf(body), nowMs, 0);
}

/** Google says it in the body: `error.details[].retryDelay`, such as "34.07s". */
function delayOf(body: unknown): string | undefined {
  const details = inside(inside(body, "error"), "details");
  const delays = (Array.isArray(details) ? details : []).map((detail: unknown) => inside(detail, "retryDelay"));
  const delay = delays.find((value) => typeof value === "string" && /^\d{1,6}(\.\d{1,9})?s$/.test(value));
  return typeof delay === "string" ? delay.slice(0, -1) : undefined;
}

/** A member of what may be an object. */
export function inside(value: unknown, key: string): unknown {
  return value !== null && typeof value === "object" && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}

/** A call that broke off before its answer was complete, with the error that it broke off with. */
export function transportFault(provider: string, error: unknown): ProviderError {
  const code = codeOf(error);
  if (code === "UND_ERR_RES_EXCEEDED_MAX_SIZE") return protocolFault(provider, "with more than an answer can hold");
  const why = code === "EPRIVATEADDRESS" ? INSIDE : (code ?? "no answer");
  return new ProviderError({
    kind: "unavailable",
    provider,
    message: `${provider} could not be reached (${why})`,
    mayBeCharged: !wasNeverSent(code, error) && !isUntrusted(code),
    cause: error,
  });
}

const INSIDE = "its name leads into a private network; set allowPrivateAddress: true where that is meant";

/** A certificate that does not hold ends the connection before the request. */
function isUntrusted(code: string | undefined): boolean {
  return code !== undefined && /^(ERR_TLS_CERT|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_)/.test(code);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** Time was up, or the caller gave up. Before anything was sent that costs nothing. */
export function timeoutFault(provider: string, sent: boolean): ProviderError {
  const message = sent
    ? `${provider} gave no complete answer in time`
    : `${provider} was not asked: time was up before`;
  return new ProviderError({ kind: "timeout", provider, message, mayBeCharged: sent });
}

/** A success that the provider itself would not have given. `how` goes on from "answered". */
export function protocolFault(provider: string, how: string): ProviderError {
  return new ProviderError({
    kind: "protocol",
    provider,
    message: `${provider} answered ${how}; check type and baseUrl`,
    status: 200,
    mayBeCharged: true,
  });
}

/** A failure in a 200. */
export function failedFault(provider: string): ProviderError {
  const message = `${provider} answered that it failed`;
  return new ProviderError({ kind: "unavailable", provider, message, status: 200, mayBeCharged: true });
}

/** A question that did not become a request. The SDK's own words may hold the question, so only its name is told. */
export function unaskedFault(provider: string, error: unknown): ProviderError {
  const name = error instanceof Error ? error.name : "no error";
  const message = `${provider} was not asked: the question could not be put into its form (${name})`;
  return new ProviderError({ kind: "rejected", provider, message, mayBeCharged: false });
}
