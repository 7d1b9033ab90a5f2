/** How often every text is asked for, after a round that warms up. */
const ROUNDS = 11;

export interface Ticket {
  text: string;
  label: string;
}

/** Shares of the test part that are right, from the answers to it, best first. */
export function judged(
  test: readonly Ticket[],
  answers: readonly (readonly string[])[],
): { accuracy: number; macro_f1: number; top3: number } {
  const counts = new Map<string, { hit: number; said: number; true: number }>();
  const of = (label: string): { hit: number; said: number; true: number } => {
    const known = counts.get(label) ?? { hit: 0, said: 0, true: 0 };
    counts.set(label, known);
    return known;
  };
  let [right, among] = [0, 0];
  test.forEach(({ label }, at) => {
    const best = answers[at] ?? [];
    of(label).true++;
    if (best[0] !== undefined) of(best[0]).said++;
    if (best[0] === label) {
      right++;
      of(label).hit++;
    }
    if (best.includes(label)) among++;
  });
  const f1s = [...counts.values()].map((each) => (2 * each.hit) / (each.said + each.true));
  const share = (value: number): number => Number(value.toFixed(4));
  return {
    accuracy: share(right / test.length),
    macro_f1: share(f1s.reduce((sum, each) => sum + each, 0) / f1s.length),
    top3: share(among / test.length),
  };
}

/** The time of a text is the median of its rounds: what else the machine does meanwhile is no part of it. */
export function p99Ms(ask: (text: string) => void, test: readonly Ticket[]): number {
  const taken: number[][] = test.map(() => []);
  for (let round = 0; round <= ROUNDS; round++) {
    test.forEach(({ text }, at) => {
      const start = process.hrtime.bigint();
      ask(text);
      const ns = Number(process.hrtime.bigint() - start);
      if (round > 0) taken[at]?.push(ns / 1e6);
    });
  }
  return quantile(
    taken.map((rounds) => quantile(rounds, 0.5)),
    0.99,
  );
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(share * values.length)] ?? 0;
}
