import { softmax } from "./exact.ts";
import type { Linear } from "./linear.ts";
import { sumProducts } from "./products.ts";
import type { Vectors } from "./vocabulary.ts";

const STEP_MAX = 32_767;

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
  sumProducts({ columns, values, from: 0, to: count }, weights.steps, into);
  for (let each = 0; each < into.length; each++)
    into[each] = (into[each] ?? 0) * (weights.scales[each] ?? 0) + (weights.bias[each] ?? 0);
  softmax(into);
}
