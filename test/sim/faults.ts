/**
 * Planned trouble: what a test asks a simulator to do wrong, and on which request.
 * A fault is consumed by the first matching requests after `skip` of them went by unharmed.
 */
import type { NextFunction, Request, RequestHandler, Response } from "express";

export const FAULT_KINDS = [
  "status",
  "reset",
  "hang",
  "apply-then-reset",
  "apply-then-hang",
  "sever",
  "stall",
  "drip",
  "html",
  "delay",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface FaultSpec {
  /** HTTP verb; any when absent. */
  method?: string;
  /** Tested against path and query as they came in the request line. */
  path: RegExp;
  /** How many matching requests are hit; 1 unless told. */
  times?: number;
  /** How many matching requests pass before the first hit. */
  skip?: number;
  kind: FaultKind;
  /** For "status" (503 unless told) and "html" (200 unless told). */
  status?: number;
  headers?: Record<string, string>;
  /** Sent as JSON, or as it is when a string. The vendor's own error body unless told. */
  body?: unknown;
  delayMs?: number;
}

export interface Faults {
  add(spec: FaultSpec): void;
  clear(): void;
}

export interface FaultPlan extends Faults {
  /** The first fault this request meets, already counted down. */
  take(method: string, path: string): FaultSpec | undefined;
}

interface Planned {
  spec: FaultSpec;
  skip: number;
  times: number;
}

/** An empty plan: nothing goes wrong until a fault is added. */
export function createFaultPlan(): FaultPlan {
  let planned: Planned[] = [];
  return {
    add(spec) {
      planned.push({ spec, skip: spec.skip ?? 0, times: spec.times ?? 1 });
    },
    clear() {
      planned = [];
    },
    take(method, path) {
      for (const fault of planned) {
        if (fault.spec.method !== undefined && fault.spec.method.toUpperCase() !== method) continue;
        // A global or sticky expression remembers its last match; start over each time.
        fault.spec.path.lastIndex = 0;
        if (!fault.spec.path.test(path)) continue;
        if (fault.skip > 0) {
          fault.skip -= 1;
          continue;
        }
        fault.times -= 1;
        if (fault.times <= 0) planned = planned.filter((other) => other !== fault);
        return fault.spec;
      }
      return undefined;
    },
  };
}

export interface FaultSurroundings {
  /** What this vendor says with such a status. */
  errorBody(status: number): unknown;
  /** A timer the server clears when it closes. */
  later(run: () => void, delayMs: number): void;
}

/** Express middleware that plays the plan on every request that reaches it. */
export function playFaults(plan: FaultPlan, surroundings: FaultSurroundings): RequestHandler {
  return function faults(req: Request, res: Response, next: NextFunction): void {
    const fault = plan.take(req.method, req.originalUrl);
    if (fault === undefined) {
      next();
      return;
    }
    const delayMs = fault.delayMs ?? 0;
    if (delayMs > 0) surroundings.later(() => act(fault, surroundings, { req, res, next }), delayMs);
    else act(fault, surroundings, { req, res, next });
  };
}

function act(
  fault: FaultSpec,
  surroundings: FaultSurroundings,
  { req, res, next }: { req: Request; res: Response; next: NextFunction },
): void {
  switch (fault.kind) {
    case "delay":
      next();
      return;
    case "hang":
      // Nothing: the socket stays open until the client gives up or the server closes.
      return;
    case "reset":
      req.socket.resetAndDestroy();
      return;
    case "apply-then-reset":
      swallowAnswer(res, () => req.socket.resetAndDestroy());
      next();
      return;
    case "apply-then-hang":
      swallowAnswer(res, () => undefined);
      next();
      return;
    case "sever":
      breakInHalf(res, () => req.socket.destroy());
      next();
      return;
    case "stall":
      breakInHalf(res, () => undefined);
      next();
      return;
    case "drip":
      dripAnswer(res, surroundings);
      next();
      return;
    case "html":
      res.status(fault.status ?? 200).set(fault.headers ?? {});
      res.type("html").send(typeof fault.body === "string" ? fault.body : HTML_PAGE);
      return;
    case "status": {
      const status = fault.status ?? 503;
      res.status(status).set(fault.headers ?? {});
      const body = fault.body ?? surroundings.errorBody(status);
      if (typeof body === "string") res.send(body);
      else res.json(body);
      return;
    }
  }
}

/** Lets the handler do its work, then loses the answer: express sends everything through `end`. */
function swallowAnswer(res: Response, instead: () => void): void {
  res.end = function end(): Response {
    instead();
    return res;
  };
}

/** Sends the head and half of the body as the handler made it; what follows is up to `then`. */
function breakInHalf(res: Response, then: () => void): void {
  res.end = function end(body?: unknown): Response {
    const whole = bytesOf(body);
    res.write(whole.subarray(0, whole.length >> 1), then);
    return res;
  };
}

const DRIP_MS = 20;

/** Sends the head, and the body as the handler made it a byte at a time. */
function dripAnswer(res: Response, { later }: FaultSurroundings): void {
  const finish = res.end.bind(res);
  res.end = function end(body?: unknown): Response {
    const whole = bytesOf(body);
    const drop = (at: number): void => {
      if (res.closed) return;
      if (at >= whole.length) {
        finish();
        return;
      }
      res.write(whole.subarray(at, at + 1));
      later(() => drop(at + 1), DRIP_MS);
    };
    drop(0);
    return res;
  };
}

/** What express hands to `end` is text or bytes. */
function bytesOf(body: unknown): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.from(typeof body === "string" ? body : "");
}

const HTML_PAGE =
  "<!DOCTYPE html><html><head><title>Instance Hibernating</title></head>" +
  "<body><h1>Your instance is hibernating</h1></body></html>";
