import express, { type Router } from "express";
import type { Spending } from "../core/advice/spending.ts";

/** What models cost just now. The admin token is asked for by who mounts this. */
export function spendRoutes(spending: () => Promise<Spending>): Router {
  const router = express.Router();
  router.get("/api/spend", async (_request, response) => {
    response.json(await spending());
  });
  return router;
}
