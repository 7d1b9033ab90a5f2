import type { Head } from "../ledger/entry.ts";
import { GENESIS } from "../ledger/entry.ts";
import { doubtActions, recordIntents, recordReceipts } from "./actions.ts";
import { answerTo, demoteClass, demotedClasses, forgetAdvice, keepAnswer, outcomesOf, tallyOf } from "./answers.ts";
import { failedChecks, recordCheck } from "./checks.ts";
import { claimWork, nextDueMs, releaseAllLeases, releaseClaims, renewClaims } from "./claims.ts";
import { countCompleteness } from "./completeness.ts";
import type { StoreDriver } from "./driver.ts";
import { dropBodies } from "./dropping.ts";
import {
  entriesAbout,
  keepCheckpoint,
  lastCheckpoint,
  ledgerEnd,
  proveEntries,
  proveGrowth,
  readCheckpoints,
  treeHead,
  treeRoot,
} from "./evidence.ts";
import { migrate } from "./migrations.ts";
import { loweredModes, setMode } from "./modes.ts";
import { decidedFrom, keepPolicy, policyAt } from "./policies.ts";
import { listRevoked, viewRevocation } from "./revocation-views.ts";
import { recordEnds, recordRevocation, revocableTickets } from "./revocations.ts";
import { acceptSignals, forgetSignals } from "./signals.ts";
import { reserveSpend, settleSpend, spentIn } from "./spend.ts";
import type { Store } from "./store.ts";
import { forgetSwept, readSightings, recordSwept, SWEEP_MARK, takeUpAgain } from "./sweeps.ts";
import { appendEntries, guarded, inTransaction } from "./transaction.ts";
import { countRows, listParked, readEntries, viewTicket } from "./views.ts";
import { finishWork, parkWork, redriveWork, retryWork, settleWork } from "./work.ts";

/**
 * Opens the store over a driver: brings the schema up to date and frees what a dead process of ours had leased. Closes
 * the driver when that fails, so that neither a lock nor a connection is left behind.
 */
export async function openStore(driver: StoreDriver): Promise<Store> {
  try {
    await migrate(driver.db);
    // With one process on the file, every lease found at start belongs to a process that is gone.
    if (!driver.skipLocked) await releaseAllLeases(driver);
  } catch (error) {
    await driver.close();
    throw error;
  }
  return storeOver(driver);
}

/** The store over a driver whose schema is taken as it is: for looking at it while its server runs. */
export function storeOver(driver: StoreDriver): Store {
  return {
    accept: (signals, settleMs) => acceptSignals(driver, signals, settleMs),
    claim: (owner, limit, leaseMs) => claimWork(driver, owner, limit, leaseMs),
    nextDueMs: () => guarded(driver, () => nextDueMs(driver)),
    intend: (claim, actions, entries, gates) => recordIntents(driver, claim, actions, entries, gates),
    receive: (claim, receipts) => recordReceipts(driver, claim, receipts),
    doubt: (claim) => doubtActions(driver, claim),
    settle: (claim, settlement, restMs) => settleWork(driver, claim, settlement, restMs),
    finish: (claim, restMs) => finishWork(driver, claim, restMs),
    retry: (claim, delayMs, counts, why) => retryWork(driver, claim, delayMs, counts, why),
    park: (claim, reason, detail) => parkWork(driver, claim, reason, detail),
    renew: (claims, leaseMs) => renewClaims(driver, claims, leaseMs),
    release: (claims) => releaseClaims(driver, claims),
    redrive: (connection, key, by) => redriveWork(driver, connection, key, by),
    revoke: (request, most) => recordRevocation(driver, request, most),
    revocable: (selector, most) => revocableTickets(driver, selector, most),
    endRevoked: (claim, ends) => recordEnds(driver, claim, ends),
    revocation: (id) => viewRevocation(driver, id),
    revokedActions: (id, page) => listRevoked(driver, id, page),
    setMode: (change) => setMode(driver, change),
    modes: () => loweredModes(driver),
    recordCheck: (connection, key, report) => recordCheck(driver, connection, key, report),
    failedChecks: (ticket, sinceMs) => failedChecks(driver, ticket, sinceMs),
    parked: (limit) => listParked(driver, limit),
    view: (connection, key) => viewTicket(driver, connection, key),
    counts: () => countRows(driver),
    append: (drafts) =>
      inTransaction(
        driver,
        async (trx): Promise<Head> => (await appendEntries(driver, trx, drafts)) ?? { seq: 0, hash: GENESIS },
      ),
    entries: (afterSeq, limit) => readEntries(driver, afterSeq, limit),
    ledgerEnd: () => ledgerEnd(driver),
    treeHead: () => treeHead(driver),
    treeRoot: (size) => treeRoot(driver, size),
    prove: (seqs, size) => proveEntries(driver, seqs, size),
    proveGrowth: (from, size) => proveGrowth(driver, from, size),
    keepCheckpoint: (checkpoint) => keepCheckpoint(driver, checkpoint),
    checkpoints: (afterSize, limit) => readCheckpoints(driver, afterSize, limit),
    lastCheckpoint: () => lastCheckpoint(driver),
    entriesAbout: (about, afterSeq, limit) => entriesAbout(driver, about, afterSeq, limit),
    drop: (what) => dropBodies(driver, what),
    forgetSignals: (beforeMs, limit) => forgetSignals(driver, beforeMs, limit),
    keepPolicy: (policy) => keepPolicy(driver, policy),
    policy: (version) => policyAt(driver, version),
    decided: (decisionId) => decidedFrom(driver, decisionId),
    watermark: (connection, type) => watermark(driver, connection, type),
    setWatermark: (connection, type, value) => setWatermark(driver, connection, type, value),
    sightings: (records, openWriteMs) => readSightings(driver, records, openWriteMs),
    recordSwept: (changes, mark) => recordSwept(driver, changes, mark),
    sweepMark: (connection, recordType) => watermark(driver, connection, `${SWEEP_MARK}${recordType}`),
    completeness: (query) => countCompleteness(driver, query),
    forgetSwept: (beforeMs, limit) => forgetSwept(driver, beforeMs, limit),
    takeUpAgain: (connection, sinceMs) => takeUpAgain(driver, connection, sinceMs),
    reserve: (lines, micros) => reserveSpend(driver, lines, micros),
    settleSpend: (lines, spent) => settleSpend(driver, lines, spent),
    spent: (spans) => spentIn(driver, spans),
    answer: (digest) => answerTo(driver, digest),
    keepAnswer: (answer) => keepAnswer(driver, answer),
    tally: (which, limit, sinceMs) => tallyOf(driver, which, { limit, sinceMs }),
    outcomesOf: (provider, limit) => outcomesOf(driver, provider, limit),
    demote: (demotion) => demoteClass(driver, demotion),
    demotions: () => demotedClasses(driver),
    forgetAdvice: (beforeMs, limit) => forgetAdvice(driver, beforeMs, limit),
    // A real write, since a full disk or a read-only file lets an empty transaction pass.
    ping: () => setWatermark(driver, "", "ping", ""),
    close: () => driver.close(),
  };
}

async function watermark(driver: StoreDriver, connection: string, type: string): Promise<string | undefined> {
  const query = driver.db
    .selectFrom("watermarks")
    .select("value")
    .where("connection", "=", connection)
    .where("type", "=", type);
  return (await guarded(driver, () => query.executeTakeFirst()))?.value;
}

async function setWatermark(driver: StoreDriver, connection: string, type: string, value: string): Promise<void> {
  await inTransaction(driver, async (trx) => {
    const updated_at = await driver.nowMs(trx);
    await trx
      .insertInto("watermarks")
      .values({ connection, type, value, updated_at })
      .onConflict((conflict) => conflict.columns(["connection", "type"]).doUpdateSet({ value, updated_at }))
      .execute();
  });
}
