import { expect } from "chai";
import { didYouMean, nearest } from "../../core/nearest.ts";

const KEYS = ["mode", "listen", "store", "logLevel", "connections"];

describe("the nearest known word", () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["moode", "mode"],
    ["mdoe", "mode"],
    ["loglevel", "logLevel"],
    ["LISTEN", "listen"],
    ["conections", "connections"],
    ["x", undefined],
    ["limits", undefined],
    ["", undefined],
    ["constructor", undefined],
  ];
  for (const [written, meant] of cases) {
    it(`of "${written}" is ${meant ?? "none"}`, () => {
      expect(nearest(written, KEYS)).to.equal(meant);
    });
  }

  it("is none where nothing is known", () => {
    expect(nearest("mode", [])).to.equal(undefined);
  });

  it("is asked about in words, or not at all", () => {
    expect(didYouMean("moode", KEYS)).to.equal('Did you mean "mode"? ');
    expect(didYouMean("limits", KEYS)).to.equal("");
  });
});
