import { hash } from "node:crypto";
import express, {
  type ErrorRequestHandler,
  type Request,
  type RequestHandler,
  type Response,
  type Router,
} from "express";
import type { Clock } from "../core/clock.ts";
import { StoreUnavailableError } from "../core/errors.ts";
import type { Intake } from "../core/intake/intake.ts";
import { jsonWithinLimits } from "../core/intake/json-guard.ts";
import type { Limits } from "../core/limits.ts";
import type { DeliveryHeaders, Located, Log, Meter, WebhookSource } from "../core/ports.ts";
import type { NewSignal } from "../core/store/store.ts";

/** When a sender that we had to send away should come back, in seconds. */
const RETRY_AFTER_S = 5;

export interface WebhookDeps {
  sources: ReadonlyMap<string, WebhookSource>;
  intake: Intake;
  limits: Limits;
  clock: Clock;
  log: Log;
  meter: Meter;
}

/**
 * `POST /webhooks/:connection`. The body is taken as the bytes that were signed; nothing parses them before they are
 * proven and within limits. 202 only after the commit; our own trouble is 503, never a 4xx that a sender would not retry.
 */
export function webhookRoutes(deps: WebhookDeps): Router {
  const router = express.Router();
  const raw = express.raw({ type: () => true, limit: deps.limits.bodyBytesMax, inflate: false });
  router.post("/webhooks/:connection", knownConnection(deps), raw, receive(deps), refusals(deps));
  router.all("/webhooks/:connection", onlyPost);
  // An address that cannot be decoded comes here: it names no connection.
  router.use(refusals(deps));
  return router;
}

function connectionOf(request: Request): string {
  const name = request.params["connection"];
  return typeof name === "string" ? name : "";
}

/** Comes before the body is read: a stranger's megabyte is not worth reading. */
function knownConnection({ sources }: WebhookDeps): RequestHandler {
  return function knownConnectionOnly(request, response, next) {
    if (sources.has(connectionOf(request))) return next();
    response
      .status(404)
      .json({ error: "unknown_connection", message: "no connection of that name stands in interlock.yaml" });
  };
}

const onlyPost: RequestHandler = (_request, response) => {
  response
    .status(405)
    .set("Allow", "POST")
    .json({ error: "method_not_allowed", message: "webhooks are sent with POST; nothing can be read here" });
};

function receive(deps: WebhookDeps): RequestHandler {
  return async function receiveWebhook(request, response) {
    const connection = connectionOf(request);
    const source = deps.sources.get(connection);
    const body: unknown = request.body;
    const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
    const verified = source?.verify(headersOf(request), bytes) ?? { refused: "unknown connection" };
    if (!source || "refused" in verified) {
      refuse(deps, response, {
        connection,
        status: 401,
        error: "bad_signature",
        message: "refused" in verified ? verified.refused : "",
      });
      return;
    }
    if (!jsonWithinLimits(bytes, deps.limits)) {
      refuse(deps, response, {
        connection,
        status: 400,
        error: "too_deep",
        message: "the body is nested too deeply or has too many keys",
      });
      return;
    }
    await accept(deps, response, {
      connection,
      bytes,
      deliveryId: verified.deliveryId,
      located: located(source, bytes),
    });
  };
}

/** Node joins a header that was sent twice into one text; here it stays a list, which proves nothing. */
function headersOf(request: Request): DeliveryHeaders {
  const headers: Record<string, string | string[] | undefined> = Object.create(null);
  const raw = request.rawHeaders;
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at]?.toLowerCase() ?? "";
    const value = raw[at + 1] ?? "";
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return headers;
}

interface Delivery {
  connection: string;
  bytes: Buffer;
  deliveryId: string;
  located: Located;
}

async function accept(
  { intake, clock, log, meter }: WebhookDeps,
  response: Response,
  delivery: Delivery,
): Promise<void> {
  const { connection, deliveryId } = delivery;
  const signal: NewSignal = {
    connection,
    cause: "webhook",
    deliveryId,
    bodyDigest: bodyDigest(delivery),
    receivedAtMs: clock.now(),
    target: targetOf(delivery.located),
  };
  try {
    const outcome = await intake.submit(signal);
    const unmapped = signal.target === null;
    meter.count("interlock_signals_total", {
      connection,
      outcome: unmapped && outcome === "accepted" ? "unmapped" : outcome,
    });
    // Written plainly: this answer is given thousands of times a second, and needs none of what json() looks up for it.
    const answer = JSON.stringify({ outcome, delivery: deliveryId });
    response.writeHead(202, { "Content-Type": "application/json; charset=utf-8", "Content-Length": answer.length });
    response.end(answer);
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    meter.count("interlock_signals_total", { connection, outcome: "unavailable" });
    log.warn("a delivery was sent away because it could not be made durable", { connection, reason: error.message });
    response
      .status(503)
      .set("Retry-After", String(RETRY_AFTER_S))
      .json({ error: "unavailable", message: "not stored; send it again" });
  }
}

/**
 * By which a body is recognised; 128 bits are enough, and keep the index that is searched for each small. A body that
 * does not say which state of the record it tells of may be news again, word for word.
 */
function bodyDigest({ bytes, located: found }: Delivery): string | null {
  if (found.found === true && !found.versioned) return null;
  return hash("sha256", bytes, "hex").slice(0, 32);
}

function targetOf(found: Located): NewSignal["target"] {
  if (found.found === "unmapped") return null;
  if (!found.found) return { unlocated: found.reason };
  const { type, recordId, recordKey } = found;
  return { type, recordId, ...(recordKey !== undefined && { recordKey }) };
}

function located(source: WebhookSource, bytes: Buffer): Located {
  let payload: unknown;
  try {
    payload = JSON.parse(bytes.toString("utf8"));
  } catch {
    return { found: false, reason: "the body is not JSON" };
  }
  return source.locate(payload);
}

interface Refusal {
  connection: string;
  status: number;
  error: string;
  message: string;
}

function refuse(
  { log, meter }: WebhookDeps,
  response: Response,
  { connection, status, error, message }: Refusal,
): void {
  meter.count("interlock_signals_total", { connection, outcome: error });
  log.warn("a delivery was refused", { connection, status, error, reason: message });
  response.status(status).json({ error, message });
}

const REFUSALS: Readonly<Record<number, (limits: Limits) => string>> = {
  413: ({ bodyBytesMax }) => `a body may have ${bodyBytesMax} bytes`,
  415: () => "the body is compressed; send it uncompressed, as the signature is over the plain bytes",
};

/** What the body reader refuses: too large, compressed, cut off. */
function refusals(deps: WebhookDeps): ErrorRequestHandler {
  return function refuseBody(error: unknown, request, response, next) {
    const status = error !== null && typeof error === "object" && "status" in error ? error.status : undefined;
    if (response.headersSent || typeof status !== "number" || status < 400 || status > 499) return next(error);
    const name = status === 413 ? "too_large" : status === 415 ? "compressed" : "bad_request";
    const message = REFUSALS[status]?.(deps.limits) ?? "the body could not be read";
    refuse(deps, response, { connection: connectionOf(request), status, error: name, message });
  };
}
