import { expect } from "chai";
import fc from "fast-check";
import { canonicalJson, digestOf, type Json, sha256Hex } from "../../core/canonical.ts";

function nested(depth: number, inner: Json): Json {
  let value = inner;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}

/** Any record of ours: whole numbers, well-formed texts, and few levels. */
const anyJson: fc.Arbitrary<Json> = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger().map((number) => number + 0), // -0 + 0 is 0
    fc.string({ unit: "binary" }),
    fc.array(tie("json"), { maxLength: 4 }),
    fc.dictionary(fc.string({ unit: "binary" }), tie("json"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).json;

describe("canonicalJson", () => {
  // Made by hand after RFC 8785: keys by UTF-16 code units, the shortest escapes, no space.
  const vectors: readonly (readonly [string, Json, string])[] = [
    ["keys in order", { b: 1, a: 2, "": 3, B: 4 }, '{"":3,"B":4,"a":2,"b":1}'],
    ["keys as texts, not as numbers", { 10: 1, 9: 2, 1: 3 }, '{"1":3,"10":1,"9":2}'],
    [
      "keys by code units: a pair before U+FB33",
      { "\u20ac": 1, "\ufb33": 2, "\ud83d\ude00": 3, "\u0080": 4 },
      '{"\u0080":4,"\u20ac":1,"\ud83d\ude00":3,"\ufb33":2}',
    ],
    ["keys at every level", [{ b: { d: 1, c: 2 }, a: [] }], '[{"a":[],"b":{"c":2,"d":1}}]'],
    ["control characters", "\u0000\u0008\t\n\u000b\f\r\u001f\u007f", '"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\u007f"'],
    ["quotes, slashes and line separators", '"\\/\u2028\u2029', '"\\"\\\\/\u2028\u2029"'],
    [
      "whole numbers",
      [0, -1, 1_000_000, 9_007_199_254_740_991, -9_007_199_254_740_991],
      "[0,-1,1000000,9007199254740991,-9007199254740991]",
    ],
    ["literals", [true, false, null, ""], '[true,false,null,""]'],
    ["a key named __proto__", JSON.parse('{"__proto__":{"b":1,"a":2}}'), '{"__proto__":{"a":2,"b":1}}'],
  ];
  for (const [name, value, text] of vectors) {
    it(`renders ${name}`, () => {
      expect(canonicalJson(value)).to.equal(text);
    });
  }

  const refused: readonly (readonly [string, Json])[] = [
    ["a fraction", 1.5],
    ["a fraction deep inside", { a: [{ b: 0.1 }] }],
    ["an integer beyond 2^53", 9_007_199_254_740_992],
    ["an exponent", 1e21],
    ["-0", -0],
    ["-0 in a list", [-0]],
    ["NaN", Number.NaN],
    ["infinity", Number.POSITIVE_INFINITY],
    ["the first half of a character", "\ud83d"],
    ["the second half of a character", "a\ude00b"],
    ["half a character in a key", { "\ud83d": 1 }],
    ["33 levels", nested(33, 1)],
    ["33 levels of objects", JSON.parse(`${'{"a":'.repeat(33)}1${"}".repeat(33)}`)],
  ];
  for (const [name, value] of refused) {
    it(`refuses ${name}`, () => {
      expect(() => canonicalJson(value)).to.throw();
    });
  }

  it("takes 32 levels, and does not overflow on 100,000", () => {
    expect(canonicalJson(nested(32, 1))).to.equal(`${"[".repeat(32)}1${"]".repeat(32)}`);
    expect(() => canonicalJson(nested(100_000, 1))).to.throw(TypeError, "nested 32 deep");
  });

  it("is JSON of the same value (property)", () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        expect(JSON.parse(canonicalJson(value))).to.deep.equal(value);
      }),
    );
  });

  it("does not depend on the order in which keys were written (property)", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: "binary" }), anyJson, { noNullPrototype: true }), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(reversed)).to.equal(canonicalJson(value));
      }),
    );
  });
});

describe("digests", () => {
  it("are SHA-256 in lower-case hexadecimal", () => {
    expect(sha256Hex("")).to.equal("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(sha256Hex(new Uint8Array([0x61, 0x62, 0x63]))).to.equal(sha256Hex("abc"));
  });

  it("of records are those of their canonical form", () => {
    expect(digestOf({ b: 1, a: [true] })).to.equal(sha256Hex('{"a":[true],"b":1}'));
  });
});
