import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { systemClock } from "../../cli/system.ts";
import { anchorOf, faultOfProof, provenEntries } from "../../core/ledger/bundle.ts";
import type { Draft } from "../../core/ledger/entry.ts";
import { verifyLedger } from "../../core/ledger/verify.ts";
import { ledgerOf } from "../../core/store/ledger-source.ts";
import { openStore } from "../../core/store/sql-store.ts";
import { openSqlite } from "../../core/store/sqlite.ts";
import type { Store } from "../../core/store/store.ts";
import { keyDraft, newSigner } from "../core/ledger/ledgers.ts";

export interface LedgerBench {
  entries: number;
  seconds: number;
}

/** Deliveries that share one commit, as the intake has them under load. */
const BATCH = 256;
const BULK = 5_000;
const PROOFS = 200;

/**
 * Batches are committed as the server commits them (WAL, synchronous = full: each is on the disk before the next). The
 * ledger is then made as long as asked, proofs are made with nothing in memory, and everything is verified.
 */
export async function benchLedger({ entries, seconds }: LedgerBench): Promise<Record<string, unknown>> {
  const folder = mkdtempSync(join(tmpdir(), "interlock-ledger-bench-"));
  const open = (): Promise<Store> => openStore(openSqlite(join(folder, "interlock.db"), { clock: systemClock }));
  const signer = newSigner();
  let store = await open();
  try {
    await store.append([keyDraft(signer)]);
    const appendsPerSecond = await measureAppends(store, seconds);
    for (let left = entries - ((await store.ledgerEnd())?.seq ?? 0); left > 0; left -= BULK) {
      await store.append(drafts(Math.min(BULK, left)));
      await sign(store, signer);
    }
    await store.close();
    store = await open();
    const proofs = await measureProofs(store);
    const began = performance.now();
    const verdict = await verifyLedger(ledgerOf(store), { witnesses: [] });
    if (!verdict.ok) throw new Error(verdict.what);
    return {
      ...{ bench: "ledger", appends_per_s: appendsPerSecond, entries: verdict.entries },
      ...proofs,
      verify_1m_s: Number(((performance.now() - began) / 1_000 / (verdict.entries / 1_000_000)).toFixed(1)),
      verify_checkpoints: verdict.checkpoints,
      rss_mb: Math.round(process.memoryUsage().rss / 1_048_576),
    };
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function sign(store: Store, signer: ReturnType<typeof newSigner>): Promise<void> {
  const head = await store.treeHead();
  if (head) await store.keepCheckpoint(signer.sign(head, new Date(systemClock.now()).toISOString()));
}

function drafts(count: number): Draft[] {
  return Array.from(
    { length: count },
    (_, n): Draft => ({
      kind: "signal",
      ticket: `snow/incident/${n}`,
      body: { connection: "snow", cause: "webhook", deliveryId: `delivery-${n}`, bodyDigest: "0".repeat(64) },
    }),
  );
}

async function measureAppends(store: Store, seconds: number): Promise<number> {
  const batch = drafts(BATCH);
  await store.append(batch);
  const began = performance.now();
  let appended = 0;
  while (performance.now() - began < seconds * 1_000) {
    await store.append(batch);
    appended += BATCH;
  }
  return Math.round(appended / ((performance.now() - began) / 1_000));
}

async function measureProofs(store: Store): Promise<Record<string, number>> {
  const { checkpoint } = await anchorOf(store);
  const times: number[] = [];
  let bytes = 0;
  for (let n = 0; n < PROOFS; n += 1) {
    const seq = 1 + Math.floor((n * checkpoint.size) / PROOFS);
    const entries = await store.entries(seq - 1, 1);
    const began = performance.now();
    const [proven] = await provenEntries(store, entries, checkpoint);
    times.push(performance.now() - began);
    if (!proven || faultOfProof(proven, checkpoint) !== undefined) throw new Error(`entry ${seq} is not proven`);
    bytes = Math.max(bytes, Buffer.byteLength(JSON.stringify(proven)));
  }
  times.sort((a, b) => a - b);
  const ms = (share: number): number => Number((times[Math.floor((times.length - 1) * share)] ?? 0).toFixed(2));
  return { proof_bytes_1m: bytes, proof_ms_1m: ms(0.5), proof_ms_1m_p99: ms(0.99) };
}
