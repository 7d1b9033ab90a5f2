import { AxiosError, type AxiosResponse } from "axios";
import type { ConnectorError } from "../../core/errors.ts";
import { type FaultyCall, oddAnswerFault, statusFault, unreachableFault } from "../faults.ts";

/** An answer as it came, before anything is made of it. */
export type Answer = AxiosResponse<string>;

/** What is made of an answer: it may also be one part of a batch. */
export type AnswerPart = Pick<Answer, "status" | "headers" | "data">;

/** A call as its faults name it, and the hour at which it is made. */
export interface TimedCall extends FaultyCall {
  nowMs: number;
}

/** The answer to a call, whatever its status. A call that gets none throws a ConnectorError. */
export async function answered(call: FaultyCall, send: () => Promise<Answer>): Promise<Answer> {
  try {
    return await send();
  } catch (error) {
    throw unreachableFault(call, error instanceof AxiosError ? error.code : undefined, error);
  }
}

/** What stands under `result` in a successful answer. Throws a ConnectorError for everything else, a 200 with an error in it included. */
export function resultOf(call: TimedCall, answer: AnswerPart): unknown {
  const { status } = answer;
  if (status < 200 || status > 299) throw refusal(call, answer);
  const body = isJson(answer) ? json(answer.data) : undefined;
  const { connection, operation } = call;
  const odd = (kind: "unavailable" | "protocol", message: string): ConnectorError =>
    oddAnswerFault(call, { kind, status, message });
  if (body === undefined) {
    const what = "something other than JSON (a sleeping instance, a login page or a proxy)";
    throw odd("unavailable", `${connection} answered ${operation} with ${what}`);
  }
  // A transaction that ran out of time is answered 200 with half a result and an error behind it.
  if (typeof body === "object" && body !== null && "error" in body)
    throw odd("unavailable", `${connection} cut ${operation} short; the answer carries an error beside its result`);
  if (typeof body !== "object" || body === null || !("result" in body))
    throw odd("protocol", `${connection} answered ${operation} without a result`);
  return body.result;
}

/** What an unsuccessful status means for a call. */
export function refusal(call: TimedCall, { status, headers }: AnswerPart): ConnectorError {
  return statusFault({ ...call, status, retryAfter: headers["retry-after"], hint: hintFor(status) });
}

/** The parsed text, or undefined where it is no JSON. */
export function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isJson(answer: Pick<Answer, "headers">): boolean {
  return String(answer.headers["content-type"] ?? "").includes("json");
}

function hintFor(status: number): string {
  if (status < 400) return "a page stands where data should (a sleeping instance, a login page or a proxy)";
  if (status === 401) return "the credentials are not accepted; check auth in interlock.yaml and the integration user";
  if (status === 403)
    return "an ACL, a data policy or a business rule refuses it; check the roles of the integration user and mandatory fields";
  if (status === 404) return "no such record, or hidden from the integration user";
  if (status === 429) return "its rate limit is reached";
  if (status >= 500) return "the instance is in trouble or restarting";
  return "it refuses the request; check the mapping's field names and values";
}
