import { sha256Hex } from "../../canonical.ts";

/**
 * Deals keys into `count` parts of the same size, 0 to count - 1, by a hash with the seed: in which order they stand has
 * no part in it, and equal keys come into the same part.
 */
export function foldsOf(keys: readonly string[], { count, seed }: { count: number; seed: number }): number[] {
  const rank = [...new Set(keys)]
    .map((key) => ({ key, hash: sha256Hex(`${seed}:${key}`) }))
    .sort((a, b) => (a.hash < b.hash ? -1 : 1));
  const foldOf = new Map(rank.map(({ key }, at) => [key, at % count]));
  return keys.map((key) => foldOf.get(key) ?? 0);
}

/**
 * Answers for every item from a model that never saw it: each part is judged by one that knows all other parts. `folds`
 * names the part of each item. A part that is all there is, is judged by a model that knows nothing.
 */
export function crossFitted<Item, Answer>(
  items: readonly Item[],
  folds: readonly number[],
  judge: (known: Item[], unseen: Item[]) => readonly Answer[],
): Answer[] {
  const parts = [...new Set(folds)].sort((a, b) => a - b);
  return parts.flatMap((fold) => [
    ...judge(
      items.filter((_, at) => folds[at] !== fold),
      items.filter((_, at) => folds[at] === fold),
    ),
  ]);
}
