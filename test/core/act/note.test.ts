import { expect } from "chai";
import fc from "fast-check";
import { giveBackText, markerOf, noteText } from "../../../core/act/note.ts";
import { SETTABLE_FIELDS } from "../../../core/ticket.ts";
import { decided, policyOf } from "../support/policies.ts";
import { ticketWith } from "../support/tickets.ts";
import { decisionOf, planOf } from "./plans.ts";

const decision = decisionOf({});
const marker = markerOf("00ff00ff00ff00ff");

describe("a note", () => {
  it("that tells of changes reads so", () => {
    const changes = [
      { field: "assignmentGroup", before: "", after: "Network Operations" },
      { field: "priority", before: 3, after: 2 },
    ] as const;
    expect(noteText({ kind: "change", decision, changes, escalations: [], marker })).to.equal(
      [
        "Interlock changed this ticket.",
        "Assignment group: (empty) -> Network Operations",
        "Priority: 3 -> 2",
        "Because: Network trouble goes to Network (rule network)",
        "Decided by rules; no AI was used.",
        "Decision 0123456789abcdef [il:00ff00ff00ff00ff]",
      ].join("\n"),
    );
  });

  it("that suggests says that nothing was changed", () => {
    const changes = [{ field: "category", before: "inquiry", after: "network" }] as const;
    expect(noteText({ kind: "suggestion", decision, changes, escalations: [], marker })).to.equal(
      [
        "Interlock suggests (nothing was changed):",
        "Category: inquiry -> network",
        "Because: Network trouble goes to Network (rule network)",
        "Decided by rules; no AI was used.",
        "Decision 0123456789abcdef [il:00ff00ff00ff00ff]",
      ].join("\n"),
    );
  });

  it("says what was advised where some rule read it, cut to a length", () => {
    const textOf = (reads: Record<string, string>): string | undefined => {
      const advised = decisionOf({}, { trace: { verdicts: "", messages: {}, reads } });
      return noteText({ kind: "change", decision: advised, changes: [], escalations: [], marker }).split("\n").at(-2);
    };
    expect(textOf({ "advice.category": "network", "advice.intent": "" })).to.equal(
      "Decided by rules. AI advised: category network, intent (none); it may only add care.",
    );
    expect(textOf({ advice: "[object Object]" })).to.equal("Decided by rules. AI advised; it may only add care.");
    expect(textOf({ "advice.category": "(not asked)", "ticket.kind": "incident" })).to.equal(
      "Decided by rules; no AI was used.",
    );
    expect(textOf({ "advice.category": "x".repeat(5_000) })).to.have.length.below(500);
  });

  it("that gives a value back reads so", () => {
    expect(giveBackText(["assignmentGroup", "category"], decision, marker)).to.equal(
      [
        "Interlock put back what a person had set: Assignment group, Category.",
        "They edited this ticket at the same moment; the field is theirs and Interlock leaves it alone from now on.",
        "Decision 0123456789abcdef [il:00ff00ff00ff00ff]",
      ].join("\n"),
    );
  });

  it("names every field in a person's words", () => {
    const changes = SETTABLE_FIELDS.map((field) => ({ field, before: "", after: "x" }));
    const lines = noteText({ kind: "change", decision, changes, escalations: [], marker }).split("\n").slice(1, -3);
    expect(lines.map((line) => line.split(":")[0])).to.deep.equal([
      "Assignment group",
      "Assignee",
      "Category",
      "Subcategory",
      "Priority",
      "Impact",
      "Urgency",
    ]);
  });

  it("holds its marker once, at its end, where read-back looks for it", () => {
    const text = noteText({ kind: "change", decision, changes: [], escalations: [], marker });
    expect(text.split(marker)).to.have.length(2);
    expect(text.endsWith(marker)).to.equal(true);
  });

  it("has the same text for the same decision, whatever else is true of the ticket (property)", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (title, description) => {
        const ticket = ticketWith({ assignmentGroup: "", title, description });
        const wanted = decisionOf({ assignmentGroup: "Network" });
        const { changes } = planOf({ ticket, decision: wanted });
        const again = planOf({ ticket: ticketWith({ assignmentGroup: "" }), decision: wanted }).changes;
        const text = noteText({ kind: "change", decision: wanted, changes, escalations: [], marker });
        expect(text).to.equal(noteText({ kind: "change", decision: wanted, changes: again, escalations: [], marker }));
      }),
    );
  });

  it("never contains ticket text, through decision and plan (property)", () => {
    const policy = policyOf([
      {
        when: 'ticket.title.contains("Kanari")',
        does: { assign: { group: "Network", person: "m@example.com" }, set: { urgency: 1 } },
      },
    ]);
    fc.assert(
      fc.property(fc.stringMatching(/^Kanari[0-9a-f]{8}$/), (word) => {
        const person = { id: "", name: word, email: `${word}@example.com` };
        const texts = { title: word, description: word, requester: person, labels: [word], custom: { a: word } };
        const ticket = ticketWith({ ...texts, assignmentGroup: "", change: { type: "", risk: "", backoutPlan: word } });
        const made = decided(ticket, policy, 0);
        const { changes } = planOf({ ticket, decision: made });
        expect(changes.length).to.be.greaterThan(0);
        expect(noteText({ kind: "change", decision: made, changes, escalations: [], marker })).not.to.include("Kanari");
      }),
    );
  });
});
