import { expect } from "chai";
import { renderProblem } from "../../../core/problem.ts";
import { problemsOf, SOUND } from "../support/config-files.ts";
import { expectGolden } from "../support/golden.ts";
import { PROBLEM_CASES } from "./problem-cases.ts";

/** Only what an admin sees; a text is cut where a case is long by design. */
function rendered(): string {
  return PROBLEM_CASES.map(({ name, texts }) => {
    const lines = problemsOf(texts).map(renderProblem);
    return `# ${name}\n${lines.join("\n")}\n`;
  }).join("\n");
}

describe("the problems of a configuration", () => {
  it("are none where it is sound", () => {
    expect(problemsOf(SOUND).map(renderProblem)).to.deep.equal([]);
  });

  it("are told in the accepted words", () => {
    expectGolden(new URL("./problems.golden.txt", import.meta.url), rendered());
  });

  for (const { name, texts } of PROBLEM_CASES) {
    it(`${name}: names the file, the place, what is wrong and what to write`, () => {
      const problems = problemsOf(texts);
      expect(problems).not.to.have.length(0);
      for (const { file, line, col, what, fix } of problems) {
        expect(file).to.match(/^(config|mappings)\/[a-z./]+\.yaml$|^mappings$/);
        expect(what).not.to.equal("");
        expect(fix).not.to.equal("");
        // A place is a line and a column, or the whole file.
        if (line === 0) expect(col).to.equal(0);
        else expect(line <= (texts[file] ?? "").split("\n").length && col > 0, `${file}:${line}:${col}`).to.equal(true);
      }
    });
  }
});
