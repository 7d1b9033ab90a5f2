import { expect } from "chai";
import type { Figures } from "../../../core/backtest/figures.ts";
import { changes, HEADER, incidents, policyOf, replayed, routing } from "./rig.ts";

const OPENED = "1/3/2016 08:00";

/** A row under HEADER: number, state, group and hour; opened on the 1st of March at eight. */
function row(number: string, state: string, group: string, at: string, priority = "3"): string[] {
  return [number, state, priority, "7", group, OPENED, at];
}

function only({ policies }: { policies: Figures[] }): Figures {
  const [first] = policies;
  if (!first || policies.length !== 1) throw new Error("one policy was asked for");
  return first;
}

describe("a backtest", () => {
  it("compares the first group and the decided one with the group that resolved", async () => {
    const history = incidents();
    const policy = policyOf(history, { routing: routing(["to-two", "ticket.priority == 2", "Group 2"]) });
    const rows = [
      row("right-before", "New", "1", "1/3/2016 08:10"),
      row("right-before", "Closed", "1", "1/3/2016 09:00"),
      row("made-right", "New", "70", "1/3/2016 08:10", "2"),
      row("made-right", "Resolved", "2", "1/3/2016 09:00", "2"),
      row("made-wrong", "New", "1", "1/3/2016 08:10", "2"),
      row("made-wrong", "Closed", "1", "1/3/2016 09:00", "2"),
      row("wrong-both", "New", "1", "1/3/2016 08:10", "2"),
      row("wrong-both", "Closed", "3", "1/3/2016 09:00", "2"),
      row("nobody-knows", "New", "1", "1/3/2016 08:10"),
      row("nobody-knows", "Closed", "?", "1/3/2016 09:00"),
      row("open", "New", "1", "1/3/2016 08:10"),
      row("reopened", "New", "1", "1/3/2016 08:10"),
      row("reopened", "Resolved", "1", "1/3/2016 09:00"),
      row("reopened", "Active", "1", "1/3/2016 10:00"),
    ];
    const { report } = await replayed(history, rows, [policy]);
    const { tickets, known, agreeBefore, from, to } = report.history;
    expect({ tickets, known, agreeBefore }).to.deep.equal({ tickets: 7, known: 4, agreeBefore: 2 });
    expect([from, to]).to.deep.equal(["2016-03-01T07:10:00.000Z", "2016-03-01T09:00:00.000Z"]);
    const { agree, routedDifferently, better, worse, differentlyAndFree, leftToPeople, rules } = only(report);
    expect({ agree, routedDifferently, better, worse, differentlyAndFree, leftToPeople }).to.deep.equal({
      agree: 2,
      routedDifferently: 3,
      better: 1,
      worse: 1,
      differentlyAndFree: 1,
      leftToPeople: 4,
    });
    expect(rules).to.deep.equal([
      { rule: "leave-it", tickets: 4, known: 1, agree: 1 },
      { rule: "to-two", tickets: 3, known: 3, agree: 1 },
    ]);
  });

  it("routes by a ticket's first row alone", async () => {
    const history = incidents();
    const policy = policyOf(history, { routing: routing(["late", 'ticket.status == "resolved"', "Group 9"]) });
    const rows = [row("a", "New", "1", "1/3/2016 08:10"), row("a", "Resolved", "9", "1/3/2016 09:00")];
    const { report, tickets } = await replayed(history, rows, [policy]);
    expect([only(report).routedDifferently, only(report).agree]).to.deep.equal([0, 0]);
    expect(tickets[0]?.findings[0]?.rule).to.equal("leave-it");
  });

  const SLA = (steps: string): string =>
    `rules: [{ id: s, why: clock, when: 'true', then: { clocks: { resolution: { within: 4h, stops: [resolved, closed], pauses: [on_hold], steps: [${steps}] } } } }]`;
  const STEPS =
    "{ id: half, at: 50%, do: { note: half } }, { id: late, at: 75%, do: { note: late } }, { id: gone, at: 100%, do: { note: gone } }";

  it("fires each step of a clock once, at its hour between two rows, and says how early people knew of a miss", async () => {
    const history = incidents();
    const rows = [
      row("missed", "New", "1", "1/3/2016 08:10"),
      row("missed", "Active", "1", "1/3/2016 08:20"),
      row("missed", "Closed", "1", "1/3/2016 20:00"),
      row("met", "New", "1", "1/3/2016 08:10"),
      row("met", "Closed", "1", "1/3/2016 10:30"),
      // Recorded only when three quarters were over: half is passed over, and nobody could know by then.
      row("late-record", "New", "1", "1/3/2016 11:30"),
      row("late-record", "Closed", "1", "1/3/2016 20:00"),
      // Two hours of waiting do not count.
      row("paused", "New", "1", "1/3/2016 08:10"),
      row("paused", "Waiting", "1", "1/3/2016 09:00"),
      row("paused", "Active", "1", "1/3/2016 11:00"),
      row("paused", "Closed", "1", "1/3/2016 13:30"),
    ];
    const { report } = await replayed(history, rows, [policyOf(history, { sla: SLA(STEPS) })]);
    const { sla, escalations } = only(report);
    expect(sla).to.deep.equal({ clocks: 4, missed: 2, told50: 1, told75: 1, told100: 2 });
    expect(escalations).to.deep.equal({
      tickets: 4,
      steps: 8,
      byStep: { "s/resolution/half": 3, "s/resolution/late": 3, "s/resolution/gone": 2 },
    });
  });

  it("says that a miss without steps was told to nobody", async () => {
    const history = incidents();
    const rows = [row("a", "New", "1", "1/3/2016 08:10"), row("a", "Closed", "1", "2/3/2016 08:00")];
    const { report } = await replayed(history, rows, [policyOf(history, { sla: SLA("") })]);
    expect(only(report).sla).to.deep.equal({ clocks: 1, missed: 1, told50: 0, told75: 0, told100: 0 });
  });

  it("runs the clocks of tickets that are still open to the end of history, and no further", async () => {
    const history = incidents();
    const rows = [
      row("open", "New", "1", "1/3/2016 08:10"),
      row("last", "New", "1", "1/3/2016 08:10"),
      row("last", "Closed", "1", "1/3/2016 11:30"),
    ];
    const { report } = await replayed(history, rows, [policyOf(history, { sla: SLA(STEPS) })]);
    expect(only(report).escalations.byStep).to.deep.equal({ "s/resolution/half": 2, "s/resolution/late": 2 });
  });

  it("counts a gate once for a ticket, and again when a bound field changes", async () => {
    const history = incidents();
    const gates = `[{ id: g, why: ask, when: 'ticket.priority <= 2', then: { gate: { approvers: { group: Bosses }, before: [close], binds: [assignmentGroup], expires: 1h } } }]`;
    const rows = [
      row("a", "New", "1", "1/3/2016 08:10", "2"),
      row("a", "Active", "1", "1/3/2016 08:20", "2"),
      row("a", "Active", "4", "1/3/2016 08:30", "2"),
      row("b", "New", "1", "1/3/2016 08:30", "3"),
    ];
    const { report } = await replayed(history, rows, [policyOf(history, { gates })]);
    expect(only(report).gates).to.deep.equal({ tickets: 1, asked: 1, askedAgain: 1, byRule: { g: 1 } });
    expect(only(report).freezes.tickets).to.equal(0);
  });

  it("tells freezes that a change runs into from gates", async () => {
    const history = changes();
    const window = "window: { zone: Etc/UTC, start: 2016-12-20T00:00, end: 2017-01-02T00:00 }";
    const freezes = `
- { id: soft, why: quiet, severity: soft, ${window}, override: { approvers: { group: Bosses }, expires: 1h } }
- { id: hard, why: shut, severity: hard, ${window} }`;
    const header = [...HEADER, "start", "end"];
    const rows = [
      [...row("in", "New", "1", "1/3/2016 08:10"), "24/12/2016 10:00", "24/12/2016 11:00"],
      [...row("out", "New", "1", "1/3/2016 08:10"), "1/6/2016 10:00", "1/6/2016 11:00"],
    ];
    const { report } = await replayed(history, rows, [policyOf(history, { freezes })], { header });
    const { freezes: hit, gates, held } = only(report);
    expect([hit, gates.asked, held]).to.deep.equal([{ tickets: 1, byRule: { soft: 1, hard: 1 } }, 0, 0]);
  });

  it("asks nobody, says who would have been asked, and holds where a guard cannot know", async () => {
    const history = incidents();
    const gate = (id: string, when: string): string =>
      `- { id: ${id}, why: ask, when: '${when}', then: { gate: { approvers: { group: Bosses }, before: [close], binds: [priority], expires: 1h } } }\n`;
    // That this history names no item is known without a CMDB.
    const gates = [
      gate("by-ci", 'ci.environment == "production"'),
      gate("by-spend", "spend.month > 500"),
      gate("by-advice", "advice.security_related"),
    ].join("");
    const rows = [row("a", "New", "1", "1/3/2016 08:10"), row("a", "Active", "1", "1/3/2016 09:10")];
    const { report } = await replayed(history, rows, [policyOf(history, { gates })]);
    const { ai, unknownFacts, held, heldAtFirst } = only(report);
    expect(ai).to.deep.equal({ enabled: false, calls: 0, costCents: 0, wanted: 1 });
    expect([unknownFacts, held, heldAtFirst]).to.deep.equal([{ spend: 1 }, 1, 1]);
  });

  it("sets two policies side by side", async () => {
    const history = incidents();
    const a = policyOf(history, {}, "a");
    const b = policyOf(history, { routing: routing(["two", "ticket.priority == 2", "Group 2"]) }, "b");
    const rows = [row("x", "New", "1", "1/3/2016 08:10", "2"), row("y", "New", "2", "1/3/2016 08:10", "2")];
    const { report, tickets } = await replayed(history, rows, [a, b]);
    expect(report.policies.map(({ name, routedDifferently }) => [name, routedDifferently])).to.deep.equal([
      ["a", 0],
      ["b", 1],
    ]);
    expect(report.policiesDiffer).to.equal(1);
    expect(tickets.map(({ findings }) => findings.length)).to.deep.equal([2, 2]);
  });

  it("says which rows it could not read or found out of order, and goes on", async () => {
    const history = incidents();
    const rows = [
      row("a", "New", "1", "1/3/2016 08:10"),
      row("a", "-100", "1", "1/3/2016 08:20"),
      row("a", "Active", "1", "1/3/2016 08:05"),
      row("b", "New", "1", "31/2/2016 08:05"),
      row("?", "New", "1", "1/3/2016 08:05"),
    ];
    const { report } = await replayed(history, rows, [policyOf(history)]);
    const { tickets, rowsOutOfOrder, unreadable } = report.history;
    expect([tickets, rowsOutOfOrder, unreadable]).to.deep.equal([
      1,
      1,
      {
        rows: 3,
        byReason: { "status: -100": 1, "updatedAt: not a date with a known zone": 1, "number: (empty)": 1 },
      },
    ]);
  });

  it("gives the same figures whether tickets are mixed or stand together", async () => {
    const rows = [
      row("a", "New", "1", "1/3/2016 08:10"),
      row("a", "Closed", "2", "1/3/2016 18:00"),
      row("b", "New", "1", "1/3/2016 08:10"),
      row("b", "Active", "1", "1/3/2016 09:10"),
      row("c", "New", "1", "1/3/2016 08:10"),
      row("c", "Closed", "1", "2/3/2016 18:00"),
    ];
    const mixed = [0, 2, 4, 3, 1, 5].map((at) => rows[at] ?? []);
    const figures = async (grouped: boolean, given: string[][]) => {
      const history = incidents({ grouped });
      return (await replayed(history, given, [policyOf(history, { sla: SLA(STEPS) })])).report;
    };
    expect(await figures(true, rows)).to.deep.equal(await figures(false, mixed));
  });

  it("stops where a ticket comes back in a file that is said to be grouped", async () => {
    const history = incidents({ grouped: true });
    const rows = [
      row("a", "New", "1", "1/3/2016 08:10"),
      row("b", "New", "1", "1/3/2016 08:10"),
      row("a", "Closed", "1", "1/3/2016 09:10"),
    ];
    const error = await replayed(history, rows, [policyOf(history)]).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(String(error)).to.include("ticket a comes back after others; take grouped: true out of small.yaml");
  });

  it("leaves out what was opened before --since, and says so", async () => {
    const history = incidents();
    const rows = [
      row("a", "New", "1", "1/3/2016 08:10"),
      ["b", "New", "3", "7", "1", "2/3/2016 08:00", "2/3/2016 08:10"],
    ];
    const { report } = await replayed(history, rows, [policyOf(history)], {
      sinceMs: Date.parse("2016-03-02T00:00:00Z"),
    });
    expect([report.history.tickets, report.history.before]).to.deep.equal([1, 1]);
  });
});
