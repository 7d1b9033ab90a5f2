import { z } from "zod";
import { Action } from "../decision.ts";
import type { Draft } from "../ledger/entry.ts";
import type { StoreDriver } from "./driver.ts";
import { withFence } from "./fence.ts";
import type { ActionsTable } from "./schema.ts";
import type { Claim, OpenAction, Receipt } from "./store.ts";
import { appendEntries, ledgerText, storable, type Trx } from "./transaction.ts";

const Because = z.array(z.string());

/** See `Store.intend`. */
export async function recordIntents(
  driver: StoreDriver,
  claim: Claim,
  actions: readonly Action[],
  entries: readonly Draft[],
): Promise<boolean> {
  return withFence(driver, claim, async (trx) => {
    const nowMs = await driver.nowMs(trx);
    const rows = actions.map((action) => ({
      id: action.id,
      ticket: claim.ticket,
      decision_id: action.decisionId,
      kind: action.kind,
      field: action.field,
      before: JSON.stringify(action.before),
      after: JSON.stringify(action.after),
      because: JSON.stringify(action.because),
      marker: action.marker,
      state: "open" as const,
      intent_at: nowMs,
      receipt_at: null,
      detail: "",
    }));
    if (rows.length > 0) await trx.insertInto("actions").values(rows).execute();
    const intents: Draft[] = actions.map((action) => ({ kind: "action", ticket: claim.ticket, body: action }));
    await appendEntries(driver, trx, [...entries, ...intents]);
  });
}

/** See `Store.receive`. */
export async function recordReceipts(
  driver: StoreDriver,
  claim: Claim,
  receipts: readonly Receipt[],
): Promise<boolean> {
  return withFence(driver, claim, async (trx) => {
    await appendEntries(driver, trx, await closeActions(driver, trx, claim, receipts));
  });
}

/** Closes open actions. Answers the entries that tell of it. */
export async function closeActions(
  driver: StoreDriver,
  trx: Trx,
  claim: Claim,
  receipts: readonly Receipt[],
): Promise<Draft[]> {
  if (receipts.length === 0) return [];
  const nowMs = await driver.nowMs(trx);
  for (const { actionId, outcome, detail } of receipts) {
    await trx
      .updateTable("actions")
      .set({ state: outcome, receipt_at: nowMs, detail: storable(detail) })
      .where("id", "=", actionId)
      .where("state", "=", "open")
      .execute();
  }
  return receipts.map(({ actionId, outcome, detail }): Draft => {
    return { kind: "receipt", ticket: claim.ticket, body: { actionId, outcome, detail: ledgerText(detail) } };
  });
}

/** See `Store.doubt`. */
export async function doubtActions(driver: StoreDriver, claim: Claim): Promise<boolean> {
  return withFence(driver, claim, async (trx) => {
    const intent_at = await driver.nowMs(trx);
    await trx
      .updateTable("actions")
      .set({ intent_at })
      .where("ticket", "=", claim.ticket)
      .where("state", "=", "open")
      .execute();
  });
}

export function openAction(row: ActionsTable): OpenAction {
  return { ...actionOf(row), intentAtMs: row.intent_at };
}

/** A row of `actions` as the action it records. */
export function actionOf(row: ActionsTable): Action {
  return Action.parse({
    id: row.id,
    kind: row.kind,
    field: row.field,
    before: row.before === null ? null : JSON.parse(row.before),
    after: row.after === null ? null : JSON.parse(row.after),
    because: Because.parse(JSON.parse(row.because)),
    decisionId: row.decision_id,
    marker: row.marker,
  });
}
