import express, { type RequestHandler, type Router } from "express";
import type { Spending } from "../core/advice/spending.ts";
import { witnessLine } from "../core/ledger/checkpoint.ts";
import type { Limits } from "../core/limits.ts";
import type { Store } from "../core/store/store.ts";
import { bearerMatches } from "./bearer.ts";
import { type ChecksApi, checkRoutes } from "./checks-api.ts";
import { type ModeApi, modeRoutes } from "./mode-api.ts";
import { type RevokeApi, revokeRoutes } from "./revoke-api.ts";
import { spendRoutes } from "./spend-api.ts";
import { type SweepApi, sweepRoutes } from "./sweep-api.ts";

export interface ApiDeps extends Pick<ChecksApi, "clock"> {
  store: Store;
  limits: Limits;
  /** Undefined when none is set: then nothing under /api answers. */
  adminToken: string | undefined;
  /** Tells the loop that something is due. */
  wake: () => void;
  sweeps: SweepApi;
  revokes: RevokeApi;
  modes: ModeApi;
  /** What models cost just now. */
  spending: () => Promise<Spending>;
}

/** `/api`: what admins and the command line ask a running server. Everything needs the admin token. */
export function apiRoutes({
  store,
  limits,
  clock,
  adminToken,
  wake,
  sweeps,
  revokes,
  modes,
  spending,
}: ApiDeps): Router {
  const router = express.Router();
  router.use("/api", adminOnly(adminToken));
  router.use(sweepRoutes(sweeps));
  router.use(spendRoutes(spending));
  router.use(revokeRoutes(revokes));
  router.use(modeRoutes(modes));
  router.use(checkRoutes({ store, clock, wake }));
  router.get("/api/tickets/:connection/:key", async (request, response) => {
    const { connection, key } = request.params;
    const view = await store.view(connection, key);
    if (view) response.json(view);
    else response.status(404).json({ error: "unknown_ticket", message: "no signal has named that ticket yet" });
  });
  router.get("/api/ledger/checkpoint", async (_request, response) => {
    const checkpoint = await store.lastCheckpoint();
    if (checkpoint) response.json({ ...checkpoint, line: witnessLine(checkpoint) });
    else response.status(404).json({ error: "no_checkpoint", message: "the ledger has not been signed yet" });
  });
  router.get("/api/parked", async (_request, response) => {
    response.json({ parked: await store.parked(limits.listMax), limit: limits.listMax });
  });
  router.post("/api/parked/:connection/:key/redrive", async (request, response) => {
    const { connection, key } = request.params;
    if (!(await store.redrive(connection, key, "api"))) {
      response.status(404).json({ error: "not_parked", message: "no ticket of that name is parked" });
      return;
    }
    wake();
    // What is gone was the note of a delivery that pointed at no record.
    const outcome = (await store.view(connection, key)) ? "due" : "dismissed";
    response.status(202).json({ outcome });
  });
  return router;
}

function adminOnly(adminToken: string | undefined): RequestHandler {
  return function requireAdminToken(request, response, next) {
    if (adminToken !== undefined && bearerMatches(request.headers.authorization, adminToken)) return next();
    const message =
      adminToken === undefined
        ? "INTERLOCK_ADMIN_TOKEN is not set on the server"
        : "Authorization: Bearer <admin token> is needed";
    response.status(401).set("WWW-Authenticate", 'Bearer realm="interlock"').json({ error: "unauthorized", message });
  };
}
