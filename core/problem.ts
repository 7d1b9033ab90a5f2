/** One thing an admin must change in a file, with where it stands and what to write instead. */
export interface Problem {
  /** Path as the admin would type it. */
  file: string;
  /** 1-based; 0 where the whole file is meant. */
  line: number;
  /** 1-based; 0 where the whole file is meant. */
  col: number;
  /** Path inside the document, such as `connections.snow.auth.type`; empty for the document. */
  path: string;
  what: string;
  fix: string;
}

/** `file:line:col path: what is wrong. What to write.` */
export function renderProblem(problem: Problem): string {
  const at = problem.line > 0 ? `${problem.file}:${problem.line}:${problem.col}` : problem.file;
  const path = problem.path === "" ? "" : ` ${problem.path}`;
  return `${at}${path}: ${sentence(problem.what)} ${sentence(problem.fix)}`;
}

/** Thrown by loaders that cannot go on; carries every problem found, not the first. */
export class ProblemsError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(`${problems.length} ${problems.length === 1 ? "problem" : "problems"} in the configuration`);
    this.name = "ProblemsError";
    this.problems = sortProblems(problems);
  }
}

function sortProblems(problems: readonly Problem[]): Problem[] {
  return [...problems].sort((a, b) => a.file.localeCompare(b.file) || a.line - b.line || a.col - b.col);
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
