import { isApiError, isNetworkError, isSchemaMismatchError } from "jira.js";
import { ZodError } from "zod";
import { ConnectorError, type ConnectorFault, type LimitScope } from "../../core/errors.ts";
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
  if (record.authenticationFailed) return deadToken(connection, record);
  if (isApiError(error)) return apiFault(error.status, error.body, context);
  const code = isNetworkError(error) ? (error.code ?? "no answer") : breakCode(error);
  if (code !== undefined) return unreachableFault(named(connection, operation), code, error);
  if (isSchemaMismatchError(error) || error instanceof ZodError) return oddAnswer(connection, operation, record);
  if (error instanceof ConnectorError) return error;
  if (error instanceof PagingError)
    return oddAnswerFault(named(connection, operation), {
      kind: "protocol",
      message: `${connection} answered ${operation} so that it cannot be followed: ${error.message}${traceOf(record)}`,
    });
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

/** A list that neither ends nor goes on. The message is shown: no words of Jira's in it. */
export class PagingError extends Error {
  override readonly name = "PagingError";
}

/** An edit that Jira refused, with the names of the fields it complained about; none where it named none. */
class RefusalError extends ConnectorError {
  readonly fields: readonly string[];

  constructor(fault: ConnectorError, fields: readonly string[]) {
    super(sameFault(fault));
    this.fields = fields;
  }
}

/** Whether an edit may have been refused for the comment in it. Nothing of a refused edit was applied. */
export function refusesComment(error: unknown): boolean {
  if (!(error instanceof RefusalError) || (error.status !== 400 && error.status !== 403)) return false;
  return error.fields.length === 0 || error.fields.includes("comment");
}

/** A success that Jira itself would not have given: a login page, a maintenance page, a proxy's own answer. */
export function oddAnswer(connection: string, operation: string, record?: CallRecord): ConnectorError {
  const message = `${connection} answered ${operation} with something other than Jira's own form (a login page or a proxy)`;
  return oddAnswerFault(named(connection, operation), { kind: "unavailable", message: message + traceOf(record) });
}

const WRITES: ReadonlySet<string> = new Set(["write", "note", "move", "link"]);

function named(connection: string, operation: string): FaultyCall {
  return { connection, operation, writes: WRITES.has(operation) };
}

/** With a token that is not accepted many reads answer as if there were nothing: that is no answer at all. */
export function deadToken(connection: string, record?: CallRecord): ConnectorError {
  const message = `${connection} does not accept the token; make a new API token and set auth in interlock.yaml`;
  return new ConnectorError({ kind: "auth", connection, status: 401, message: message + traceOf(record) });
}

function apiFault(
  status: number,
  body: unknown,
  { connection, operation, record, nowMs }: FaultContext,
): ConnectorError {
  const fields = refusedFields(body);
  const hint = status === 429 ? limitHint(record) : hintFor(status, fields, operation);
  const fault = statusFault({
    ...named(connection, operation),
    status,
    retryAfter: record.retryAfter ?? (status === 429 ? record.resetAt : undefined),
    nowMs,
    hint: hint + traceOf(record),
  });
  if (fault.kind === "rejected") return new RefusalError(fault, fields);
  return new ConnectorError({ ...sameFault(fault), limitScope: scopeOf(record) });
}

/** What has to rest. Where Jira does not say which limit was met: everything. */
function scopeOf({ limitReason }: CallRecord): LimitScope {
  if (limitReason === "jira-per-issue-on-write") return "record";
  return limitReason === "jira-burst-based" ? "endpoint" : "connection";
}

function limitHint({ limitReason }: CallRecord): string {
  if (limitReason === "jira-per-issue-on-write") return "this issue is written too often; see what else edits it";
  if (limitReason === "jira-burst-based") return "too many such calls at once";
  return limitReason?.includes("quota") ? "its hourly quota is used up" : "its rate limit is reached";
}

/** What Atlassian's support asks for. */
function traceOf(record: CallRecord | undefined): string {
  return record?.traceId === undefined ? "" : ` (Atl-Traceid ${record.traceId})`;
}

function hintFor(status: number, fields: readonly string[], operation: string): string {
  if (operation === "read_groups" && status === 403)
    return "the integration account lacks the global permission Browse users and groups";
  if (operation === "read_groups" && status === 404) return "no such person, or hidden from the integration account";
  if (status === 401) return "the credentials are not accepted; check auth in interlock.yaml";
  if (status === 403)
    return "the integration account lacks a project permission; it needs Browse, Edit, Assign and Add comments";
  if (status === 404) return "no such issue, or hidden from the integration account";
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
export function withApplied(fault: ConnectorError, applied: readonly string[]): ConnectorError {
  return new ConnectorError({ ...sameFault(fault), applied });
}

function sameFault(fault: ConnectorError): ConnectorFault {
  const { kind, connection, message, status, retryAfterMs, limitScope, outcome } = fault;
  return {
    ...{ kind, connection, message, limitScope, outcome },
    ...(status !== undefined && { status }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}
