import { isApiError, isNetworkError, isSchemaMismatchError } from "jira.js";
import { ConnectorError } from "../../core/errors.ts";
import { type FaultyCall, inDoubt, oddAnswerFault, statusFault, unreachableFault } from "../faults.ts";
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
  if (code !== undefined) return unreachableFault(named(connection, operation), code);
  if (isSchemaMismatchError(error)) return oddAnswer(connection, operation);
  if (error instanceof ConnectorError) return error;
  return new ConnectorError({
    kind: "protocol",
    connection,
    message: `${operation} failed in ${connection} for a reason of our own`,
    outcome: inDoubt(named(connection, operation)),
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
  return oddAnswerFault(named(connection, operation), { kind: "unavailable", message });
}

function named(connection: string, operation: string): FaultyCall {
  return { connection, operation, writes: operation === "write" || operation === "note" };
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
  return statusFault({
    ...named(connection, operation),
    status,
    retryAfter: record.retryAfter,
    nowMs,
    hint: hintFor(status, refusedFields(body)),
  });
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
