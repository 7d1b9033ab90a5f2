import express, { type Router } from "express";
import { MODES, type Mode } from "../core/config/settings.ts";

/** The mode of a connection: what is configured, what it was lowered to, and what holds. */
export interface ConnectionMode {
  connection: string;
  configured: Mode;
  /** Null where nobody has lowered it. */
  lowered: Mode | null;
  effective: Mode;
}

/** What `/api` asks about modes. */
export interface ModeApi {
  modes(): Promise<ConnectionMode[]>;
  /** Lowers the mode for one connection or, with null, for all; null as mode lifts that. */
  setMode(
    connection: string | null,
    mode: Mode | null,
    by: string,
  ): Promise<{ outcome: "done" | "unknown_connection" } | { outcome: "above_configured"; configured: Mode }>;
}

/** The routes of modes. The admin token is asked for by who mounts them. */
export function modeRoutes(api: ModeApi): Router {
  const router = express.Router();
  router.get("/api/mode", async (_request, response) => {
    response.json({ connections: await api.modes() });
  });
  router.post("/api/mode", async (request, response) => {
    const query = new URL(request.originalUrl, "http://localhost").searchParams;
    const named = query.get("mode");
    const mode = MODES.find((known) => known === named);
    if (!mode && named !== "configured") {
      const message = `mode is one of ${MODES.join(", ")}, configured`;
      response.status(400).json({ error: "bad_mode", message });
      return;
    }
    const done = await api.setMode(query.get("connection"), mode ?? null, "api");
    if (done.outcome === "done") response.json({ connections: await api.modes() });
    else if (done.outcome === "above_configured") {
      const message = `the configuration says ${done.configured}; a running server can only be held back further. Change mode in interlock.yaml`;
      response.status(409).json({ error: "above_configured", message });
    } else
      response.status(404).json({ error: "unknown_connection", message: "no connection of that name is configured" });
  });
  return router;
}
