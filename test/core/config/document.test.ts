import { expect } from "chai";
import { parseYaml } from "../../../core/config/document.ts";
import { renderProblem } from "../../../core/problem.ts";

function faults(text: string): string[] {
  const parsed = parseYaml("f.yaml", text);
  return "problems" in parsed ? parsed.problems.map(renderProblem) : [];
}

describe("parseYaml", () => {
  it("takes YAML 1.2: yes and no are texts, and keys are texts", () => {
    const parsed = parseYaml("f.yaml", "a: yes\nb: no\n1: one\non: 0o17\n");
    expect("file" in parsed && parsed.file.value).to.deep.equal({ a: "yes", b: "no", 1: "one", on: 15 });
  });

  it("takes an alias or two", () => {
    const parsed = parseYaml("f.yaml", "a: &a [1, 2]\nb: *a\n");
    expect("file" in parsed && parsed.file.value).to.deep.equal({ a: [1, 2], b: [1, 2] });
  });

  it("tells every problem of a file", () => {
    expect(faults("a: 1\na: 2\nb: 1\nb: 2\n")).to.deep.equal([
      "f.yaml:2:1: this key stands here twice. Remove one of the two keys.",
      "f.yaml:4:1: this key stands here twice. Remove one of the two keys.",
    ]);
  });

  it("finds a reserved key at any depth, however it is written", () => {
    for (const key of ["__proto__", "constructor", "prototype", '"__proto__"', '"\\u005f_proto__"'])
      expect(faults(`a:\n  - b:\n      ${key}: 1\n`), key).to.match(/^f\.yaml:3:7/);
  });

  it("does not touch the prototype of anything", () => {
    for (const text of ["__proto__: { polluted: 1 }", "constructor: { prototype: { polluted: 1 } }"]) faults(text);
    expect(Object.hasOwn(Object.prototype, "polluted")).to.equal(false);
  });

  it("refuses deep nesting in any form before it is walked", () => {
    const deep = {
      flow: "[".repeat(50_000),
      maps: "{a: ".repeat(50_000),
      compact: "- ".repeat(50_000),
      keys: "? ".repeat(50_000),
    };
    for (const [name, text] of Object.entries(deep)) {
      expect(faults(`a: 1\nb:\n  ${text}`), name).to.deep.equal([
        "f.yaml: the file is nested more than 64 deep. Flatten it.",
      ]);
    }
  });

  it("takes what looks deep and is not", () => {
    const brackets = "[{(".repeat(200);
    const text = `a: "${brackets}"\nb: '${brackets}'\nc: >-\n  ${brackets}\nd: [${"{ x: [1] }, ".repeat(500)}]\n# ${brackets}\n`;
    expect(faults(text)).to.deep.equal([]);
    expect(faults(`${"- a\n".repeat(5_000)}`)).to.deep.equal([]);
  });

  it("measures a file in bytes", () => {
    expect(faults(`# ${"x".repeat(1_048_574)}`)).to.deep.equal([]);
    expect(faults(`# ${"x".repeat(1_048_575)}`)).to.have.length(1);
    expect(faults(`# ${"ä".repeat(600_000)}`)).to.have.length(1);
  });
});
