/** Many reads in one call: the Batch API, which saves round trips and answers each part as if it had been asked alone. */
import { z } from "zod";
import { oddAnswerFault } from "../faults.ts";
import { type Answer, type AnswerPart, json, refusal, type TimedCall } from "./faults.ts";

const Batch = z.looseObject({
  serviced_requests: z.array(
    z.looseObject({
      id: z.string(),
      status_code: z.number(),
      /** Base64; there is none where a part failed before it was answered. */
      body: z.string().default(""),
      headers: z.array(z.looseObject({ name: z.string(), value: z.string() })).default([]),
    }),
  ),
});

/** The body that asks for these addresses. Parts are named by their place. */
export function batchBody(addresses: readonly string[]): Record<string, unknown> {
  const headers = [{ name: "Accept", value: "application/json" }];
  return {
    batch_request_id: "1",
    rest_requests: addresses.map((url, at) => ({ id: String(at), method: "GET", url, headers })),
  };
}

/** The answers in the order of their parts; undefined for those that were not served. Throws a ConnectorError. */
export function batchParts(call: TimedCall, answer: Answer, count: number): (AnswerPart | undefined)[] {
  if (answer.status < 200 || answer.status > 299) throw refusal(call, answer);
  const parsed = Batch.safeParse(json(answer.data));
  if (!parsed.success) {
    const message = `${call.connection} answered a batch (/api/now/batch) in an unknown form`;
    throw oddAnswerFault(call, { kind: "unavailable", status: answer.status, message });
  }
  const parts = new Map(parsed.data.serviced_requests.map((part) => [part.id, part]));
  return Array.from({ length: count }, (_, at) => {
    const part = parts.get(String(at));
    if (part === undefined) return undefined;
    const headers = Object.fromEntries(part.headers.map(({ name, value }) => [name.toLowerCase(), value]));
    return {
      status: part.status_code,
      headers: { "content-type": "application/json", ...headers },
      data: Buffer.from(part.body, "base64").toString("utf8"),
    };
  });
}
