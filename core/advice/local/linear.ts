import { seededOrders, softmax } from "./exact.ts";
import { sumProducts } from "./products.ts";

/** What is learnt from: rows of features, sparse or full, one after the other. */
export interface Examples {
  /** Where the features of each row begin; one more entry says where the last row ends. */
  starts: Uint32Array;
  /** Which feature it is, by its column. */
  columns: Uint16Array;
  values: Float32Array;
  /** The class of each row, from 0; rows with -1 are left out. */
  classes: Int16Array;
  /** How often each row is learnt from in a round; once where it is absent. */
  times?: Uint8Array;
}

export interface LinearSettings {
  /** How many there are. */
  columns: number;
  classes: number;
  seed: number;
  /** What an example of each class counts; 1 where it is absent. */
  classWeights?: Float64Array;
}

/** A score of a class is its bias and the sum of value times weight; the largest score wins. */
export interface Linear {
  /** Column by column, the weights of all classes. */
  weights: Float32Array;
  bias: Float64Array;
}

/** How far a step goes at first, for rows of length 1; it shrinks to nothing at the end. */
const RATE = 1;
/** The bias learns as a feature of this value would, and is not held back. */
const BIAS_VALUE = 0.3;
/** Holds weights back, over all examples: the smallest that was measured to matter. */
const PENALTY = 0.01;
/** As many steps as make the loss of held-out texts smallest, from a hundred examples to thousands. */
const STEPS_MIN = 30_000;
const ROUNDS_MIN = 5;
const ROUNDS_MAX = 50;
/** Told of progress after so many examples. */
const EXAMPLES_PER_NEWS = 500;

/**
 * Multinomial logistic regression by stochastic gradient descent. The same rows in the same order with the same seed
 * learn the same weights to the last bit, on any machine. `onProgress` is told the share that is done, 0 to 1.
 */
export function trainLinear(
  examples: Examples,
  settings: LinearSettings,
  onProgress: (share: number) => void = () => {},
): Linear {
  const rows = rowsLearnt(examples);
  const rounds = Math.min(ROUNDS_MAX, Math.max(ROUNDS_MIN, Math.ceil(STEPS_MIN / rows.length)));
  const steps = rounds * rows.length;
  const orders = seededOrders(rows.length, settings.seed);
  const rate = RATE / meanSquare(examples, rows);
  const learner = new Learner(examples, settings, PENALTY / rows.length);
  let step = 0;
  for (let round = 0; round < rounds; round++) {
    for (const at of orders()) {
      learner.learn(rows[at] ?? 0, rate * (1 - step / steps));
      step++;
      if (step % EXAMPLES_PER_NEWS === 0) onProgress(step / steps);
    }
  }
  onProgress(1);
  return learner.learnt();
}

function rowsLearnt({ classes, times }: Examples): number[] {
  const rows: number[] = [];
  classes.forEach((each, row) => {
    if (each >= 0) for (let time = times?.[row] ?? 1; time > 0; time--) rows.push(row);
  });
  return rows;
}

/** Holding weights back would touch each of them at every step: they are kept as multiples of one scale instead. */
class Learner {
  readonly #examples: Examples;
  readonly #classes: number;
  readonly #classWeights: Float64Array;
  readonly #penalty: number;
  readonly #weights: Float32Array;
  readonly #bias: Float64Array;
  readonly #shares: Float64Array;
  #scale = 1;

  constructor(examples: Examples, { classes, columns, classWeights }: LinearSettings, penalty: number) {
    this.#examples = examples;
    this.#classes = classes;
    this.#classWeights = classWeights ?? new Float64Array(classes).fill(1);
    this.#penalty = penalty;
    this.#weights = new Float32Array(columns * classes);
    this.#bias = new Float64Array(classes);
    this.#shares = new Float64Array(classes);
  }

  learn(row: number, rate: number): void {
    const { starts, columns, values, classes } = this.#examples;
    const count = this.#classes;
    const weights = this.#weights;
    const shares = this.#shares;
    const from = starts[row] ?? 0;
    const to = starts[row + 1] ?? from;
    sumProducts({ columns, values, from, to }, weights, shares);
    for (let each = 0; each < count; each++) shares[each] = (shares[each] ?? 0) * this.#scale + (this.#bias[each] ?? 0);
    softmax(shares);
    this.#correct(classes[row] ?? 0, rate);
    for (let at = from; at < to; at++) {
      const value = values[at] ?? 0;
      const offset = (columns[at] ?? 0) * count;
      for (let each = 0; each < count; each++)
        weights[offset + each] = (weights[offset + each] ?? 0) - value * (shares[each] ?? 0);
    }
    if (this.#scale < 1e-6) this.#fold();
  }

  /** Turns shares into what to take from the weights for each unit of a feature's value. */
  #correct(truth: number, rate: number): void {
    const weighted = rate * (this.#classWeights[truth] ?? 1);
    this.#scale *= Math.max(0.5, 1 - rate * this.#penalty);
    for (let each = 0; each < this.#classes; each++) {
      const step = weighted * ((this.#shares[each] ?? 0) - (each === truth ? 1 : 0));
      this.#bias[each] = (this.#bias[each] ?? 0) - step * BIAS_VALUE * BIAS_VALUE;
      this.#shares[each] = step / this.#scale;
    }
  }

  #fold(): void {
    for (let at = 0; at < this.#weights.length; at++) this.#weights[at] = (this.#weights[at] ?? 0) * this.#scale;
    this.#scale = 1;
  }

  learnt(): Linear {
    this.#fold();
    return { weights: this.#weights, bias: this.#bias };
  }
}

/** The squared length of a row on average; 1 where all are empty. */
function meanSquare({ starts, values }: Examples, rows: readonly number[]): number {
  let sum = 0;
  for (const row of rows)
    for (let at = starts[row] ?? 0; at < (starts[row + 1] ?? 0); at++) sum += (values[at] ?? 0) * (values[at] ?? 0);
  return sum > 0 ? sum / rows.length : 1;
}
