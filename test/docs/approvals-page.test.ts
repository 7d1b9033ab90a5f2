import { readFileSync } from "node:fs";
import { expect } from "chai";
import { gateLines } from "../../core/act/gate-note.ts";
import { SIDE_DOORS } from "../../core/decision.ts";
import { ANSWER_REFUSALS } from "../../core/gates/answer.ts";
import { Limits } from "../../core/limits.ts";
import { GateThen } from "../../core/policy/gates.ts";
import { decisionOf } from "../core/act/plans.ts";

const page = readFileSync("docs/approvals.md", "utf8");

/** The cells of the table below a heading row that begins with this. */
function rowsOf(head: string): string[][] {
  const table = page.slice(page.indexOf(head)).split("\n\n")[0] ?? "";
  return table
    .split("\n")
    .slice(2)
    .map((row) =>
      row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

describe("the page about approvals", () => {
  it("gives every reason why an answer does not count, in the words of the note, and no other", () => {
    const rows = rowsOf("| reason | what the note says |");
    expect(rows.map(([reason]) => reason)).to.deep.equal(ANSWER_REFUSALS.map((reason) => `\`${reason}\``));
    const decision = decisionOf({});
    for (const [at, refused] of ANSWER_REFUSALS.entries()) {
      const answer = { id: "1", decision: "approved", for: "ann", by: "ann", at: null, refused } as const;
      const event = { kind: "answer_refused", rule: "r", marker: "[il:1]", answer } as const;
      const [line] = gateLines([event], { asks: [], decision, names: new Map() });
      expect(line).to.equal(`The approval by ann does not count: ${rows[at]?.[1]} (rule r)`);
    }
  });

  it("names every reason for which a ticket is parked because of approvals, as the code has them", () => {
    const code = ["core/act/gates.ts", "core/act/side-doors.ts", "core/reconcile/approvals.ts"]
      .map((path) => readFileSync(path, "utf8"))
      .join();
    const parked = [...code.matchAll(/reason: "(\w+)"|error, "(\w+)"\)/g)].map(([, one, other]) => one ?? other);
    const rows = rowsOf("| reason | what happened |");
    expect(rows.map(([reason]) => reason?.replaceAll("`", "")).sort()).to.deep.equal([...new Set(parked)].sort());
    const operations = readFileSync("docs/operations.md", "utf8");
    for (const reason of parked) expect(operations).to.include(`| \`${reason}\``);
  });

  it("names every key of a gate, both ways of side doors, and how often answers are looked for", () => {
    const keys = rowsOf("| key | meaning |").map(([key]) => key);
    const known = [...Object.keys(GateThen.shape.gate.shape), "need"];
    expect(keys.toSorted()).to.deep.equal(known.map((key) => `\`${key}\``).sort());
    for (const way of SIDE_DOORS) expect(page).to.include(`\`${way}\``);
    expect(Limits.parse({}).approvalPollMs).to.equal(60_000);
    expect(page).to.include("`limits.approvalPollMs` (60 s)");
  });
});
