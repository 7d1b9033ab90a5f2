import express, { type Router } from "express";
import { z } from "zod";
import type { Clock } from "../core/clock.ts";
import { CHECKS_MAX, CheckName } from "../core/policy/aftermath.ts";
import type { Store } from "../core/store/store.ts";

export interface ChecksApi {
  store: Pick<Store, "recordCheck">;
  clock: Clock;
  /** Tells the loop that something is due. */
  wake: () => void;
}

const BODY_BYTES_MAX = 4_096;

/** Strict: a report is no place for texts. */
const Report = z.strictObject({
  name: CheckName,
  passed: z.boolean(),
  /** When it ran; now, where it is not said. */
  at: z.iso.datetime({ offset: true }).optional(),
});

/** `POST /api/tickets/:connection/:key/checks`: how a check of a change went, as whoever runs it reports. */
export function checkRoutes({ store, clock, wake }: ChecksApi): Router {
  const router = express.Router();
  const json = express.json({ limit: BODY_BYTES_MAX, type: () => true });
  router.post("/api/tickets/:connection/:key/checks", json, async (request, response) => {
    const { connection, key } = request.params;
    const report = Report.safeParse(request.body);
    if (typeof connection !== "string" || typeof key !== "string" || !report.success) {
      const [issue] = report.error?.issues ?? [];
      const where = issue?.path.join(".") || "the body";
      response.status(400).json({
        error: "bad_request",
        message: `${where}: ${issue?.message ?? "is none"}; send { "name", "passed", "at" (optional, with its zone) }`,
      });
      return;
    }
    const { name, passed, at } = report.data;
    const atMs = at === undefined ? clock.now() : Date.parse(at);
    const outcome = await store.recordCheck(connection, key, { name, passed, atMs, by: "api" });
    if (outcome === "unknown") {
      response.status(404).json({ error: "unknown_ticket", message: "no signal has named that ticket yet" });
      return;
    }
    if (outcome === "full") {
      const message = `the ticket has ${CHECKS_MAX} checks of other names; report again under a name that it has`;
      response.status(409).json({ error: "too_many_checks", message });
      return;
    }
    wake();
    response.status(202).json({ outcome });
  });
  return router;
}
