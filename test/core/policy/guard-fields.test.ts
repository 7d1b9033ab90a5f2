import { expect } from "chai";
import { Decision } from "../../../core/decision.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { mappingThat, memoryOf, planOf, wrote } from "../act/plans.ts";
import { change, NOW_MS, policy, RISKY, ROUTED } from "../support/changes.ts";
import { decided, policyOf } from "../support/policies.ts";

describe("what the platform is told of guards", () => {
  it("the risk is set where none stands or a lower one does, and never lowered", () => {
    const set = (risk: Ticket["change"]["risk"]) => decided(change({ risk }), policy, NOW_MS, RISKY).set.changeRisk;
    expect(set("")).to.equal("high");
    expect(set("moderate")).to.equal("high");
    expect(set("high")).to.equal("high");
    expect(set("very_high")).to.equal(undefined);
  });

  it("is written before the board has answered, and a risk that a person chose stays", () => {
    const ticket = change();
    const decision = decided(ticket, policy, NOW_MS, RISKY);
    const mapping = mappingThat({ cabRequired: ["false"] });
    const gate = { ...decision.gates[0], before: ["set"] };
    const guarded = Decision.parse({ ...decision, gates: [gate] });
    expect(planOf({ ticket, decision: guarded, mapping }).changes).to.deep.equal([
      { field: "changeRisk", before: "", after: "high" },
      { field: "cabRequired", before: "false", after: "true" },
    ]);
    const low = planOf({ ticket: change({ risk: "low" }), decision, mapping });
    expect(low.skips).to.deep.include({ field: "changeRisk", reason: "owned_by_person" });
  });

  it("says high where the platform has nothing above it", () => {
    const ticket = change();
    const decision = decided(ticket, policy, NOW_MS, { ci: null, impact: null });
    const emergency = decided(change({ type: "emergency" }), policy, NOW_MS, { ci: null, impact: null });
    expect([decision.risk?.tier, emergency.risk?.tier]).to.deep.equal(["high", "very_high"]);
    const all = mappingThat({ cabRequired: ["false"] });
    const upToHigh = {
      ...all,
      toVendor: (...[field, value]: Parameters<typeof all.toVendor>) =>
        value === "very_high" ? undefined : all.toVendor(field, value),
    };
    const risks = [all, upToHigh].map(
      (mapping) =>
        planOf({ ticket, decision: emergency, mapping }).changes.find(({ field }) => field === "changeRisk")?.after,
    );
    expect(risks).to.deep.equal(["very_high", "high"]);
  });

  describe("while a hard freeze keeps a change back", () => {
    const freeze = (severity: object): Policy =>
      policyOf(
        ROUTED,
        undefined,
        {},
        {
          freezes: [
            {
              ...{ id: "books", why: "The books are closed", ...severity },
              window: { zone: "Europe/Berlin", start: "2026-03-09T00:00", end: "2026-03-12T00:00" },
            },
          ],
        },
      );
    const hard = freeze({ severity: "hard" });
    const mapping = mappingThat({ onHold: ["false"] });
    const OUTSIDE = { plannedStart: "2026-03-20T19:00:00.000Z", plannedEnd: "2026-03-20T20:00:00.000Z" };

    it("it is put on hold once it is on its way, and not before", () => {
      const set = (status: Ticket["status"]) => decided(change({}, { status }), hard, NOW_MS).set.onHold;
      expect((["scheduled", "in_progress"] as const).map(set)).to.deep.equal(["true", "true"]);
      expect((["new", "assess", "awaiting_approval", "closed"] as const).map(set)).to.deep.equal([
        undefined,
        undefined,
        undefined,
        undefined,
      ]);
      const soft = freeze({ severity: "soft", override: { approvers: { group: "Board" }, expires: "1h" } });
      expect(decided(change({}, { status: "scheduled" }), soft, NOW_MS).set).to.deep.equal({});
    });

    it("it stays so where the platform gives what is on hold a status of its own", () => {
      expect(decided(change({ onHold: true }, { status: "on_hold" }), hard, NOW_MS).set).to.deep.equal({
        onHold: "true",
      });
    });

    it("moving the window is decided on anew: the hold of ours ends, and that of a person stays", () => {
      const frozen = decided(change({}, { status: "scheduled" }), hard, NOW_MS);
      expect(frozen.holds.map(({ rule: id }) => id)).to.deep.equal(["books"]);
      const ticket = change({ onHold: true, ...OUTSIDE }, { status: "scheduled" });
      const decision = decided(ticket, hard, NOW_MS);
      expect([decision.holds, decision.set]).to.deep.equal([[], { onHold: "false" }]);
      const ours = planOf({ ticket, decision, mapping, memory: memoryOf({ onHold: wrote("true") }) });
      expect(ours.changes).to.deep.equal([{ field: "onHold", before: "true", after: "false" }]);
      const theirs = planOf({ ticket, decision, mapping });
      expect([theirs.changes, theirs.skips]).to.deep.equal([[], [{ field: "onHold", reason: "owned_by_person" }]]);
    });

    it("is never ended because advice is gone", () => {
      const ticket = change({ onHold: true, ...OUTSIDE }, { status: "scheduled" });
      const nothing = { answers: [], moved: false, relied: [], limit: null, targetBp: null, rule: null };
      const decision = {
        ...decided(ticket, hard, NOW_MS),
        advice: { absent: "timeout" as const, open: true, ...nothing },
      };
      const planned = planOf({ ticket, decision, mapping, memory: memoryOf({ onHold: wrote("true") }) });
      expect(planned.changes.map(({ field }) => field)).to.deep.equal(["onHold"]);
    });
  });
});
