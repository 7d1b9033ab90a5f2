import { expect } from "chai";
import { explain } from "../../../core/policy/explain.ts";
import type { TicketView } from "../../../core/store/store.ts";
import { expectGolden } from "../support/golden.ts";
import { decided, policyOf } from "../support/policies.ts";
import { TICKET } from "../support/tickets.ts";

const AT_MS = Date.parse("2026-03-02T09:00:00Z");

const UNDECIDED: TicketView = {
  ...{ ticket: "snow/incident/1", connection: "snow", key: "INC0010001", revision: "4", decision: undefined },
  ...{
    rules: undefined,
    skips: [],
    gates: [],
    fields: {},
    actions: [],
    dueAtMs: null,
    parked: undefined,
    failing: undefined,
    settledAtMs: undefined,
  },
};

const policy = policyOf([
  { id: "urgent", when: "ticket.priority == 1" },
  {
    id: "network",
    when: 'ticket.category == "network" && ticket.service == ""',
    does: { assign: { group: "Network" } },
  },
  { id: "later", when: "true" },
]);
const decision = decided(TICKET, policy, AT_MS);

/** A decision with the rules of its own policy version, as the store answers it. */
const DECIDED = { decision, rules: [...policy.rules] };

const windowed = policyOf([{ id: "window", when: "ticket.change.plannedStart > now" }]);
const held = decided(TICKET, windowed, AT_MS);

function action(kind: "set" | "note", state: string, detail = ""): TicketView["actions"][number] {
  const set = { field: "assignmentGroup", before: "", after: "Network", marker: "" } as const;
  const note = { field: "note", before: null, after: null, marker: "[il:n1]" } as const;
  const shared = { because: ["network"], decisionId: decision.id, state, detail, intentAtMs: AT_MS, receiptAtMs: null };
  return { id: state, kind, ...(kind === "set" ? set : note), ...shared };
}

const guarded = policyOf(
  [{ id: "all", when: "true", does: { assign: { group: "Network" } } }],
  { leave: true },
  {},
  {
    gates: [
      {
        id: "security-needs-a-person",
        why: "Security tickets need a person",
        when: 'ticket.category == "network"',
        // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
        then: {
          gate: { approvers: { group: "Security Operations" }, before: ["assign"], binds: ["title"], expires: "72h" },
        },
      },
    ],
    sla: {
      rules: [
        {
          id: "all",
          why: "Every ticket has a clock",
          when: "true",
          // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
          then: {
            clocks: {
              resolution: {
                within: "4h",
                stops: ["resolved"],
                steps: [{ id: "half", at: "50%", do: { note: "Half" } }],
              },
            },
          },
        },
      ],
    },
    // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
    autonomy: { default: { id: "careful", why: "At first", then: { mode: "suggest" } } },
  },
);
const waiting = { decision: decided(TICKET, guarded, AT_MS), rules: [...guarded.rules] };

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
      ...DECIDED,
      actions: [
        { ...action("set", "applied"), before: "Network", after: "edbd30", because: ["edited-at-the-same-moment"] },
        action("note", "found", "found on reading back"),
      ],
    },
    false,
  ],
  ["decided", { ...UNDECIDED, ...DECIDED, settledAtMs: AT_MS }, false],
  ["decided, with every rule", { ...UNDECIDED, ...DECIDED, settledAtMs: AT_MS }, true],
  [
    "held, with every rule",
    { ...UNDECIDED, decision: held, rules: [...windowed.rules], parked: { reason: "held", detail: "x", atMs: AT_MS } },
    true,
  ],
  [
    "written, and due again",
    {
      ...UNDECIDED,
      ...DECIDED,
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
      ...DECIDED,
      skips: [
        { field: "assignmentGroup", reason: "already_so" },
        { field: "priority", reason: "not_writable" },
        { field: "category", reason: "owned_by_person" },
      ],
    },
    false,
  ],
  [
    "waits for an approval, on a clock, with every rule",
    {
      ...UNDECIDED,
      ...waiting,
      skips: [{ field: "assignmentGroup", reason: "waits_for_approval" }],
      dueAtMs: AT_MS + 60_000,
      settledAtMs: AT_MS,
    },
    true,
  ],
  ["decided by rules that are not kept, with every rule", { ...UNDECIDED, decision }, true],
  [
    "a field that became a person's",
    { ...UNDECIDED, ...DECIDED, fields: { assignmentGroup: { wrote: "Network", theirs: true, writes: [] } } },
    false,
  ],
  [
    "what was revoked",
    {
      ...{ ...UNDECIDED, ...DECIDED, fields: { assignmentGroup: { wrote: "Network", theirs: true, writes: [] } } },
      actions: [
        action("set", "applied"),
        { ...action("set", "applied"), before: "Network", after: "", because: ["revoked", "a1"] },
        { ...action("note", "applied"), because: ["revoked"] },
        { ...action("note", "applied"), kind: "cancel", field: "gate", because: ["revoked", "a2"] },
      ],
    },
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
