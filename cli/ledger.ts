import { ChainVerifier } from "../core/ledger/chain.ts";
import { type CommonOptions, readConfig } from "./config.ts";
import { viewStoreUrl } from "./store.ts";
import { systemClock } from "./system.ts";

const PAGE = 5_000;

/** `interlock ledger verify`. Exit code 1 names the first entry that does not hold. */
export async function ledgerVerify(options: CommonOptions): Promise<0 | 1> {
  const store = viewStoreUrl(readConfig(options).settings.store, systemClock);
  try {
    const verifier = new ChainVerifier();
    for (let after = 0; ; ) {
      const entries = await store.entries(after, PAGE);
      if (!entries.every((entry) => verifier.add(entry)) || entries.length < PAGE) break;
      after = entries.at(-1)?.seq ?? after;
    }
    const verdict = verifier.verdict();
    if (options.json) console.log(JSON.stringify(verdict));
    else if (verdict.ok) console.log(`The ledger holds: ${verdict.entries} entries, head ${verdict.head}.`);
    else console.log(`The ledger is broken at entry ${verdict.seq}: ${verdict.what}.`);
    return verdict.ok ? 0 : 1;
  } finally {
    await store.close();
  }
}
