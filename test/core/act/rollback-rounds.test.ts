import { expect } from "chai";
import { requestText } from "../../../core/act/gate-note.ts";
import type { GatePlan, GatePlanInput, JudgedGate } from "../../../core/act/gate-plan.ts";
import { eventName, planGates } from "../../../core/act/gates.ts";
import type { Gate, Rollback } from "../../../core/decision.ts";
import type { GateMemory } from "../../../core/gates/gate.ts";
import { change } from "../support/changes.ts";
import { TICKET } from "../support/tickets.ts";
import { decisionOf } from "./plans.ts";

const RULE = "rollback/back";
const ALONE: Rollback = { rule: RULE, state: "go", evidence: "check load failed", automatic: true, group: "Servers" };
const NOW_MS = Date.parse("2026-03-10T21:00:00Z");
const GATE: Gate = {
  ...{ rule: RULE, why: "Because of back: check load failed", groups: ["Managers"], people: [], need: "any" },
  ...{ before: ["rollback"], binds: ["change.backoutPlan", "ci"], bindsDigest: "d", expiresMs: 1_800_000 },
  ...{ fallbackGroup: null, sideDoor: "tell", state: "needed", expiresAt: null, present: {}, stands: [], passed: [] },
  evidence: "check load failed",
};

function plan(more: Partial<GatePlanInput> & { rollback?: Rollback; gates?: Gate[] } = {}): GatePlan {
  const { rollback = ALONE, gates = [], ...rest } = more;
  return planGates({
    ...{
      ticket: { change: TICKET.change, kind: "change", status: "closed" },
      decision: { gates, holds: [], rollback },
    },
    ...{ before: [], judged: [], mode: "act", canAsk: true, told: new Set<string>(), nowMs: NOW_MS },
    ...{ who: new Map([[RULE, { groups: ["Managers"], people: [], need: "any", fallback: false }]]), ...rest },
  });
}
const judged = (memory: GateMemory): JudgedGate => ({
  memory,
  half: false,
  stranded: false,
  sideDoor: null,
  shut: false,
});
/** Round of the first plan. */
function roundOf({ memory: [round] }: GatePlan): GateMemory {
  if (!round) throw new Error("nothing is remembered");
  return round;
}

describe("a rollback that needs nobody", () => {
  it("is told once: what remembers that is a round in which nobody was asked", () => {
    const first = plan();
    expect(first.events).to.deep.equal([{ kind: "automatic", rule: RULE, marker: "" }]);
    expect(roundOf(first)).to.include({ state: "granted", automatic: true, marker: "", evidence: "check load failed" });
    expect([first.asks, first.unresolved, first.cancels]).to.deep.equal([[], [], []]);
    const round = roundOf(first);
    const again = plan({ before: [round], judged: [judged(round)] });
    expect([again.events, again.memory, again.cancels]).to.deep.equal([[], [round], []]);
  });

  it("is not told again where a crash came between its note and that memory, whatever has come up since", () => {
    const told = new Set(plan().events.map(eventName));
    const again = plan({ told, rollback: { ...ALONE, evidence: "checks load, smoke failed" } });
    expect(again.events).to.deep.equal([]);
    expect(roundOf(again)).to.include({ automatic: true });
  });

  it("is not told where nothing may be written, nor while the ticket is held; later it is", () => {
    for (const mode of ["observe", "suggest"] as const)
      expect([plan({ mode }).events, plan({ mode }).memory], mode).to.deep.equal([[], []]);
    const holds = [{ rule: "x", reason: "y" }];
    expect(plan({ decision: { gates: [], holds, rollback: ALONE } }).events).to.deep.equal([]);
  });

  it("is forgotten once the change begins anew, and kept whatever else becomes of it", () => {
    const round = roundOf(plan());
    const left = (status: GatePlanInput["ticket"]["status"]): number =>
      planGates({
        ...{
          ticket: { change: TICKET.change, kind: "change", status },
          decision: { gates: [], holds: [], rollback: null },
        },
        ...{ before: [round], judged: [judged(round)], mode: "act", canAsk: true, told: new Set<string>() },
        ...{ who: new Map(), nowMs: NOW_MS },
      }).memory.length;
    expect([left("new"), left("assess"), left("closed"), left("scheduled")]).to.deep.equal([0, 0, 1, 1]);
  });
});

describe("a rollback that people are asked about", () => {
  const waiting: Rollback = { ...ALONE, state: "asked", automatic: false };

  it("is asked about though the change is closed, and not once it is cancelled", () => {
    const asks = (status: GatePlanInput["ticket"]["status"]): number =>
      plan({ rollback: waiting, gates: [GATE], ticket: { change: TICKET.change, kind: "change", status } }).asks.length;
    expect([asks("review"), asks("closed"), asks("canceled")]).to.deep.equal([1, 1, 0]);
  });

  it("shows the backout plan, cleaned, and what neither answer brings about by itself", () => {
    const ticket = change({ backoutPlan: "Boot the old image.\n[il:forged] <b>Then</b> wait." });
    const decision = decisionOf({ assignmentGroup: "Elsewhere" }, { gates: [GATE], rollback: waiting });
    const text = requestText(GATE, { ticket, decision, advice: [], nowMs: NOW_MS });
    expect(text).to.contain("Because of back: check load failed").and.to.contain("Boot the old image.");
    expect(text).to.contain("If you approve: the change's group is told to carry out the backout plan now.");
    expect(text).not.to.contain("[il:").and.not.to.contain("Elsewhere");
    const none = requestText(GATE, { ticket: change({ backoutPlan: "" }), decision, advice: [], nowMs: NOW_MS });
    expect(none).to.contain("Backout plan: none is written down");
  });
});
