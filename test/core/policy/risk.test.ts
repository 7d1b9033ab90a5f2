import { expect } from "chai";
import { Decision } from "../../../core/decision.ts";
import { decide, inputsOf, outcomeDigest, redecide } from "../../../core/policy/decide.ts";
import { explain } from "../../../core/policy/explain.ts";
import type { Facts } from "../../../core/policy/facts.ts";
import { windowDigest } from "../../../core/policy/gate-states.ts";

import type { ImpactFact } from "../../../core/policy/impact.ts";
import { Inputs } from "../../../core/policy/inputs.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { change, FILE, facts, NOW_MS, policy, RISKY, ROUTED, rule, TEST, WINDOW } from "../support/changes.ts";
import { decided, policyOf } from "../support/policies.ts";

/** Of a risk: id and points of every factor. */
function counted({ risk }: Decision): string[] {
  return risk?.factors.map(({ id, points }) => `${id} ${points}`) ?? [];
}

describe("the risk of a change", () => {
  it("is the sum of what counts, each with its sentence and what it read, in closed values", () => {
    const { risk } = decided(change({}, { title: "odd" }), policy, NOW_MS, RISKY);
    expect(risk).to.deep.equal({
      points: 50,
      tier: "high",
      by: "rules",
      factors: [
        {
          id: "ignorance/stale",
          why: "The item's record in the CMDB is old",
          value: "impact.stale = true",
          points: 10,
        },
        {
          id: "ignorance/orphaned",
          why: "Nothing in the CMDB leads to the item",
          value: "impact.orphaned = true",
          points: 15,
        },
        { id: "wide", why: "Because of wide", value: "impact.dependents = 25", points: 20 },
        { id: "odd-title", why: "Because of odd-title", value: "ticket.title = (text, not kept)", points: 5 },
      ],
    });
  });

  it("has each tier from its points on", () => {
    const tier = (dependents: number, more: Partial<ImpactFact>, type: "normal" | "emergency" = "normal") =>
      decided(change({ type }), policy, NOW_MS, facts({ dependents, ...more })).risk?.tier;
    expect(tier(0, {})).to.equal("low");
    expect(tier(20, {})).to.equal("moderate");
    expect(tier(20, { stale: true, relationless: true })).to.equal("high");
    expect(tier(20, {}, "emergency")).to.equal("very_high");
  });

  it("is none for other kinds, for what is over, and without the file; nothing is asked for it then", () => {
    const wide = decide(change({}, { kind: "incident" }), {}, policy, NOW_MS);
    expect("decision" in wide && wide.decision.risk).to.equal(null);
    expect("decision" in wide && wide.decision.trace.verdicts).to.match(/nnnnnn$/);
    for (const status of ["review", "resolved", "closed", "canceled"] as const)
      expect(decided(change({}, { status }), policy, NOW_MS).risk, status).to.equal(null);
    expect(decided(change(), policyOf(ROUTED), NOW_MS).risk).to.equal(null);
  });

  it("asks for impact whatever the rules read", () => {
    expect(decide(change(), { ci: TEST }, policy, NOW_MS)).to.deep.equal({ needs: ["impact"] });
    expect(decide(change(), {}, policy, NOW_MS)).to.deep.equal({ needs: ["ci", "impact"] });
  });

  it("counts what cannot be told, and holds nothing for it", () => {
    const unknown = decided(change(), policy, NOW_MS, { ci: null, impact: null });
    expect(counted(unknown)).to.deep.equal(["ignorance/unknownItem 30", "production 15", "wide 20"]);
    expect(unknown.risk?.factors.map(({ value }) => value)).to.deep.equal(["not known", "not known", "not known"]);
    expect(unknown.holds).to.deep.equal([]);
  });

  it("counts a change that names no item as one about which nothing is known", () => {
    expect(counted(decided(change({}, { ci: "", ciId: "" }), policy, NOW_MS, facts()))).to.deep.equal([
      "ignorance/unknownItem 30",
    ]);
  });

  it("weighs what is not known as the file says", () => {
    const weighed = policyOf(ROUTED, undefined, {}, { "change-risk": { ...FILE, ignorance: { stale: 3, cut: 4 } } });
    const found = decided(change(), weighed, NOW_MS, facts({ stale: true, dependentsCut: true, ownerless: true }));
    expect(counted(found)).to.deep.equal(["ignorance/stale 3", "ignorance/ownerless 15", "ignorance/cut 4"]);
  });

  it("is news when another factor counts, and not when one more dependent does", () => {
    const digest = (impact: Partial<ImpactFact>): string =>
      outcomeDigest(decided(change(), policy, NOW_MS, facts(impact)));
    expect(digest({ dependents: 26 })).to.equal(digest({ dependents: 25 }));
    expect(digest({ dependents: 26, stale: true })).not.to.equal(digest({ dependents: 26 }));
  });

  it("is told by explain, with what each factor saw", () => {
    const decision = decided(change(), policy, NOW_MS, facts({ dependents: 25 }));
    const view = {
      ...{ ticket: "snow/c/1", connection: "snow", key: "CHG1", revision: "1", decision, rules: [...policy.rules] },
      ...{ skips: [], gates: [], fields: {}, actions: [], dueAtMs: null, parked: undefined, failing: undefined },
      settledAtMs: undefined,
    };
    const lines = explain(view, true);
    expect(lines).to.include("  Its risk is moderate, with 20 points.");
    expect(lines).to.include("    +20 Because of wide (wide) [impact.dependents = 25]");
    expect(lines).to.include("  change-risk/wide: matched [impact.dependents = 25]");
  });

  it("is null in decisions of before there was any", () => {
    const { risk: _, ...old } = decided(change(), policyOf(ROUTED), NOW_MS);
    expect(Decision.parse(old).risk).to.equal(null);
  });
});

describe("evidence", () => {
  it("that is missing holds the change before it is scheduled or implemented, naming the fields", () => {
    const decision = decided(change({ backoutPlan: "  " }), policy, NOW_MS, facts());
    expect(decision.holds).to.deep.equal([
      {
        rule: "change-risk/way-back",
        reason: "Because of way-back: change.backoutPlan is empty",
        before: ["schedule", "implement"],
      },
    ]);
    expect(
      decision.because.map(({ rule }) => rule),
      "it is still routed",
    ).to.deep.equal(["all"]);
  });

  it("or is so much more risk", () => {
    const decision = decided(change({}, { service: "", assignmentGroup: "" }), policy, NOW_MS, facts());
    expect(decision.risk?.factors).to.deep.equal([
      { id: "who", why: "Because of who", value: "assignmentGroup, service are empty", points: 7 },
    ]);
  });

  it("that cannot be asked for holds, or counts", () => {
    const failing = (otherwise: unknown): object => ({
      ...FILE,
      evidence: [rule("x", 'ci.environment == "Production"', { require: ["service"], otherwise })],
    });
    const of = (otherwise: unknown): Decision =>
      decided(change(), policyOf(ROUTED, undefined, {}, { "change-risk": failing(otherwise) }), NOW_MS, {
        ...facts(),
        ci: null,
      });
    expect(of("hold").holds.map(({ rule: id, reason }) => `${id}: ${reason}`)).to.deep.equal([
      "change-risk/x: rule x could not be computed: ci is not known",
    ]);
    expect(counted(of({ points: 9 }))).to.deep.equal(["production 15", "x 9"]);
  });

  it("is judged again from what is kept, though its texts are not", () => {
    for (const backoutPlan of ["", " ", "Put it back."]) {
      const ticket = change({ backoutPlan });
      const decision = decided(ticket, policy, NOW_MS, RISKY);
      const kept = JSON.stringify(inputsOf(ticket, RISKY, policy, NOW_MS, decision));
      expect(kept).not.to.contain("Put it back");
      const again = redecide(Inputs.parse(JSON.parse(kept)), policy);
      expect("decision" in again && again.decision, backoutPlan).to.deep.equal(decision);
    }
  });
});

describe("the board", () => {
  it("is a gate from its tier on, bound to what it sees", () => {
    const { gates } = decided(change(), policy, NOW_MS, RISKY);
    expect(gates.map(({ bindsDigest: _, ...gate }) => gate)).to.deep.equal([
      {
        rule: "change-risk/cab",
        why: "The board sees changes of high risk or more before they begin",
        ...{ groups: ["Board"], people: [], need: 2, before: ["schedule", "implement"] },
        binds: ["change.type", "change.plannedStart", "change.plannedEnd", "change.backoutPlan", "ci", "service"],
        ...{ expiresMs: 345_600_000, fallbackGroup: "Managers", sideDoor: "undo" },
        ...{ state: "needed", expiresAt: null, stands: [], passed: [] },
        present: { "change.plannedStart": windowDigest(change()) },
      },
    ]);
    expect(decided(change(), policy, NOW_MS, facts({ dependents: 25 })).gates).to.deep.equal([]);
    const moved = decided(change({ plannedEnd: "2026-03-10T21:00:00.000Z" }), policy, NOW_MS, RISKY);
    expect(moved.gates[0]?.bindsDigest).not.to.equal(gates[0]?.bindsDigest);
  });

  it("sees what people call high, and not what a form calls moderate", () => {
    const gates = (risk: Ticket["change"]["risk"]) => decided(change({ risk }), policy, NOW_MS, facts()).gates.length;
    expect(["", "low", "moderate", "high", "very_high"].map((risk) => gates(risk as Ticket["change"]["risk"])))
      .to // of the list
      .deep.equal([0, 0, 0, 1, 1]);
    const early = policyOf(
      ROUTED,
      undefined,
      {},
      { "change-risk": { ...FILE, cab: { ...FILE.cab, from: "moderate" } } },
    );
    expect(decided(change({ risk: "moderate" }), early, NOW_MS, facts()).gates).to.deep.equal([]);
  });

  it("is spared a standard change whose model does well, unless its risk is very high", () => {
    const gates = (impact: Partial<ImpactFact>, type: "standard" | "normal" = "standard") =>
      decided(change({ type }), policy, NOW_MS, facts({ dependents: 25, stale: true, orphaned: true, ...impact })).gates
        .length;
    expect(gates({ modelChanges: 5 })).to.equal(0);
    expect(gates({ modelChanges: 4 })).to.equal(1);
    expect(gates({ modelChanges: 50, modelFailed: 1 })).to.equal(1);
    expect(gates({ modelChanges: 5 }, "normal")).to.equal(1);
    expect(gates({ modelChanges: 5, duplicate: true, ownerless: true })).to.equal(1);
  });

  describe("'s lead time", () => {
    const START_MS = Date.parse(WINDOW.plannedStart);
    const LATEST_MS = START_MS - 48 * 3_600_000;

    it("holds a change that begins sooner, and does not ask the board about that window", () => {
      const decision = decided(change(), policy, LATEST_MS + 1, RISKY);
      expect(decision.holds).to.deep.equal([
        {
          rule: "change-risk/lead-time",
          reason: "The window begins sooner than the board's lead time of 2d: move the window, or file it as emergency",
          before: ["schedule", "implement"],
        },
      ]);
      expect(decision.gates).to.deep.equal([]);
      const moved = decided(change({ plannedStart: "2026-03-12T19:00:00.000Z" }), policy, LATEST_MS + 1, RISKY);
      expect([moved.holds.length, moved.gates.length]).to.deep.equal([0, 1]);
    });

    it("is looked at again when it runs out", () => {
      const before = decided(change(), policy, LATEST_MS, RISKY);
      expect(before.holds).to.deep.equal([]);
      expect(before.wakeAt).to.equal(new Date(LATEST_MS + 1).toISOString());
    });

    const ASKED: NonNullable<Facts["gates"]>[string] = {
      ...{
        bindsDigest: "d",
        state: "requested",
        expiresAt: new Date(START_MS + 1).toISOString(),
        present: { "change.plannedStart": windowDigest(change()) },
        stood: [],
      },
      requestedAt: new Date(LATEST_MS - 1).toISOString(),
    };

    it("comes up again where the window is moved closer after the board was asked", () => {
      const remembered = {
        ...RISKY,
        gates: { "change-risk/cab": { ...ASKED, requestedAt: new Date(LATEST_MS + 1).toISOString() } },
      };
      const closer = decided(change(), policy, START_MS, remembered);
      expect([closer.holds.length, closer.gates.length]).to.deep.equal([1, 0]);
    });

    it("is no matter once the board has been asked, for an emergency, and for what the board need not see", () => {
      const remembered = { ...RISKY, gates: { "change-risk/cab": ASKED } };
      const asked = decided(change(), policy, START_MS, remembered);
      expect([asked.holds.length, asked.gates.length, asked.wakeAt]).to.deep.equal([0, 1, null]);
      const emergency = decided(change({ type: "emergency" }), policy, START_MS, RISKY);
      expect([emergency.holds.length, emergency.gates.length]).to.deep.equal([0, 1]);
      expect(decided(change(), policy, START_MS, facts()).holds).to.deep.equal([]);
    });
  });
});

describe("a trained model", () => {
  const score = { points: 33, factors: [{ id: "model/dependents", why: "As changes went", value: "25", points: 33 }] };

  function withModel(model: NonNullable<NonNullable<Policy["risk"]>["model"]>): Policy {
    if (!policy.risk) throw new Error("the policy has no risk");
    return { ...policy, risk: { ...policy.risk, model } };
  }

  it("stands in for the factors, and what is not known and evidence still add", () => {
    const decision = decided(
      change({}, { service: "" }),
      withModel(() => score),
      NOW_MS,
      RISKY,
    );
    expect(decision.risk).to.deep.include({ by: "model", points: 33 + 10 + 15 + 7, tier: "high" });
    expect(counted(decision)).to.deep.equal([
      "model/dependents 33",
      "ignorance/stale 10",
      "ignorance/orphaned 15",
      "who 7",
    ]);
    expect(decision.trace.verdicts).to.match(/ssssmm$/);
  });

  it("cannot make up for what is not known", () => {
    const decision = decided(
      change(),
      withModel(() => ({ points: -50, factors: [] })),
      NOW_MS,
      RISKY,
    );
    expect(decision.risk?.points).to.equal(25);
  });

  it("is not asked about an item of which nothing is known: the factors count", () => {
    const decision = decided(
      change(),
      withModel(() => score),
      NOW_MS,
      { ci: null, impact: null },
    );
    expect(decision.risk).to.deep.include({ by: "rules", points: 65 });
  });
});
