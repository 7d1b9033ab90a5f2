/**
 * Arithmetic that comes out the same on every machine. IEEE 754 fixes the last bit of + - * / and of the square root;
 * it does not fix Math.exp and Math.log, so a model trained or asked with those could differ between two processors.
 */

// ln 2 in two parts: a whole number times the first loses nothing, the second holds the rest.
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
/** e to the power of less than this is nothing beside any score that is shown. */
const EXPONENT_MIN = -60;
const HALVES = Float64Array.from({ length: 90 }, (_, power) => powerOfHalf(power));

/** e to the power of a number that is not above 0; anything else counts as 0. Off by a few units in the last place. */
export function exp(exponent: number): number {
  if (!(exponent < 0)) return 1;
  if (exponent < EXPONENT_MIN) return 0;
  const halvings = Math.floor(0.5 - exponent * Math.LOG2E);
  const rest = exponent + halvings * LN2_HIGH + halvings * LN2_LOW;
  let sum = 1;
  for (let term = 13; term >= 1; term--) sum = 1 + (sum * rest) / term;
  return sum * (HALVES[halvings] ?? 0);
}

/** The natural logarithm of a number from 1 to 2^53. Off by a few units in the last place. */
export function ln(number: number): number {
  let mantissa = number;
  let doublings = 0;
  while (mantissa > 1.5) {
    mantissa /= 2;
    doublings++;
  }
  const ratio = (mantissa - 1) / (mantissa + 1);
  const square = ratio * ratio;
  let sum = 0;
  for (let odd = 27; odd >= 1; odd -= 2) sum = sum * square + 1 / odd;
  return 2 * ratio * sum + doublings * LN2_LOW + doublings * LN2_HIGH;
}

/** Turns scores into shares of one that add up to it, in place. */
export function softmax(scores: Float64Array): void {
  let most = Number.NEGATIVE_INFINITY;
  for (const score of scores) if (score > most) most = score;
  let sum = 0;
  for (let at = 0; at < scores.length; at++) {
    const share = exp((scores[at] ?? most) - most);
    scores[at] = share;
    sum += share;
  }
  for (let at = 0; at < scores.length; at++) scores[at] = (scores[at] ?? 0) / sum;
}

/** The numbers 0 to length - 1, in an order drawn anew each time it is asked. The same seed draws the same orders. */
export function seededOrders(length: number, seed: number): () => Int32Array {
  const order = Int32Array.from({ length }, (_, at) => at);
  let state = seed >>> 0;
  const below = (bound: number): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return Math.floor((((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32) * bound);
  };
  return () => {
    for (let last = length - 1; last > 0; last--) {
      const drawn = below(last + 1);
      const kept = order[last] ?? 0;
      order[last] = order[drawn] ?? 0;
      order[drawn] = kept;
    }
    return order;
  };
}

function powerOfHalf(power: number): number {
  let value = 1;
  for (let times = 0; times < power; times++) value /= 2;
  return value;
}
