import { instant } from "../clock.ts";
import type { NamedPolicy, Replayed } from "./backtest.ts";
import { type Course, decidedGroup } from "./figures.ts";
import type { Findings } from "./replay.ts";

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

/** The first line of a CSV file of tickets. */
export const CSV_HEAD = `${HEAD.join(",")}\r\n`;

/** The lines of one ticket in a CSV file: one for each policy. References and names, no ticket text. */
export function csvLines({ course, findings }: Replayed, policies: readonly Pick<NamedPolicy, "name">[]): string {
  return findings.map((each, at) => line(course, each, policies[at]?.name ?? "")).join("");
}

function line(course: Course, findings: Findings, policy: string): string {
  const { id, openedMs, firstGroup, finalGroup } = course;
  const { rule, mode, gates, holds, freezes, steps, clocks } = findings;
  const decided = decidedGroup(course, findings);
  const agrees = (group: string): string => (finalGroup === undefined ? "" : String(group === finalGroup));
  const missed = [...clocks].filter(([, { missed }]) => missed).map(([clock]) => clock);
  const cells = [
    id,
    instant(openedMs),
    firstGroup,
    finalGroup ?? "",
    policy,
    rule,
    mode,
    decided,
    String(decided !== firstGroup),
    agrees(firstGroup),
    agrees(decided),
    [...gates.keys()].join(" "),
    [...holds].join(" "),
    [...freezes].join(" "),
    steps.join(" "),
    missed.join(" "),
  ];
  return `${cells.map(csvCell).join(",")}\r\n`;
}

/** One cell. A spreadsheet would run what begins like a formula, so that gets an apostrophe. */
export function csvCell(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
