import { ChainVerifier } from "../core/ledger/chain.ts";
import type { Store } from "../core/store/store.ts";
import { type CommonOptions, readStoreSettings } from "./config.ts";
import { lookAt } from "./store.ts";
import { systemClock } from "./system.ts";

const PAGE = 5_000;

/** `interlock ledger verify`. Exit code 1 names the first entry that does not hold. */
export async function ledgerVerify(options: CommonOptions): Promise<0 | 1> {
  const verdict = await lookAt(readStoreSettings(options).store, systemClock, follow);
  if (options.json) console.log(JSON.stringify(verdict));
  else if (verdict.ok) {
    const length = `${verdict.entries} ${verdict.entries === 1 ? "entry" : "entries"}`;
    console.log(`The ledger holds: ${length}, head ${verdict.head}.`);
  } else console.log(`The ledger is broken at entry ${verdict.seq}: ${verdict.what}.`);
  return verdict.ok ? 0 : 1;
}

async function follow(store: Store): Promise<ReturnType<ChainVerifier["verdict"]>> {
  const verifier = new ChainVerifier();
  for (let after = 0; ; ) {
    const entries = await store.entries(after, PAGE);
    if (!entries.every((entry) => verifier.add(entry)) || entries.length < PAGE) break;
    after = entries.at(-1)?.seq ?? after;
  }
  return verifier.verdict();
}
