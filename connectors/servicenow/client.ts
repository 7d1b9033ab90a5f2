import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import axios, { AxiosError, type AxiosInstance, type AxiosResponse } from "axios";
import { z } from "zod";
import type { Clock } from "../../core/clock.ts";
import type { ServiceNowConnection } from "../../core/config/settings.ts";
import { ConnectorError } from "../../core/errors.ts";
import type { Limits } from "../../core/limits.ts";
import type { Meter } from "../../core/ports.ts";
import { type Calls, callGate } from "../calls.ts";
import { type FaultyCall, oddAnswerFault, statusFault, unreachableFault } from "../faults.ts";

const ANSWER_BYTES_MAX = 20 * 1_048_576;
/** Tokens live 1,799 s; one with less than this left is not used any more. */
const TOKEN_MARGIN_MS = 60_000;

const Token = z.looseObject({ access_token: z.string().min(1), expires_in: z.coerce.number().positive() });

export interface ClientDeps {
  connection: string;
  settings: ServiceNowConnection;
  limits: Limits;
  clock: Clock;
  meter: Meter;
}

export interface Request {
  /** What the call is for, as metrics name it. */
  operation: string;
  method: "GET" | "PATCH";
  path: string;
  params?: Record<string, string>;
  body?: Record<string, string>;
}

/** Every HTTP call to one ServiceNow instance: authenticated, bounded in time and size, errors classified. */
export interface ServiceNowClient {
  /** The `result` of a successful answer. Throws a ConnectorError for everything else, a 200 with an error in it included. */
  send(request: Request): Promise<unknown>;
  /** Cuts off what is under way, with an outcome that is unknown, and refuses what waits. */
  close(): Promise<void>;
}

export function servicenowClient(deps: ClientDeps): ServiceNowClient {
  const agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) };
  const http = axios.create({
    baseURL: deps.settings.baseUrl,
    timeout: deps.limits.callTimeoutMs,
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
  const calls = callGate(deps.connection, deps.limits, deps);
  const credentials = credentialsFor(http, calls, deps);

  function once(request: Request, authorization: string): Promise<unknown> {
    return calls.run(request.operation, async () => {
      const answer = await transport(deps, request, () =>
        http.request<string>({
          method: request.method,
          url: request.path,
          headers: { Authorization: authorization, ...(request.body && { "Content-Type": "application/json" }) },
          ...(request.params && { params: request.params }),
          ...(request.body && { data: request.body }),
          // `timeout` starts again with every byte; this is for the call in all.
          signal: AbortSignal.timeout(deps.limits.callTimeoutMs),
        }),
      );
      return resultOf(deps, request, answer);
    });
  }

  return {
    async send(request) {
      const authorization = await credentials.header();
      try {
        return await once(request, authorization);
      } catch (error) {
        // A refused token was not acted upon, so one more try with a fresh one is safe even for a write.
        if (!(error instanceof ConnectorError) || error.status !== 401 || !credentials.renew(authorization))
          throw error;
        return once(request, await credentials.header());
      }
    },
    async close() {
      const ended = calls.close();
      // Calls that are still under way are cut off, so that a stop does not wait for a vendor that hangs.
      agents.http.destroy();
      agents.https.destroy();
      await ended;
    },
  };
}

interface Credentials {
  header(): Promise<string>;
  /** Forgets what was refused, unless a fresher one is here already; false when there is nothing fresher to be had. */
  renew(refused: string): boolean;
}

function credentialsFor(http: AxiosInstance, calls: Calls, deps: ClientDeps): Credentials {
  const { auth } = deps.settings;
  if (auth.type === "basic") {
    const header = `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString("base64")}`;
    return { header: async () => header, renew: () => false };
  }
  let token: { value: string; untilMs: number } | undefined;
  let fetching: Promise<string> | undefined;
  const form = { grant_type: "client_credentials", client_id: auth.clientId, client_secret: auth.clientSecret };

  async function fetchToken(): Promise<string> {
    const request: Request = { operation: "token", method: "GET", path: "/oauth_token.do" };
    return calls.run("token", async () => {
      const answer = await transport(deps, request, () =>
        http.post<string>(request.path, new URLSearchParams(form).toString(), {
          headers: { "Content-Type": "application/x-www-form-urlencoded" },
          signal: AbortSignal.timeout(deps.limits.callTimeoutMs),
        }),
      );
      const parsed = answer.status === 200 ? Token.safeParse(json(answer.data)) : undefined;
      if (!parsed?.success) throw tokenFault(deps, answer);
      token = {
        value: parsed.data.access_token,
        untilMs: deps.clock.now() + parsed.data.expires_in * 1_000 - TOKEN_MARGIN_MS,
      };
      return token.value;
    });
  }

  return {
    async header() {
      if (token && token.untilMs > deps.clock.now()) return `Bearer ${token.value}`;
      fetching ??= fetchToken().finally(() => {
        fetching = undefined;
      });
      return `Bearer ${await fetching}`;
    },
    renew(refused) {
      if (refused === `Bearer ${token?.value}`) token = undefined;
      return true;
    },
  };
}

function tokenFault(deps: ClientDeps, answer: AxiosResponse<string>): ConnectorError {
  const { connection } = deps;
  // Only a refusal in so many words is one: a sleeping instance and a login page answer 200 or a redirect.
  if (answer.status < 400 || answer.status === 408 || answer.status === 429 || answer.status >= 500)
    return faultFor(deps, { operation: "token", method: "GET", path: "" }, answer);
  const message = `${connection} refused the OAuth client (${answer.status}); check auth.clientId and auth.clientSecret, and that the client-credentials grant is enabled`;
  return new ConnectorError({ kind: "auth", connection, status: answer.status, message });
}

async function transport(
  deps: ClientDeps,
  request: Request,
  call: () => Promise<AxiosResponse<string>>,
): Promise<AxiosResponse<string>> {
  try {
    return await call();
  } catch (error) {
    throw unreachableFault(named(deps, request), error instanceof AxiosError ? error.code : undefined);
  }
}

function resultOf(deps: ClientDeps, request: Request, answer: AxiosResponse<string>): unknown {
  const { status } = answer;
  if (status < 200 || status > 299) throw faultFor(deps, request, answer);
  const body = isJson(answer) ? json(answer.data) : undefined;
  const { connection } = deps;
  const odd = (kind: "unavailable" | "protocol", message: string): ConnectorError =>
    oddAnswerFault(named(deps, request), { kind, status, message });
  if (body === undefined) {
    const what = "something other than JSON (a sleeping instance, a login page or a proxy)";
    throw odd("unavailable", `${connection} answered ${request.operation} with ${what}`);
  }
  // A transaction that ran out of time is answered 200 with half a result and an error behind it.
  if (typeof body === "object" && body !== null && "error" in body)
    throw odd(
      "unavailable",
      `${connection} cut ${request.operation} short; the answer carries an error beside its result`,
    );
  if (typeof body !== "object" || body === null || !("result" in body))
    throw odd("protocol", `${connection} answered ${request.operation} without a result`);
  return body.result;
}

function faultFor(deps: ClientDeps, request: Request, { status, headers }: AxiosResponse<string>): ConnectorError {
  return statusFault({
    ...named(deps, request),
    status,
    retryAfter: headers["retry-after"],
    nowMs: deps.clock.now(),
    hint: hintFor(status),
  });
}

function named({ connection }: ClientDeps, { operation, method }: Request): FaultyCall {
  return { connection, operation, writes: method !== "GET" };
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

function isJson(answer: AxiosResponse<string>): boolean {
  return String(answer.headers["content-type"] ?? "").includes("json");
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
