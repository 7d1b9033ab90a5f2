import { expect } from "chai";
import fc from "fast-check";
import { isSameModel } from "../../../core/advice/same-model.ts";

describe("the model that answers", () => {
  const same: readonly (readonly [string, string, readonly string[]])[] = [
    ["claude-haiku-5-5", "claude-haiku-5-5", []],
    ["claude-haiku-4-5", "claude-haiku-4-5-20251001", []],
    ["gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", []],
    ["gemini-flash-latest", "gemini-2.5-flash", ["gemini-2.5-flash"]],
    ["openai.gpt-oss-20b-1:0", "openai.gpt-oss-20b-1:0", []],
  ];
  for (const [asked, answered, also] of same) {
    it(`${answered} is ${asked}${also.length > 0 ? `, which also answers as ${also.join()}` : ""}`, () => {
      expect(isSameModel(asked, answered, also)).to.equal(true);
    });
  }

  const others: readonly (readonly [string, string, readonly string[]])[] = [
    ["gpt-4.1", "gpt-4.1-mini", []],
    ["gpt-4.1", "gpt-4.1-mini-2025-04-14", []],
    ["gpt-4.1-mini-2025-04-14", "gpt-4.1-mini", []],
    ["claude-haiku-4-5", "claude-haiku-4-520251001", []],
    ["claude-haiku-4-5", "claude-haiku-4-5-20251301", []],
    ["claude-haiku-4-5", "claude-haiku-4-5-20251032", []],
    ["claude-haiku-4-5", "claude-haiku-4-5-2025-1001", []],
    ["claude-haiku-4-5", "claude-haiku-4-5-20251001-v2", []],
    ["claude-haiku-4-5", "Claude-Haiku-4-5", []],
    ["claude-haiku-4-5", "", []],
    ["gemini-flash-latest", "gemini-2.5-flash-20250617", ["gemini-2.5-flash"]],
  ];
  for (const [asked, answered, also] of others) {
    it(`${answered || "one without a name"} is not ${asked}`, () => {
      expect(isSameModel(asked, answered, also)).to.equal(false);
    });
  }

  it("is another as soon as anything but a day stands behind its name", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (asked, suffix) => {
        fc.pre(!/^-\d{4}-?\d\d-?\d\d$/.test(suffix));
        expect(isSameModel(asked, asked + suffix, [])).to.equal(false);
      }),
    );
  });
});
