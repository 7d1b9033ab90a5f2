import { expect } from "chai";
import { plan } from "../../../core/act/plan.ts";
import { CalendarFile, calendarOf } from "../../../core/policy/calendar.ts";
import { decide, suggestionDigest } from "../../../core/policy/decide.ts";
import type { Facts } from "../../../core/policy/facts.ts";
import { WindowFile, windowOf } from "../../../core/policy/window.ts";
import type { Ticket } from "../../../core/ticket.ts";
import { LIMITS, mappingThat, memoryOf, wrote } from "../act/plans.ts";
import { decided, policyOf } from "../support/policies.ts";
import { TICKET, ticketWith } from "../support/tickets.ts";

const at = (text: string): number => Date.parse(text);
const CREATED_MS = at(TICKET.createdAt);
const MINUTE = 60_000;

function slaPolicy(steps: readonly object[]) {
  const clocks = { resolution: { within: "100m", stops: ["resolved"], pauses: ["on_hold"], steps } };
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  const sla = { rules: [{ id: "p3", why: "It says so", when: "true", then: { clocks } }] };
  return policyOf(
    [{ when: "true", does: { assign: { group: "Network" }, set: { priority: 3 } } }],
    undefined,
    {},
    { sla },
  );
}

const STEPS = [
  { id: "raise", at: "50%", do: { raise: "priority" } },
  { id: "lead", at: "75%", do: { escalate: { group: "Leads", takeOver: true }, note: "Look at this." } },
];

describe("service levels", () => {
  const policy = slaPolicy(STEPS);
  const first = decided(TICKET, policy, CREATED_MS + 50 * MINUTE);
  const clocksOf = (decision: typeof first) =>
    Object.fromEntries(decision.sla.map(({ clock, memory }) => [clock, memory]));

  it("wake exactly at the next step, take it once, and keep what it raised from routing", () => {
    expect(decided(TICKET, policy, CREATED_MS).wakeAt).to.equal("2026-03-02T09:05:00.000Z");
    expect(first.escalations.map(({ step }) => step)).to.deep.equal(["raise"]);
    expect(first.set.priority).to.equal(2);
    const raised = ticketWith({ priority: 2 });
    const next = decided(raised, policy, CREATED_MS + 51 * MINUTE, { clocks: clocksOf(first) });
    expect(next.escalations).to.deep.equal([]);
    expect(next.set.priority, "routing says 3, and does not lower it again").to.equal(2);
  });

  it("take only the last of the steps that are due at once; what was passed over asks for nothing", () => {
    const late = decided(TICKET, policy, CREATED_MS + 90 * MINUTE);
    expect(late.escalations.map(({ step }) => step)).to.deep.equal(["lead"]);
    expect(late.set).to.deep.equal({ assignmentGroup: "Leads", priority: 3 });
    expect(late.takeOver).to.deep.equal(["assignmentGroup"]);
  });

  it("keep a ticket where it was escalated to once the clock has stopped", () => {
    const late = decided(TICKET, policy, CREATED_MS + 90 * MINUTE);
    const done = ticketWith({ status: "resolved", assignmentGroup: "Leads" });
    expect(decided(done, policy, CREATED_MS + 95 * MINUTE, { clocks: clocksOf(late) }).set.assignmentGroup).to.equal(
      "Leads",
    );
  });

  it("count nothing while the machine's clock is set back, and wake by the hour they have come to", () => {
    const back = decided(TICKET, policy, CREATED_MS + 10 * MINUTE, { clocks: clocksOf(first) });
    expect(back.sla[0]?.memory.elapsedMs).to.equal(50 * MINUTE);
    expect(back.wakeAt).to.equal("2026-03-02T09:30:00.000Z");
  });

  it("take no step while a person must look at the ticket", () => {
    const failing = [{ when: "ticket.labels[9] == ticket.title" }];
    const then = { clocks: { resolution: { within: "100m", stops: ["resolved"], steps: STEPS } } };
    const sla = { rules: [{ id: "p3", why: "x", when: "true", then }] };
    const held = decided(TICKET, policyOf(failing, undefined, {}, { sla }), CREATED_MS + 90 * MINUTE);
    expect([held.escalations, held.sla[0]?.memory.taken]).to.deep.equal([[], []]);
  });

  it("take a group over once: a person who moves the ticket after that has answered", () => {
    const decision = decided(TICKET, policy, CREATED_MS + 90 * MINUTE);
    const rest = { mode: "act", owed: [], toldSteps: new Set<string>(), nowMs: CREATED_MS, limits: LIMITS } as const;
    const by = (memory: Parameters<typeof plan>[0]["memory"]) => {
      const ticket = ticketWith({ assignmentGroup: "A person's choice" });
      const suggested = suggestionDigest(decision);
      return plan({ ticket, decision, suggestionDigest: suggested, mapping: mappingThat(), memory, ...rest }).changes;
    };
    expect(by(undefined)).to.have.length(1);
    expect(by(memoryOf({ assignmentGroup: wrote("Leads") }))).to.deep.equal([]);
  });
});

describe("a calendar", () => {
  const hours = { "mon-sun": "00:00-24:00" };
  it("counts the time that really passes on the nights when clocks change", () => {
    const { between } = calendarOf(CalendarFile.parse({ zone: "Europe/Berlin", hours }));
    expect(between(at("2026-03-28T23:00Z"), at("2026-03-29T22:00Z"))).to.equal(23 * 60 * MINUTE);
    expect(between(at("2026-10-24T22:00Z"), at("2026-10-25T23:00Z"))).to.equal(25 * 60 * MINUTE);
  });

  it("counts no holiday, and names no day twice", () => {
    const { between } = calendarOf(CalendarFile.parse({ zone: "Europe/Berlin", hours, holidays: ["2026-03-03"] }));
    expect(between(at("2026-03-02T23:00Z"), at("2026-03-03T23:00Z"))).to.equal(0);
    const twice = { "mon-fri": "08:00-18:00", fri: "08:00-14:00" };
    expect(CalendarFile.safeParse({ zone: "Europe/Berlin", hours: twice }).success).to.equal(false);
  });
});

describe("a window", () => {
  const weekly = (rrule: string) =>
    WindowFile.safeParse({ zone: "Pacific/Auckland", start: "2026-12-04T18:00", for: "2h", rrule });

  it("comes at the zone's own hour, up to an end that is told in UTC", () => {
    const file = weekly("FREQ=WEEKLY;UNTIL=20261211T050000Z");
    if (!file.success) throw file.error;
    const window = windowOf(file.data);
    const hit = { fromMs: at("2026-12-11T05:30Z"), toMs: at("2026-12-11T06:00Z") };
    expect(window.overlapping(hit), "18:00 in Auckland is 05:00 in UTC").to.include({
      fromMs: at("2026-12-11T05:00Z"),
    });
    expect(window.lastMs).to.equal(at("2026-12-11T07:00Z"));
  });

  it("is refused where it never comes, or where its rule would be walked for ever", () => {
    for (const rrule of ["FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=HOURLY"])
      expect(weekly(rrule).success, rrule).to.equal(false);
  });
});

describe("facts on demand", () => {
  const gate = { approvers: { group: "Security" }, before: ["assign"], binds: ["title"], expires: "72h" };
  // biome-ignore lint/suspicious/noThenProperty: `then` is the word admins write in a rule
  const gateFile = (when: string) => ({ gates: [{ id: "guard", why: "It says so", when, then: { gate } }] });
  const guarded = (when: string) => policyOf([{ when: "true" }], undefined, {}, gateFile(when));

  it("are named with the cheapest first; absent is errored for a guard, and absent advice adds nothing", () => {
    const both = guarded('advice.security_related || ci.environment == "production"');
    expect(decide(TICKET, {}, both, CREATED_MS)).to.deep.equal({ needs: ["ci", "advice"] });
    const held = decided(TICKET, both, CREATED_MS, { ci: null, advice: null });
    expect(held.holds.map(({ reason }) => reason)).to.deep.equal(["rule guard could not be computed: ci is not known"]);
    const free = decided(TICKET, guarded("advice.security_related"), CREATED_MS, { advice: null });
    expect([free.gates, free.holds]).to.deep.equal([[], []]);
  });

  it("members: the groups of both people are looked into, and whoever is nobody belongs to none", () => {
    const route = (when: string, ticket: Partial<Ticket>, facts: Facts): string =>
      String(decided(ticketWith(ticket), policyOf([{ when, does }]), CREATED_MS, facts).set.assignmentGroup ?? "");
    const does = { assign: { group: "Concierge" } };
    const [byRequester, byAssignee] = ["requester", "assignee"].map((who) => `inGroup(ticket.${who}, "Board Office")`);
    const beth = { ...TICKET.requester, id: "beth" };
    const members = { u1: ["Board Office", "Sales"], beth: ["Sales"] };
    expect(route(byRequester ?? "", {}, { members })).to.equal("Concierge");
    expect(route(byRequester ?? "", { requester: beth }, { members })).to.equal("");
    expect(route(byAssignee ?? "", { assignee: TICKET.requester }, { members })).to.equal("Concierge");
    expect(route(byAssignee ?? "", {}, { members: {} })).to.equal("");
    expect(decide(TICKET, {}, policyOf([{ when: byRequester ?? "", does }]), CREATED_MS)).to.deep.equal({
      needs: ["members"],
    });
  });

  it("absent: a routing rule is not asked", () => {
    const { trace } = decided(TICKET, policyOf([{ when: "spend.month > 1" }]), CREATED_MS, { spend: null });
    expect(trace.verdicts[0]).to.equal("s");
  });
});
