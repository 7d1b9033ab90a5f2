import { expect } from "chai";
import fc from "fast-check";
import { isPath, readPath } from "../../../core/mapping/path.ts";

describe("a path into a record", () => {
  it("is names with dots between them", () => {
    for (const path of ["a", "caller_id.email", "customfield_10101.value", "_x", "a.b.c.d"])
      expect(isPath(path), path).to.equal(true);
    for (const path of ["", ".", "a.", ".a", "a..b", "a-b", "a b", "1a", "a.1", "a[0]", "$a", "ä", "a\n"])
      expect(isPath(path), path).to.equal(false);
  });

  it("leads through no prototype", () => {
    for (const path of ["__proto__", "constructor", "prototype", "a.__proto__", "constructor.a", "a.prototype.b"])
      expect(isPath(path), path).to.equal(false);
  });

  it("is a flat dotted key first, then a walk", () => {
    expect(readPath({ "a.b": 1, a: { b: 2 } }, "a.b")).to.equal(1);
    expect(readPath({ a: { b: { c: 3 } } }, "a.b.c")).to.equal(3);
    expect(readPath({ a: "text" }, "a.length")).to.equal(undefined);
    expect(readPath({ a: null }, "a.b")).to.equal(undefined);
    expect(readPath({}, "a")).to.equal(undefined);
  });

  it("finds own properties only, whatever it is called (property)", () => {
    const inherited = fc.constantFrom("constructor", "__proto__", "toString", "hasOwnProperty", "valueOf");
    fc.assert(
      fc.property(inherited, fc.constantFrom("", "a.", "a.b."), (name, before) => {
        expect(readPath({ a: { b: {} } }, `${before}${name}`)).to.equal(undefined);
      }),
    );
  });
});
