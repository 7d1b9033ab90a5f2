import { isApiError, isNetworkError, isSchemaMismatchError } from "jira.js";
import { ConnectorError, type FaultKind } from "../../core/errors.ts";
import { retryAfterMs, wasNeverSent } from "../calls.ts";
import type { CallRecord } from "./http.ts";

export interface FaultContext {
  connection: string;
  operation: string;
  record: CallRecord;
  nowMs: number;
}

/** Whatever jira.js throws, as the one error that leaves a connector. Never quotes Jira's own messages: they may hold ticket text. */
export function jiraFault(error: unknown, context: FaultContext): ConnectorError {
  const { connection, operation, record } = context;
  if (record.authenticationFailed) return deadToken(connection);
  if (isApiError(error)) return apiFault(error.status, error.body, context);
  const code = isNetworkError(error) ? (error.code ?? "no answer") : breakCode(error);
  if (code !== undefined) {
    return new ConnectorError({
      kind: "unavailable",
      connection,
      message: `${connection} could not be reached for ${operation} (${code})`,
      outcome: wasNeverSent(code) ? "not_applied" : inDoubt(operation),
    });
  }
  if (isSchemaMismatchError(error)) return oddAnswer(connection, operation);
  if (error instanceof ConnectorError) return error;
  return new ConnectorError({
    kind: "protocol",
    connection,
    message: `${operation} failed in ${connection} for a reason of our own`,
    outcome: inDoubt(operation),
    cause: error,
  });
}

/** The code of a connection that broke while the answer was read, which jira.js passes on as fetch throws it. */
function breakCode(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1)
    if ("code" in at && typeof at.code === "string" && /^(E[A-Z]+|UND_ERR_[A-Z_]+)$/.test(at.code)) return at.code;
  return undefined;
}

/** A success that Jira itself would not have given: a login page, a maintenance page, a proxy's own answer. */
export function oddAnswer(connection: string, operation: string): ConnectorError {
  const message = `${connection} answered ${operation} with something other than Jira's own form (a login page or a proxy)`;
  return new ConnectorError({ kind: "unavailable", connection, message, outcome: inDoubt(operation) });
}

/** A question that got no proper answer has changed nothing, also where a write waited for it. */
function inDoubt(operation: string): "not_applied" | "unknown" {
  return operation === "write" || operation === "note" ? "unknown" : "not_applied";
}

/** With a token that is not accepted many reads answer as if there were nothing: that is no answer at all. */
export function deadToken(connection: string): ConnectorError {
  const message = `${connection} does not accept the token; make a new API token and set auth in interlock.yaml`;
  return new ConnectorError({ kind: "auth", connection, status: 401, message });
}

function apiFault(
  status: number,
  body: unknown,
  { connection, operation, record, nowMs }: FaultContext,
): ConnectorError {
  const retryAfter = retryAfterMs(record.retryAfter, nowMs);
  return new ConnectorError({
    kind: kindOf(status),
    connection,
    status,
    message: `${connection} answered ${operation} with ${status}: ${hintFor(status, refusedFields(body))}`,
    outcome: status >= 500 && status !== 503 ? inDoubt(operation) : "not_applied",
    ...(retryAfter !== undefined && { retryAfterMs: retryAfter }),
  });
}

function kindOf(status: number): FaultKind {
  if (status === 401) return "auth";
  if (status === 404) return "not_found";
  if (status === 409) return "conflict";
  if (status === 429) return "rate_limited";
  if (status === 408 || status >= 500) return "unavailable";
  return "rejected";
}

function hintFor(status: number, fields: readonly string[]): string {
  if (status === 401) return "the credentials are not accepted; check auth in interlock.yaml";
  if (status === 403)
    return "the integration account lacks a project permission; it needs Browse, Edit, Assign and Add comments";
  if (status === 404) return "no such issue, or hidden from the integration account";
  if (status === 429) return "its rate limit is reached";
  if (status >= 500) return "the site is in trouble";
  if (fields.length > 0) return `it refuses ${fields.join(", ")}; check the edit screen and the mapping`;
  return "it refuses the request; check the mapping's field names and values";
}

/** Names of the fields Jira complained about; its messages stay behind. */
function refusedFields(body: unknown): string[] {
  if (body === null || typeof body !== "object" || !("errors" in body)) return [];
  const { errors } = body;
  return errors !== null && typeof errors === "object" ? Object.keys(errors).slice(0, 10) : [];
}

/** The same fault, with what was certainly applied before it. */
export function withApplied(error: ConnectorError, applied: readonly string[]): ConnectorError {
  const { kind, connection, message, status, retryAfterMs, outcome } = error;
  return new ConnectorError({
    kind,
    connection,
    message,
    outcome,
    applied,
    ...(status !== undefined && { status }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  });
}
