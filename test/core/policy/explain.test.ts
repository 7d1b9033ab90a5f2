import { expect } from "chai";
import { decide } from "../../../core/policy/decide.ts";
import { explain } from "../../../core/policy/explain.ts";
import type { TicketView } from "../../../core/store/store.ts";
import { expectGolden } from "../support/golden.ts";
import { policyOf } from "../support/policies.ts";
import { TICKET } from "../support/tickets.ts";

const AT_MS = Date.parse("2026-03-02T09:00:00Z");

const UNDECIDED: TicketView = {
  ...{ ticket: "snow/incident/1", connection: "snow", key: "INC0010001", revision: "4", decision: undefined },
  ...{
    skips: [],
    fields: {},
    actions: [],
    dueAtMs: null,
    parked: undefined,
    failing: undefined,
    settledAtMs: undefined,
  },
};

const decision = decide(
  TICKET,
  {},
  policyOf([
    { id: "urgent", when: "ticket.priority == 1" },
    {
      id: "network",
      when: 'ticket.category == "network" && ticket.service == ""',
      does: { assign: { group: "Network" } },
    },
    { id: "later", when: "true" },
  ]),
  AT_MS,
);

const held = decide(TICKET, {}, policyOf([{ id: "window", when: "ticket.change.plannedStart > now" }]), AT_MS);

function action(kind: "set" | "note", state: string, detail = ""): TicketView["actions"][number] {
  const set = { field: "assignmentGroup", before: "", after: "Network", marker: "" } as const;
  const note = { field: "note", before: null, after: null, marker: "[il:n1]" } as const;
  const shared = { because: ["network"], decisionId: decision.id, state, detail, intentAtMs: AT_MS, receiptAtMs: null };
  return { id: state, kind, ...(kind === "set" ? set : note), ...shared };
}

const VIEWS: readonly (readonly [string, TicketView, boolean])[] = [
  ["not decided yet", UNDECIDED, false],
  [
    "parked before it was decided",
    { ...UNDECIDED, parked: { reason: "drift", detail: "status: 42", atMs: AT_MS } },
    false,
  ],
  [
    "tried, and not decided yet",
    {
      ...UNDECIDED,
      dueAtMs: AT_MS + 90_000,
      failing: {
        reason: "unavailable",
        detail: "snow could not be reached for read (ECONNREFUSED)",
        attempts: 0,
        outages: 3,
      },
    },
    false,
  ],
  [
    "a person's value that was put back, found by reading back",
    {
      ...UNDECIDED,
      decision,
      actions: [
        { ...action("set", "applied"), before: "Network", after: "edbd30", because: ["edited-at-the-same-moment"] },
        action("note", "found", "found on reading back"),
      ],
    },
    false,
  ],
  ["decided", { ...UNDECIDED, decision, settledAtMs: AT_MS }, false],
  ["decided, with every rule", { ...UNDECIDED, decision, settledAtMs: AT_MS }, true],
  [
    "held, with every rule",
    { ...UNDECIDED, decision: held, parked: { reason: "held", detail: "x", atMs: AT_MS } },
    true,
  ],
  [
    "written, and due again",
    {
      ...UNDECIDED,
      decision,
      actions: [
        ...["open", "applied", "unconfirmed", "dropped", "found", "abandoned"].map((state) => action("set", state)),
        action("note", "applied", "read back"),
        action("note", "abandoned", "refused: auth"),
      ],
      dueAtMs: AT_MS + 60_000,
    },
    false,
  ],
  [
    "values that were not written",
    {
      ...UNDECIDED,
      decision,
      skips: [
        { field: "assignmentGroup", reason: "already_so" },
        { field: "priority", reason: "not_writable" },
        { field: "category", reason: "owned_by_person" },
      ],
    },
    false,
  ],
  [
    "a field that became a person's",
    { ...UNDECIDED, decision, fields: { assignmentGroup: { wrote: "Network", theirs: true, writes: [] } } },
    false,
  ],
];

describe("explain", () => {
  it("tells what is known of a ticket in the accepted words", () => {
    const texts = VIEWS.map(([name, view, trace]) => `# ${name}\n${explain(view, trace).join("\n")}\n`);
    expectGolden(new URL("./explain.golden.txt", import.meta.url), texts.join("\n"));
  });

  it("quotes no text of the ticket", () => {
    const text = VIEWS.flatMap(([, view]) => explain(view, true)).join("\n");
    for (const words of [TICKET.title, TICKET.description, TICKET.requester.name]) expect(text).not.to.include(words);
  });
});
