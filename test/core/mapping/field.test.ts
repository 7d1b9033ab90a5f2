import { expect } from "chai";
import { expressionCompiler } from "../../../core/expression.ts";
import { compileField, type MappedField } from "../../../core/mapping/field.ts";
import { FieldRule } from "../../../core/mapping/schema.ts";

const compile = expressionCompiler({ record: "record" });

function fieldOf(rule: FieldRule, name = "category"): MappedField {
  const compiled = compileField(name, rule, compile);
  if ("field" in compiled) return compiled.field;
  throw new Error(`${compiled.key}: ${compiled.what}`);
}

function faultOf(rule: FieldRule): { key: string; what: string; fix: string } {
  const compiled = compileField("category", rule, compile);
  if ("field" in compiled) throw new Error("the rule was taken");
  return compiled;
}

describe("a field that is read", () => {
  it("is its value, or its default where the vendor's is empty", () => {
    const field = fieldOf({ from: "a", default: "none" });
    expect([{ a: "x" }, { a: "" }, { a: null }, {}].map((record) => field.read(record))).to.deep.equal([
      { value: "x" },
      { value: "none" },
      { value: "none" },
      { value: "none" },
    ]);
  });

  it("is empty where neither is there", () => {
    expect(fieldOf({ from: "a" }).read({})).to.deep.equal({ value: "" });
    expect(fieldOf({ from: "a", transform: "integer" }).read({})).to.deep.equal({ value: undefined });
  });

  it("is the meaning of its value, where the list has one; else drift, never the default", () => {
    const field = fieldOf({ from: "a", values: { "1": "one", "": "nothing" }, default: "none" });
    expect(field.read({ a: "1" })).to.deep.equal({ value: "one" });
    expect(field.read({ a: 1 })).to.deep.equal({ value: "one" });
    expect(field.read({})).to.deep.equal({ value: "nothing" });
    expect(fieldOf({ from: "a", values: { "1": 0 } }).read({ a: "1" }), "a value of 0").to.deep.equal({ value: 0 });
    expect(field.read({ a: "2" })).to.deep.equal({ drift: { field: "category", path: "a", received: "2" } });
  });

  it("is drift where it is empty, and nothing says what that means", () => {
    const field = fieldOf({ from: "a", values: { "1": "one" } });
    expect(field.read({})).to.deep.equal({ drift: { field: "category", path: "a", received: "(empty)" } });
    expect(fieldOf({ from: "a", values: { "1": "one" }, default: "none" }).read({})).to.deep.equal({ value: "none" });
  });

  it("is drift where its transform cannot read it, without the value", () => {
    const field = fieldOf({ from: "a", transform: "integer" });
    expect(field.read({ a: "secret" })).to.deep.equal({
      drift: { field: "category", path: "a", received: "not a number" },
    });
  });

  it("may be computed, and is drift where that fails, without the reason", () => {
    const field = fieldOf({ cel: "int(record.a) > 3 ? 'big' : 'small'", reads: ["a"] });
    expect(field.read({ a: "5" })).to.deep.equal({ value: "big" });
    expect(field.read({ a: "secret" })).to.deep.equal({
      drift: { field: "category", path: "cel", received: "not computable" },
    });
    expect(field.reads).to.deep.equal(["a"]);
  });

  it("is computed as what its default is", () => {
    expect(fieldOf({ cel: "size(record.a)", default: 0 }).read({ a: "abc" })).to.deep.equal({ value: 3 });
    expect(fieldOf({ cel: "record.a == 'x'", default: false }).read({ a: "x" })).to.deep.equal({ value: true });
    expect(faultOf({ cel: "1 + 1" }).what).to.match(/gives int, not string/);
  });

  it("may be a constant", () => {
    const field = fieldOf({ default: "always" });
    expect(field.read({ always: "x" })).to.deep.equal({ value: "always" });
    expect(field.reads).to.deep.equal([]);
    expect(field.write).to.equal(undefined);
  });
});

describe("a field that is written", () => {
  it("goes back the way it came", () => {
    expect(fieldOf({ from: "a" }).write?.("x")).to.deep.equal({ a: "x" });
    expect(fieldOf({ from: "a", transform: "group" }).write?.("x")).to.deep.equal({ a: { group: "x" } });
    expect(fieldOf({ from: "a", values: { "1": 10, "2": 20 } }).write?.(20)).to.deep.equal({ a: "2" });
  });

  it("takes the value that writeBack names, where several mean the same", () => {
    const field = fieldOf({ from: "a", values: { "1": "x", "2": "x" }, writeBack: { x: "2" } });
    expect(field.write?.("x")).to.deep.equal({ a: "2" });
  });

  it("takes a table before anything else", () => {
    const field = fieldOf({ from: "a", values: { "1": 1 }, write: { "1": { b: "x", c: "y" } } });
    expect(field.write?.(1)).to.deep.equal({ b: "x", c: "y" });
    expect(field.write?.(2)).to.equal(undefined);
  });

  it("is not, where it must not be: write: false needs no inverse", () => {
    expect(fieldOf({ from: "a", values: { "1": "x", "2": "x" }, write: false }).write).to.equal(undefined);
  });
});

describe("a rule that cannot be", () => {
  const cases: readonly (readonly [string, unknown, string])[] = [
    ["from beside cel", { from: "a", cel: "record.a" }, "cel"],
    ["no source", {}, ""],
    ["two values of one meaning", { from: "a", values: { "1": "x", "2": "x" } }, "values.2"],
    ["a writeBack that is not in values", { from: "a", values: { "1": "x" }, writeBack: { x: "9" } }, "writeBack.x"],
    [
      "a writeBack of another meaning",
      { from: "a", values: { "1": "x", "2": "y" }, writeBack: { x: "2" } },
      "writeBack.x",
    ],
    [
      "a writeBack through a prototype",
      { from: "a", values: { "1": "x" }, writeBack: { x: "constructor" } },
      "writeBack.x",
    ],
    ["an expression that does not compile", { cel: "record." }, "cel"],
  ];
  for (const [name, rule, key] of cases) {
    it(`${name}: names the key`, () => {
      const fault = faultOf(FieldRule.parse(rule));
      expect(fault.key).to.equal(key);
      expect(fault.what).not.to.equal("");
      expect(fault.fix).not.to.equal("");
    });
  }
});
