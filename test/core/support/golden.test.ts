import { expect } from "chai";
import { lineDiff } from "./golden.ts";

describe("the diff of a golden text", () => {
  it("is empty for equal texts", () => {
    expect(lineDiff(["a", "b"], ["a", "b"])).to.deep.equal([]);
  });

  it("shows what went and what came, in place", () => {
    expect(lineDiff(["a", "b", "c", "d"], ["a", "x", "c", "d", "e"])).to.deep.equal(["- b", "+ x", "+ e"]);
  });

  it("shows everything where nothing is common", () => {
    expect(lineDiff([], ["a"])).to.deep.equal(["+ a"]);
    expect(lineDiff(["a"], [])).to.deep.equal(["- a"]);
  });
});
