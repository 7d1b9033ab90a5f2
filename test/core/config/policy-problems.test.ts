import { expect } from "chai";
import { renderProblem } from "../../../core/problem.ts";
import { expectGolden } from "../support/golden.ts";
import { checkedOf, SOUND_POLICY } from "../support/policy-files.ts";
import { POLICY_PROBLEM_CASES } from "./policy-problem-cases.ts";

describe("the problems of a policy", () => {
  it("are none where it is sound, and its tests are counted", () => {
    const { problems, mappingTestsPassed, policyTestsPassed, policyVersion } = checkedOf(SOUND_POLICY);
    expect(problems.map(renderProblem)).to.deep.equal([]);
    expect([mappingTestsPassed, policyTestsPassed]).to.deep.equal([2, 14]);
    expect(policyVersion).to.match(/^[0-9a-f]{16}$/);
  });

  it("are told in the accepted words", () => {
    const rendered = POLICY_PROBLEM_CASES.map(({ name, texts }) => {
      const lines = checkedOf(texts).problems.map(renderProblem);
      return `# ${name}\n${lines.join("\n")}\n`;
    });
    expect(rendered.length).to.be.at.least(40);
    expectGolden(new URL("./policy-problems.golden.txt", import.meta.url), rendered.join("\n"));
  });

  for (const { name, texts } of POLICY_PROBLEM_CASES) {
    it(`${name}: names the file, the place, what is wrong and what to write`, () => {
      const { problems } = checkedOf(texts);
      expect(problems).not.to.have.length(0);
      for (const { file, line, col, what, fix } of problems) {
        expect(file).to.match(/^config\/policy\/[a-z.]+\.yaml$/);
        expect([what, fix]).not.to.include("");
        if (line === 0) expect(col).to.equal(0);
        else expect(line <= (texts[file] ?? "").split("\n").length && col > 0, `${file}:${line}:${col}`).to.equal(true);
      }
    });
  }
});
