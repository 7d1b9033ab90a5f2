import type { z } from "zod";
import type { Problem } from "../problem.ts";
import { type Path, shownPath } from "./issue.ts";

/** What may stand in the place of a value that is missing or wrong; undefined where it can simply be left out. */
export type StandIn = (path: Path) => unknown;

const ROUNDS_MAX = 6;
const ISSUES_MAX = 500;

/**
 * What is left of a document when everything that its schema refuses is taken out or replaced, so that the next stage
 * can look at the rest and all problems are told at once. Never to be used as a configuration. Undefined where nothing
 * can be saved. `consequence` tells whether a later problem comes from what was taken out.
 */
export function salvage<T>(
  schema: z.ZodType<T>,
  value: unknown,
  standIn: StandIn,
): { value: T; consequence: (problem: Problem) => boolean } | undefined {
  const root: unknown = structuredClone(value ?? {});
  const changed: Path[] = [];
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const result = schema.safeParse(root);
    if (result.success) return { value: result.data, consequence: consequenceOf(changed) };
    for (const issue of result.error.issues.slice(0, ISSUES_MAX)) {
      const path = issue.path.filter((part) => typeof part !== "symbol");
      const places = issue.code === "unrecognized_keys" ? issue.keys.map((key) => [...path, key]) : [path];
      for (const place of places) {
        const mended = mend(root, place, standIn);
        if (!mended) return undefined;
        changed.push(mended);
      }
    }
  }
  return undefined;
}

/** Replaces or removes what stands at a path; of a list, the whole list. Answers the path that was changed. */
function mend(root: unknown, path: Path, standIn: StandIn): Path | undefined {
  const last = path.at(-1);
  if (last === undefined) return undefined;
  const parent = parentOf(root, path);
  if (parent === null || typeof parent !== "object") return mend(root, path.slice(0, -1), standIn);
  const instead = standIn(path);
  if (instead === undefined && Array.isArray(parent)) return mend(root, path.slice(0, -1), standIn);
  const holder = parent as Record<string | number, unknown>; // an object, just checked
  if (instead !== undefined) holder[last] = instead;
  else if (Object.hasOwn(holder, last)) delete holder[last];
  else return mend(root, path.slice(0, -1), standIn);
  return path;
}

function parentOf(root: unknown, path: Path): unknown {
  let at = root;
  for (const part of path.slice(0, -1)) {
    if (at === null || typeof at !== "object" || !Object.hasOwn(at, part)) return undefined;
    at = (at as Record<string | number, unknown>)[part]; // an own property of an object, just checked
  }
  return at;
}

function consequenceOf(changed: readonly Path[]): (problem: Problem) => boolean {
  const places = changed.map(shownPath);
  return ({ path }) =>
    places.some((place) => path === place || place.startsWith(`${path}.`) || path.startsWith(`${place}.`));
}
