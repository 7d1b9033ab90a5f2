import { softmax } from "./exact.ts";
import type { Linear } from "./linear.ts";
import type { Vectors } from "./vocabulary.ts";

const STEP_MAX = 32_767;
/** Classes that are added up in one pass over a text: sums that stand in registers take a third of the time. */
const TOGETHER = 4;

/** What was learnt, each weight as a whole number of steps of its class: a quarter of the size, and the same everywhere. */
export interface Weights {
  classes: number;
  /** Size of a step, by class. */
  scales: Float64Array;
  bias: Float64Array;
  /** Column by column, the weights of all classes. */
  steps: Int16Array;
}

export function quantised({ weights, bias }: Linear): Weights {
  const classes = bias.length;
  const scales = new Float64Array(classes);
  weights.forEach((weight, at) => {
    scales[at % classes] = Math.max(scales[at % classes] ?? 0, Math.abs(weight) / STEP_MAX);
  });
  const steps = Int16Array.from(weights, (weight, at) => {
    const scale = scales[at % classes] ?? 0;
    return scale === 0 ? 0 : Math.round(weight / scale);
  });
  return { classes, scales, bias, steps };
}

/** The shares of one that the classes have in the text that was read last, into an array with a place for each class. */
export function sharesOf(weights: Weights, { columns, values, count }: Vectors, into: Float64Array): void {
  const { classes, scales, bias, steps } = weights;
  for (let first = 0; first < classes; first += TOGETHER) {
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let at = 0; at < count; at++) {
      const value = values[at] ?? 0;
      const offset = (columns[at] ?? 0) * classes + first;
      a += value * (steps[offset] ?? 0);
      b += value * (steps[offset + 1] ?? 0);
      c += value * (steps[offset + 2] ?? 0);
      d += value * (steps[offset + 3] ?? 0);
    }
    // What lies beyond the last class is not kept.
    into[first] = a;
    into[first + 1] = b;
    into[first + 2] = c;
    into[first + 3] = d;
  }
  for (let each = 0; each < classes; each++) into[each] = (into[each] ?? 0) * (scales[each] ?? 0) + (bias[each] ?? 0);
  softmax(into);
}
