import { sql } from "kysely";
import { instant } from "../clock.ts";
import type { Draft } from "../ledger/entry.ts";
import { type RevokedEnd, type RevokeSelector, UNDOING } from "../revocation.ts";
import { openAction } from "./actions.ts";
import type { StoreDriver } from "./driver.ts";
import { withFence } from "./fence.ts";
import { memoryOf } from "./rows.ts";
import type { ActionsTable } from "./schema.ts";
import type { Claim } from "./store.ts";
import { appendEntries, guarded, inChunks, inTransaction, ledgerText, storable, type Trx } from "./transaction.ts";
import type { PastAction, Revocable, RevokeRequest, Undoing } from "./undoing.ts";

/** Far more than a ticket has: the convergence breaker ends a ticket that is written again and again. */
const PAST_PER_TICKET_MAX = 400;
const ENDS_PER_ENTRY = 200;
const TOOK_EFFECT: readonly ActionsTable["state"][] = ["open", "applied", "unconfirmed", "found"];

/** See `RevocationMemory.revoke`. */
export async function recordRevocation(
  driver: StoreDriver,
  { id, selector, by, reason }: RevokeRequest,
  most: number,
): Promise<{ actions: number; tickets: number; recorded: boolean }> {
  return inTransaction(driver, async (trx) => {
    const wanted = await selected(trx, selector, most + 1);
    const tickets = [...new Set(wanted.map(({ ticket }) => ticket))].sort();
    const found = { actions: wanted.length, tickets: tickets.length };
    if (wanted.length === 0 || wanted.length > most) return { ...found, recorded: false };
    const at = await driver.nowMs(trx);
    const values = { id, selector: JSON.stringify(selector), by: storable(by), reason: storable(reason), at };
    await trx.insertInto("revocations").values(values).execute();
    for (const chunk of inChunks(wanted))
      await trx
        .insertInto("revoked")
        .values(
          chunk.map((action) => ({
            ...{ action_id: action.id, revocation: id, ticket: action.ticket },
            ...{ state: "wanted" as const, reason: "", ended_at: null },
          })),
        )
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    for (const chunk of inChunks(tickets)) await takeUp(driver, trx, chunk, at);
    await appendEntries(driver, trx, [revokeDraft({ id, selector, by, reason }, found)]);
    return { ...found, recorded: true };
  });
}

function revokeDraft({ id, selector, by, reason }: RevokeRequest, found: { actions: number; tickets: number }): Draft {
  const { action = null, rule = null, decision = null, connection = null, sinceMs, untilMs } = selector;
  const since = sinceMs === undefined ? null : instant(sinceMs);
  const until = untilMs === undefined ? null : instant(untilMs);
  const body = { id, action, rule, decision, connection, since, until, ...found, by, reason: ledgerText(reason) };
  return { kind: "revoke", ticket: null, body };
}

/** What meets a selector, took effect and is not to be undone yet. What puts people's values back, or undoes, is never undone. */
async function selected(
  trx: Trx | StoreDriver["db"],
  selector: RevokeSelector,
  limit: number,
): Promise<ActionsTable[]> {
  const { action, rule, decision, connection, sinceMs, untilMs } = selector;
  let query = trx
    .selectFrom("actions")
    .selectAll("actions")
    .where("actions.state", "in", TOOK_EFFECT)
    .where((where) =>
      where.not(where.exists(where.selectFrom("revoked").select("action_id").whereRef("action_id", "=", "actions.id"))),
    )
    .orderBy("intent_at")
    .orderBy("actions.id")
    .limit(limit);
  if (action !== undefined) query = query.where("actions.id", "=", action);
  if (decision !== undefined) query = query.where("decision_id", "=", decision);
  if (sinceMs !== undefined) query = query.where("intent_at", ">=", sinceMs);
  if (untilMs !== undefined) query = query.where("intent_at", "<", untilMs);
  for (const own of UNDOING) query = query.where(named(own, false));
  // A rule's name stands in the list with its quotes, so no other rule is meant by it.
  if (rule !== undefined) query = query.where(named(rule, true));
  if (connection !== undefined)
    query = query.where((where) =>
      where.exists(
        where
          .selectFrom("work")
          .select("work.ticket")
          .whereRef("work.ticket", "=", "actions.ticket")
          .where("work.connection", "=", connection),
      ),
    );
  return query.execute();
}

/** By `replace`, which takes every character as it is and heeds upper and lower case in both databases. */
function named(rule: string, stands: boolean) {
  const text = JSON.stringify(rule);
  return stands
    ? sql<boolean>`replace(because, ${text}, '') <> because`
    : sql<boolean>`replace(because, ${text}, '') = because`;
}

/** Makes tickets due at once, those that wait for a person as well: undoing may be what they waited for. */
async function takeUp(driver: StoreDriver, trx: Trx, tickets: readonly string[], nowMs: number): Promise<void> {
  // In the order in which intake takes them, so that the two cannot wait for each other.
  const rows = trx.selectFrom("work").select("ticket").where("ticket", "in", tickets).orderBy("ticket");
  if (driver.skipLocked) await rows.forUpdate().execute();
  await trx
    .updateTable("work")
    .set({
      due_at: sql<number>`case when due_at < ${nowMs} then due_at else ${nowMs} end`,
      rest_until: null,
      generation: sql`generation + 1`,
      attempts: sql`case when parked_at is null then attempts else 0 end`,
      outages: sql`case when parked_at is null then outages else 0 end`,
      parked_reason: sql`case when parked_at is null then parked_reason end`,
      parked_detail: sql`case when parked_at is null then parked_detail end`,
      parked_at: null,
    })
    .where("ticket", "in", tickets)
    .execute();
}

/** What is to be undone of tickets that were just claimed, by ticket. */
export async function undoingOf(trx: Trx, tickets: readonly string[]): Promise<Map<string, Undoing>> {
  const wanted = await trx
    .selectFrom("revoked")
    .innerJoin("revocations", "revocations.id", "revoked.revocation")
    .select(["revoked.ticket", "revocations.id", "by", "revocations.reason"])
    .distinct()
    .where("revoked.ticket", "in", tickets)
    .where("state", "=", "wanted")
    .orderBy("revocations.id")
    .execute();
  if (wanted.length === 0) return new Map();
  const names = [...new Set(wanted.map(({ ticket }) => ticket))];
  const past = await pastOf(trx, names);
  return new Map(
    names.map((ticket) => {
      const of = wanted.filter((each) => each.ticket === ticket);
      const revocations = of.map(({ id, by, reason }) => ({ id, by, reason }));
      return [ticket, { revocations, past: past.get(ticket) ?? [] }];
    }),
  );
}

async function pastOf(db: Trx | StoreDriver["db"], tickets: readonly string[]): Promise<Map<string, PastAction[]>> {
  const rows = await db
    .selectFrom("actions")
    .selectAll()
    .where("ticket", "in", tickets)
    .where("state", "in", TOOK_EFFECT)
    .orderBy("intent_at", "desc")
    .orderBy("id", "desc")
    .limit(PAST_PER_TICKET_MAX * tickets.length)
    .execute();
  const marks = await db.selectFrom("revoked").selectAll().where("ticket", "in", tickets).execute();
  // What is wanted is among them however long ago it was, or it would be wanted for ever.
  const seen = new Set(rows.map(({ id }) => id));
  const missing = marks.filter(({ state, action_id }) => state === "wanted" && !seen.has(action_id));
  for (const chunk of inChunks(missing.map(({ action_id }) => action_id)))
    rows.push(...(await db.selectFrom("actions").selectAll().where("id", "in", chunk).execute()));
  rows.sort((a, b) => b.intent_at - a.intent_at || (a.id < b.id ? 1 : -1));
  const marked = new Map(marks.map((mark) => [mark.action_id, mark]));
  const all = rows.reverse().map((row): [string, PastAction] => {
    const mark = marked.get(row.id);
    const revoked = mark && { revocation: mark.revocation, wanted: mark.state === "wanted" };
    return [row.ticket, { ...openAction(row), isOpen: row.state === "open", ...(revoked && { revoked }) }];
  });
  const byTicket = Map.groupBy(all, ([ticket]) => ticket);
  return new Map([...byTicket].map(([ticket, pairs]) => [ticket, pairs.map(([, action]) => action)]));
}

/** See `RevocationMemory.revocable`. */
export async function revocableTickets(
  driver: StoreDriver,
  selector: RevokeSelector,
  most: number,
): Promise<Revocable[] | undefined> {
  return guarded(driver, async () => {
    const wanted = await selected(driver.db, selector, most + 1);
    if (wanted.length > most) return undefined;
    const ids = new Set(wanted.map(({ id }) => id));
    const found: Revocable[] = [];
    for (const tickets of inChunks([...new Set(wanted.map(({ ticket }) => ticket))].sort())) {
      const rows = await driver.db.selectFrom("tickets").selectAll().where("ticket", "in", tickets).execute();
      const known = new Map(rows.map((row) => [row.ticket, row]));
      const work = await driver.db
        .selectFrom("work")
        .select(["ticket", "connection", "record_key", "record_id"])
        .where("ticket", "in", tickets)
        .execute();
      const past = await pastOf(driver.db, tickets);
      for (const { ticket, connection, record_key, record_id } of work) {
        const row = known.get(ticket);
        const { fields, gates } = row ? memoryOf(row) : { fields: {}, gates: [] };
        const actions = (past.get(ticket) ?? []).map((action) =>
          ids.has(action.id) ? { ...action, revoked: { revocation: "", wanted: true } } : action,
        );
        found.push({ ticket, connection, key: record_key ?? record_id, fields, gates, past: actions });
      }
    }
    return found;
  });
}

/** See `RevocationMemory.endRevoked`. */
export async function recordEnds(driver: StoreDriver, claim: Claim, ends: readonly RevokedEnd[]): Promise<boolean> {
  return withFence(driver, claim, async (trx) => {
    await appendEntries(driver, trx, await endRevoked(driver, trx, claim, ends));
  });
}

/** Ends what was to be undone, each once. Answers the entries that tell of it. */
export async function endRevoked(
  driver: StoreDriver,
  trx: Trx,
  claim: Claim,
  ends: readonly RevokedEnd[],
): Promise<Draft[]> {
  if (ends.length === 0) return [];
  const ended_at = await driver.nowMs(trx);
  for (const { actionId, state, reason } of ends)
    await trx
      .updateTable("revoked")
      .set({ state, reason: ledgerText(reason), ended_at })
      .where("action_id", "=", actionId)
      .where("state", "=", "wanted")
      .execute();
  return [...Map.groupBy(ends, ({ revocation }) => revocation)].flatMap(([revocation, of]) =>
    Array.from({ length: Math.ceil(of.length / ENDS_PER_ENTRY) }, (_, page): Draft => {
      const told = of.slice(page * ENDS_PER_ENTRY, (page + 1) * ENDS_PER_ENTRY);
      const body = {
        revocation,
        ends: told.map(({ actionId, state, reason }) => ({ actionId, state, reason: ledgerText(reason) })),
      };
      return { kind: "revoked", ticket: claim.ticket, body };
    }),
  );
}
