/** Shares are whole basis points: 10,000 is all. */
export const BP_MAX = 10_000;

/** Terms below this share of the sum no longer change it. */
const NEGLIGIBLE = 1e-18;
/** What rounding may add to a tail that is exactly alpha. */
const ROUNDING = 1 + 1e-12;

/**
 * Clopper and Pearson's exact upper bound of an error rate, in basis points, rounded up: a rate above it gives as few as
 * `errors` in `tickets` independent answers with a probability of at most `alpha`, which lies between 0 and 0.5. Of no
 * tickets the bound is BP_MAX. Throws a RangeError where there cannot be so many errors.
 */
export function upperBoundBp(errors: number, tickets: number, alpha: number): number {
  const whole = Number.isSafeInteger(errors) && Number.isSafeInteger(tickets);
  if (!whole || errors < 0 || errors > tickets) throw new RangeError(`${errors} errors of ${tickets} cannot be`);
  if (!(alpha > 0 && alpha < 0.5)) throw new RangeError(`alpha must lie between 0 and 0.5, not ${alpha}`);
  if (errors === tickets) return BP_MAX;
  // The tail falls as the rate grows; the answer is the smallest whole rate at which it is small enough.
  let tooLow = 0;
  let bound = BP_MAX;
  while (bound - tooLow > 1) {
    const middle = (tooLow + bound) >> 1;
    if (lowerTail(errors, tickets, middle / BP_MAX) <= alpha * ROUNDING) bound = middle;
    else tooLow = middle;
  }
  return bound;
}

/** The exact lower bound of an error rate, in basis points, rounded down: the upper bound of the right answers, mirrored. */
export function lowerBoundBp(errors: number, tickets: number, alpha: number): number {
  return BP_MAX - upperBoundBp(tickets - errors, tickets, alpha);
}

/** The fewest answers without a miss that show an error of at most `targetBp`. 0 < targetBp < BP_MAX. */
export function ticketsWithoutMiss(targetBp: number, alpha: number): number {
  return Math.ceil(Math.log(alpha) / Math.log1p(-targetBp / BP_MAX) - 1e-9);
}

/** P(X <= k) of n trials with rate p, 0 <= k < n, 0 < p < 1; 1 where it is a half or more, which is all that is asked. */
function lowerTail(k: number, n: number, p: number): number {
  // A median of the distribution is at most the next whole number above n*p.
  if (k >= Math.ceil(n * p)) return 1;
  let term = Math.exp(logChoose(n, k) + k * Math.log(p) + (n - k) * Math.log1p(-p));
  let sum = 0;
  // Below the mode the terms only get smaller.
  for (let i = k; i >= 0 && term > sum * NEGLIGIBLE; i -= 1) {
    sum += term;
    term *= (i * (1 - p)) / ((n - i + 1) * p);
  }
  return sum;
}

function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

/** Stirling's series after 16, where its error is beyond what a double can hold; the product itself before. */
function logFactorial(n: number): number {
  if (n < 16) {
    let product = 1;
    for (let i = 2; i <= n; i += 1) product *= i;
    return Math.log(product);
  }
  const x = n + 1;
  const series = 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1_260 * x ** 5) - 1 / (1_680 * x ** 7);
  return (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + series;
}
