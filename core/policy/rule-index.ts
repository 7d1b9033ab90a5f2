import type { EqualityTest } from "../expression-tree.ts";
import { type ReadPath, readPath } from "./declarations.ts";
import type { Rule } from "./rule.ts";

/** The rules that an input can still match, found by looking up instead of computing. */
export interface RuleIndex {
  /** Positions of the candidates among all rules, rising. Every other rule is certain not to match. */
  candidates(valueAt: (path: ReadPath) => string | undefined): readonly number[];
}

const WORD = 32;

/**
 * Indexes rules by the equality tests that stand at the top of their conditions. What a rule demands of a path is one
 * bit per value; a rule that demands nothing of a path keeps its bit for every value.
 */
export function ruleIndex(rules: readonly Rule[]): RuleIndex {
  const words = Math.ceil(rules.length / WORD);
  const paths = new Map<string, { free: Uint32Array; byValue: Map<string, Uint32Array> }>();
  const all = bits(words, rules.keys());
  const testsOf = (rule: Rule): readonly EqualityTest[] => rule.condition?.expression.tests ?? [];
  for (const path of new Set(rules.flatMap((rule) => testsOf(rule).map((test) => test.path)))) {
    const free = [...rules.keys()].filter(
      (at) => !testsOf(rules[at] ?? { id: "", why: "" }).some((test) => test.path === path),
    );
    paths.set(path, { free: bits(words, free), byValue: new Map() });
  }
  rules.forEach((rule, at) => {
    for (const { path, values } of testsOf(rule)) {
      const { free, byValue } = paths.get(path) ?? { free: all, byValue: new Map() };
      for (const value of values) {
        const known = byValue.get(value) ?? Uint32Array.from(free);
        known[at >>> 5] = (known[at >>> 5] ?? 0) | (1 << (at & 31));
        byValue.set(value, known);
      }
    }
  });
  const looked = [...paths].map(([path, { free, byValue }]) => ({ path: readPath(path), free, byValue }));
  const everyone = [...rules.keys()];
  return {
    candidates(valueAt) {
      if (looked.length === 0) return everyone;
      const left = new Uint32Array(all);
      for (const { path, free, byValue } of looked) {
        const value = valueAt(path);
        // A path without a plain value is left to the expression itself, which says what is wrong with it.
        if (value === undefined) continue;
        const fitting = byValue.get(value) ?? free;
        for (let word = 0; word < words; word += 1) left[word] = (left[word] ?? 0) & (fitting[word] ?? 0);
      }
      return positions(left);
    },
  };
}

function bits(words: number, at: Iterable<number>): Uint32Array {
  const set = new Uint32Array(words);
  for (const position of at) set[position >>> 5] = (set[position >>> 5] ?? 0) | (1 << (position & 31));
  return set;
}

function positions(set: Uint32Array): number[] {
  const found: number[] = [];
  for (let at = 0; at < set.length; at += 1)
    for (let left = set[at] ?? 0; left !== 0; left &= left - 1) found.push(at * WORD + 31 - Math.clz32(left & -left));
  return found;
}
