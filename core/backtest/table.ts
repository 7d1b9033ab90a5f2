import { instant } from "../clock.ts";
import type { NamedPolicy, Replayed } from "./backtest.ts";
import { decidedGroup } from "./figures.ts";

const HEAD = [
  "ticket",
  "opened",
  "first_group",
  "resolved_by_group",
  "policy",
  "rule",
  "mode",
  "decided_group",
  "routed_differently",
  "agreed_before",
  "agrees_after",
  "gates",
  "holds",
  "freezes",
  "escalations",
  "clocks_missed",
];

/** The lines of a CSV file: for each ticket one line for each policy. References and names, no ticket text. */
export function* csvLines(tickets: readonly Replayed[], policies: readonly NamedPolicy[]): Generator<string> {
  yield `${HEAD.join(",")}\r\n`;
  for (const { course, findings } of tickets) {
    const { id, openedMs, firstGroup, finalGroup } = course;
    for (const [at, each] of findings.entries()) {
      const decided = decidedGroup(course, each);
      const agrees = (group: string): string => (finalGroup === undefined ? "" : String(group === finalGroup));
      const missed = [...each.clocks].filter(([, { missed }]) => missed).map(([clock]) => clock);
      const cells = [
        id,
        instant(openedMs),
        firstGroup,
        finalGroup ?? "",
        policies[at]?.name ?? "",
        each.rule,
        each.mode,
        decided,
        String(decided !== firstGroup),
        agrees(firstGroup),
        agrees(decided),
        [...each.gates.keys()].join(" "),
        [...each.holds].join(" "),
        [...each.freezes].join(" "),
        each.steps.join(" "),
        missed.join(" "),
      ];
      yield `${cells.map(csvCell).join(",")}\r\n`;
    }
  }
}

/** One cell. A spreadsheet would run what begins like a formula, so that gets an apostrophe. */
export function csvCell(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
