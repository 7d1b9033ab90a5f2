import { expect } from "chai";
import fc from "fast-check";
import { edited, problemsOf, ROUTING, SOUND } from "../support/config-files.ts";

const URGENT = 'when: ticket.kind == "incident" && ticket.priority <= 2';

/** The texts of a routing file whose first condition is written in the given form. */
function routingWith(condition: string): string {
  return edited(SOUND, ROUTING, URGENT, condition)[ROUTING] ?? "";
}

/** What stands at the place of the only problem of a routing file. */
function pointedAt(text: string): string {
  const [problem, ...others] = problemsOf({ ...SOUND, [ROUTING]: text });
  expect(others).to.deep.equal([]);
  expect(problem?.path).to.equal("rules.0.when");
  return (text.split("\n")[(problem?.line ?? 0) - 1] ?? "").slice((problem?.col ?? 0) - 1);
}

const FORMS: readonly (readonly [string, (expression: readonly string[]) => string])[] = [
  ["plain", (lines) => `when: ${lines.join(" ")}`],
  ["plain over several lines", (lines) => `when: ${lines.join("\n      ")}`],
  ["single quotes", (lines) => `when: '${lines.join(" ").replaceAll("'", "''")}'`],
  ["double quotes", (lines) => `when: "${lines.join(" ").replaceAll('"', '\\"')}"`],
  ["double quotes over several lines", (lines) => `when: "${lines.join("\n      ").replaceAll('"', '\\"')}"`],
  ["a folded block", (lines) => `when: >-\n      ${lines.join("\n      ")}`],
  ["a folded block with a blank line", (lines) => `when: >-\n      ${lines.join("\n\n      ")}`],
  ["a literal block", (lines) => `when: |\n      ${lines.join("\n      ")}`],
  ["a literal block that is indented further", (lines) => `when: |-\n        ${lines.join("\n          ")}`],
];

describe("the place of a problem in an expression", () => {
  for (const [name, form] of FORMS) {
    it(`is the field that does not exist, in ${name}`, () => {
      const text = routingWith(form(['ticket.kind == "incident"', "&& (ticket.prio <= 2", '|| ticket.ci == "x")']));
      expect(pointedAt(text)).to.match(/^prio /);
    });

    it(`is the refused pattern, in ${name}`, () => {
      const text = routingWith(form(["ticket.impact == 1 &&", 'ticket.title.matches("a(?=b)")', "&& true"]));
      expect(pointedAt(text)).to.match(/^\\?"a\(\?=b/);
    });
  }

  it("is the misspelt field wherever it stands (property)", () => {
    const term = fc.constantFrom(
      'ticket.kind == "a b"',
      "ticket.impact < 3",
      'ticket.title.matches("[a-z]+ ?")',
      "true",
    );
    const terms = fc.array(term, { maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...FORMS), terms, terms, ([, form], before, after) => {
        const lines = [...before, "ticket.nosuch == 1", ...after];
        const text = routingWith(form(lines.map((line, index) => (index === 0 ? line : `|| ${line}`))));
        expect(pointedAt(text)).to.match(/^nosuch /);
      }),
    );
  });
});
