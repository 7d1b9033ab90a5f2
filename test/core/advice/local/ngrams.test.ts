import { expect } from "chai";
import fc from "fast-check";
import { BUCKETS, CHARACTERS_FROM, NGRAMS_MAX, Ngrams } from "../../../../core/advice/local/ngrams.ts";
import { cleaned, TEXT_UNITS_MAX } from "../../../../core/advice/local/text.ts";

function bucketsOf(text: string): number[] {
  const ngrams = new Ngrams();
  ngrams.read(cleaned(text));
  return Array.from(ngrams.buckets.subarray(0, ngrams.count));
}

const wordsOf = (text: string): number[] => bucketsOf(text).filter((bucket) => bucket < CHARACTERS_FROM);

describe("n-grams of a text", () => {
  it("are words, pairs of words, and 3 to 5 characters within a word and its edges", () => {
    expect(wordsOf("printer jam now")).to.have.length(3 + 2);
    // " jam ": three of 3 characters, two of 4, one of 5.
    expect(bucketsOf("jam")).to.have.length(1 + 3 + 2 + 1);
    expect(new Set(bucketsOf("jam")).size).to.equal(7);
  });

  it("tell a word from a part of one, and a pair from its reverse", () => {
    expect(wordsOf("jam")).to.not.deep.equal(wordsOf("jams"));
    expect(bucketsOf("jam").filter((bucket) => bucketsOf("xjamx").includes(bucket))).to.have.length(1);
    expect(wordsOf("a b").at(-1)).to.not.equal(wordsOf("b a").at(-1));
  });

  it("take every character for a word where scripts put no space between words", () => {
    expect(wordsOf("印刷機")).to.have.length(3 + 2);
    expect(wordsOf("印刷機が故障").filter((bucket) => wordsOf("故障").includes(bucket))).to.have.length(3);
    expect(wordsOf("เครื่องพิมพ์")).to.have.length(12 + 11);
  });

  it("leave vowel signs with their word", () => {
    expect(wordsOf("मुद्रक खराब")).to.have.length(3);
  });

  it("see neither case, compatible forms, digits nor what stands between words", () => {
    const same = ["VPN 42 geht nicht", "vpn 17 Geht, nicht!", "ＶＰＮ  99 - geht\n\nnicht", "vpn ٤٢ geht nicht"];
    expect(new Set(same.map((text) => JSON.stringify(bucketsOf(text)))).size).to.equal(1);
  });

  it("are none in a text without words", () => {
    expect(bucketsOf("")).to.deep.equal([]);
    expect(bucketsOf(" \n\t.,;!?-()[] \u0000")).to.deep.equal([]);
  });

  it("fit into their array and their buckets, whatever the text", () => {
    const texts = fc.oneof(
      fc.string({ unit: "binary", maxLength: 3_000 }),
      fc.string({ unit: fc.constantFrom("a", "あ", "1", " ", "\ud83d", "ﷺ"), minLength: 900, maxLength: 3_000 }),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const clean = cleaned(text);
        expect(clean.length).to.be.at.most(TEXT_UNITS_MAX);
        expect(clean.isWellFormed()).to.equal(true);
        const buckets = bucketsOf(text);
        expect(buckets.length).to.be.at.most(NGRAMS_MAX);
        expect(buckets.every((bucket) => bucket >= 0 && bucket < BUCKETS)).to.equal(true);
      }),
    );
    const ngrams = new Ngrams();
    for (const text of ["a".repeat(9_999), "あ".repeat(9_999), "aあ".repeat(9_999), "a ".repeat(9_999)]) {
      ngrams.read(cleaned(text));
      expect(ngrams.count).to.be.within(1, NGRAMS_MAX);
    }
  });
});
