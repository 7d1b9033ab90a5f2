import { expect } from "chai";
import { type Problem, ProblemsError, renderProblem } from "../../core/problem.ts";

const PROBLEM: Problem = { file: "a.yaml", line: 2, col: 5, path: "x.y", what: "is wrong", fix: "Write it right" };

describe("renderProblem", () => {
  it("gives file:line:col, path, what is wrong and what to write", () => {
    expect(renderProblem(PROBLEM)).to.equal("a.yaml:2:5 x.y: is wrong. Write it right.");
  });

  it("leaves out a place and a path that are not there", () => {
    expect(renderProblem({ ...PROBLEM, line: 0, col: 0, path: "" })).to.equal("a.yaml: is wrong. Write it right.");
  });

  it("does not double the end of a sentence", () => {
    expect(renderProblem({ ...PROBLEM, what: "is it?", fix: "No!" })).to.equal("a.yaml:2:5 x.y: is it? No!");
  });
});

describe("ProblemsError", () => {
  it("carries every problem, by file, line and column", () => {
    const at = (file: string, line: number, col: number): Problem => ({ ...PROBLEM, file, line, col });
    const { problems, message } = new ProblemsError([at("b", 1, 1), at("a", 10, 1), at("a", 9, 9), at("a", 9, 2)]);
    expect(problems.map(({ file, line, col }) => `${file}${line}:${col}`)).to.deep.equal([
      "a9:2",
      "a9:9",
      "a10:1",
      "b1:1",
    ]);
    expect(message).to.equal("4 problems in the configuration");
    expect(new ProblemsError([PROBLEM]).message).to.equal("1 problem in the configuration");
  });
});
