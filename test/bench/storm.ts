import { runStorm } from "../support/storm.ts";

export interface StormBench {
  kills: number;
  seed: number;
  /** Of a hundred webhooks. */
  lose: number;
}

/** `npm run bench -- storm [--kills N] [--lose N]`: 10,000 webhooks on 500 tickets, half in each system. */
export async function benchStorm({ kills, seed, lose }: StormBench): Promise<Record<string, unknown>> {
  const result = await runStorm({ tickets: 500, signals: 10_000, kills, seed, losePercent: lose });
  for (const fault of result.faults) console.error(fault);
  const { completeness } = result;
  if (lose > 0 && (completeness?.missing !== 0 || result.lost > 0)) process.exitCode = 1;
  return {
    bench: "storm",
    tickets: result.tickets,
    signals: result.signals,
    vendor_calls: result.vendorCalls,
    calls_per_ticket: Number((result.vendorCalls / result.tickets).toFixed(3)),
    lost: result.lost,
    duplicate_effects: result.duplicateEffects,
    rss_mb: result.rssMb,
    kills: result.kills,
    stored_signals: result.stored,
    ledger_entries: result.ledgerEntries,
    seconds: Number(result.seconds.toFixed(1)),
    seed,
    ...(completeness && {
      lose,
      missing: completeness.missing,
      changed: completeness.changed,
      found_only_by_sweep: completeness.foundOnlyBySweep,
    }),
  };
}
