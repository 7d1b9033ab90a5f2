import { createServer, type Server } from "node:http";
import express, { type ErrorRequestHandler, type Express } from "express";
import helmet from "helmet";
import { describeError, StoreUnavailableError } from "../core/errors.ts";
import type { Log } from "../core/ports.ts";
import { type ApiDeps, apiRoutes } from "./api.ts";
import type { Metrics } from "./meter.ts";
import { type WebhookDeps, webhookRoutes } from "./webhooks.ts";

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 20_000;
/** How often Node looks for clients over these limits; its own default of 30 s would make them 40 s and 50 s. */
const CHECK_INTERVAL_MS = 1_000;
const CONNECTIONS_MAX = 2_000;

export interface AppDeps extends WebhookDeps, ApiDeps {
  metrics: Metrics;
  log: Log;
  /** Problems of a changed configuration that was refused; 0 where none was. */
  refused: () => number;
}

/** The HTTP surface: webhooks, health, metrics, admin API. */
export function createApp(deps: AppDeps): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("query parser", false);
  app.use(webhookRoutes(deps));
  app.use(helmet());
  app.get("/livez", (_request, response) => {
    response.json({ status: "live" });
  });
  app.get("/readyz", async (_request, response) => {
    try {
      await deps.store.ping();
      response.json({ status: "ready", ...readOnly(deps), ...(await heldBack(deps)), ...refusedConfig(deps) });
    } catch (error) {
      const reason = error instanceof StoreUnavailableError ? error.message : "the store failed";
      response.status(503).json({ status: "not_ready", reason });
    }
  });
  app.get("/metrics", async (_request, response) => {
    response.type(deps.metrics.contentType).send(await deps.metrics.render());
  });
  app.use(apiRoutes(deps));
  app.use((_request, response) => {
    response.status(404).json({ error: "not_found" });
  });
  app.use(lastResort(deps.log));
  return app;
}

/** Names the connections to which nothing is written: a server that holds back is ready, and people must be able to see it. */
function readOnly({ sweeps }: AppDeps): { readOnly?: string[] } {
  const named = sweeps.identities().filter(({ state }) => state !== "pinned");
  return named.length > 0 ? { readOnly: named.map(({ connection }) => connection) } : {};
}

/** Modes that somebody has lowered, by connection. */
async function heldBack({ modes }: AppDeps): Promise<{ lowered?: Record<string, string> }> {
  const named = (await modes.modes()).flatMap(({ connection, lowered }) => (lowered ? [[connection, lowered]] : []));
  return named.length > 0 ? { lowered: Object.fromEntries(named) } : {};
}

/** The files on the disk are not the ones that rule: whoever changed them must be able to see it. */
function refusedConfig({ refused }: AppDeps): { configuration?: string } {
  const problems = refused();
  if (problems === 0) return {};
  return {
    configuration: `a change was refused (${problems} ${problems === 1 ? "problem" : "problems"}); see interlock check`,
  };
}

/** A server with limits on slow and idle clients. */
export function createHttpServer(app: Express): Server {
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      keepAliveTimeout: 65_000,
    },
    app,
  );
  server.maxConnections = CONNECTIONS_MAX;
  return server;
}

function lastResort(log: Log): ErrorRequestHandler {
  return function answerFault(error: unknown, _request, response, next) {
    if (response.headersSent) return next(error);
    if (error instanceof StoreUnavailableError) {
      response.status(503).set("Retry-After", "5").json({ error: "unavailable", message: error.message });
      return;
    }
    const status = error !== null && typeof error === "object" && "status" in error ? error.status : undefined;
    if (typeof status === "number" && status >= 400 && status < 500) {
      response.status(status).json({ error: "bad_request" });
      return;
    }
    log.error("a request failed for a reason of our own", { error: describeError(error) });
    // 503 and not 500: a webhook sender must come back, and some treat 500 as final.
    response.status(503).set("Retry-After", "5").json({ error: "internal" });
  };
}
