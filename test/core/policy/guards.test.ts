import { expect } from "chai";
import type { Decision } from "../../../core/decision.ts";
import { decide } from "../../../core/policy/decide.ts";
import type { Facts } from "../../../core/policy/facts.ts";
import { ProblemsError } from "../../../core/problem.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { mappingThat, planOf } from "../act/plans.ts";
import { decided, type OtherFiles, policyOf } from "../support/policies.ts";
import { TICKET, ticketWith } from "../support/tickets.ts";

const NOW_MS = Date.parse("2026-12-01T09:00:00Z");
const ROUTED = [{ when: "true", does: { assign: { group: "Network" } } }];

function policyWith(others: OtherFiles) {
  return policyOf(ROUTED, undefined, {}, others);
}

/** The problems of a policy that must not start. */
function problemsOf(others: OtherFiles): string[] {
  try {
    policyWith(others);
  } catch (error) {
    if (error instanceof ProblemsError) return error.problems.map(({ path, what, fix }) => `${path}: ${what} ${fix}`);
    throw error;
  }
  return [];
}

function gate(approvers: object, more: object = {}): object {
  const demand = { approvers, before: ["assign"], binds: ["title", "priority"], expires: "72h", ...more };
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  return { id: "guard", why: "It says so", when: "true", then: { gate: demand } };
}

describe("a gate", () => {
  const asked = (approvers: object, ticket: Ticket = TICKET): Decision["gates"][number] | undefined =>
    decided(ticket, policyWith({ gates: [gate(approvers)] }), NOW_MS).gates[0];

  it("names its approvers in one form, each of them once", () => {
    const who = { group: "CAB", groups: ["Security", "CAB"], person: "a@example.com", people: ["b@example.com"] };
    expect(asked({ ...who, need: 2 })).to.include({ need: 2 });
    expect(asked(who)?.groups).to.deep.equal(["CAB", "Security"]);
    expect(asked(who)?.people).to.deep.equal(["a@example.com", "b@example.com"]);
    expect(asked({ person: "a@example.com" })).to.deep.include({ groups: [], people: ["a@example.com"], need: "any" });
    expect(asked({ groups: ["CAB"], need: "all" })).to.deep.include({ groups: ["CAB"], people: [], need: "all" });
  });

  it("is another once a field it is bound to changes, and the same for any other field", () => {
    const digest = (patch: Partial<Ticket>): string | undefined =>
      asked({ group: "CAB" }, ticketWith(patch))?.bindsDigest;
    expect(digest({ title: "Something else" })).not.to.equal(digest({}));
    expect(digest({ priority: 1 })).not.to.equal(digest({}));
    expect(digest({ category: "database", revision: "99" })).to.equal(digest({}));
  });

  it("waits_for_approval: leaves the fields it guards unwritten, and says so", () => {
    const both = policyOf(
      [{ when: "true", does: { assign: { group: "Network" }, set: { priority: 1 } } }],
      undefined,
      {},
      { gates: [gate({ group: "CAB" })] },
    );
    const decision = decided(TICKET, both, NOW_MS);
    const planned = planOf({ decision, mapping: mappingThat({ assignmentGroup: ["Service Desk"], priority: [3] }) });
    expect(planned.changes.map(({ field }) => field)).to.deep.equal(["priority"]);
    expect(planned.skips).to.deep.equal([{ field: "assignmentGroup", reason: "waits_for_approval" }]);
  });

  it("that needs more approvals than the people it names is refused; of a group nobody knows how many there are", () => {
    const two = { person: "a@example.com", people: ["a@example.com", "b@example.com"] };
    expect(problemsOf({ gates: [gate({ ...two, need: 3 })] })).to.deep.equal([
      "0.then.gate.approvers.need: asks for 3 approvals where only 2 can be given Write need: all, a number up to 2, or more people",
    ]);
    expect(problemsOf({ gates: [gate({ ...two, need: 2 })] })).to.deep.equal([]);
    expect(problemsOf({ gates: [gate({ ...two, group: "CAB", need: 3 })] })).to.deep.equal([]);
  });
});

const WINDOW = { zone: "Europe/Berlin", start: "2026-12-20T18:00", end: "2027-01-03T06:00" };

function freeze(more: object = {}): object {
  return { id: "year-end", why: "The books are closed", window: WINDOW, severity: "hard", ...more };
}

const SOFT = { severity: "soft", override: { approvers: { group: "CAB" }, expires: "12h" } };

function change(planned: { start?: string; end?: string }, more: Partial<Ticket> = {}): Ticket {
  const times = {
    ...(planned.start && { plannedStart: planned.start }),
    ...(planned.end && { plannedEnd: planned.end }),
  };
  const facet = {
    type: "normal",
    risk: "low",
    backoutPlan: "",
    cabRequired: false,
    onHold: false,
    outcome: "",
    ...times,
  } as const;
  return ticketWith({ kind: "change", change: facet, ...more });
}

const INSIDE = { start: "2026-12-24T10:00:00.000Z", end: "2026-12-24T11:00:00.000Z" };
const OUTSIDE = { start: "2026-12-10T10:00:00.000Z", end: "2026-12-10T11:00:00.000Z" };

function frozenBy(entry: object, ticket: Ticket, facts: Facts = {}, nowMs = NOW_MS): Decision {
  return decided(ticket, policyWith({ freezes: [entry] }), nowMs, facts);
}

describe("a freeze", () => {
  it("hard: holds the change whose planned window runs into it, until that window is moved", () => {
    const hit = frozenBy(freeze(), change(INSIDE));
    expect(hit.gates).to.deep.equal([]);
    expect(hit.holds).to.deep.equal([
      {
        rule: "year-end",
        reason:
          "The books are closed: the planned window runs into the freeze year-end; move it, or ask for the freeze to be lifted",
        before: ["schedule", "implement"],
      },
    ]);
    expect(hit.set, "it may still be given to a group").to.deep.equal({ assignmentGroup: "Network" });
    expect(frozenBy(freeze(), change(OUTSIDE)).holds).to.deep.equal([]);
  });

  it("soft: asks for its override, bound to the planned window, and holds nothing", () => {
    const hit = frozenBy(freeze(SOFT), change(INSIDE));
    expect(hit.holds).to.deep.equal([]);
    expect(hit.gates[0]).to.deep.include({ rule: "year-end", groups: ["CAB"], before: ["schedule", "implement"] });
    const moved = frozenBy(freeze(SOFT), change({ ...INSIDE, end: "2026-12-24T12:00:00.000Z" }));
    expect(moved.gates[0]?.bindsDigest).not.to.equal(hit.gates[0]?.bindsDigest);
  });

  it("is held against the planned window, not against now", () => {
    const during = Date.parse("2026-12-24T10:30:00Z");
    const later = { start: "2027-02-01T10:00:00.000Z", end: "2027-02-01T11:00:00.000Z" };
    expect(frozenBy(freeze(), change(later), {}, during).holds).to.deep.equal([]);
  });

  it("cannot be judged for a scheduled change without a planned window: it holds; before that, nothing is asked", () => {
    const held = frozenBy(freeze(SOFT), change({}, { status: "scheduled" }));
    expect(held.holds.map(({ reason }) => reason)).to.deep.equal([
      "rule year-end could not be computed: the change has no planned window",
    ]);
    expect(frozenBy(freeze(SOFT), change({}, { status: "assess" })).holds).to.deep.equal([]);
  });

  it("of environments asks for the configuration item only where it would count, and holds where there is none", () => {
    const entry = freeze({ scope: { environments: ["Production"] } });
    const policy = policyWith({ freezes: [entry] });
    expect(decide(change(INSIDE), {}, policy, NOW_MS)).to.deep.equal({ needs: ["ci"] });
    expect("decision" in decide(change(OUTSIDE), {}, policy, NOW_MS)).to.equal(true);
    const ci = { name: "", className: "", criticality: "", owner: "" };
    expect(frozenBy(entry, change(INSIDE), { ci: { ...ci, environment: "PRODUCTION" } }).holds).to.have.length(1);
    expect(frozenBy(entry, change(INSIDE), { ci: { ...ci, environment: "test" } }).holds).to.deep.equal([]);
    expect(frozenBy(entry, change(INSIDE), { ci: null }).holds.map(({ reason }) => reason)).to.deep.equal([
      "rule year-end could not be computed: ci is not known",
    ]);
  });

  it("hard with an override is refused: it is one or the other", () => {
    expect(problemsOf({ freezes: [freeze({ ...SOFT, severity: "hard" })] })).to.deep.equal([
      "0.override: stands beside severity: hard, which nobody can override Write severity: soft, or remove override",
    ]);
  });

  it("may not bear the id of a gate", () => {
    expect(problemsOf({ freezes: [freeze({ id: "guard" })], gates: [gate({ group: "CAB" })] })).to.deep.equal([
      '0.id: the id "guard" is that of a gate, and an approval would count for both Give the freeze an id of its own',
    ]);
  });
});
