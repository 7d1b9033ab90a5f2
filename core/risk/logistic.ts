import { exp, ln } from "../advice/local/exact.ts";

/** How strongly weights are held back: the sum of their squares counts this much against the fit. */
const PENALTY = 10;
const STEPS_MAX = 50;
/** A step shorter than this changes nothing that is kept. */
const STEP_MIN = 1e-8;
/** So often a step is halved that would make the fit worse; then the fit is as good as numbers can say. */
const HALVINGS_MAX = 20;
/** A certainty beyond this is left out of the curvature, or a case that is surely known would stop the solving. */
const CURVATURE_MIN = 1e-12;

/** Cases to learn from: standardised values, unknown ones 0, all of one length; and which of them came out badly. */
export interface Cases {
  values: readonly Float64Array[];
  bad: readonly boolean[];
}

export interface Logistic {
  bias: number;
  weights: number[];
}

/** 1 / (1 + e^-x), the same on every machine. */
export function logistic(odds: number): number {
  const small = exp(-Math.abs(odds));
  return odds >= 0 ? 1 / (1 + small) : small / (1 + small);
}

/**
 * Logistic regression with ridge penalty, at its one optimum, by Newton's method. Weights whose place is in `rising` are
 * not negative: one that would be is left out, and the rest learnt again. No seed, and only arithmetic that IEEE 754
 * fixes: the same cases in the same order give the same bits everywhere.
 */
export function learnLogistic(cases: Cases, rising: ReadonlySet<number> = new Set()): Logistic {
  const width = cases.values[0]?.length ?? 0;
  const used = new Set(Array.from({ length: width }, (_, at) => at));
  for (let round = 0; round <= width; round++) {
    const learnt = optimum(cases, [...used]);
    const falling = [...used].filter((at) => rising.has(at) && (learnt.weights[at] ?? 0) < 0);
    if (falling.length === 0) return learnt;
    for (const at of falling) used.delete(at);
  }
  throw new Error("weights are still negative after all of them were left out");
}

/** The best weights of some columns; the others are 0. */
function optimum({ values, bad }: Cases, used: readonly number[]): Logistic {
  const width = values[0]?.length ?? 0;
  const rows = values.map((row) => Float64Array.from([1, ...used.map((at) => row[at] ?? 0)]));
  let beta: number[] = Array(used.length + 1).fill(0);
  let loss = lossOf(rows, bad, beta);
  for (let step = 0; step < STEPS_MAX; step++) {
    const direction = newtonStep(rows, bad, beta);
    if (direction.every((each) => Math.abs(each) < STEP_MIN)) break;
    const better = shortened(loss, (by) => {
      const next = beta.map((each, at) => each + by * (direction[at] ?? 0));
      return { next, loss: lossOf(rows, bad, next) };
    });
    if (!better) break;
    beta = better.next;
    loss = better.loss;
  }
  const weights: number[] = Array(width).fill(0);
  used.forEach((at, place) => {
    weights[at] = beta[place + 1] ?? 0;
  });
  return { bias: beta[0] ?? 0, weights };
}

interface Tried {
  next: number[];
  loss: number;
}

/** The step, halved until it makes nothing worse; undefined where no part of it helps. */
function shortened(loss: number, tried: (by: number) => Tried): Tried | undefined {
  let by = 1;
  for (let halving = 0; halving < HALVINGS_MAX; halving++) {
    const found = tried(by);
    if (found.loss <= loss) return found;
    by /= 2;
  }
  return undefined;
}

/** What is made small: the cases' surprise, and the penalty. The bias is not held back. */
function lossOf(rows: readonly Float64Array[], bad: readonly boolean[], beta: readonly number[]): number {
  let loss = 0;
  rows.forEach((row, at) => {
    const odds = product(row, beta);
    loss += surprise(bad[at] ? odds : -odds);
  });
  return beta.slice(1).reduce((sum, each) => sum + (PENALTY / 2) * each * each, loss);
}

/** ln(1 + e^-margin). */
function surprise(margin: number): number {
  const small = exp(-Math.abs(margin));
  return ln(1 + small) + Math.max(0, -margin);
}

/** The gradient of the loss over its curvature: how far to go from here, were the loss a parabola. */
function newtonStep(rows: readonly Float64Array[], bad: readonly boolean[], beta: readonly number[]): number[] {
  const size = beta.length;
  const curvature = Array.from({ length: size }, () => new Float64Array(size));
  const downhill = new Float64Array(size);
  rows.forEach((row, at) => {
    const share = logistic(product(row, beta));
    const missed = (bad[at] ? 1 : 0) - share;
    const certain = Math.max(CURVATURE_MIN, share * (1 - share));
    for (let one = 0; one < size; one++) {
      const value = row[one] ?? 0;
      downhill[one] = (downhill[one] ?? 0) + value * missed;
      const line = curvature[one];
      if (line) for (let two = 0; two < size; two++) line[two] = (line[two] ?? 0) + certain * value * (row[two] ?? 0);
    }
  });
  for (let at = 1; at < size; at++) {
    downhill[at] = (downhill[at] ?? 0) - PENALTY * (beta[at] ?? 0);
    const line = curvature[at];
    if (line) line[at] = (line[at] ?? 0) + PENALTY;
  }
  return solved(curvature, downhill);
}

/** The solution of `matrix` times it equals `right`, where the matrix is symmetric and positive: by Cholesky. */
function solved(matrix: readonly Float64Array[], right: Float64Array): number[] {
  const size = right.length;
  const lower = matrix.map((line) => Float64Array.from(line));
  for (let row = 0; row < size; row++) {
    for (let column = 0; column <= row; column++) {
      let left = at(matrix, row, column);
      for (let before = 0; before < column; before++) left -= at(lower, row, before) * at(lower, column, before);
      const line = lower[row];
      if (line) line[column] = row === column ? Math.sqrt(left) : left / at(lower, column, column);
    }
  }
  const answer = Array.from(right);
  for (let row = 0; row < size; row++) {
    for (let before = 0; before < row; before++)
      answer[row] = (answer[row] ?? 0) - at(lower, row, before) * (answer[before] ?? 0);
    answer[row] = (answer[row] ?? 0) / at(lower, row, row);
  }
  for (let row = size - 1; row >= 0; row--) {
    for (let after = row + 1; after < size; after++)
      answer[row] = (answer[row] ?? 0) - at(lower, after, row) * (answer[after] ?? 0);
    answer[row] = (answer[row] ?? 0) / at(lower, row, row);
  }
  return answer;
}

function at(matrix: readonly Float64Array[], row: number, column: number): number {
  return matrix[row]?.[column] ?? 0;
}

function product(row: Float64Array, beta: readonly number[]): number {
  let sum = 0;
  for (let each = 0; each < row.length; each++) sum += (row[each] ?? 0) * (beta[each] ?? 0);
  return sum;
}
