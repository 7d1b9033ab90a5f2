import { expect } from "chai";
import { POLICY_FILES } from "../../../core/config/policy-files.ts";
import type { Closed } from "../../../core/policy/implication.ts";
import { lintPolicy } from "../../../core/policy/lint.ts";
import { renderProblem } from "../../../core/problem.ts";
import { filesOf, type Texts } from "../support/config-files.ts";
import { CHECKED_AT_MS, icsOf, SOUND_POLICY } from "../support/policy-files.ts";

const NOTHING_GIVEN: Closed = new Map();

function lint(texts: Texts, given: Closed = NOTHING_GIVEN, nowMs = CHECKED_AT_MS): string[] {
  const where = { folder: "config/policy", names: POLICY_FILES };
  return lintPolicy(filesOf(texts), where, given, nowMs).map(renderProblem);
}

/** What is said of routing rules with these conditions, in this order. */
function routing(...conditions: readonly string[]): string[] {
  const rules = conditions.map(
    (when, at) => `  - { id: r${at}, why: w, when: ${JSON.stringify(when)}, then: { leave: true } }\n`,
  );
  const fallback = "default: { id: rest, why: w, then: { leave: true } }\n";
  return lint({ "config/policy/routing.yaml": `rules:\n${rules.join("")}${fallback}` });
}

/** What is said of a freeze with this window. */
function freeze(window: string, nowMs = CHECKED_AT_MS, more: Texts = {}): string[] {
  const text = `- { id: f, why: w, severity: hard, window: ${window} }\n`;
  return lint({ "config/policy/freezes.yaml": text, ...more }, NOTHING_GIVEN, nowMs);
}

describe("what is well formed and cannot be meant", () => {
  it("is nothing in a sound policy", () => {
    expect(lint(SOUND_POLICY)).to.deep.equal([]);
  });

  it("is a value that a field never has, wherever it stands in a condition, at its place", () => {
    expect(routing('ticket.impact == 1 && !("hgih" == ticket.change.risk)')).to.deep.equal([
      'config/policy/routing.yaml:2:55 rules.0.when: ticket.change.risk is never "hgih". Did you mean "high"? It is one of: "", very_high, high, moderate, low.',
    ]);
  });

  it("is said of each value of a list", () => {
    expect(routing('ticket.kind in ["incident", "task", "defect"]')).to.have.length(2);
  });

  it("is not a field that may have any value, nor one that is computed with", () => {
    expect(routing('ticket.category == "netwrok"', 'ticket.kind.upperAscii() == "CHANGE"')).to.deep.equal([]);
  });

  it("is a value that no mapping in use gives", () => {
    const given = new Map([["ticket.category", ["network", "hardware"]]]);
    const text = `- { id: g, why: w, when: 'ticket.category == "netwrok"' }\n`;
    expect(lint({ "config/policy/gates.yaml": text }, given).join()).to.contain(
      'no mapping in use gives ticket.category "netwrok". Did you mean "network"? It is one of: network, hardware.',
    );
  });

  it("is a bound that no value is beyond, written either way round", () => {
    const lines = routing("ticket.priority <= 5", "6 > ticket.priority", "ticket.impact > 3").join("\n");
    expect(lines).to.contain("ticket.priority <= 5 is always true. ticket.priority is one of: 1, 2, 3, 4, 5");
    expect(lines).to.contain("6 > ticket.priority is always true");
    expect(lines).to.contain("ticket.impact > 3 is never true");
    expect(routing("ticket.priority <= 4 || ticket.request.price > 5")).to.deep.equal([]);
  });

  it("is a rule that those above it always decide before", () => {
    const lines = routing(
      'ticket.kind == "change"',
      "ticket.priority == 1",
      'ticket.priority == 1 && ticket.kind == "problem"',
    );
    expect(lines).to.have.length(1);
    expect(lines[0]).to.match(/rules\.2\.when: never decides: "r1" above matches every ticket that this rule does\./);
  });

  it("is a default that is never reached", () => {
    expect(routing("true").join()).to.match(
      /default\.id: never decides: "r0" above matches every ticket\. Narrow "r0"/,
    );
  });

  it("is no rule that is covered where all that match count", () => {
    const gate = (id: string): string => `- { id: ${id}, why: w, when: ticket.priority == 1, then: {} }\n`;
    expect(lint({ "config/policy/gates.yaml": gate("a") + gate("b") })).to.deep.equal([]);
  });

  it("is never about a condition or a file that cannot be read: loading says what is wrong with those", () => {
    expect(routing("ticket.kind ==", "ticket.(")).to.deep.equal([]);
    expect(lint({ "config/policy/routing.yaml": "rules: [" })).to.deep.equal([]);
    expect(lint({ "config/policy/freezes.yaml": "- { id: f, why: w, window: { start: x } }\n" })).to.deep.equal([]);
  });

  it("does not cover by a rule that cannot be read", () => {
    expect(routing("ticket.priority == 1 &&", "ticket.priority == 1")).to.deep.equal([]);
  });

  describe("a window that is over", () => {
    const once = "{ zone: Europe/Berlin, start: 2026-01-01T00:00, end: 2026-01-02T00:00 }";
    const overMs = Date.UTC(2026, 0, 1, 23);

    it("is told from the moment it is over", () => {
      expect(freeze(once, overMs)).to.deep.equal([]);
      expect(freeze(once, overMs + 1).join()).to.contain("0.window: the window was over on 2026-01-01");
    });

    it("is one that comes again and has ended", () => {
      const weekly = (end: string): string =>
        `{ zone: Etc/UTC, start: 2026-01-02T14:00, for: 1h, rrule: FREQ=WEEKLY;BYDAY=FR${end} }`;
      expect(freeze(weekly(";COUNT=2")).join()).to.contain("over on 2026-01-09");
      expect(freeze(weekly(""))).to.deep.equal([]);
    });

    it("is that of a calendar file all of whose events are over", () => {
      const ics = (year: number): Texts => ({
        "config/policy/a.ics": icsOf(`DTSTART;TZID=Etc/UTC:${year}0101T000000\nDTEND;TZID=Etc/UTC:${year}0102T000000`),
      });
      expect(freeze("{ ics: a.ics }", CHECKED_AT_MS, ics(2025)).join()).to.contain("over on 2025-01-02");
      expect(freeze("{ ics: a.ics }", CHECKED_AT_MS, ics(2027))).to.deep.equal([]);
    });
  });

  it("is a known error whose contract is over", () => {
    const until = (day: string): string[] =>
      lint({
        "config/policy/incidents.yaml": `knownErrors:\n  - { id: k, why: w, when: ticket.priority == 1, then: { problem: PRB1, until: ${day} } }\n`,
      });
    expect(until("2026-03-02")).to.deep.equal([]);
    expect(until("2026-03-01").join()).to.contain("knownErrors.0.then.until: the contract was over on 2026-03-01");
  });

  it("is found in two thousand rules in a few seconds", () => {
    const started = performance.now();
    const conditions = Array.from({ length: 2_000 }, (_, at) => `ticket.category == "c${at}" && ticket.priority <= 2`);
    expect(routing(...conditions)).to.deep.equal([]);
    expect(performance.now() - started).to.be.below(15_000);
  });
});
