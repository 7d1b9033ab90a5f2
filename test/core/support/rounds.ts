import type { GateMemory } from "../../../core/gates/gate.ts";

/** A round in which the board is asked, by somebody whom nobody knows, and has a day to answer. */
export const ROUND: GateMemory = {
  ...{ rule: "board", bindsDigest: "d1", state: "requested", marker: "[il:g1]", answers: [] },
  ...{ requestedAt: "2026-03-02T09:00:00.000Z", expiresAt: "2026-03-03T09:00:00.000Z" },
  ...{ groups: ["Board"], people: [], need: "any", fallback: false, seen: "1", stood: [], requester: "" },
  ...{ present: {}, doors: [], told: false, undone: 0 },
};
