/** What both simulators share: the loopback server, the request log, the control routes and a clean end. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { NextFunction, Request, RequestHandler, Response } from "express";
import express from "express";
import type { FaultKind, FaultPlan, FaultSpec } from "./faults.ts";
import { FAULT_KINDS, playFaults } from "./faults.ts";

export interface SimRequest {
  method: string;
  /** Path and query, as sent. */
  path: string;
  /** 0 while unanswered, and for ever when the answer was lost. */
  status: number;
  /** Who the vendor took the caller for; empty when anonymous. */
  user: string;
  atMs: number;
}

export interface SimServer {
  url: string;
  requests: SimRequest[];
  close(): Promise<void>;
}

export interface SimServerOptions {
  port: number;
  now(): number;
  faults: FaultPlan;
  errorBody(status: number): unknown;
  /** Everything the simulator holds, for GET /__sim/state. */
  state(): unknown;
  /** Extra control routes' switches, merged into DELETE /__sim/faults. */
  clearFaults(): void;
  /** What POST /__sim/controls/{name} does; the answer is what it returns. */
  controls?: Record<string, () => unknown>;
  /** Sees every request of the API, those included that a fault then meets. */
  before?: RequestHandler;
  /** The vendor's API. `url` is known by the time a request arrives. */
  api: RequestHandler;
}

/** Listens on loopback and answers until closed; afterwards no socket or timer of it is left. */
export async function startSimServer(options: SimServerOptions): Promise<SimServer> {
  const requests: SimRequest[] = [];
  const timers = new Set<NodeJS.Timeout>();
  const later = (run: () => void, delayMs: number): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      run();
    }, delayMs);
    timers.add(timer);
  };

  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.use(express.raw({ type: () => true, limit: "25mb" }));
  app.use("/__sim", controlRoutes(options, requests));
  app.use(logRequests(requests, options.now));
  if (options.before) app.use(options.before);
  app.use(playFaults(options.faults, { errorBody: options.errorBody, later }));
  app.use(options.api);

  const server = createServer(app);
  // Longer than any test, so that a pooled client socket never dies between two requests.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", resolve);
  });
  // A TCP server that listens has an AddressInfo; the string form is for pipes.
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    async close() {
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
      if (!server.listening) return;
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function logRequests(requests: SimRequest[], now: () => number): RequestHandler {
  return function log(req: Request, res: Response, next: NextFunction): void {
    const entry: SimRequest = { method: req.method, path: req.originalUrl, status: 0, user: "", atMs: now() };
    requests.push(entry);
    res.on("finish", () => {
      entry.status = res.statusCode;
    });
    res.locals["entry"] = entry;
    next();
  };
}

/** Writes the caller's name into the request log. */
export function nameCaller(res: Response, user: string): void {
  // Set by logRequests on every request that reaches the API.
  const entry = res.locals["entry"] as SimRequest | undefined;
  if (entry !== undefined) entry.user = user;
}

/** The request body as text; empty when there was none. */
export function bodyText(req: Request): string {
  const body: unknown = req.body;
  return Buffer.isBuffer(body) ? body.toString("utf8") : "";
}

/** True for a JSON object: neither null nor an array. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The parsed JSON body, an empty object for no body, or the parse failure as a message. */
export function parseBody(req: Request): { value: unknown } | { failure: string } {
  const text = bodyText(req);
  if (text.trim() === "") return { value: {} };
  try {
    const value: unknown = JSON.parse(text);
    return { value };
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

/** The query of a request; kept apart from express's own parser so that repeated names are seen alike. */
export function queryOf(req: Request): URLSearchParams {
  return new URL(req.originalUrl, "http://127.0.0.1").searchParams;
}

function controlRoutes(options: SimServerOptions, requests: SimRequest[]): RequestHandler {
  const router = express.Router();
  router.post("/faults", (req, res) => {
    const spec = readFault(req);
    if (spec === undefined) {
      res
        .status(400)
        .json({ error: "a fault is {kind, path (a regular expression), method?, times?, skip?, status?, ...}" });
      return;
    }
    options.faults.add(spec);
    res.status(201).json({ added: true });
  });
  router.delete("/faults", (_req, res) => {
    options.clearFaults();
    res.status(204).end();
  });
  router.post("/controls/:name", (req, res) => {
    const { name } = req.params;
    const control = Object.hasOwn(options.controls ?? {}, name) ? options.controls?.[name] : undefined;
    if (control === undefined) res.status(404).json({ error: `no control ${name}` });
    else res.json({ done: control() ?? true });
  });
  router.get("/requests", (_req, res) => {
    res.json({ requests });
  });
  router.get("/state", (_req, res) => {
    res.json(options.state());
  });
  return router;
}

function readFault(req: Request): FaultSpec | undefined {
  const body = parseBody(req);
  if ("failure" in body || !isRecord(body.value)) return undefined;
  const { kind, path, method, times, skip, status, headers, body: answer, delayMs } = body.value;
  const expression = typeof path === "string" ? readExpression(path) : undefined;
  if (!isKind(kind) || expression === undefined) return undefined;
  const spec: FaultSpec = { kind, path: expression };
  if (typeof method === "string") spec.method = method;
  if (typeof times === "number") spec.times = times;
  if (typeof skip === "number") spec.skip = skip;
  if (typeof status === "number") spec.status = status;
  if (typeof delayMs === "number") spec.delayMs = delayMs;
  if (answer !== undefined) spec.body = answer;
  if (isRecord(headers)) {
    spec.headers = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  }
  return spec;
}

function readExpression(source: string): RegExp | undefined {
  try {
    return new RegExp(source);
  } catch {
    return undefined;
  }
}

function isKind(value: unknown): value is FaultKind {
  return FAULT_KINDS.some((kind) => kind === value);
}
