import { expect } from "chai";
import type { Decision, GateState } from "../../../core/decision.ts";
import { type AftermathFact, implementationOf, QUIET_AFTERMATH } from "../../../core/policy/aftermath.ts";
import { decide, inputsOf, outcomeDigest, redecide } from "../../../core/policy/decide.ts";
import type { Facts, GatesFact } from "../../../core/policy/facts.ts";
import { Inputs } from "../../../core/policy/inputs.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import { ruleIndex } from "../../../core/policy/rule-index.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { change, FILE, ROUTED, rule } from "../support/changes.ts";
import { decided, policyOf } from "../support/policies.ts";

const MINUTE = 60_000;
/** The end of the change, 20:00, is an hour past. */
const NOW_MS = Date.parse("2026-03-10T21:00:00Z");
const END = "2026-03-10T20:00:00.000Z";
const THEN = { watch: "4h", ask: { group: "Managers", need: 2 }, expires: "30m" };
const ALL = { incidents: { atLeast: 2, priority: 3 }, failedCheck: true, unsuccessful: true };

function policyWith(on: object, more: object = {}, when = "true"): Policy {
  const rollback = [rule("back", when, { ...THEN, on, ...more })];
  return policyOf(ROUTED, undefined, {}, { "change-risk": { ...FILE, rollback } });
}
const policy = policyWith(ALL);
const standard = policyWith({ failedCheck: true }, { automatic: true }, 'ticket.change.type == "standard"');

const done = (facet: Partial<Ticket["change"]> = {}, more: Partial<Ticket> = {}): Ticket =>
  change(facet, { status: "review", ...more });
const since = (found: Partial<AftermathFact>): Facts => ({ aftermath: { since: END, ...QUIET_AFTERMATH, ...found } });
const round = (state: Exclude<GateState, "needed">, more: Partial<GatesFact[string]> = {}): GatesFact => ({
  "rollback/back": {
    ...{ bindsDigest: "", state, requestedAt: "2026-03-10T20:30:00.000Z", expiresAt: "2026-03-10T23:00:00.000Z" },
    ...{ present: {}, stood: [], evidence: "check smoke-test failed", ...more },
  },
});
/** A round for what the change says now. */
function roundOf(ticket: Ticket, state: Exclude<GateState, "needed">): GatesFact {
  const [gate] = decided(ticket, policy, NOW_MS, since({ failedChecks: ["smoke-test"] })).gates;
  return round(state, { bindsDigest: gate?.bindsDigest ?? "" });
}
const asked = ({ gates }: Decision): string[] => gates.map(({ rule: name }) => name);

describe("a change that was implemented", () => {
  it("is watched: what happened since is asked for, and looked for until the watch is over", () => {
    expect(decide(done(), {}, policy, NOW_MS)).to.deep.equal({ needs: ["aftermath"] });
    const { rollback, gates, holds, wakeAt } = decided(done(), policy, NOW_MS, since({}));
    expect([rollback, gates, holds, wakeAt]).to.deep.equal([null, [], [], "2026-03-11T00:00:00.000Z"]);
  });

  it("is not before it is, nor when the watch is over, nor where it names no end, nor for other kinds", () => {
    const over = Date.parse("2026-03-11T00:00:00Z");
    const quiet = [
      [done(), over],
      [done({ actualEnd: "2026-03-10T16:59:00.000Z" }), NOW_MS],
      [change({}, { status: "canceled" }), NOW_MS],
      [done({}, { kind: "incident" }), NOW_MS],
      [done({ plannedEnd: undefined } as object), NOW_MS],
      [done({ plannedEnd: "2026-03-18T00:00:00.000Z" }), NOW_MS],
    ] as const;
    for (const [ticket, nowMs] of quiet) {
      const outcome = decide({ ...ticket, change: { ...ticket.change, outcome: "unsuccessful" } }, {}, policy, nowMs);
      expect("decision" in outcome && [outcome.decision.rollback, outcome.decision.gates]).to.deep.equal([null, []]);
    }
    expect(decide(done(), {}, policy, over - 1)).to.deep.equal({ needs: ["aftermath"] });
  });

  it("is, while it is under way past its planned end; before, it is looked at again at that hour", () => {
    const ticket = change({}, { status: "in_progress" });
    const needs = decide(ticket, { ci: null, impact: null }, policy, NOW_MS);
    expect(needs).to.deep.equal({ needs: ["aftermath"] });
    const early = decided(ticket, policy, Date.parse(END) - MINUTE, { ci: null, impact: null });
    expect([early.rollback, early.wakeAt]).to.deep.equal([null, END]);
  });

  it("counts from its actual end, else its planned one, else from when it began", () => {
    const at = (ticket: Ticket, nowMs = NOW_MS): unknown => {
      const found = implementationOf(ticket, nowMs);
      return found && [found.beganMs, found.sinceMs].map((ms) => new Date(ms).toISOString().slice(5, 16));
    };
    expect(at(done())).to.deep.equal(["03-10T19:00", "03-10T20:00"]);
    expect(at(done({ actualEnd: "2026-03-10T19:30:00.000Z" }))).to.deep.equal(["03-10T19:00", "03-10T19:30"]);
    expect(at(done(), Date.parse(END) - MINUTE)).to.deep.equal(["03-10T19:00", "03-10T19:00"]);
    const filed = { createdAt: "2026-03-09T08:00:00.000Z" };
    expect(at(done({}, filed), Date.parse("2026-03-10T12:00:00Z"))).to.deep.equal(["03-09T08:00", "03-09T08:00"]);
    expect(at(change({}, { status: "in_progress" }), Date.parse(END) - MINUTE)).to.equal(undefined);
  });
});

describe("a rollback", () => {
  it("is asked about at its bounds: enough incidents of enough priority, a failed check, an unsuccessful close", () => {
    const evidence = (facts: Facts, facet: Partial<Ticket["change"]> = {}): string | undefined =>
      decided(done(facet), policy, NOW_MS, facts).rollback?.evidence;
    expect(evidence(since({ incidents: [0, 0, 1, 9, 9] }))).to.equal(undefined);
    expect(evidence(since({ incidents: [0, 1, 1, 0, 0] }))).to.equal(
      "2 incidents of priority 3 or higher on the item and what depends on it since 2026-03-10 20:00 UTC",
    );
    expect(evidence(since({ failedChecks: ["smoke-test"] }))).to.equal("check smoke-test failed");
    expect(evidence({}, { outcome: "unsuccessful" })).to.equal("the change was closed as unsuccessful");
    expect(evidence(since({}), { outcome: "successful_issues" })).to.equal(undefined);
    expect(evidence(since({ failedChecks: ["a", "b", "c", "d", "e", "f"] }))).to.equal(
      "checks a, b, c, d, e and 1 more failed",
    );
    const both = evidence(since({ incidents: [2, 0, 0, 0, 0], failedChecks: ["load"] }));
    expect(both).to.match(/^2 incidents .* UTC; check load failed$/);
  });

  it("asks those of the rule, for what nothing moves while a change is closed", () => {
    const [gate] = decided(done(), policy, NOW_MS, since({ failedChecks: ["load"] })).gates;
    expect(gate).to.deep.include({
      ...{
        rule: "rollback/back",
        why: "Because of back: check load failed",
        groups: ["Managers"],
        people: [],
        need: 2,
      },
      ...{ before: ["rollback"], binds: ["change.backoutPlan", "ci"], expiresMs: 30 * MINUTE, state: "needed" },
      ...{ evidence: "check load failed", stands: [], passed: [] },
    });
  });

  it("says how far it has come", () => {
    const state = (facts: GatesFact): unknown => decided(done(), policy, NOW_MS, { gates: facts }).rollback?.state;
    expect(state(roundOf(done(), "requested"))).to.equal("asked");
    expect(state(roundOf(done(), "granted"))).to.equal("go");
    expect(state(roundOf(done(), "refused"))).to.equal("no");
    expect(state(roundOf(done(), "expired"))).to.equal("no");
    expect(state(round("granted", { bindsDigest: "of another plan" })), "the plan has changed").to.equal("asked");
  });

  it("stays asked when the watch is over, its status is another, or more comes up, and says what it said", () => {
    const later = NOW_MS + 100 * 60 * MINUTE;
    const gates = roundOf(done(), "granted");
    const first = decided(done(), policy, NOW_MS, { gates });
    for (const [status, nowMs] of [
      ["closed", later],
      ["awaiting_approval", NOW_MS],
      ["scheduled", later],
    ] as const) {
      const kept = decided(done({}, { status }), policy, nowMs, { gates });
      expect([asked(kept), kept.rollback, kept.risk, kept.holds], status).to.deep.equal([
        asked(first),
        first.rollback,
        null,
        [],
      ]);
    }
    const more = decided(done(), policy, NOW_MS, { gates, ...since({ incidents: [9, 9, 9, 9, 9] }) });
    expect(outcomeDigest(more)).to.equal(outcomeDigest(first));
  });

  it("is forgotten when the change begins anew", () => {
    const gates = roundOf(done(), "granted");
    for (const status of ["new", "assess"] as const)
      expect(decided(change({}, { status }), policy, NOW_MS, { ci: null, impact: null, gates }).rollback).to.equal(
        null,
      );
  });

  it("is held, and holds nothing else, where it cannot be told what happened", () => {
    for (const facts of [{ aftermath: null }, since({ incidents: null })]) {
      const { holds, rollback } = decided(done(), policy, NOW_MS, facts);
      expect(holds.map(({ rule: name, before }) => [name, before])).to.deep.equal([["rollback/back", ["rollback"]]]);
      expect([holds[0]?.reason, rollback]).to.deep.equal([
        `Because of back: incidents on the item${facts.aftermath ? "" : " and failed checks"} could not be counted; a person must look`,
        null,
      ]);
    }
    const failed = decided(done(), policy, NOW_MS, since({ incidents: null, failedChecks: ["load"] }));
    expect([asked(failed), failed.holds]).to.deep.equal([["rollback/back"], []]);
  });

  it("holds where its rule cannot be computed", () => {
    const failing = policyWith(ALL, {}, 'ci.environment == "Production"');
    const { holds, gates } = decided(done(), failing, NOW_MS, { ci: null });
    expect([holds.map(({ rule: name, before }) => [name, before]), gates]).to.deep.equal([
      [["rollback/back", ["rollback"]]],
      [],
    ]);
  });

  it("goes without anybody for a standard change whose rule says so, and says that once it was told", () => {
    const found = since({ failedChecks: ["load"] });
    const ticket = done({ type: "standard" });
    const { gates, rollback } = decided(ticket, standard, NOW_MS, found);
    expect(gates).to.deep.equal([]);
    expect(rollback).to.deep.equal({
      ...{ rule: "rollback/back", state: "go", evidence: "check load failed", automatic: true, group: "Servers" },
    });
    const told = decided(ticket, standard, NOW_MS + 10 ** 9, { gates: round("granted", { automatic: true }) });
    expect(told.rollback).to.include({ state: "go", automatic: true, evidence: "check smoke-test failed" });
  });

  it("never goes by itself for another type, whatever its rule says, nor where people were asked", () => {
    const [back] = standard.risk?.rollback.rules ?? [];
    if (!standard.risk || !back) throw new Error("there is a rule");
    const { condition: _, ...unconditional } = back;
    // The index of a rule without a condition too, or the rule would not even be looked at.
    const rollback = { file: "change-risk", rules: [unconditional], index: ruleIndex([unconditional]) } as const;
    const lax: Policy = { ...standard, risk: { ...standard.risk, rollback } };
    for (const type of ["normal", "emergency", ""] as const) {
      const decision = decided(done({ type }), lax, NOW_MS, since({ failedChecks: ["load"] }));
      expect([decision.rollback?.state, asked(decision)], type).to.deep.equal(["asked", ["rollback/back"]]);
    }
    const refused = { ...since({ failedChecks: ["load"] }), gates: roundOf(done({ type: "standard" }), "refused") };
    expect(decided(done({ type: "standard" }), standard, NOW_MS, refused).rollback).to.include({
      ...{ state: "no", automatic: false },
    });
  });

  it("is not taken away by advice", () => {
    const cautious = policyWith(ALL, {}, '!("outage" in advice.urgency_signals)');
    const said = { category: "", service: "", assignment_group: "", intent: "", security_related: false };
    const advice = { ...said, urgency_signals: ["outage"], evidence: {}, audited: false };
    const found = since({ failedChecks: ["load"] });
    const without = decided(done(), cautious, NOW_MS, { ...found, advice: null });
    const given = decided(done(), cautious, NOW_MS, { ...found, advice });
    expect(asked(given)).to.include.members(asked(without));
    const wide = policyWith(ALL, {}, 'ticket.priority > 0 || "outage" in advice.urgency_signals');
    expect(asked(decided(done(), wide, NOW_MS, { ...found, advice }))).to.deep.equal(["rollback/back"]);
  });

  it("is decided again from what was kept, without the backout plan", () => {
    for (const [rules, ticket, facts] of [
      [policy, done(), since({ failedChecks: ["load"] })],
      [policy, done(), { gates: roundOf(done(), "granted") }],
      [standard, done({ type: "standard" }), since({ failedChecks: ["load"] })],
    ] as const) {
      const decision = decided(ticket, rules, NOW_MS, facts);
      const kept = Inputs.parse(JSON.parse(JSON.stringify(inputsOf(ticket, facts, rules, NOW_MS, decision))));
      expect(JSON.stringify(kept)).not.to.contain("Put it back");
      expect(redecide(kept, rules)).to.deep.equal({ decision });
    }
  });
});
