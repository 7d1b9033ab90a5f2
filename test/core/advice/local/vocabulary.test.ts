import { expect } from "chai";
import { cleaned } from "../../../../core/advice/local/text.ts";
import { learnVocabulary, Vectors, VOCABULARY_MAX } from "../../../../core/advice/local/vocabulary.ts";

const TEXTS = ["printer jam", "printer toner", "password reset", "password reset password", "vpn down"];

function read(text: string, vectors = new Vectors(learnVocabulary(TEXTS))): Map<number, number> {
  vectors.read(cleaned(text));
  return new Map(
    Array.from(vectors.columns.subarray(0, vectors.count), (column, at) => [column, vectors.values[at] ?? 0]),
  );
}

const length = (vector: Map<number, number>): number =>
  Math.sqrt([...vector.values()].reduce((sum, value) => sum + value * value, 0));

describe("the vocabulary", () => {
  it("holds what at least two texts say, in the order of the buckets, whatever the order of the texts", () => {
    const vocabulary = learnVocabulary(TEXTS);
    expect(vocabulary.of).to.equal(5);
    expect([...vocabulary.texts].every((count) => count === 2)).to.equal(true);
    expect([...vocabulary.buckets]).to.deep.equal([...vocabulary.buckets].toSorted((a, b) => a - b));
    expect(learnVocabulary(TEXTS.toReversed())).to.deep.equal(vocabulary);
    expect(learnVocabulary([])).to.deep.equal({ buckets: new Uint32Array(), texts: new Uint32Array(), of: 0 });
  });

  it("has a limit, and keeps what most texts say", () => {
    const many = Array.from(
      { length: 9_000 },
      (_, at) => `printer ${(at * 7_919 + 100_000).toString(36).replace(/\d/g, "x")}`,
    );
    const vocabulary = learnVocabulary([...many, ...many]);
    expect(vocabulary.buckets).to.have.length(VOCABULARY_MAX);
    expect(Math.max(...vocabulary.texts)).to.equal(18_000);
  });
});

describe("a vector", () => {
  it("has the length 1, and none for a text that says nothing known", () => {
    for (const text of ["printer", "reset reset reset vpn", "a printer password in a long text"])
      expect(length(read(text)), text).to.be.closeTo(1, 1e-6);
    for (const text of ["", "zzz qqq", "!!"]) expect(read(text).size, text).to.equal(0);
  });

  it("is the same after any other text", () => {
    const vectors = new Vectors(learnVocabulary(TEXTS));
    const first = read("password reset", vectors);
    read("printer printer printer vpn", vectors);
    expect(read("password reset", vectors)).to.deep.equal(first);
  });

  it("counts what is said twice more, but not double", () => {
    const [once, twice] = ["printer password", "printer password password"].map((text) => {
      const vector = [...read(text)].filter(([column]) => read("password").has(column));
      return Math.max(...vector.map(([, value]) => value));
    });
    expect((twice ?? 0) / (once ?? 1)).to.be.within(1.01, 1.7);
  });
});
