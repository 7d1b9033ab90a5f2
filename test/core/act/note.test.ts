import { expect } from "chai";
import fc from "fast-check";
import { giveBackText, markerOf, noteText } from "../../../core/act/note.ts";
import type { FieldChange } from "../../../core/act/plan.ts";
import { UNANSWERED } from "../../../core/advice/step.ts";
import { RELIANCE_LIMITS, type Reliance } from "../../../core/decision.ts";
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
    expect(noteText({ kind: "change", decision, changes, advised: [], escalations: [], marker })).to.equal(
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
    expect(noteText({ kind: "suggestion", decision, changes, advised: [], escalations: [], marker })).to.equal(
      [
        "Interlock suggests (nothing was changed):",
        "Category: inquiry -> network",
        "Because: Network trouble goes to Network (rule network)",
        "Decided by rules; no AI was used.",
        "Decision 0123456789abcdef [il:00ff00ff00ff00ff]",
      ].join("\n"),
    );
  });

  const answers = [{ field: "category", label: "network", by: "local:abc", boundBp: 310 }] as const;
  const advice = {
    ...{
      absent: null,
      answers: [...answers],
      moved: true,
      relied: [],
      open: true,
      limit: null,
      targetBp: 500,
      rule: null,
    },
  } satisfies Reliance;
  const linesOf = (given: Partial<Reliance>, advised: readonly FieldChange[] = []): string[] => {
    const told = decisionOf({}, { advice: { ...advice, ...given } });
    return noteText({ kind: "change", decision: told, changes: [], advised, escalations: [], marker })
      .split("\n")
      .slice(2, -1);
  };

  it("says what AI advised, how often such answers are wrong at the most, and that it counted", () => {
    expect(linesOf({})).to.deep.equal([
      "Decided by rules. AI advised category network (wrong in at most 3.1 %).",
      "It decided where the ticket goes (allowed: 5 %).",
    ]);
  });

  it("shows no bound that is below the one that holds", () => {
    const told = linesOf({ answers: [{ ...answers[0], boundBp: 251 }] });
    expect(told[0]).to.equal("Decided by rules. AI advised category network (wrong in at most 2.6 %).");
  });

  it("says that advice which moved nothing only adds care", () => {
    expect(linesOf({ moved: false }).at(-1)).to.equal(
      "It changed nothing about where the ticket goes; it may only add care.",
    );
  });

  it("tells of what AI alone asks for as a suggestion", () => {
    const advised = [{ field: "assignmentGroup", before: "Service Desk", after: "Network" }] as const;
    expect(linesOf({ limit: "over_target", targetBp: 200 }, advised)).to.deep.equal([
      "AI suggests (not written) Assignment group: Service Desk -> Network",
      "Decided by rules. AI advised category network (wrong in at most 3.1 %).",
      "A person decides: such answers are wrong more often than is allowed (allowed: 2 %).",
    ]);
  });

  for (const limit of RELIANCE_LIMITS)
    it(`${limit}: says in a sentence why a person decides`, () => {
      expect(linesOf({ limit }).at(-1)).to.match(/^A person decides: [a-z].+\(allowed: 5 %\)\.$/);
    });

  for (const absent of UNANSWERED)
    it(`${absent}: says in a sentence why there is no advice`, () => {
      expect(linesOf({ absent })).to.have.length(1);
      expect(linesOf({ absent })[0]).to.match(/^Decided by rules\. AI gave no advice: [a-z].+\.$/);
    });

  it("is no longer than it must be, however many answers there are", () => {
    const many = { field: "category", label: "x".repeat(100), by: "local:abc", boundBp: null } as const;
    expect(linesOf({ answers: Array.from({ length: 50 }, () => many) })[0]).to.have.length.below(500);
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
    const lines = noteText({ kind: "change", decision, changes, advised: [], escalations: [], marker })
      .split("\n")
      .slice(1, -3);
    expect(lines.map((line) => line.split(":")[0])).to.deep.equal([
      "Assignment group",
      "Assignee",
      "Category",
      "Subcategory",
      "Priority",
      "Impact",
      "Urgency",
      "Risk of the change",
      "Board required",
      "On hold",
    ]);
  });

  it("holds its marker once, at its end, where read-back looks for it", () => {
    const text = noteText({ kind: "change", decision, changes: [], advised: [], escalations: [], marker });
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
        const text = noteText({ kind: "change", decision: wanted, changes, advised: [], escalations: [], marker });
        expect(text).to.equal(
          noteText({ kind: "change", decision: wanted, changes: again, advised: [], escalations: [], marker }),
        );
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
        const ticket = ticketWith({
          ...texts,
          assignmentGroup: "",
          change: { type: "", risk: "", backoutPlan: word, cabRequired: false, onHold: false, outcome: "" },
        });
        const made = decided(ticket, policy, 0);
        const { changes } = planOf({ ticket, decision: made });
        expect(changes.length).to.be.greaterThan(0);
        expect(
          noteText({ kind: "change", decision: made, changes, advised: [], escalations: [], marker }),
        ).not.to.include("Kanari");
      }),
    );
  });
});
