import express, { type Request, type Response, type Router } from "express";
import { instant, timeWithZone } from "../core/clock.ts";
import type { CompletenessReport } from "../core/sweep/completeness.ts";
import type { ConnectionIdentity } from "../core/sweep/identity.ts";
import type { SweepRound } from "../core/sweep/schedule.ts";

const DAY_MS = 86_400_000;

/** What `/api` asks about sweeps and about the instances that they sweep. */
export interface SweepApi {
  now(): number;
  /** Sweeps everything now. */
  sweep(): Promise<SweepRound>;
  completeness(sinceMs: number): Promise<CompletenessReport>;
  identities(): ConnectionIdentity[];
  /** See `Identities.confirm`. */
  confirm(connection: string, by: string): Promise<ConnectionIdentity | "unreadable" | undefined>;
}

/** The routes of sweeps, completeness and identities. The admin token is asked for by who mounts them. */
export function sweepRoutes(api: SweepApi): Router {
  const router = express.Router();
  router.get("/api/completeness", async (request, response) => {
    const sinceMs = sinceFrom(request, api.now());
    if (sinceMs === undefined) {
      const message = "since is a time with its zone, such as 2026-01-31T09:00:00Z, and not in the future";
      response.status(400).json({ error: "bad_since", message });
      return;
    }
    const { untilMs, ...report } = await api.completeness(sinceMs);
    response.json({ since: instant(sinceMs), until: instant(untilMs), missing: report.missing, types: report.types });
  });
  router.post("/api/sweep", async (_request, response) => {
    response.json(await api.sweep());
  });
  router.get("/api/connections", (_request, response) => {
    response.json({ connections: api.identities() });
  });
  router.post("/api/connections/:connection/identity/confirm", (request, response) => confirm(api, request, response));
  return router;
}

/** From when on, in ms: a day ago where it is not said; undefined where it cannot be read. */
function sinceFrom(request: Request, nowMs: number): number | undefined {
  const given = new URL(request.originalUrl, "http://localhost").searchParams.get("since");
  if (given === null) return nowMs - DAY_MS;
  try {
    const atMs = timeWithZone(given).getTime();
    return atMs <= nowMs ? atMs : undefined;
  } catch {
    return undefined;
  }
}

async function confirm(api: SweepApi, request: Request<{ connection: string }>, response: Response): Promise<void> {
  const { connection } = request.params;
  const confirmed = await api.confirm(connection, "api");
  if (confirmed === undefined) {
    response.status(404).json({ error: "unknown_connection", message: "no connection of that name is configured" });
  } else if (confirmed === "unreadable") {
    const message = "the instance does not say now who it is, so there is nothing to confirm; the log has the reason";
    response.status(409).json({ error: "identity_unreadable", message });
  } else response.json(confirmed);
}
