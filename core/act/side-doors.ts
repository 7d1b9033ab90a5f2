import { instant } from "../clock.ts";
import type { Gate } from "../decision.ts";
import type { GateMemory } from "../gates/gate.ts";
import type { GateEvent, GatePlan, GatePlanInput, JudgedGate } from "./gate-plan.ts";

/** How often something that came about past one request is undone before a person is called. */
const UNDOS_MAX = 3;
/** How often a request is put back to where it can be answered, or made again because somebody deleted it. */
export const REOPENS_MAX = 10;

/** What was done past an approval is told once, and undone where the rule says so. */
export function closeDoors(
  { memory, sideDoor, shut }: JudgedGate,
  gate: Gate,
  { ticket }: GatePlanInput,
  { plan, event }: { plan: GatePlan; event: (kind: GateEvent["kind"], more: Partial<GateEvent>) => void },
): GateMemory {
  // An answer that was not enough, or did not count, has led it away from where others could answer: nobody's side door.
  if (shut && sideDoor === null && memory.state === "requested") {
    if (memory.undone >= REOPENS_MAX) {
      plan.park = sideDoorPark(`it was put back to where it can be answered ${REOPENS_MAX} times`, gate);
      return memory;
    }
    plan.undos.push({ memory, state: true });
    event("reopened", {});
    return { ...memory, undone: memory.undone + 1 };
  }
  // The round that is asked next tells of it.
  if (memory.state === "void") return memory;
  const doors = [...gate.passed, ...(sideDoor === null ? [] : ["queue"])];
  if (doors.length === 0) return memory;
  const fresh = doors.filter((door) => !memory.doors.includes(door));
  const what = sideDoor ?? passedText(gate);
  if (fresh.length > 0) event("side_door", { what });
  if (gate.sideDoor === "tell") return { ...memory, doors: [...new Set([...memory.doors, ...doors])] };
  // What is held already needs no more undoing.
  if (ticket.change.onHold && sideDoor === null) return { ...memory, doors };
  if (memory.undone >= UNDOS_MAX) {
    plan.park = sideDoorPark(`${what}; it was undone ${UNDOS_MAX} times and came back`, gate);
    return { ...memory, doors };
  }
  plan.undos.push({ memory, state: gate.passed.length > 0 });
  // Whoever comes the same way again is told of again.
  return { ...memory, doors: [], undone: memory.undone + 1 };
}

export function passedText({ passed }: Gate): string {
  return `${passed.join(", ")} came about without the approval`;
}

export function sideDoorPark(what: string, { rule }: Gate): { reason: string; detail: string } {
  return { reason: "side_door", detail: `${what} (rule ${rule}); find out who does it, then redrive` };
}

/** That nothing of what a gate guards stood in a draft: whoever begins it then has not been asked about it. */
export function draftOf({ rule, need, stands }: Gate, { judged, nowMs }: GatePlanInput): GateMemory[] {
  if (judged.some(({ memory }) => memory.rule === rule)) return [];
  const at = instant(nowMs);
  return [
    {
      ...{ rule, bindsDigest: "", state: "void", marker: "", requestedAt: at, expiresAt: at, groups: [], people: [] },
      ...{ need, fallback: false, seen: "", requester: "", stood: stands, present: {}, doors: [], undone: 0 },
      ...{ answers: [], told: true },
    },
  ];
}
