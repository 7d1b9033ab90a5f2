import { expect } from "chai";
import fc from "fast-check";
import type { Decision, Skip } from "../../../core/decision.ts";
import { fieldValue, type SettableField } from "../../../core/ticket.ts";
import { frozen, ticketWith } from "../support/tickets.ts";
import { applied, decisionOf, FIELDS, mappingThat, memoryOf, planOf, remembered } from "./plans.ts";

/** Few values, so that they meet. */
const word = fc.constantFrom("", "A", "B", "C");
const level = fc.integer({ min: 1, max: 3 });

const anyTicket = fc
  .record({
    assignmentGroup: word,
    category: word,
    subcategory: word,
    priority: level,
    impact: level,
    urgency: level,
    person: word,
  })
  .map(({ person, ...fields }) =>
    ticketWith({ ...fields, assignee: { id: person, name: "", email: person === "" ? "" : `${person}@example.com` } }),
  );

const anyDecision: fc.Arbitrary<Decision> = fc
  .record(
    {
      assignmentGroup: fc.constantFrom("A", "B", "C"),
      assignee: fc.constantFrom("A", "B", "A@example.com"),
      category: fc.constantFrom("A", "B"),
      subcategory: fc.constantFrom("A", "B"),
      priority: level,
      impact: level,
      urgency: level,
    },
    { requiredKeys: [] },
  )
  .map((set) => decisionOf(set));

const anyMapping = fc
  .tuple(fc.array(word, { maxLength: 2 }), fc.array(level, { maxLength: 2 }), fc.subarray([...FIELDS]))
  .map(([words, levels, not]) =>
    mappingThat(
      { assignmentGroup: words, category: words, assignee: words, priority: levels, impact: levels, urgency: levels },
      not,
    ),
  );

const anyMemory = fc.option(
  fc
    .dictionary(
      fc.constantFrom<SettableField>(...FIELDS),
      fc.record(
        { wrote: fc.oneof(word, level), theirs: fc.boolean(), writes: fc.constant<number[]>([]) },
        { requiredKeys: ["theirs", "writes"] },
      ),
      { noNullPrototype: true },
    )
    .map((fields) => memoryOf(fields)),
  { nil: undefined },
);

function kept(skips: readonly Skip[]): Skip[] {
  return skips.filter(({ reason }) => reason !== "already_so");
}

describe("a plan (properties)", () => {
  it("is empty once it was carried out", () => {
    fc.assert(
      fc.property(anyTicket, anyDecision, anyMapping, anyMemory, (ticket, decision, mapping, memory) => {
        const planned = planOf({ ticket, decision, mapping, memory });
        const again = planOf({
          ticket: applied(ticket, planned.changes),
          decision,
          mapping,
          memory: remembered(planned, decision),
        });
        expect(again.changes).to.deep.equal([]);
        expect(again.note).to.equal(undefined);
        // What kept a field from being written keeps it still.
        expect(kept(again.skips)).to.deep.equal(kept(planned.skips));
      }),
      { numRuns: 500 },
    );
  });

  it("accounts for every field that the decision names", () => {
    fc.assert(
      fc.property(anyTicket, anyDecision, anyMapping, anyMemory, (ticket, decision, mapping, memory) => {
        const { changes, skips } = planOf({ ticket, decision, mapping, memory });
        const named = [...changes, ...skips].map(({ field }) => field);
        expect(new Set(named).size).to.equal(named.length);
        for (const field of FIELDS) {
          const wanted = decision.set[field];
          const right = applied(ticket, []).assignee.email === wanted || fieldValue(ticket, field) === wanted;
          expect(named.includes(field), field).to.equal(wanted !== undefined);
          if (wanted !== undefined)
            expect(
              skips.some((skip) => skip.field === field && skip.reason === "already_so"),
              field,
            ).to.equal(right);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("never writes over what a person set", () => {
    fc.assert(
      fc.property(
        anyTicket,
        anyTicket,
        anyDecision,
        anyDecision,
        anyMapping,
        (start, theirs, first, second, mapping) => {
          // We write, a person changes what they like, and another decision comes.
          const planned = planOf({ ticket: start, decision: first, mapping });
          const memory = remembered(planned, first);
          const ours = new Map(planned.changes.map(({ field, after }) => [field, after]));
          const next = planOf({ ticket: theirs, decision: second, mapping, memory });
          for (const { field, before } of next.changes) {
            const present = fieldValue(theirs, field);
            expect(before).to.equal(present);
            const wrote = ours.get(field);
            const untouched = wrote === undefined || wrote === present || wrote === theirs.assignee.email;
            expect(untouched, `${field} is theirs`).to.equal(true);
            if (wrote === undefined)
              expect(present === "" || mapping.intake(field).includes(present), field).to.equal(true);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it("writes in act only, and changes none of its inputs", () => {
    fc.assert(
      fc.property(
        anyTicket,
        anyDecision,
        anyMemory,
        fc.constantFrom("observe", "suggest"),
        (ticket, decision, memory, mode) => {
          const planned = planOf({ ticket: frozen(ticket), decision: frozen(decision), memory: frozen(memory), mode });
          expect(planned.changes).to.deep.equal([]);
          expect(planned.suggested).to.deep.equal(planOf({ ticket, decision, memory }).changes);
          if (mode === "observe") expect(planned.note).to.equal(undefined);
        },
      ),
    );
  });

  it("says of a field that is theirs that it is, for ever", () => {
    fc.assert(
      fc.property(
        fc.array(anyTicket, { minLength: 2, maxLength: 6 }),
        anyDecision,
        anyMapping,
        anyMemory,
        (tickets, decision, mapping, memory) => {
          let now = memory;
          const theirs = new Set<string>();
          for (const ticket of tickets) {
            const planned = planOf({ ticket, decision, mapping, memory: now });
            for (const field of theirs)
              expect(
                planned.changes.map((change) => change.field),
                field,
              ).not.to.include(field);
            for (const [field, each] of Object.entries(planned.fields)) if (each?.theirs) theirs.add(field);
            now = remembered(planned, decision);
            for (const field of theirs) expect(now.fields[field as SettableField]?.theirs, field).to.equal(true); // a key of fields
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
