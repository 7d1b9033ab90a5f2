import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import axios from "axios";
import type { Clock } from "../../core/clock.ts";
import type { ServiceNowConnection } from "../../core/config/settings.ts";
import { ConnectorError } from "../../core/errors.ts";
import type { Limits } from "../../core/limits.ts";
import type { Meter } from "../../core/ports.ts";
import { publicLookup } from "../address.ts";
import { callGate, type MayWrite } from "../calls.ts";
import { type AuthDeps, type AuthHeaders, credentialsFor, type TokenCall } from "./auth.ts";
import { batchBody, batchParts } from "./batch.ts";
import { type Answer, type AnswerPart, answered, resultOf, type TimedCall } from "./faults.ts";

const ANSWER_BYTES_MAX = 20 * 1_048_576;
const BATCH_PATH = "/api/now/batch";
const TOKEN_PATH = "/oauth_token.do";
/** Some fronts of an instance refuse addresses beyond about 2 kB. */
export const ADDRESS_BYTES_MAX = 2_000;

export interface ClientDeps extends AuthDeps {
  settings: ServiceNowConnection;
  limits: Limits;
  clock: Clock;
  meter: Meter;
  mayWrite?: MayWrite;
}

export interface Request {
  /** What the call is for, as metrics name it. */
  operation: string;
  method: "GET" | "POST" | "PATCH";
  path: string;
  params?: Readonly<Record<string, string>>;
  body?: Readonly<Record<string, unknown>>;
}

/** A request that only reads. */
export type ListRequest = Request & { method: "GET" };

/** A list as the instance answered it. */
export interface Listed {
  result: unknown;
  /** How many records meet the query, those hidden from us included; undefined where the answer does not say. */
  total: number | undefined;
}

/** Every HTTP call to one ServiceNow instance: authenticated, bounded in time and size, errors classified. */
export interface ServiceNowClient {
  /** The `result` of a successful answer. Throws a ConnectorError for everything else, a 200 with an error in it included. */
  send(request: Request): Promise<unknown>;
  /** Likewise, with the count of X-Total-Count. */
  list(request: Request): Promise<Listed>;
  /**
   * Many lists in one call, each answered as `list` would; undefined where the instance had no room left for one, which
   * is then asked again. A part that fails fails the call. Addresses of parts are in the body, and no front looks at them.
   */
  batch(operation: string, requests: readonly ListRequest[]): Promise<(Listed | undefined)[]>;
  /** Bytes of the address that a request is sent to, as it goes over the wire. A GET beyond ADDRESS_BYTES_MAX is refused. */
  addressBytes(request: Pick<Request, "path" | "params">): number;
  /** Cuts off what is under way, with an outcome that is unknown, and refuses what waits. */
  close(): Promise<void>;
}

/** A client without cookies: no session of the instance holds two calls together. */
export function servicenowClient(deps: ClientDeps): ServiceNowClient {
  const { connection, settings, limits, clock } = deps;
  const { http, agents } = transport(deps);
  // The token endpoint has a rate limit of its own.
  const calls = callGate(connection, limits, deps, (operation) => (operation === "token" ? "oauth" : "api"));

  const credentials = credentialsFor(settings.auth, deps, tokenCall(deps, http, calls));

  const addressBytes: ServiceNowClient["addressBytes"] = (request) =>
    settings.baseUrl.length + addressOf(request).length;

  function once<T>({ method, body, ...request }: Sent, auth: AuthHeaders, read: ReadAnswer<T>): Promise<T> {
    const { operation, writes } = request;
    const send = async (): Promise<T> => {
      const answer = await answered({ connection, operation, writes }, () =>
        http.request<string>({
          method,
          url: addressOf(request),
          headers: { ...auth, ...(body && { "Content-Type": "application/json" }) },
          ...(body && { data: body }),
          // `timeout` starts again with every byte; this is for the call in all.
          signal: AbortSignal.timeout(limits.callTimeoutMs),
        }),
      );
      return read({ connection, operation, writes, nowMs: clock.now() }, answer);
    };
    return calls.run(operation, send, writes);
  }

  async function authorised<T>(request: Sent, read: ReadAnswer<T>): Promise<T> {
    const auth = await credentials.headers();
    try {
      return await once(request, auth, read);
    } catch (error) {
      // A refused token was not acted upon, so one more try with a fresh one is safe even for a write.
      if (!(error instanceof ConnectorError) || error.status !== 401 || !credentials.renew(auth)) throw error;
      return once(request, await credentials.headers(), read);
    }
  }

  async function list(request: Request): Promise<Listed> {
    const isGet = request.method === "GET";
    if (isGet && addressBytes(request) > ADDRESS_BYTES_MAX) throw tooLong(connection, request);
    return authorised({ ...request, writes: !isGet }, listedFrom);
  }

  function batch(operation: string, requests: readonly ListRequest[]): Promise<(Listed | undefined)[]> {
    const body = batchBody(requests.map(addressOf));
    const sent: Sent = { operation, method: "POST", path: BATCH_PATH, body, writes: false };
    return authorised(sent, (call, answer) => partsFrom(call, answer, requests));
  }

  return {
    list,
    batch,
    addressBytes,
    send: async (request) => (await list(request)).result,
    async close() {
      const ended = calls.close();
      // Calls that are still under way are cut off, so that a stop does not wait for a vendor that hangs.
      agents.http.destroy();
      agents.https.destroy();
      await ended;
    },
  };
}

function tokenCall(
  { connection, limits }: ClientDeps,
  http: ReturnType<typeof transport>["http"],
  calls: ReturnType<typeof callGate>,
): TokenCall {
  return (form, read) =>
    calls.run("token", async () => {
      const send = () =>
        http.post<string>(TOKEN_PATH, new URLSearchParams(form).toString(), {
          headers: { "Content-Type": "application/x-www-form-urlencoded" },
          signal: AbortSignal.timeout(limits.callTimeoutMs),
        });
      return read(await answered({ connection, operation: "token", writes: false }, send));
    });
}

/** Each part as the list it answers; undefined where the instance left it out. */
function partsFrom(
  call: Parameters<typeof listedFrom>[0],
  answer: Parameters<typeof batchParts>[1],
  requests: readonly ListRequest[],
): (Listed | undefined)[] {
  const parts = batchParts(call, answer, requests.length);
  return requests.map(({ operation }, at) => {
    const part = parts[at];
    return part && listedFrom({ ...call, operation }, part);
  });
}

function transport({ settings, limits }: ClientDeps) {
  // A public name that leads inside is refused in the connect step, where no second look-up can change the answer.
  const options = { keepAlive: true, ...(!settings.allowPrivateAddress && { lookup: publicLookup() }) };
  const agents = { http: new HttpAgent(options), https: new HttpsAgent(options) };
  const http = axios.create({
    baseURL: settings.baseUrl,
    timeout: limits.callTimeoutMs,
    maxRedirects: 0,
    maxContentLength: ANSWER_BYTES_MAX,
    httpAgent: agents.http,
    httpsAgent: agents.https,
    proxy: false,
    responseType: "text",
    transformResponse: (body: unknown) => body,
    validateStatus: () => true,
    headers: { Accept: "application/json" },
  });
  return { http, agents };
}

/** Path and query as they are sent: what the limit on addresses is measured on. A comma needs no escape in a query. */
function addressOf({ path, params }: Pick<Request, "path" | "params">): string {
  const pairs = Object.entries(params ?? {}).map(
    ([name, value]) => `${name}=${encodeURIComponent(value).replaceAll("%2C", ",").replaceAll("%20", "+")}`,
  );
  return pairs.length === 0 ? path : `${path}?${pairs.join("&")}`;
}

/** A request and whether it changes anything: a batch of reads does not, though it is sent as a body. */
type Sent = Request & { writes: boolean };
type ReadAnswer<T> = (call: TimedCall, answer: Answer) => T;

function listedFrom(call: TimedCall, answer: AnswerPart): Listed {
  return { result: resultOf(call, answer), total: totalOf(answer) };
}

function totalOf({ headers }: AnswerPart): number | undefined {
  const text = String(headers["x-total-count"] ?? "");
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function tooLong(connection: string, { operation, path }: Request): ConnectorError {
  const message = `${operation} of ${path} in ${connection} needs an address longer than ${ADDRESS_BYTES_MAX} bytes; nothing was asked. Take fields out of the mapping, or split it`;
  return new ConnectorError({ kind: "rejected", connection, message });
}
