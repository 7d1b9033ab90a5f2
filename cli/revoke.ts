import { userInfo } from "node:os";
import { InvalidArgumentError } from "commander";
import { z } from "zod";
import { instant, timeWithZone } from "../core/clock.ts";
import { DurationMs } from "../core/policy/duration.ts";
import { type AskOptions, askServer, type ServerAnswer } from "./ask-server.ts";
import { startProgress } from "./progress.ts";
import { type ListedAction, lineOf, Preview, Revocation, RevokedActions, reportText } from "./revoke-report.ts";
import { systemClock } from "./system.ts";

const POLL_MS = 500;
/** Selecting and recording thousands of actions is one commit. */
const RECORD_TIMEOUT_MS = 60_000;
/** An answer that does not change for so long will not change by waiting here; the server goes on. */
const STILL_MS = 600_000;
const PAGES_MAX = 100;

const Recorded = z.object({ id: z.string().nullable(), actions: z.int(), tickets: z.int() });

export interface RevokeOptions extends AskOptions {
  action?: string;
  rule?: string;
  decision?: string;
  since?: string;
  until?: string;
  connection?: string;
  dryRun?: boolean;
  reason?: string;
  /** False with --no-wait. */
  wait?: boolean;
}

/** `interlock revoke`. Exit code 1 where something stays as it is, or could not be asked for. */
export async function revoke(options: RevokeOptions): Promise<0 | 1> {
  const answer = await askServer("POST", `/api/revocations?${queryOf(options)}`, options, RECORD_TIMEOUT_MS);
  if (answer.status !== 200 && answer.status !== 202) return refused(answer, options);
  if (options.dryRun) return preview(Preview.parse(answer.body), options);
  const { id, actions, tickets } = Recorded.parse(answer.body);
  if (id === null) {
    if (options.json) console.log(JSON.stringify({ ok: true, id, actions, tickets }));
    else
      console.log(
        "There is nothing to undo: no such action took effect, or all were taken up by an earlier revocation.",
      );
    return 0;
  }
  if (options.wait === false) {
    if (options.json) console.log(JSON.stringify({ ok: true, id, actions, tickets }));
    else console.log(`Revocation ${id}: ${actions} actions on ${tickets} tickets; the server carries it out.`);
    return 0;
  }
  const end = await waitFor(id, actions, options);
  const listed = await listedOf(id, options);
  const ok = end.wanted === 0 && end.kept === 0;
  if (options.json) console.log(JSON.stringify({ ok, ...end, listed }));
  else console.log(reportText(end, listed));
  return ok ? 0 : 1;
}

function queryOf(options: RevokeOptions): URLSearchParams {
  const { action, rule, decision, connection, reason } = options;
  const named = {
    action,
    rule,
    decision,
    connection,
    reason,
    since: timeOf("since", options),
    until: timeOf("until", options),
  };
  if ([action, rule, decision, named.since, named.until].every((one) => one === undefined))
    throw new InvalidArgumentError("say what to undo: --action, --rule, --decision, --since or --until");
  const by = userInfo()
    .username.replace(/[^\w.@+-]/g, "_")
    .slice(0, 60);
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(named)) if (value !== undefined) query.set(key, value);
  if (by !== "") query.set("by", by);
  if (options.dryRun) query.set("dryRun", "true");
  return query;
}

/** An hour, or a length of time before now. */
function timeOf(name: "since" | "until", options: RevokeOptions): string | undefined {
  const text = options[name];
  if (text === undefined) return undefined;
  const ago = DurationMs.safeParse(text);
  if (ago.success) return instant(systemClock.now() - ago.data);
  try {
    return instant(timeWithZone(text).getTime());
  } catch {
    throw new InvalidArgumentError(
      `--${name} ${text} is neither a time such as 2026-01-31T09:00:00Z nor a length such as 24h`,
    );
  }
}

function preview({ counts, actions }: z.infer<typeof Preview>, options: RevokeOptions): 0 {
  if (options.json) console.log(JSON.stringify({ ok: true, dryRun: true, counts, actions }));
  else {
    const { restored, corrected, kept } = counts;
    console.log("By what is remembered; no vendor was asked, so what people changed since the last look is not known.");
    console.log(
      `Would be undone: ${restored}. Notes that a correction would follow: ${corrected}. Would stay: ${kept}.`,
    );
    if (restored + corrected + kept === 0)
      console.log("No such action took effect, or all were taken up by an earlier revocation: look at what was named.");
    for (const line of actions) console.log(lineOf(line));
    const more = restored + corrected + kept - actions.length;
    if (more > 0) console.log(`... and ${more} more`);
  }
  return 0;
}

/** Until all is done, or what is left waits for people or for the mode. */
async function waitFor(id: string, total: number, options: RevokeOptions): Promise<z.infer<typeof Revocation>> {
  const progress = startProgress({ command: "revoke", what: `undoing ${total} actions`, unit: "share" });
  let lastMs = systemClock.now();
  let last = -1;
  try {
    for (;;) {
      const now = Revocation.parse((await askServer("GET", `/api/revocations/${id}`, options)).body);
      progress.at(total === 0 ? 1 : (total - now.wanted) / total);
      if (now.wanted !== last) [last, lastMs] = [now.wanted, systemClock.now()];
      const isHeld = now.waitingFor.length > 0 && now.waitingFor.every((name) => now.heldBack.includes(name));
      if (now.wanted === now.parked || isHeld || systemClock.now() - lastMs > STILL_MS) return now;
      await systemClock.sleep(POLL_MS);
    }
  } finally {
    progress.end();
  }
}

/** What stays, and what waits, with the reasons. */
async function listedOf(id: string, options: RevokeOptions): Promise<ListedAction[]> {
  const listed: ListedAction[] = [];
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const after = listed.at(-1)?.actionId ?? "";
    const query = new URLSearchParams({ state: "wanted,kept", after });
    const { body } = await askServer("GET", `/api/revocations/${id}/actions?${query}`, options);
    const { actions } = RevokedActions.parse(body);
    if (actions.length === 0) break;
    listed.push(...actions);
  }
  return listed;
}

function refused({ status, body }: ServerAnswer, options: RevokeOptions): 1 {
  if (options.json) console.log(JSON.stringify({ ok: false, status, answer: body }));
  else console.error(`interlock: the server answered ${status}: ${JSON.stringify(body)}`);
  return 1;
}
