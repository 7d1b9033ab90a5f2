import type { LedgerSource } from "../ledger/verify.ts";
import type { Store } from "./store.ts";

/** Rows that are read at once: enough to be quick, few enough to hold. */
const PAGE = 5_000;

/** The ledger of a store, to be verified or exported page by page. */
export function ledgerOf(store: Pick<Store, "entries" | "entriesAbout" | "checkpoints">): LedgerSource {
  return {
    entries: () =>
      pages(
        (after, limit) => store.entries(after, limit),
        ({ seq }) => seq,
      ),
    entriesOf: (kind) =>
      pages(
        (after, limit) => store.entriesAbout({ kind }, after, limit),
        ({ seq }) => seq,
      ),
    checkpoints: () =>
      pages(
        (after, limit) => store.checkpoints(after, limit),
        ({ size }) => size,
      ),
  };
}

/** Pages after pages, each after the place of the last row before; ends where a page is not full. */
export async function* pages<T>(
  read: (after: number, limit: number) => Promise<T[]>,
  place: (row: T) => number,
): AsyncGenerator<readonly T[]> {
  for (let after = 0; ; ) {
    const rows = await read(after, PAGE);
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows;
    // A row that does not lead on would be read for ever: the database was tampered with, and its reader says so.
    if (rows.length < PAGE || place(last) <= after) return;
    after = place(last);
  }
}
