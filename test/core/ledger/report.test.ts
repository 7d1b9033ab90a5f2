import { expect } from "chai";
import { seal } from "../../../core/ledger/chain.ts";
import type { Draft } from "../../../core/ledger/entry.ts";
import { type LedgerReport, Reporter } from "../../../core/ledger/report.ts";
import { listCsv, reportFigures, reportHtml } from "../../../core/ledger/report-page.ts";
import { ACTION, ADVICE, countedSalts, DECISION, DRAFTS, GATE, RECEIPT } from "./drafts.ts";

const DAY = "2026-03-02";
const AT_MS = Date.parse(`${DAY}T09:00:00Z`);

function reported(drafts: readonly Draft[], from = DAY, to = "2026-03-03"): LedgerReport {
  const reporter = new Reporter(from, to);
  for (const entry of seal(undefined, drafts, AT_MS, countedSalts())) reporter.add(entry);
  return reporter.report();
}

function gate(change: object): Draft {
  const body = { ...(GATE.kind === "gate" ? GATE.body : undefined), ...change };
  return { ...GATE, body } as Draft; // the sample with other words
}

describe("a report of the ledger", () => {
  it("says of a write what it changed, by which rule, who approved, what a model had said, and what came of it", () => {
    const { changes } = reported([ADVICE, DECISION, gate({ event: "asked", by: null }), GATE, ACTION, RECEIPT]);
    expect(changes).to.have.lengthOf(1);
    expect(changes[0]).to.deep.include({
      ...{ field: "assignmentGroup", before: "", after: "Network", rules: "network", outcome: "applied", mode: "act" },
      approvedBy: "ann (security)",
      advice: "category = network (claude:claude-haiku)",
    });
  });

  it("does not count an approval that is void, or that was asked for anew", () => {
    for (const event of ["void", "expired", "asked"])
      expect(reported([GATE, gate({ event, by: null }), ACTION]).changes[0]?.approvedBy, event).to.equal("");
    const two = reported([GATE, gate({ by: "bob", answerId: "row-2" }), ACTION]).changes[0];
    expect(two?.approvedBy).to.equal("ann and bob (security)");
  });

  it("says whether who approved is who wanted it, where that is recorded", () => {
    const { approvals } = reported([GATE, gate({ requester: "ann" }), gate({ requester: "bob" })]);
    expect(approvals.map(({ differs }) => differs)).to.deep.equal(["not recorded", "no", "yes"]);
  });

  it("leaves out what is not of its period, and takes approvals of before into account", () => {
    expect(reported(DRAFTS, "2026-03-03", "2026-03-04")).to.deep.include({ entries: 0, changes: [], approvals: [] });
    expect(reported(DRAFTS, "2026-03-01", DAY)).to.deep.include({ entries: 0, overrides: [] });
    const reporter = new Reporter("2026-03-03", "2026-03-04");
    const [first, ...later] = seal(undefined, [GATE, ACTION], AT_MS, countedSalts());
    if (first) reporter.add(first);
    for (const entry of later) reporter.add({ ...entry, at: "2026-03-03T09:00:00.000Z" });
    expect(reporter.report().changes[0]?.approvedBy).to.equal("ann (security)");
    expect(reporter.report().approvals).to.deep.equal([]);
  });

  it("takes an entry of every kind, and one whose body was dropped", () => {
    const report = reported(DRAFTS);
    expect(report.entries).to.equal(DRAFTS.length);
    expect(report.overrides.map(({ what }) => what)).to.include("mode observe (configured: act), all connections");
    expect(report.exceptions.map(({ what }) => what)).to.include("the clock was set by -3600000 ms");
    expect(report.advice).to.deep.include({ provider: "claude", model: "claude-haiku", asked: 1, used: 1 });
    const reporter = new Reporter(DAY, "2026-03-03");
    for (const entry of seal(undefined, DRAFTS, AT_MS, countedSalts())) reporter.add({ ...entry, body: "" });
    expect(reporter.report()).to.deep.include({ entries: DRAFTS.length, dropped: DRAFTS.length, changes: [] });
    expect(reportFigures(report)).to.have.lengthOf(5);
  });

  it("escapes everything in its page, and defuses formulas in its lists", () => {
    const after = '=cmd|"<script>alert(1)</script>';
    const action = { ...ACTION, body: { ...(ACTION.kind === "action" && ACTION.body), after } } as Draft; // the sample with other words
    const report = reported([action]);
    expect(reportHtml(report)).to.contain("&lt;script&gt;").and.to.not.contain("<script>");
    expect(listCsv(report.changes.map((row) => ({ ...row })))).to.contain(`"'=cmd|""<script>`);
    expect(listCsv([])).to.equal("");
  });
});
