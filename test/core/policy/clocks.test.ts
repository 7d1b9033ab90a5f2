import { expect } from "chai";
import { ClockMemory, type Decision } from "../../../core/decision.ts";
import { redecide } from "../../../core/policy/decide.ts";
import type { ClocksFact } from "../../../core/policy/facts.ts";
import { Inputs } from "../../../core/policy/inputs.ts";
import type { Policy } from "../../../core/policy/policy.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { decided, policyOf } from "../support/policies.ts";
import { TICKET, ticketWith } from "../support/tickets.ts";

const CREATED_MS = Date.parse(TICKET.createdAt);
const MINUTE = 60_000;

function slaRule(id: string, when: string, clock: object): object {
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  return { id, why: "It says so", when, then: { clocks: { resolution: { stops: ["resolved"], ...clock } } } };
}

const STEPS = [{ id: "lead", at: "75%", do: { escalate: { group: "Leads" }, raise: "priority", note: "Look." } }];

/** What the store gives back of a decision's clocks: read from JSON, and in whatever order. */
function clocksOf({ sla }: Decision): ClocksFact {
  const kept = Object.fromEntries(sla.map(({ clock, memory }) => [clock, memory]).reverse());
  const parsed: unknown = JSON.parse(JSON.stringify(kept));
  return Inputs.shape.facts.shape.clocks.unwrap().parse(parsed);
}

/** A ticket looked at several times, `minutes` after its creation each; every look remembers what the last one left. */
function looks(policy: Policy, each: readonly (readonly [minutes: number, ticket: Ticket])[]): Decision[] {
  let clocks: ClocksFact = {};
  return each.map(([minutes, ticket]) => {
    const decision = decided(ticket, policy, CREATED_MS + minutes * MINUTE, { clocks });
    clocks = clocksOf(decision);
    return decision;
  });
}

const stepsOf = (decisions: readonly Decision[]): string[][] =>
  decisions.map(({ escalations }) => escalations.map(({ clock, step }) => `${clock}/${step}`));

describe("clocks of two rules", () => {
  const sla = {
    rules: [
      slaRule("high", "ticket.priority <= 2", { within: "1000m", steps: [] }),
      slaRule("low", "ticket.priority == 3", { within: "100m", steps: STEPS }),
    ],
  };
  const policy = policyOf([{ when: "true", does: { assign: { group: "Network" } } }], undefined, {}, { sla });
  const escalated = ticketWith({ assignmentGroup: "Leads", priority: 2 });

  it("a step that was taken is not taken again after another rule had matched", () => {
    const all = looks(policy, [
      [80, TICKET],
      [81, escalated],
      [90, ticketWith({ assignmentGroup: "Leads" })],
    ]);
    expect(stepsOf(all)).to.deep.equal([["low/resolution/lead"], [], []]);
    expect(all[1]?.sla.map(({ clock, state }) => [clock, state])).to.deep.equal([
      ["low/resolution", "left"],
      ["high/resolution", "running"],
    ]);
  });

  it("the ticket stays with the group it was escalated to, as urgent as it was made", () => {
    const [, after] = looks(policy, [
      [80, TICKET],
      [81, escalated],
    ]);
    expect(after?.set).to.deep.equal({ assignmentGroup: "Leads", priority: 2 });
    expect(after?.takeOver).to.deep.equal([]);
  });

  it("a person who moved the ticket elsewhere is not answered by a clock that was left", () => {
    const moved = ticketWith({ assignmentGroup: "Databases", priority: 2 });
    const [, after] = looks(policy, [
      [80, TICKET],
      [81, moved],
    ]);
    expect(after?.set.assignmentGroup).to.equal("Network");
  });

  it("the memory is kept where no rule matches at all", () => {
    const all = looks(policy, [
      [80, TICKET],
      [81, ticketWith({ priority: 5 })],
      [90, TICKET],
    ]);
    expect(stepsOf(all)).to.deep.equal([["low/resolution/lead"], [], []]);
    expect(all[1]?.wakeAt).to.equal(null);
  });
});

describe("a clock that pauses", () => {
  const clock = { within: "100m", pauses: ["on_hold"], steps: STEPS };
  const policy = policyOf([{ when: "true" }], undefined, {}, { sla: { rules: [slaRule("all", "true", clock)] } });
  const edited = (status: Ticket["status"], minutes: number): Ticket =>
    ticketWith({ status, updatedAt: new Date(CREATED_MS + minutes * MINUTE).toISOString() });

  it("stands still from the edit that paused it to the edit that let it go on", () => {
    const all = looks(policy, [
      [10, edited("new", 1)],
      [40, edited("on_hold", 30)],
      [400, edited("on_hold", 30)],
      [500, edited("in_progress", 450)],
    ]);
    const read = all.map(({ sla }) => [sla[0]?.state, (sla[0]?.memory.elapsedMs ?? 0) / MINUTE]);
    expect(read).to.deep.equal([
      ["running", 10],
      ["paused", 30],
      ["paused", 30],
      ["running", 80],
    ]);
    expect(all[1]?.wakeAt, "nothing comes by itself while it stands still").to.equal(null);
    expect(stepsOf(all)).to.deep.equal([[], [], [], ["all/resolution/lead"]]);
  });

  it("goes on after a restart from what was kept, and takes no step twice", () => {
    const all = looks(policy, [
      [76, TICKET],
      [77, TICKET],
      [500, TICKET],
    ]);
    expect(stepsOf(all)).to.deep.equal([["all/resolution/lead"], [], []]);
    expect(all.at(-1)?.sla[0]?.state).to.equal("breached");
  });
});

describe("what was kept before", () => {
  it("clocks without passed steps, and inputs without verdicts beside advice, are still understood", () => {
    const from = { priority: 3, impact: 2, urgency: 2 };
    const memory = ClockMemory.parse({ elapsedMs: 5, atMs: 0, running: true, taken: ["a"], from });
    expect(memory.passed).to.deep.equal([]);
    const ticket = { ...TICKET, title: "", description: "", requester: { id: "", name: "", email: "" } };
    const kept = { ticket, withheldDigest: "d", bound: {}, verdicts: {}, facts: {}, now: TICKET.createdAt };
    const inputs = Inputs.parse({ ...kept, policyVersion: "p" });
    expect(inputs.verdictsWithoutAdvice).to.deep.equal({});
    expect("decision" in redecide(inputs, policyOf([{ when: "true" }]))).to.equal(true);
  });
});
