import { z } from "zod";

const Listed = z.object({
  actionId: z.string(),
  connection: z.string(),
  key: z.string(),
  kind: z.string(),
  field: z.string(),
  state: z.enum(["wanted", "restored", "corrected", "kept"]),
  reason: z.string(),
});
export type ListedAction = z.infer<typeof Listed>;

/** What the server answers about revocations. */
export const RevokedActions = z.object({ actions: z.array(Listed) });
export const Preview = z.object({
  counts: z.object({ restored: z.int(), corrected: z.int(), kept: z.int() }),
  actions: z.array(Listed),
});
export const Revocation = z.object({
  id: z.string(),
  wanted: z.int(),
  restored: z.int(),
  corrected: z.int(),
  kept: z.int(),
  parked: z.int(),
  waitingFor: z.array(z.string()),
  heldBack: z.array(z.string()),
});
export type Revocation = z.infer<typeof Revocation>;

/** The end of a revocation, for people: the figures, then every action that was not undone. */
export function reportText(
  { id, wanted, restored, corrected, kept, heldBack }: Revocation,
  listed: readonly ListedAction[],
): string {
  return [
    `Revocation ${id}: ${restored} undone, ${corrected} notes corrected, ${kept} stay, ${wanted} wait.`,
    ...(wanted > 0 && heldBack.length > 0
      ? [
          `${heldBack.join(", ")} may not be written to now; it goes on by itself once the mode is act (interlock mode).`,
        ]
      : []),
    ...listed.map(lineOf),
  ].join("\n");
}

/** One action with what became of it. */
export function lineOf({ connection, key, kind, field, state, reason, actionId }: ListedAction): string {
  const what = kind === "set" ? field : kind;
  const so = state === "wanted" ? "waits" : state === "kept" ? "stays" : state;
  return `${connection}/${key} ${what} (${actionId}) ${so}${reason === "" ? "" : `: ${reason}`}`;
}
