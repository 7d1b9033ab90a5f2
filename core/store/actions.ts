import { z } from "zod";
import { Action } from "../decision.ts";
import { type GateMemory, GateRound } from "../gates/gate.ts";
import type { Draft } from "../ledger/entry.ts";
import type { WriteBasis } from "../ports.ts";
import type { StoreDriver } from "./driver.ts";
import { withFence } from "./fence.ts";
import type { ActionsTable } from "./schema.ts";
import type { Claim, Intent, OpenAction, Receipt } from "./store.ts";
import { appendEntries, ledgerText, storable, type Trx } from "./transaction.ts";

const Because = z.array(z.string());

const WriteValueSchema = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.null(),
  z.strictObject({ group: z.string() }),
  z.strictObject({ user: z.string() }),
  z.strictObject({ instant: z.string() }),
  z.strictObject({ seconds: z.number() }),
  z.strictObject({ adf: z.string() }),
]);
const Basis: z.ZodType<WriteBasis> = z.strictObject({
  recordType: z.string(),
  revision: z.string(),
  patch: z.record(z.string(), WriteValueSchema),
  seen: z.record(z.string(), z.unknown()),
});

/** See `Store.intend`. */
export async function recordIntents(
  driver: StoreDriver,
  claim: Claim,
  actions: readonly Intent[],
  entries: readonly Draft[],
  gates?: readonly GateMemory[],
): Promise<boolean> {
  return withFence(driver, claim, async (trx) => {
    if (gates)
      await trx
        .updateTable("tickets")
        .set({ gates: JSON.stringify(gates) })
        .where("ticket", "=", claim.ticket)
        .execute();
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
      basis: keptBasis(action),
      doubt_at: null,
      state: "open" as const,
      intent_at: nowMs,
      receipt_at: null,
      detail: "",
    }));
    if (rows.length > 0) await trx.insertInto("actions").values(rows).execute();
    const intents = actions.map(({ basis: _, round: __, ...action }): Draft => {
      return { kind: "action", ticket: claim.ticket, body: action };
    });
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
    // The intents keep their own hours: by them it is told which note came after which effect.
    const doubt_at = await driver.nowMs(trx);
    await trx
      .updateTable("actions")
      .set({ doubt_at })
      .where("ticket", "=", claim.ticket)
      .where("state", "=", "open")
      .execute();
  });
}

export function openAction(row: ActionsTable): OpenAction {
  const { intent_at: intentAtMs, doubt_at } = row;
  const kept: unknown = row.basis === null ? undefined : JSON.parse(row.basis);
  const round = row.kind === "ask" && kept !== undefined ? GateRound.parse(kept) : undefined;
  const basis = round || kept === undefined ? undefined : Basis.parse(kept);
  const doubt = { intentAtMs, inDoubtSinceMs: doubt_at ?? intentAtMs };
  return { ...actionOf(row), ...(basis && { basis }), ...(round && { round }), ...doubt };
}

function keptBasis({ basis, round }: Intent): string | null {
  const kept = round ?? basis;
  return kept === undefined ? null : JSON.stringify(kept);
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
