/** A bare client for the simulators' own tests: the request and the answer as they are on the wire. */

export interface WireAnswer {
  status: number;
  headers: Headers;
  /** Parsed JSON; undefined when the body was empty or something else. */
  body: unknown;
  text: string;
}

export interface WireRequest {
  method?: string;
  /** Sent as it is when a string, else as JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  /** "user:password" for Basic; the integration account unless told, none for "". */
  as?: string;
}

/** One call with Basic credentials. */
export async function call(url: string, login: string, request: WireRequest): Promise<WireAnswer> {
  const headers: Record<string, string> = { accept: "application/json", ...request.headers };
  const credentials = request.as ?? login;
  if (credentials !== "") headers["authorization"] ??= `Basic ${Buffer.from(credentials).toString("base64")}`;
  const init: RequestInit = { method: request.method ?? "GET", headers };
  if (request.body !== undefined) {
    headers["content-type"] ??= "application/json";
    init.body = typeof request.body === "string" ? request.body : JSON.stringify(request.body);
  }
  return readAnswer(await fetch(url, init));
}

/** Reads an answer to its end. */
export async function readAnswer(answer: Response): Promise<WireAnswer> {
  const text = await answer.text();
  const isJson = answer.headers.get("content-type")?.includes("json") === true;
  const body: unknown = isJson && text !== "" ? JSON.parse(text) : undefined;
  return { status: answer.status, headers: answer.headers, body, text };
}

/** Steps into a parsed body: at(body, "result", "0", "number"). */
export function at(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((inner, step) => {
    return typeof inner === "object" && inner !== null ? Reflect.get(inner, step) : undefined;
  }, value);
}

/** One call of the ServiceNow simulator. */
export function callServiceNow(
  sim: { url: string; integration: { user: string; password: string } },
  path: string,
  request: WireRequest = {},
): Promise<WireAnswer> {
  return call(`${sim.url}${path}`, `${sim.integration.user}:${sim.integration.password}`, request);
}

/** One call of the Jira simulator. */
export function callJira(
  sim: { url: string; integration: { email: string; apiToken: string } },
  path: string,
  request: WireRequest = {},
): Promise<WireAnswer> {
  return call(`${sim.url}${path}`, `${sim.integration.email}:${sim.integration.apiToken}`, request);
}
