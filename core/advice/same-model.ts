/** The day that vendors put behind a name for one build of the model: -20251001 or -2025-10-01. */
const DAY = /^-20\d\d(-?)(0[1-9]|1[0-2])\1(0[1-9]|[12]\d|3[01])$/;

/**
 * Whether an answer comes from the model that was asked: under the same name, as a dated build of it, or under a name
 * that the configuration lists beside it (`answersAs`). An answer that names no model comes from nobody.
 */
export function isSameModel(asked: string, answered: string, also: readonly string[]): boolean {
  if (answered === "") return false;
  if (answered === asked || also.includes(answered)) return true;
  return answered.startsWith(asked) && DAY.test(answered.slice(asked.length));
}
