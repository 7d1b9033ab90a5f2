import { parse } from "@marcbachmann/cel-js";
import { expect } from "chai";
import fc from "fast-check";
import { expressionCompiler } from "../../../core/expression.ts";
import type { AstNode } from "../../../core/expression-tree.ts";
import { alternativesOf, type Closed, implies } from "../../../core/policy/implication.ts";

const CLOSED: Closed = new Map<string, readonly (string | number)[]>([
  ["t.kind", ["incident", "change"]],
  ["t.priority", [1, 2, 3, 4, 5]],
]);

function alternatives(source: string): ReturnType<typeof alternativesOf> {
  return alternativesOf(parse(source).ast as unknown as AstNode, CLOSED); // the library's node type hides its own fields
}

/** Whether one condition is certain to hold wherever the other does. */
function covers(earlier: string, later: string): boolean {
  const { clauses } = alternatives(later);
  const by = alternatives(earlier).clauses;
  return clauses.every((clause) => by.some((each) => implies(clause, each, CLOSED)));
}

describe("one condition implied by another", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['t.kind == "change"', 't.kind == "change" && t.priority == 1', true],
    ['t.kind == "change" && t.priority == 1', 't.kind == "change"', false],
    ["t.priority <= 2", "t.priority == 1", true],
    ["t.priority <= 2", "t.priority in [1, 2]", true],
    ["t.priority <= 2", "t.priority in [1, 3]", false],
    ["t.priority <= 2", "!(t.priority > 2)", true],
    ["2 >= t.priority", "t.priority < 3", true],
    ["t.priority in [1, 2, 3, 4, 5]", 't.name == "x"', true],
    ["t.size > 3", "t.size > 5", true],
    ["t.size > 5", "t.size > 3", false],
    ["t.size != 4", "t.size > 5", true],
    ["t.size != 6", "t.size > 5", false],
    ['t.kind != "incident"', 't.kind == "change"', true],
    ['t.kind == "change"', 't.kind != "incident"', true],
    ['t.name != "a"', 't.name == "b"', true],
    ['t.name == "b"', 't.name != "a"', false],
    ['t.name == "a" || t.kind == "change"', 't.kind == "change"', true],
    ['t.name == "a"', 't.name == "a" || t.kind == "change"', false],
    ['t.name.contains("a")', 't.name.contains("a")   && t.priority == 1', true],
    ['t.name.contains("a")', 't.name.contains("b")', false],
    ['!t.name.contains("a")', 't.name.contains("a")', false],
    ["t.vip", "t.vip && t.priority == 1", true],
    ["t.vip == true", "t.vip", true],
    ["!t.vip", "t.vip", false],
    ["true", 't.name == "x"', true],
    ["false", 't.name == "x"', false],
  ];
  for (const [earlier, later, covered] of cases) {
    it(`${earlier} ${covered ? "covers" : "does not cover"} ${later}`, () => {
      expect(covers(earlier, later)).to.equal(covered);
    });
  }

  const impossible = [
    't.kind == "incident" && t.kind == "change"',
    "t.priority > 5",
    "t.priority > 3 && !(t.priority >= 3)",
    't.name == "a" && t.name != "a"',
    't.name in ["a", "b"] && !(t.name in ["b", "a"])',
    't.name.contains("a") && !t.name.contains("a")',
    "t.vip && !t.vip",
    't.kind != "incident" && t.kind != "change"',
    "false",
  ];
  for (const source of impossible) {
    it(`${source} can never hold`, () => {
      expect(alternatives(source).clauses).to.deep.equal([]);
    });
  }

  it("names the field that no value is left for", () => {
    expect([...alternatives('t.vip && t.kind == "incident" && t.kind == "change"').impossible]).to.deep.equal([
      "t.kind",
    ]);
  });

  it("is never claimed where some input meets the one and not the other (property)", () => {
    const compile = expressionCompiler({
      t: { kind: "string", priority: "int", size: "int", name: "string", vip: "bool" },
    });
    const holds = (source: string, t: object): boolean => {
      const compiled = compile(source);
      if ("fault" in compiled) throw new Error(`${source}: ${compiled.fault.what}`);
      return compiled.expression.evaluate({ t }) === true;
    };
    const number = fc.integer({ min: 0, max: 6 });
    const atom = fc.oneof(
      fc
        .tuple(fc.constantFrom("priority", "size"), fc.constantFrom("==", "!=", "<", "<=", ">", ">="), number)
        .map(([field, op, value]) => `t.${field} ${op} ${value}`),
      fc.tuple(number, fc.constantFrom("<", ">="), fc.constant("t.size")).map((parts) => parts.join(" ")),
      fc.array(number, { minLength: 1, maxLength: 3 }).map((values) => `t.size in [${values.join(", ")}]`),
      fc.constantFrom('t.kind == "incident"', 't.kind != "change"', 't.name == "a"', 't.name in ["a", "b"]', "t.vip"),
      fc.constantFrom('t.name.contains("a")', "true", "t.vip == false"),
    );
    const { condition } = fc.letrec<{ condition: string }>((tie) => ({
      condition: fc.oneof(
        { maxDepth: 3 },
        atom,
        fc
          .tuple(tie("condition"), fc.constantFrom("&&", "||"), tie("condition"))
          .map(([a, op, b]) => `(${a}) ${op} (${b})`),
        tie("condition").map((inner) => `!(${inner})`),
      ),
    }));
    const input = fc.record({
      kind: fc.constantFrom("incident", "change"),
      priority: fc.bigInt({ min: 1n, max: 5n }),
      size: fc.bigInt({ min: -1n, max: 7n }),
      name: fc.constantFrom("a", "b", "ab", ""),
      vip: fc.boolean(),
    });
    let claimed = 0;
    fc.assert(
      fc.property(condition, condition, fc.array(input, { minLength: 8, maxLength: 8 }), (earlier, later, inputs) => {
        const never = alternatives(later).clauses.length === 0;
        if (!never && !covers(earlier, later)) return;
        claimed += 1;
        for (const t of inputs) {
          if (!holds(later, t)) continue;
          expect(never, `${later} was said never to hold`).to.equal(false);
          expect(holds(earlier, t), `${earlier} was said to cover ${later} for ${String(Object.values(t))}`).to.equal(
            true,
          );
        }
      }),
      { numRuns: 3_000 },
    );
    expect(claimed, "cases in which something was claimed").to.be.above(100);
  });
});
