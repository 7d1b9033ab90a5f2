import { expect } from "chai";
import { BODIES, type Draft, ENTRY_KINDS, Entry, GENESIS } from "../../../core/ledger/entry.ts";
import { DRAFTS } from "./drafts.ts";

function accepts(kind: Draft["kind"], body: unknown): boolean {
  return BODIES[kind].safeParse(body).success;
}

describe("the bodies of entries", () => {
  it("have a sample of every kind here", () => {
    expect(DRAFTS.map(({ kind }) => kind).sort()).to.deep.equal([...ENTRY_KINDS].sort());
    expect(Object.keys(BODIES).sort()).to.deep.equal([...ENTRY_KINDS].sort());
  });

  for (const { kind, body } of DRAFTS) {
    it(`${kind}: takes its fields, and refuses one that nobody declared`, () => {
      expect(accepts(kind, body)).to.equal(true);
      expect(accepts(kind, { ...body, description: "It says so" })).to.equal(false);
    });

    it(`${kind}: refuses to miss any of its fields`, () => {
      for (const key of Object.keys(body)) {
        const rest = Object.fromEntries(Object.entries(body).filter(([name]) => name !== key));
        expect(accepts(kind, rest), key).to.equal(false);
      }
    });
  }

  it("hold no long text: 400 characters at the most", () => {
    expect(accepts("parked", { reason: "drift", detail: "x".repeat(400) })).to.equal(true);
    expect(accepts("parked", { reason: "drift", detail: "x".repeat(401) })).to.equal(false);
  });

  it("take a text that was cut within a character, since a ticket must be parked all the same", () => {
    const parked = BODIES.parked.parse({ reason: "drift", detail: "state: \ud83d" });
    expect(parked.detail).to.equal("state: \ufffd");
  });

  it("hold whole numbers only", () => {
    expect(accepts("stop", { worker: "w", released: 1 })).to.equal(true);
    expect(accepts("stop", { worker: "w", released: 0.5 })).to.equal(false);
  });

  it("of a start or a change name the mappings, which older entries do not", () => {
    for (const { kind, body } of DRAFTS.filter((draft) => draft.kind === "start" || draft.kind === "config")) {
      expect(accepts(kind, { ...body, mappingsVersion: "0123456789abcdef" })).to.equal(true);
      expect(accepts(kind, { ...body, mappingsVersion: 1 })).to.equal(false);
    }
  });

  it("name settable fields only", () => {
    const decision = DRAFTS.find(({ kind }) => kind === "decision")?.body;
    expect(accepts("decision", { ...decision, set: { title: "x" } })).to.equal(false);
    expect(accepts("decision", { ...decision, set: { urgency: 1 } })).to.equal(true);
  });
});

describe("an exported entry", () => {
  const entry: Entry = {
    seq: 1,
    at: "2026-03-02T09:00:00.000Z",
    kind: "stop",
    ticket: null,
    body: "{}",
    prev: GENESIS,
    hash: GENESIS,
    salt: null,
    commitment: null,
  };

  it("is read strictly", () => {
    expect(Entry.safeParse(entry).success).to.equal(true);
    const wrong: unknown[] = [
      { ...entry, seq: 0 },
      { ...entry, seq: 1.5 },
      { ...entry, at: "2026-03-02 09:00:00" },
      { ...entry, at: "2026-03-02T09:00:00Z" },
      { ...entry, ticket: undefined },
      { ...entry, body: {} },
      { ...entry, note: "x" },
    ];
    for (const each of wrong) expect(Entry.safeParse(each).success, JSON.stringify(each)).to.equal(false);
  });
});
