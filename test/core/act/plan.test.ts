import { expect } from "chai";
import { standsAlready } from "../../../core/act/plan.ts";
import type { Action } from "../../../core/decision.ts";
import { suggestionDigest } from "../../../core/policy/decide.ts";
import { ticketWith } from "../support/tickets.ts";
import { applied, decisionOf, LIMITS, mappingThat, memoryOf, NOW_MS, planOf, remembered, wrote } from "./plans.ts";

const NETWORK = decisionOf({ assignmentGroup: "Network" });
const empty = ticketWith({ assignmentGroup: "" });
const atDesk = ticketWith({ assignmentGroup: "Service Desk" });
const atNetwork = ticketWith({ assignmentGroup: "Network" });
const atPerson = ticketWith({ assignmentGroup: "Senior Engineers" });
const intake = mappingThat({ assignmentGroup: ["Service Desk"] });
const change = { field: "assignmentGroup", before: "", after: "Network" } as const;

describe("ownership: a field is written", () => {
  it("empty: while nobody has set it", () => {
    expect(planOf({ ticket: empty, decision: NETWORK }).changes).to.deep.equal([change]);
  });

  it("intake value: while it stands where every new ticket stands", () => {
    const changes = [{ ...change, before: "Service Desk" }];
    expect(planOf({ ticket: atDesk, decision: NETWORK, mapping: intake }).changes).to.deep.equal(changes);
  });

  it("ours: while it is still what we wrote last", () => {
    const memory = memoryOf({ assignmentGroup: wrote("Old group") });
    const ticket = ticketWith({ assignmentGroup: "Old group" });
    expect(planOf({ ticket, decision: NETWORK, memory }).changes).to.deep.equal([{ ...change, before: "Old group" }]);
  });

  it("not at all, when it is right already", () => {
    const planned = planOf({ ticket: atNetwork, decision: NETWORK });
    expect(planned.changes).to.deep.equal([]);
    expect(planned.skips).to.deep.equal([{ field: "assignmentGroup", reason: "already_so" }]);
    expect(planned.note).to.equal(undefined);
  });

  it("not at all, when the decision does not name it", () => {
    expect(planOf({ ticket: empty, decision: decisionOf({}) }).changes).to.deep.equal([]);
  });
});

describe("ownership: a field is left alone", () => {
  it("owned_by_person: a value that we did not write", () => {
    const planned = planOf({ ticket: atPerson, decision: NETWORK, mapping: intake });
    expect(planned.changes).to.deep.equal([]);
    expect(planned.skips).to.deep.equal([{ field: "assignmentGroup", reason: "owned_by_person" }]);
  });

  it("not_writable: a field that the mapping cannot write", () => {
    const planned = planOf({ ticket: empty, decision: NETWORK, mapping: mappingThat({}, ["assignmentGroup"]) });
    expect(planned.changes).to.deep.equal([]);
    expect(planned.skips).to.deep.equal([{ field: "assignmentGroup", reason: "not_writable" }]);
  });

  it("not_writable: a value that the vendor has not", () => {
    const mapping = { ...mappingThat(), toVendor: () => undefined };
    expect(planOf({ ticket: empty, decision: NETWORK, mapping }).skips).to.deep.equal([
      { field: "assignmentGroup", reason: "not_writable" },
    ]);
  });

  it("theirs: a person changed it after us", () => {
    const memory = memoryOf({ assignmentGroup: wrote("Network") });
    const planned = planOf({ ticket: atPerson, decision: NETWORK, mapping: intake, memory });
    expect(planned.changes).to.deep.equal([]);
    expect(planned.fields.assignmentGroup?.theirs).to.equal(true);
    expect(planned.skips).to.deep.equal([{ field: "assignmentGroup", reason: "owned_by_person" }]);
  });

  it("theirs: a person emptied it after us", () => {
    const memory = memoryOf({ assignmentGroup: wrote("Network") });
    const planned = planOf({ ticket: empty, decision: NETWORK, mapping: intake, memory });
    expect(planned.changes).to.deep.equal([]);
    expect(planned.fields.assignmentGroup?.theirs).to.equal(true);
  });

  it("theirs: a person put it back to the intake value after us", () => {
    const memory = memoryOf({ assignmentGroup: wrote("Network") });
    expect(planOf({ ticket: atDesk, decision: NETWORK, mapping: intake, memory }).changes).to.deep.equal([]);
  });

  it("theirs for ever: even when it is empty again, or what we once wrote", () => {
    const theirs = { wrote: "Network", theirs: true, writes: [] };
    const other = decisionOf({ assignmentGroup: "Another" });
    for (const ticket of [empty, atDesk, atNetwork, atPerson]) {
      const planned = planOf({
        ticket,
        decision: other,
        mapping: intake,
        memory: memoryOf({ assignmentGroup: theirs }),
      });
      expect(planned.changes, ticket.assignmentGroup).to.deep.equal([]);
      expect(planned.fields.assignmentGroup?.theirs).to.equal(true);
    }
  });

  it("theirs is noticed although the decision says nothing of the field", () => {
    const memory = memoryOf({ assignmentGroup: wrote("Network") });
    const planned = planOf({ ticket: atPerson, decision: decisionOf({}), memory });
    expect(planned.fields.assignmentGroup?.theirs).to.equal(true);
  });

  it("one field that is theirs takes no other with it", () => {
    const memory = memoryOf({ assignmentGroup: wrote("Network") });
    const decision = decisionOf({ assignmentGroup: "Network", category: "vpn" });
    const ticket = ticketWith({ assignmentGroup: "Senior Engineers", category: "" });
    expect(planOf({ ticket, decision, memory }).changes.map(({ field }) => field)).to.deep.equal(["category"]);
  });
});

describe("an assignee", () => {
  const maria = ticketWith({ assignee: { id: "u1", name: "Maria", email: "maria@example.com" } });

  it("is right by id or by e-mail", () => {
    for (const after of ["u1", "maria@example.com"])
      expect(planOf({ ticket: maria, decision: decisionOf({ assignee: after }) }).skips, after).to.deep.equal([
        { field: "assignee", reason: "already_so" },
      ]);
  });

  it("is compared and recorded by id", () => {
    const planned = planOf({
      ticket: maria,
      decision: decisionOf({ assignee: "u2" }),
      memory: memoryOf({ assignee: wrote("u1") }),
    });
    expect(planned.changes).to.deep.equal([{ field: "assignee", before: "u1", after: "u2" }]);
  });

  it("that nobody is, is not somebody without an e-mail", () => {
    const nobody = ticketWith({ assignee: { id: "", name: "", email: "" } });
    expect(planOf({ ticket: nobody, decision: decisionOf({ assignee: "" }) }).changes).to.have.length(1);
  });
});

describe("modes", () => {
  it("observe: nothing is changed, noted or owed, and what would be is known", () => {
    const planned = planOf({ ticket: empty, decision: NETWORK, mode: "observe", owed: [change] });
    expect(planned).to.deep.include({ changes: [], suggested: [change], owed: [], note: undefined });
  });

  it("suggest: nothing is changed, and a note suggests", () => {
    const planned = planOf({ ticket: empty, decision: NETWORK, mode: "suggest" });
    expect(planned).to.deep.include({ changes: [], suggested: [change], owed: [], note: "suggestion" });
  });

  it("suggest: a suggestion is told once", () => {
    const memory = memoryOf({}, suggestionDigest(NETWORK));
    expect(planOf({ ticket: empty, decision: NETWORK, mode: "suggest", memory }).note).to.equal(undefined);
    const other = decisionOf({ assignmentGroup: "Another" });
    expect(planOf({ ticket: empty, decision: other, mode: "suggest", memory }).note, "a new one").to.equal(
      "suggestion",
    );
  });

  it("suggest: there is no note where there is nothing to change", () => {
    expect(planOf({ ticket: atNetwork, decision: NETWORK, mode: "suggest" }).note).to.equal(undefined);
    expect(planOf({ ticket: atPerson, decision: NETWORK, mode: "suggest" }).note).to.equal(undefined);
  });

  it("act: what is changed is noted", () => {
    const planned = planOf({ ticket: empty, decision: NETWORK });
    expect(planned).to.deep.include({ changes: [change], suggested: [], note: "change" });
  });

  it("act: what advice alone asks for is told once, and written by nobody", () => {
    const decision = decisionOf({}, { suggests: { assignmentGroup: "Network" } });
    const planned = planOf({ ticket: empty, decision });
    expect(planned).to.deep.include({ changes: [], suggested: [], advised: [change], note: "suggestion" });
    const told = { ...memoryOf({}), suggestedDigest: suggestionDigest(decision) };
    expect(planOf({ ticket: empty, decision, memory: told })).to.deep.include({ advised: [], note: undefined });
  });

  it("act: what advice alone asks for is told with what is changed", () => {
    const decision = decisionOf({ assignee: "m@example.com" }, { suggests: { assignmentGroup: "Network" } });
    expect(planOf({ ticket: empty, decision })).to.deep.include({ advised: [change], note: "change" });
  });

  it("what advice alone asks for is not told where a person chose, or it stands already", () => {
    const decision = decisionOf({}, { suggests: { assignmentGroup: "Network" } });
    for (const ticket of [atNetwork, atPerson]) expect(planOf({ ticket, decision }).note).to.equal(undefined);
  });

  it("act: an owed note is written although nothing is left to change", () => {
    const planned = planOf({ ticket: atNetwork, decision: NETWORK, owed: [change] });
    expect(planned).to.deep.include({ changes: [], owed: [change], note: "change" });
  });
});

describe("the breaker", () => {
  const ours = (count: number, agoMs = 1_000) => {
    const writes = Array.from({ length: count }, () => NOW_MS - agoMs);
    return memoryOf({ assignmentGroup: wrote("Old group", writes) });
  };
  const ticket = ticketWith({ assignmentGroup: "Old group" });

  it("diverging: a field that was written too often within the window is not written again", () => {
    const planned = planOf({ ticket, decision: NETWORK, memory: ours(LIMITS.convergeWritesMax) });
    expect(planned.diverging).to.equal("assignmentGroup");
    expect(planned.changes).to.deep.equal([]);
  });

  it("lets the last write of the window through", () => {
    const planned = planOf({ ticket, decision: NETWORK, memory: ours(LIMITS.convergeWritesMax - 1) });
    expect(planned.diverging).to.equal(undefined);
    expect(planned.changes).to.have.length(1);
  });

  it("forgets writes before the window", () => {
    const planned = planOf({ ticket, decision: NETWORK, memory: ours(50, LIMITS.convergeWindowMs + 1) });
    expect(planned.diverging).to.equal(undefined);
    expect(planned.fields.assignmentGroup?.writes).to.deep.equal([]);
  });

  it("is quiet about a field that is right", () => {
    const planned = planOf({ ticket, decision: decisionOf({ assignmentGroup: "Old group" }), memory: ours(50) });
    expect(planned.diverging).to.equal(undefined);
  });

  it("trips when two rules hand a ticket to and fro", () => {
    let memory = memoryOf({});
    let at = empty;
    let trips = 0;
    for (let round = 0; round < 10; round += 1) {
      const decision = decisionOf({ assignmentGroup: round % 2 === 0 ? "A" : "B" });
      const planned = planOf({ ticket: at, decision, memory, nowMs: NOW_MS + round });
      if (planned.diverging) trips += 1;
      memory = remembered(planned, decision, NOW_MS + round);
      at = applied(at, planned.changes);
    }
    expect(at.assignmentGroup).to.equal("A");
    expect(trips).to.be.greaterThan(0);
    expect(memory.fields.assignmentGroup?.writes).to.have.length(LIMITS.convergeWritesMax);
  });
});

describe("an open action", () => {
  const action: Action = {
    id: "a1",
    kind: "set",
    field: "assignmentGroup",
    before: "",
    after: "Network",
    because: [],
    decisionId: "d",
    marker: "",
  };

  it("stands already where the ticket has its value", () => {
    expect(standsAlready(action, atNetwork)).to.equal(true);
    expect(standsAlready(action, atDesk)).to.equal(false);
  });

  it("that is a note never shows in the fields of a ticket", () => {
    expect(standsAlready({ ...action, kind: "note", field: "note", after: null }, atNetwork)).to.equal(false);
  });
});
