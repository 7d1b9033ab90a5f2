import { sql } from "kysely";
import { z } from "zod";
import type { AdviceOutcome } from "../advice/remembered.ts";
import { GateMemory } from "../gates/gate.ts";
import type { Draft } from "../ledger/entry.ts";
import { closeActions } from "./actions.ts";
import type { StoreDriver } from "./driver.ts";
import { withFence } from "./fence.ts";
import { endRevoked } from "./revocations.ts";
import { UNLOCATED } from "./signals.ts";
import type { Claim, Settlement } from "./store.ts";
import { appendEntries, inTransaction, ledgerText, storable, type Trx } from "./transaction.ts";

/** See `Store.settle`. */
export async function settleWork(
  driver: StoreDriver,
  claim: Claim,
  settlement: Settlement,
  restMs = 0,
): Promise<boolean> {
  return withFence(driver, claim, async (trx) => {
    const receipts = await closeActions(driver, trx, claim, settlement.receipts ?? []);
    await rememberTicket(driver, trx, claim, settlement);
    const revoked = await endRevoked(driver, trx, claim, settlement.revoked ?? []);
    await recordOutcomes(driver, trx, claim, settlement.outcomes ?? []);
    await trx
      .updateTable("work")
      .set({ record_key: settlement.recordKey })
      .where("ticket", "=", claim.ticket)
      .execute();
    const parked = settlement.park && (await parkRow(driver, trx, claim, settlement.park));
    if (!parked)
      await trx
        .updateTable("work")
        .set(endOfClaim(claim, settlement.wakeAtMs, (await driver.nowMs(trx)) + restMs))
        .where("ticket", "=", claim.ticket)
        .execute();
    const parkedDrafts = settlement.park && parked ? [parkedDraft(claim, settlement.park)] : [];
    const outcomes = (settlement.outcomes ?? []).map(
      (body): Draft => ({ kind: "outcome", ticket: claim.ticket, body }),
    );
    const drafts = [...receipts, ...revoked, ...settlement.entries, ...outcomes, ...parkedDrafts];
    if (drafts.length > 0) await appendEntries(driver, trx, drafts);
  });
}

async function rememberTicket(driver: StoreDriver, trx: Trx, claim: Claim, settlement: Settlement): Promise<void> {
  const { recordKey, revision, decided, fields, wakeAtMs, skips, suggestedDigest, advised, gates } = settlement;
  const seen = {
    record_key: recordKey,
    revision,
    fields: JSON.stringify(fields),
    wake_at: wakeAtMs,
    settled_at: await driver.nowMs(trx),
    ...(gates && { gates: JSON.stringify(gates) }),
    ...(skips && { skips: JSON.stringify(skips) }),
    ...(advised && { advised: JSON.stringify(advised) }),
    ...(suggestedDigest !== undefined && { suggested_digest: suggestedDigest }),
  };
  if (!decided) {
    await trx.updateTable("tickets").set(seen).where("ticket", "=", claim.ticket).execute();
    return;
  }
  const { decision, outcomeDigest, inputs } = decided;
  await trx
    .insertInto("inputs")
    .values({
      decision_id: decision.id,
      ticket: claim.ticket,
      inputs: JSON.stringify(inputs),
      decided_at: seen.settled_at,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const remembered = {
    ...seen,
    decision_id: decision.id,
    outcome_digest: outcomeDigest,
    decision: JSON.stringify(decision),
  };
  await trx
    .insertInto("tickets")
    .values({
      ticket: claim.ticket,
      connection: claim.connection,
      type: claim.type,
      record_id: claim.recordId,
      gates: "[]",
      ...remembered,
    })
    .onConflict((conflict) => conflict.column("ticket").doUpdateSet(remembered))
    .execute();
}

/** What people made of labels that advice gave: labels only, and an entry each. */
async function recordOutcomes(
  driver: StoreDriver,
  trx: Trx,
  { ticket }: Claim,
  outcomes: readonly AdviceOutcome[],
): Promise<void> {
  if (outcomes.length === 0) return;
  const at = await driver.nowMs(trx);
  const rows = outcomes.map(({ by, field, label, final, correct, automatic, audited }) => ({
    ...{ ticket, by, field, label, final: storable(final), at },
    ...{ correct: Number(correct), automatic: Number(automatic), audited: Number(audited) },
  }));
  await trx.insertInto("outcomes").values(rows).execute();
}

/** See `Store.finish`. */
export async function finishWork(driver: StoreDriver, claim: Claim, restMs = 0): Promise<boolean> {
  return withFence(driver, claim, async (trx) => {
    await trx
      .updateTable("work")
      .set(endOfClaim(claim, null, (await driver.nowMs(trx)) + restMs))
      .where("ticket", "=", claim.ticket)
      .execute();
  });
}

/** See `Store.retry`. */
export async function retryWork(
  driver: StoreDriver,
  claim: Claim,
  delayMs: number,
  counts: "attempt" | "outage" | "neither",
  why?: { reason: string; detail: string },
): Promise<boolean> {
  return withFence(driver, claim, async (trx) => {
    const nowMs = await driver.nowMs(trx);
    await trx
      .updateTable("work")
      .set({
        due_at: nowMs + delayMs,
        // A hint must not cut the back-off short, or a busy ticket of a system that is down burns all its tries.
        rest_until: nowMs + delayMs,
        lease_until: null,
        lease_owner: null,
        attempts: counts === "attempt" ? claim.attempts + 1 : claim.attempts,
        outages: counts === "outage" ? claim.outages + 1 : claim.outages,
        ...(why && { parked_reason: why.reason, parked_detail: storable(why.detail) }),
      })
      .where("ticket", "=", claim.ticket)
      .execute();
  });
}

/** See `Store.park`. A hint that came while the ticket was in work keeps it due instead. */
export async function parkWork(driver: StoreDriver, claim: Claim, reason: string, detail: string): Promise<boolean> {
  return withFence(driver, claim, async (trx) => {
    const parked = await parkRow(driver, trx, claim, { reason, detail });
    if (parked) await appendEntries(driver, trx, [parkedDraft(claim, { reason, detail })]);
    else
      await trx
        .updateTable("work")
        .set({ lease_until: null, lease_owner: null })
        .where("ticket", "=", claim.ticket)
        .execute();
  });
}

/** Parks the row unless hints came meanwhile. Answers whether it is parked now. */
async function parkRow(
  driver: StoreDriver,
  trx: Trx,
  claim: Claim,
  why: { reason: string; detail: string },
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable("work")
    .set({
      due_at: null,
      lease_until: null,
      lease_owner: null,
      parked_at: await driver.nowMs(trx),
      parked_reason: why.reason,
      parked_detail: storable(why.detail),
    })
    .where("ticket", "=", claim.ticket)
    .where("generation", "=", claim.generation)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

function parkedDraft(claim: Claim, { reason, detail }: { reason: string; detail: string }): Draft {
  return { kind: "parked", ticket: claim.ticket, body: { reason, detail: ledgerText(detail) } };
}

/** See `Store.redrive`. */
export async function redriveWork(driver: StoreDriver, connection: string, key: string, by: string): Promise<boolean> {
  return inTransaction(driver, async (trx) => {
    const nowMs = await driver.nowMs(trx);
    const named = sql<boolean>`connection = ${connection} and parked_at is not null and (record_key = ${key} or record_id = ${key})`;
    // A note of a delivery that points at no record leads to nothing that could be looked at again.
    const notes = await trx.deleteFrom("work").where("type", "=", UNLOCATED).where(named).returning("ticket").execute();
    const due = await trx
      .updateTable("work")
      .set({
        due_at: nowMs,
        generation: sql`generation + 1`,
        rest_until: null,
        attempts: 0,
        outages: 0,
        parked_at: null,
        parked_reason: null,
        parked_detail: null,
      })
      .where("type", "!=", UNLOCATED)
      .where(named)
      .returning("ticket")
      .execute();
    // What nobody answered in time is asked again.
    for (const { ticket } of due) await forgetExpired(trx, ticket);
    const rows = [...notes, ...due];
    await appendEntries(
      driver,
      trx,
      rows.map(({ ticket }): Draft => ({ kind: "redrive", ticket, body: { by } })),
    );
    return rows.length > 0;
  });
}

async function forgetExpired(trx: Trx, ticket: string): Promise<void> {
  const row = await trx.selectFrom("tickets").select("gates").where("ticket", "=", ticket).executeTakeFirst();
  if (!row) return;
  const gates = z.array(GateMemory).parse(JSON.parse(row.gates));
  if (!gates.some(({ state }) => state === "expired")) return;
  // Void, and not forgotten: what it was asked for, and which effects stood then, is known on.
  const left = gates.map((round) => (round.state === "expired" ? { ...round, state: "void" as const } : round));
  await trx
    .updateTable("tickets")
    .set({ gates: JSON.stringify(left) })
    .where("ticket", "=", ticket)
    .execute();
}

/** A claim's end. Hints that came meanwhile keep the row due, after a rest. */
function endOfClaim(claim: Claim, wakeAtMs: number | null, restUntilMs: number) {
  return {
    due_at: sql<number | null>`case
      when generation = ${claim.generation} then ${wakeAtMs}
      when due_at > ${restUntilMs} then due_at
      else ${restUntilMs} end`,
    rest_until: restUntilMs,
    lease_until: null,
    lease_owner: null,
    attempts: 0,
    outages: 0,
    parked_reason: null,
    parked_detail: null,
  };
}
