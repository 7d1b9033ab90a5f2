import { expect } from "chai";
import fc from "fast-check";
import { jsonWithinLimits } from "../../../core/intake/json-guard.ts";

const LIMITS = { jsonDepthMax: 64, jsonKeysMax: 10_000 };

function within(text: string, limits = LIMITS): boolean {
  return jsonWithinLimits(Buffer.from(text), limits);
}

/** What the guard promises, computed by walking what a parser made of the text. */
function measured(value: unknown): { depth: number; keys: number } {
  if (value === null || typeof value !== "object") return { depth: 0, keys: 0 };
  const inner = (Array.isArray(value) ? value : Object.values(value)).map(measured);
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return {
    depth: 1 + Math.max(0, ...inner.map(({ depth }) => depth)),
    keys: inner.reduce((sum, { keys }) => sum + keys, own),
  };
}

describe("the guard before the JSON parser", () => {
  it("takes what webhooks are", () => {
    expect(within('{"table":"incident","sys_id":"1","sys_mod_count":4}')).to.equal(true);
    expect(within("")).to.equal(true);
    expect(within("null")).to.equal(true);
  });

  it("takes 64 levels and refuses 65, of lists, of objects and of both", () => {
    for (const [open, close] of [
      ["[", "]"],
      ['{"a":', "}"],
    ] as const) {
      expect(within(`${open.repeat(64)}1${close.repeat(64)}`), open).to.equal(true);
      expect(within(`${open.repeat(65)}1${close.repeat(65)}`), open).to.equal(false);
    }
    expect(within(`${'[{"a":'.repeat(32)}1${"}]".repeat(32)}`)).to.equal(true);
    expect(within(`[${'[{"a":'.repeat(32)}1${"}]".repeat(32)}]`)).to.equal(false);
  });

  it("refuses 5,000 levels and 1,000,000, closed or not", () => {
    expect(within(`${"[".repeat(5_000)}${"]".repeat(5_000)}`)).to.equal(false);
    expect(within('{"a":'.repeat(5_000))).to.equal(false);
    expect(within("[".repeat(1_000_000))).to.equal(false);
  });

  it("counts levels, not brackets", () => {
    expect(within(`[${"[],".repeat(50_000)}[]]`)).to.equal(true);
  });

  it("takes 10,000 keys and refuses 10,001, and 100,000, wherever they stand", () => {
    const keys = (count: number): string => Array.from({ length: count }, (_, n) => `"k${n}":1`).join(",");
    expect(within(`{${keys(10_000)}}`)).to.equal(true);
    expect(within(`{${keys(10_001)}}`)).to.equal(false);
    expect(within(`{${keys(100_000)}}`)).to.equal(false);
    expect(
      within(
        `[${Array(5_001)
          .fill(`{${keys(2)}}`)
          .join(",")}]`,
      ),
      "spread over objects",
    ).to.equal(false);
    expect(within(`{${Array(100_000).fill('"same":1').join(",")}}`), "the same key").to.equal(false);
  });

  it("does not count what stands in texts: brackets, colons, escaped quotes and backslashes", () => {
    const tight = { jsonDepthMax: 1, jsonKeysMax: 1 };
    const texts = ["[[[[", "{{{{", '\\":\\":\\":', '\\"[[[[', "\\\\", "\\\\[[", '\\\\\\"[[', "\\u005b[[", "ä[ö[€[😀["];
    for (const text of texts) expect(within(`{"a":"${text}"}`, tight), text).to.equal(true);
    for (const text of texts) expect(within(`{"${text}":1}`, tight), text).to.equal(true);
  });

  it("counts again after a text that ends with a backslash", () => {
    expect(within('["\\\\",[[]]]', { jsonDepthMax: 2, jsonKeysMax: 9 })).to.equal(false);
  });

  it("reads bytes where they lie, in the middle of a larger buffer too", () => {
    const larger = Buffer.from('[[[[{"a":1}]]]]');
    expect(jsonWithinLimits(larger.subarray(4, 11), { jsonDepthMax: 1, jsonKeysMax: 1 })).to.equal(true);
  });

  it("agrees with a walk through the parsed value (property)", () => {
    const limits = fc.record({
      jsonDepthMax: fc.integer({ min: 1, max: 6 }),
      jsonKeysMax: fc.integer({ min: 1, max: 12 }),
    });
    const json = fc.jsonValue({ maxDepth: 7, noUnicodeString: false });
    fc.assert(
      fc.property(json, limits, fc.boolean(), (value, each, pretty) => {
        const { depth, keys } = measured(value);
        const text = JSON.stringify(value, undefined, pretty ? 2 : 0);
        expect(within(text, each)).to.equal(depth <= each.jsonDepthMax && keys <= each.jsonKeysMax);
      }),
      { numRuns: 1_000 },
    );
  });

  it("protects whatever it lets through, valid or not: what parses is no deeper than it says (property)", () => {
    const pieces = fc.array(fc.constantFrom("[", "]", "{", "}", '"', "\\", ":", ",", "1", '"a"', " "), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(pieces, (parts) => {
        const text = parts.join("");
        fc.pre(within(text, { jsonDepthMax: 2, jsonKeysMax: 2 }));
        let value: unknown;
        try {
          value = JSON.parse(text);
        } catch {
          return; // what does not parse is refused behind the guard
        }
        expect(measured(value).depth).to.be.at.most(2);
        expect(measured(value).keys).to.be.at.most(2);
      }),
      { numRuns: 2_000 },
    );
  });
});
