import { expect } from "chai";
import fc from "fast-check";
import { ChainVerifier, seal, type Verdict } from "../../../core/ledger/chain.ts";
import type { Entry } from "../../../core/ledger/entry.ts";
import { anyDraft, countedSalts } from "./drafts.ts";

/** Of this version, or of one that did not salt. */
const anyLedger: fc.Arbitrary<Entry[]> = fc
  .tuple(fc.array(anyDraft, { minLength: 1, maxLength: 12 }), fc.nat({ max: 4_102_444_800_000 }), fc.boolean())
  .map(([drafts, atMs, salted]) => seal(undefined, drafts, atMs, salted ? countedSalts() : () => null));

function verified(entries: readonly Entry[]): Verdict {
  const verifier = new ChainVerifier();
  for (const entry of entries) if (!verifier.add(entry)) break;
  return verifier.verdict();
}

type Mutate = (value: string) => string;

const anyMutation: fc.Arbitrary<Mutate> = fc.oneof(
  fc.string({ unit: "binary" }).map(
    (other): Mutate =>
      () =>
        other,
  ),
  fc.string({ unit: "binary", minLength: 1, maxLength: 2 }).map(
    (more): Mutate =>
      (value) =>
        value + more,
  ),
  fc.nat().map(
    (at): Mutate =>
      (value) =>
        flipped(value, at),
  ),
  fc.constant<Mutate>((value) => value.slice(0, -1)),
  fc.constant<Mutate>((value) => value.toUpperCase()),
  fc.constant<Mutate>(() => "\ud83d"),
);

/** One bit of one character turned over. */
function flipped(value: string, at: number): string {
  const place = value.length === 0 ? 0 : at % value.length;
  const code = value.charCodeAt(place);
  return value.slice(0, place) + String.fromCharCode((Number.isNaN(code) ? 0 : code) ^ 1) + value.slice(place + 1);
}

function mutated(entry: Entry, field: keyof Entry, mutate: Mutate, number: number): Entry {
  if (field === "seq") return { ...entry, seq: number };
  if (field === "ticket" || field === "salt" || field === "commitment")
    return { ...entry, [field]: mutate(entry[field] ?? "x") };
  return { ...entry, [field]: mutate(entry[field]) };
}

describe("a ledger (properties)", () => {
  it("verifies as it was sealed, in any batches", () => {
    fc.assert(
      fc.property(anyLedger, fc.nat(), (entries, cut) => {
        expect(verified(entries)).to.deep.equal({ ok: true, entries: entries.length, head: entries.at(-1)?.hash });
        const at = cut % entries.length;
        const [first, second] = [entries.slice(0, at), entries.slice(at)];
        expect(verified([...first, ...second]).ok).to.equal(true);
      }),
    );
  });

  it("shows any single change of any field of any entry, at that entry or before", () => {
    const field = fc.constantFrom<keyof Entry>(
      ...(["seq", "at", "kind", "ticket", "body", "prev", "hash", "salt", "commitment"] as const),
    );
    const number = fc.oneof(fc.integer(), fc.double());
    fc.assert(
      fc.property(anyLedger, fc.nat(), field, anyMutation, number, (entries, pick, name, mutate, seq) => {
        const place = pick % entries.length;
        const changed = entries.map((entry, index) => (index === place ? mutated(entry, name, mutate, seq) : entry));
        fc.pre(JSON.stringify(changed) !== JSON.stringify(entries));
        const verdict = verified(changed);
        expect(verdict.ok).to.equal(false);
        expect("seq" in verdict && verdict.seq <= place + 1, JSON.stringify(verdict)).to.equal(true);
      }),
      { numRuns: 1_000 },
    );
  });

  it("shows a ticket taken off an entry, or put on one", () => {
    fc.assert(
      fc.property(anyLedger, fc.nat(), (entries, pick) => {
        const place = pick % entries.length;
        const changed = entries.map((entry, index) =>
          index === place ? { ...entry, ticket: entry.ticket === null ? "null" : null } : entry,
        );
        expect(verified(changed)).to.include({ ok: false, seq: place + 1 });
      }),
    );
  });

  it("shows any entry left out but the last, at its number", () => {
    fc.assert(
      fc.property(anyLedger, fc.nat(), (entries, pick) => {
        fc.pre(entries.length > 1);
        const place = pick % (entries.length - 1);
        const changed = entries.filter((_, index) => index !== place);
        expect(verified(changed)).to.include({ ok: false, seq: place + 1 });
      }),
    );
  });

  it("shows any two entries that changed places, at the first of them", () => {
    fc.assert(
      fc.property(anyLedger, fc.nat(), fc.nat(), (entries, one, other) => {
        const [low, high] = [one % entries.length, other % entries.length].sort((a, b) => a - b);
        fc.pre(low !== undefined && high !== undefined && low !== high);
        const changed = entries.map(
          (entry, index) => entries[index === low ? high : index === high ? low : -1] ?? entry,
        );
        expect(verified(changed)).to.include({ ok: false, seq: low + 1 });
      }),
    );
  });
});
