import express, { type Request, type Response, type Router } from "express";
import { z } from "zod";
import { instant, timeWithZone } from "../core/clock.ts";
import type { RevokeSelector } from "../core/revocation.ts";
import type { RevocationView, RevokedPage, RevokedView } from "../core/store/undoing.ts";

/** What came of asking for a revocation. */
export type Revoked =
  /** `id` is null where there is nothing to undo, or nothing more. */
  { id: string | null; actions: number; tickets: number } | { tooMany: number };

export interface RevokePreview {
  counts: Record<"restored" | "corrected" | "kept", number>;
  /** The kept ones first; cut at `limits.listMax`. */
  actions: RevokedView[];
}

/** What `/api` asks about undoing. */
export interface RevokeApi {
  revoke(selector: RevokeSelector, who: { by: string; reason: string }): Promise<Revoked>;
  preview(selector: RevokeSelector): Promise<RevokePreview | { tooMany: number }>;
  /** With the connections whose mode holds it back. */
  revocation(id: string): Promise<(RevocationView & { heldBack: string[] }) | undefined>;
  actions(id: string, page: Omit<RevokedPage, "limit">): Promise<RevokedView[]>;
}

const time = z.string().transform((text, context): number => {
  try {
    return timeWithZone(text).getTime();
  } catch {
    context.addIssue({ code: "custom", message: "a time with its zone, such as 2026-01-31T09:00:00Z" });
    return z.NEVER;
  }
});
const name = z.string().min(1).max(200);
const Selection = z
  .strictObject({
    action: name.exactOptional(),
    rule: name.exactOptional(),
    decision: name.exactOptional(),
    connection: name.exactOptional(),
    since: time.exactOptional(),
    until: time.exactOptional(),
    dryRun: z.literal("true").exactOptional(),
    by: z
      .string()
      .regex(/^[\w.@+-]{1,60}$/, "letters, digits and . @ + - _")
      .default("api"),
    reason: z.string().max(200).default(""),
  })
  .refine(
    ({ action, rule, decision, since, until }) =>
      [action, rule, decision, since, until].some((one) => one !== undefined),
    "say what to undo: action, rule, decision, since or until",
  );
const State = z.enum(["wanted", "restored", "corrected", "kept"]);

/** The routes of undoing. The admin token is asked for by who mounts them. */
export function revokeRoutes(api: RevokeApi): Router {
  const router = express.Router();
  router.post("/api/revocations", (request, response) => revoke(api, queryOf(request), response));
  router.post("/api/actions/:id/revoke", (request, response) =>
    revoke(api, { ...queryOf(request), action: request.params.id }, response),
  );
  router.get("/api/revocations/:id", async (request, response) => {
    const found = await api.revocation(request.params.id);
    if (!found) return unknown(response);
    const { atMs, selector, ...view } = found;
    response.json({ ...view, at: instant(atMs), selector: shown(selector) });
  });
  router.get("/api/revocations/:id/actions", async (request, response) => {
    const { state, after = "" } = queryOf(request);
    const states = z.array(State).safeParse(state?.split(",") ?? State.options);
    if (!states.success) {
      response.status(400).json({ error: "bad_state", message: `state is one or more of ${State.options.join(", ")}` });
      return;
    }
    response.json({ actions: await api.actions(request.params.id, { states: states.data, after }) });
  });
  return router;
}

async function revoke(api: RevokeApi, query: Record<string, string>, response: Response): Promise<void> {
  const parsed = Selection.safeParse(query);
  if (!parsed.success) {
    const message = parsed.error.issues.map(({ path, message: what }) => [path.join("."), what].join(": ")).join("; ");
    response.status(400).json({ error: "bad_selection", message: message.replace(/^: /, "") });
    return;
  }
  const { dryRun, by, reason, since, until, ...named } = parsed.data;
  const selector: RevokeSelector = {
    ...named,
    ...(since !== undefined && { sinceMs: since }),
    ...(until !== undefined && { untilMs: until }),
  };
  const answer = dryRun ? await api.preview(selector) : await api.revoke(selector, { by, reason });
  if ("tooMany" in answer) {
    const message = `more than ${answer.tooMany} actions (limits.revokeActionsMax); narrow it by connection, since or until`;
    response.status(409).json({ error: "too_many", message });
    return;
  }
  response.status("id" in answer && answer.id !== null ? 202 : 200).json(answer);
}

function shown({ sinceMs, untilMs, ...selector }: RevokeSelector): Record<string, string> {
  return {
    ...selector,
    ...(sinceMs !== undefined && { since: instant(sinceMs) }),
    ...(untilMs !== undefined && { until: instant(untilMs) }),
  };
}

function unknown(response: Response): void {
  response.status(404).json({ error: "unknown_revocation", message: "there is no revocation of that id" });
}

/** The last of what is given twice. */
function queryOf(request: Pick<Request, "originalUrl">): Record<string, string> {
  return Object.fromEntries(new URL(request.originalUrl, "http://localhost").searchParams);
}
