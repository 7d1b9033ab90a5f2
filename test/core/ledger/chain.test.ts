import { expect } from "chai";
import { ChainVerifier, commitmentTo, entryHash, seal, type Verdict } from "../../../core/ledger/chain.ts";
import { type Entry, GENESIS, type Head } from "../../../core/ledger/entry.ts";
import { countedSalts, DRAFTS, PARKED, START, STOP } from "./drafts.ts";

const AT_MS = Date.parse("2026-03-02T09:00:00Z");

function sealed(): Entry[] {
  return seal(undefined, DRAFTS, AT_MS, countedSalts());
}

function verified(entries: readonly Entry[]): Verdict {
  const verifier = new ChainVerifier();
  for (const entry of entries) if (!verifier.add(entry)) break;
  return verifier.verdict();
}

function entryAt(entries: readonly Entry[], seq: number): Entry {
  const entry = entries[seq - 1];
  if (!entry) throw new Error(`there is no entry ${seq}`);
  return entry;
}

/** The ledger with its entry `seq` replaced. */
function replaced(entries: readonly Entry[], seq: number, change: Partial<Entry>): Entry[] {
  return entries.map((entry) => (entry.seq === seq ? { ...entry, ...change } : entry));
}

/** What somebody would do who knows how entries are hashed: every hash from `seq` on is made anew. */
function resealed(entries: readonly Entry[], seq: number, body: string): Entry[] {
  let prev = entries[seq - 2]?.hash ?? GENESIS;
  return entries.map((entry) => {
    if (entry.seq < seq) return entry;
    const open = { ...entry, prev, body: entry.seq === seq ? body : entry.body };
    const next = { ...open, hash: entryHash(open) };
    prev = next.hash;
    return next;
  });
}

describe("seal", () => {
  it("numbers entries from 1 and links each to the one before", () => {
    const entries = sealed();
    expect(entries.map(({ seq }) => seq)).to.deep.equal(DRAFTS.map((_, index) => index + 1));
    expect(entries.map(({ prev }) => prev)).to.deep.equal([GENESIS, ...entries.slice(0, -1).map(({ hash }) => hash)]);
    for (const { at, hash } of entries) {
      expect(at).to.equal("2026-03-02T09:00:00.000Z");
      expect(hash).to.match(/^[0-9a-f]{64}$/);
    }
  });

  it("goes on from a head", () => {
    const all = sealed();
    const head: Head = { seq: 3, hash: entryAt(all, 3).hash };
    expect(seal(head, DRAFTS.slice(3), AT_MS, countedSalts(3))).to.deep.equal(all.slice(3));
  });

  it("gives nothing for nothing", () => {
    expect(seal(undefined, [], AT_MS, countedSalts())).to.deep.equal([]);
  });

  it("has a hash that anybody can compute from the export", () => {
    const [entry] = seal(undefined, [PARKED], AT_MS, () => null);
    // Computed once in another language, over the six lines; whoever changes it breaks every ledger there is.
    expect(entry?.body).to.equal('{"detail":"d","reason":"drift"}');
    expect(entry?.hash).to.equal("4407347d6c1ebde5d2b39447658b31293912de4c80b3de4014bbaaf42e502f39");
  });

  it("has a hash that anybody can compute from the export: over a salted body", () => {
    const [entry] = seal(undefined, [PARKED], AT_MS, countedSalts());
    // Both computed once in another language; whoever changes them breaks every ledger there is.
    expect(commitmentTo(entry?.salt ?? "", entry?.body ?? "")).to.equal(
      "7136603c16952a6d0e00297dac24c30cc4479bdc3d44732f3a837739b22bbc77",
    );
    expect(entry?.hash).to.equal("23693130c3eecdbc1b628f47c3acd65e8ca25e6541680a224d3fee34f2f04340");
  });

  it("refuses a line break in a ticket's name: with it two entries could have one hash", () => {
    expect(() =>
      seal(undefined, [{ ...PARKED, ticket: "snow/incident/1\nparked\n=2" }], AT_MS, countedSalts()),
    ).to.throw(/line break/);
  });

  it("refuses a body with a field nobody declared", () => {
    const body = { reason: "drift", detail: "d", title: "VPN is down" }; // a variable, so that it is not checked for excess
    expect(() => seal(undefined, [START, { kind: "parked", ticket: null, body }], AT_MS, countedSalts())).to.throw(
      /title/,
    );
  });
});

describe("a ledger", () => {
  it("that was sealed verifies, with its length and head", () => {
    expect(verified(sealed())).to.deep.equal({
      ok: true,
      entries: DRAFTS.length,
      head: entryAt(sealed(), DRAFTS.length).hash,
    });
  });

  it("that is empty verifies", () => {
    expect(verified([])).to.deep.equal({ ok: true, entries: 0, head: GENESIS });
  });

  it("edit: names the entry that was changed", () => {
    const body = entryAt(sealed(), 4).body.replace("Network", "Friends");
    expect(verified(replaced(sealed(), 4, { body }))).to.deep.equal({
      ok: false,
      seq: 4,
      what: "entry 4 was changed after it was written",
    });
  });

  it("edit with a new hash: names the next entry, which no longer follows", () => {
    const body = entryAt(sealed(), 4).body.replace("Network", "Friends");
    const edited = { ...entryAt(sealed(), 4), body };
    const entries = replaced(sealed(), 4, { body, hash: entryHash(edited) });
    expect(verified(entries)).to.include({ ok: false, seq: 5, what: "entry 5 does not follow the one before it" });
  });

  it("deletion: names the entry that is missing", () => {
    expect(verified(sealed().filter(({ seq }) => seq !== 4))).to.include({
      ok: false,
      seq: 4,
      what: "entry 4 is missing; the next one found is 5",
    });
  });

  it("deletion with new numbers: names the entry that does not follow", () => {
    const entries = sealed()
      .filter(({ seq }) => seq !== 4)
      .map((entry, index) => ({ ...entry, seq: index + 1 }));
    expect(verified(entries)).to.include({ ok: false, seq: 4, what: "entry 4 does not follow the one before it" });
  });

  it("insertion: names the entry that was put in", () => {
    const entries = sealed();
    entries.splice(3, 0, { ...entryAt(entries, 3), seq: 4 });
    expect(verified(entries)).to.include({ ok: false, seq: 4 });
  });

  it("insertion of the same entry again: names the one that stands twice", () => {
    const entries = sealed();
    entries.splice(3, 0, entryAt(entries, 3));
    expect(verified(entries)).to.include({ ok: false, seq: 3, what: "entry 3 stands where 4 is due" });
  });

  it("swap: names the first of the two", () => {
    const entries = sealed();
    const [fourth, fifth] = [entryAt(entries, 4), entryAt(entries, 5)];
    entries.splice(3, 2, fifth, fourth);
    expect(verified(entries)).to.include({ ok: false, seq: 4, what: "entry 4 is missing; the next one found is 5" });
  });

  it("swap with each other's number: names the first of the two", () => {
    const entries = sealed();
    const [fourth, fifth] = [entryAt(entries, 4), entryAt(entries, 5)];
    entries.splice(3, 2, { ...fifth, seq: 4 }, { ...fourth, seq: 5 });
    expect(verified(entries)).to.include({ ok: false, seq: 4 });
  });

  it("truncation at the head: names the first entry", () => {
    expect(verified(sealed().slice(2))).to.include({
      ok: false,
      seq: 1,
      what: "entry 1 is missing; the next one found is 3",
    });
  });

  it("truncation at the tail: verifies, with another head than the one that was witnessed", () => {
    const witnessed = verified(sealed());
    const cut = verified(sealed().slice(0, -1));
    expect(cut.ok).to.equal(true);
    expect(cut).not.to.deep.equal(witnessed);
  });

  it("re-sealed tail with a body that breaks its kind: names the entry", () => {
    const entries = resealed(sealed(), 4, '{"id":"a1"}');
    expect(verified(entries)).to.include({ ok: false, seq: 4, what: "entry 4 does not hold what its kind demands" });
  });

  it("re-sealed tail with a field nobody declared: names the entry", () => {
    const body = JSON.stringify({ ...JSON.parse(entryAt(sealed(), 6).body), title: "VPN is down" });
    expect(verified(resealed(sealed(), 6, body))).to.include({ ok: false, seq: 6 });
  });

  it("re-sealed tail with a body that is not in its canonical form: names the entry", () => {
    const body = entryAt(sealed(), 6).body.replace(",", ", ");
    expect(verified(resealed(sealed(), 6, body))).to.include({ ok: false, seq: 6 });
  });

  it("re-sealed tail with a key that stands twice: names the entry", () => {
    const body = entryAt(sealed(), 6).body.replace("{", '{"detail":"harmless",');
    expect(verified(resealed(sealed(), 6, body))).to.include({ ok: false, seq: 6 });
  });

  it("re-sealed tail with another sound body: has another head than the one that was witnessed", () => {
    const body = entryAt(sealed(), 4).body.replace("Network", "Friends");
    const forged = verified(resealed(sealed(), 4, body));
    // By itself such a ledger is sound, as any ledger of anybody's is: that is what witnesses are for.
    expect(forged.ok).to.equal(true);
    expect(forged).not.to.deep.equal(verified(sealed()));
  });

  it("with an entry of an unknown kind: names it", () => {
    const odd = { ...entryAt(sealed(), 3), kind: "rumour" };
    const entries = replaced(sealed(), 3, { kind: "rumour", hash: entryHash(odd) });
    expect(verified(entries)).to.include({ ok: false, seq: 3, what: "entry 3 is of an unknown kind" });
  });

  it("stays broken: nothing that follows mends it", () => {
    const verifier = new ChainVerifier();
    expect(verifier.add(entryAt(sealed(), 2))).to.equal(false);
    const first = verifier.verdict();
    expect(verifier.add(entryAt(sealed(), 1))).to.equal(false);
    expect(verifier.verdict()).to.deep.equal(first);
  });

  const odd: readonly (readonly [string, Partial<Entry>])[] = [
    ["a number that is none", { seq: Number.NaN }],
    ["a fraction", { seq: 4.5 }],
    ["a negative number", { seq: -4 }],
    ["half a character", { body: '"\ud83d"' }],
    ["half a character in its ticket", { ticket: "\ude00" }],
    ["a body that is no JSON", { body: "{" }],
    ["a line break in its hour", { at: "2026-03-02T09:00:00.000Z\naction\n=snow" }],
    ["a body that is the name of a method", { kind: "toString" }],
  ];
  for (const [name, change] of odd) {
    it(`with ${name} is named broken, and nothing is thrown`, () => {
      const verdict = verified(replaced(sealed(), 4, change));
      expect(verdict.ok).to.equal(false);
      expect("seq" in verdict && verdict.seq <= 4).to.equal(true);
    });
  }
});

/** The ledger with the body of entry `seq` dropped. */
function dropped(entries: readonly Entry[], seq: number): Entry[] {
  return entries.map((entry) =>
    entry.seq === seq
      ? { ...entry, body: "", salt: null, commitment: commitmentTo(entry.salt ?? "", entry.body) }
      : entry,
  );
}

describe("a ledger with a body that was dropped", () => {
  function followed(entries: readonly Entry[], mayLack: (entry: Entry) => boolean): Verdict {
    const verifier = new ChainVerifier(mayLack);
    for (const entry of entries) if (!verifier.add(entry)) break;
    return verifier.verdict();
  }

  it("verifies with the same head where an entry says so, and not where none does", () => {
    const entries = dropped(sealed(), 4);
    expect(followed(entries, ({ seq }) => seq === 4)).to.deep.equal(verified(sealed()));
    expect(followed(entries, ({ seq }) => seq === 3)).to.deep.equal({
      ok: false,
      seq: 4,
      what: "entry 4 has no body, and no later entry says that it was dropped",
    });
  });

  const tampered: readonly (readonly [string, Partial<Entry>])[] = [
    ["its hour", { at: "2026-03-02T09:00:00.001Z" }],
    ["its ticket", { ticket: "snow/incident/2" }],
    ["its kind", { kind: "receipt" }],
    ["its commitment", { commitment: "0".repeat(64) }],
    ["its commitment, taken away", { commitment: null }],
    ["a salt, put back", { salt: "0".repeat(32) }],
    ["another body, put in its place", { body: entryAt(sealed(), 4).body }],
  ];
  for (const [name, change] of tampered) {
    it(`still shows a change of ${name}`, () => {
      const entries = replaced(dropped(sealed(), 4), 4, change);
      expect(followed(entries, () => true)).to.include({ ok: false, seq: 4 });
    });
  }

  it("cannot be one of before there were salts: what it said could be found out by trying", () => {
    const entries = replaced(
      seal(undefined, DRAFTS, AT_MS, () => null),
      4,
      { body: "" },
    );
    expect(followed(entries, () => true)).to.include({ ok: false, seq: 4 });
  });
});

describe("a ledger of one entry", () => {
  it("holds its start and nothing else", () => {
    expect(verified(seal(undefined, [STOP], AT_MS, countedSalts())).ok).to.equal(true);
  });
});
