import { expect } from "chai";
import fc from "fast-check";
import { type Edit, leadsOn, standsOf } from "../../connectors/versions.ts";

const OPENED = { atMs: 1_000, revision: "0" };
const FIELDS = ["group", "state", "urgency"] as const;

type Values = Record<string, string>;

/** A life: what a record was opened with, and what each edit set. */
const lives = fc.record({
  opened: fc.record({ group: value(), state: value(), urgency: value() }),
  sets: fc.array(fc.dictionary(fc.constantFrom(...FIELDS), value(), { maxKeys: 3 }), { maxLength: 12 }),
});

function value() {
  return fc.constantFrom("", "a", "b", "c");
}

/** What the record went through, and the edits as a vendor's history keeps them: without what did not change. */
function lived(opened: Values, sets: readonly Values[]): { lives: Values[]; edits: Edit<string>[] } {
  const lives = [opened];
  const edits: Edit<string>[] = [];
  for (const [n, set] of sets.entries()) {
    const before = lives.at(-1) ?? opened;
    const changes = Object.entries(set)
      .filter(([field, after]) => before[field] !== after)
      .map(([field, after]) => ({ field, before: before[field] ?? "", after }));
    if (changes.length === 0) continue;
    lives.push({ ...before, ...set });
    edits.push({ atMs: 2_000 + n, revision: String(n + 1), changes });
  }
  return { lives, edits };
}

const equal = (one: string, other: string): boolean => one === other;

describe("what a record went through", () => {
  it("is told by its edits and what stands now, whatever they were", () => {
    fc.assert(
      fc.property(lives, ({ opened, sets }) => {
        const { lives: all, edits } = lived(opened, sets);
        const present: Values = all.at(-1) ?? opened;
        const told = standsOf(OPENED, edits).map(({ past }) => ({ ...present, ...Object.fromEntries(past) }));
        expect(told).to.deep.equal(all);
        expect(leadsOn(edits, equal, (field, after) => present[field] === after)).to.equal(true);
      }),
    );
  });

  it("ends with what stands now where an edit is missing, and says so where an earlier one of that field is there", () => {
    fc.assert(
      fc.property(lives, fc.nat(), ({ opened, sets }, which) => {
        const { lives: all, edits } = lived(opened, sets);
        fc.pre(edits.length > 0);
        const present: Values = all.at(-1) ?? opened;
        const at = which % edits.length;
        const [lost] = edits.splice(at, 1);
        const last = standsOf(OPENED, edits).at(-1);
        expect({ ...present, ...Object.fromEntries(last?.past ?? []) }).to.deep.equal(present);
        const earlier = new Set(edits.slice(0, at).flatMap(({ changes }) => changes.map(({ field }) => field)));
        const seen = lost?.changes.some(({ field }) => earlier.has(field));
        if (seen) expect(leadsOn(edits, equal, (field, after) => present[field] === after)).to.equal(false);
      }),
    );
  });

  it("never runs backwards, whatever the clocks of its edits said", () => {
    const edit = (atMs: number, revision: string) => ({ atMs, revision, changes: [] });
    const stands = standsOf(OPENED, [edit(500, "1"), edit(3_000, "2"), edit(2_000, "3")]);
    expect(stands.map(({ atMs, revision }) => [atMs, revision])).to.deep.equal([
      [1_000, "0"],
      [1_000, "1"],
      [3_000, "2"],
      [3_000, "3"],
    ]);
  });
});
