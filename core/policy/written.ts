import { Environment } from "@marcbachmann/cel-js";
import { z } from "zod";
import type { Path } from "../config/issue.ts";
import type { AstNode } from "../expression-tree.ts";

/** A rule as it stands in a file, whatever file it is and whatever else may be wrong with it. */
export interface WrittenRule {
  id: string;
  /** Where it stands. */
  path: Path;
  /** Its condition and where that stands; undefined for a default, or a freeze for everything. */
  when: { source: string; path: Path } | undefined;
}

const Entry = z.looseObject({
  id: z.string(),
  why: z.string(),
  when: z.string().optional(),
  scope: z.looseObject({ when: z.string().optional() }).optional(),
});

const DEPTH_MAX = 4;

/** The rules of a parsed policy file in the order in which they stand. What says why is a rule. */
export function writtenRules(value: unknown, path: Path = []): WrittenRule[] {
  if (value === null || typeof value !== "object" || path.length > DEPTH_MAX) return [];
  const entry = Entry.safeParse(value);
  if (!entry.success)
    return Object.entries(value).flatMap(([key, inner]) =>
      writtenRules(inner, [...path, Array.isArray(value) ? Number(key) : key]),
    );
  const { id, when, scope } = entry.data;
  if (when !== undefined) return [{ id, path, when: { source: when, path: [...path, "when"] } }];
  const source = scope?.when;
  return [{ id, path, when: source === undefined ? undefined : { source, path: [...path, "scope", "when"] } }];
}

const parser = new Environment({ limits: { maxAstNodes: 2_000, maxDepth: 50 } });

/** The syntax tree of a condition, without looking at names and types; undefined where it cannot be read. */
export function treeOf(condition: string): AstNode | undefined {
  try {
    return parser.parse(condition).ast as unknown as AstNode; // the library's node type hides its own fields
  } catch {
    return undefined;
  }
}
