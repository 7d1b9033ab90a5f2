import type { ReconcileDeps } from "./deps.ts";
import type { Prepared } from "./prepare.ts";

/** When the rules say something else, or answers, or what follows from a change, are to be looked for. */
export function wakeAt(
  { limits }: ReconcileDeps,
  { claim, decision, inputs, approvals, nowMs }: Prepared,
): number | null {
  const ruled = decision.wakeAt === null ? [] : [Date.parse(decision.wakeAt)];
  const asked = approvals.memory.filter(({ state }) => state === "requested");
  const ages = [...approvals.asks.map(() => 0), ...asked.map(({ requestedAt }) => nowMs - Date.parse(requestedAt))];
  // What is to be undone may wait for the mode, of which no hint tells.
  const undoing = claim.undoing === undefined ? [] : [nowMs + limits.approvalPollMs];
  const watching = inputs.facts.aftermath === undefined ? [] : [nowMs + limits.aftermathPollMs];
  const times = [...ruled, ...undoing, ...watching, ...ages.map((ageMs) => nowMs + pollMs(ageMs, limits))];
  return times.length === 0 ? null : Math.min(...times);
}

/** What was asked long ago is looked for less often: a tenth of its age, within the limits. */
function pollMs(ageMs: number, { approvalPollMs, approvalPollMaxMs }: ReconcileDeps["limits"]): number {
  return Math.min(Math.max(Math.floor(ageMs / 10), approvalPollMs), approvalPollMaxMs);
}
