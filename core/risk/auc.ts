/** How well scores tell what came out badly from what came out well. */
export interface Ranking {
  cases: number;
  bad: number;
  /**
   * The chance that one that came out badly scores above one that came out well, ties half: .5 is a coin. Undefined
   * where all came out the same.
   */
  auc: number | undefined;
  /** Its standard error, by Hanley and McNeil (1982). */
  error: number | undefined;
}

/** Measures scores against what came out, in the same order. */
export function ranking(scores: readonly number[], bad: readonly boolean[]): Ranking {
  const cases = scores.length;
  const bads = bad.filter(Boolean).length;
  const goods = cases - bads;
  if (bads === 0 || goods === 0) return { cases, bad: bads, auc: undefined, error: undefined };
  const auc = (badRanks(scores, bad) - (bads * (bads + 1)) / 2) / (bads * goods);
  const twoBad = auc / (2 - auc);
  const twoGood = (2 * auc * auc) / (1 + auc);
  const variance = auc * (1 - auc) + (bads - 1) * (twoBad - auc * auc) + (goods - 1) * (twoGood - auc * auc);
  return { cases, bad: bads, auc, error: Math.sqrt(Math.max(0, variance) / (bads * goods)) };
}

/** The ranks, from 1, of those that came out badly, summed; equal scores share their mean rank. */
function badRanks(scores: readonly number[], bad: readonly boolean[]): number {
  const order = scores.map((score, at) => ({ score, bad: bad[at] === true })).sort((a, b) => a.score - b.score);
  let sum = 0;
  let from = 0;
  while (from < order.length) {
    let to = from + 1;
    while (to < order.length && order[to]?.score === order[from]?.score) to++;
    const rank = (from + 1 + to) / 2;
    for (let each = from; each < to; each++) if (order[each]?.bad) sum += rank;
    from = to;
  }
  return sum;
}
