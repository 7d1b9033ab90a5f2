/** A bare HTTP client: headers and bodies exactly as a test wants them on the wire, one connection per request. */
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from "node:http";

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** Parsed body; undefined when it is not JSON. */
  json: unknown;
}

export interface Question {
  method?: string;
  /** A list sends the header that many times. */
  headers?: OutgoingHttpHeaders;
  body?: string | Buffer;
  /** Sent in pieces without a length, each after the last was taken. */
  chunks?: Iterable<Buffer>;
}

/** Sends a request and reads the answer to its end. An answer may come before the body is sent; then sending stops. */
export function send(url: string, question: Question = {}): Promise<Answer> {
  const { method = "GET", headers = {}, body, chunks } = question;
  return new Promise((resolve, reject) => {
    const call = request(url, { method, headers, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(parts).toString("utf8");
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) });
        call.destroy();
      });
    });
    call.on("error", reject);
    if (chunks === undefined) call.end(body);
    else pour(chunks[Symbol.iterator]());

    function pour(pieces: Iterator<Buffer>): void {
      const { value, done } = pieces.next();
      if (done === true) call.end();
      else call.write(value, () => (call.destroyed ? undefined : pour(pieces)));
    }
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
