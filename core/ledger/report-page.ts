import { escaped } from "../backtest/chart.ts";
import { htmlPage } from "../backtest/page.ts";
import type { LedgerReport } from "./report.ts";

type Row = Readonly<Record<string, string | number>>;

/** The lists of a report with their titles, in the order in which an auditor asks. */
export function reportLists(report: LedgerReport): { name: string; title: string; rows: readonly Row[] }[] {
  const rows = (all: readonly object[]): Row[] => all.map((row) => ({ ...row }));
  return [
    { name: "changes", title: "What was changed, and who stands behind it", rows: rows(report.changes) },
    { name: "approvals", title: "Who asked and who approved", rows: rows(report.approvals) },
    { name: "exceptions", title: "Exceptions", rows: rows(report.exceptions) },
    { name: "overrides", title: "Overrides, and changes of what rules", rows: rows(report.overrides) },
    { name: "advice", title: "Models that were asked", rows: rows(report.advice) },
  ];
}

/** A sentence for each figure. */
export function reportFigures(report: LedgerReport): string[] {
  const { changes, approvals, labels } = report;
  const granted = approvals.filter(({ event }) => event === "granted");
  const same = granted.filter(({ differs }) => differs === "no").length;
  const unknown = granted.filter(({ differs }) => differs === "not recorded").length;
  const applied = changes.filter(({ outcome }) => outcome === "applied" || outcome === "found").length;
  return [
    `${report.from} to ${report.to}: ${report.entries} entries, of ${report.dropped} of which the body was dropped.`,
    `${changes.length} writes, ${applied} of them known to have been applied.`,
    `${granted.length} approvals that counted: ${same} by the requester, ${unknown} where the requester is not recorded.`,
    `${report.exceptions.length} exceptions, ${report.overrides.length} overrides and changes of what rules.`,
    `Models: ${labels.right} labels that people kept, ${labels.wrong} that they corrected; ${report.adviceCostMicros} millionths spent.`,
  ];
}

/** One HTML file: no script, nothing loaded from elsewhere, everything escaped. */
export function reportHtml(report: LedgerReport): string {
  const figures = reportFigures(report).map((figure) => `<li>${escaped(figure)}</li>`);
  const lists = reportLists(report).map(({ title, rows }) => `<h2>${escaped(title)}</h2>${table(rows)}`);
  const title = "Ledger report";
  return htmlPage(title, [`<h1>${title}</h1>`, `<ul>${figures.join("")}</ul>`, ...lists]);
}

function table(rows: readonly Row[]): string {
  const [first] = rows;
  if (!first) return "<p>None.</p>";
  const head = Object.keys(first).map((name) => `<th>${escaped(name)}</th>`);
  const lines = rows.map(
    (row) =>
      `<tr>${Object.values(row)
        .map((cell) => `<td>${escaped(String(cell))}</td>`)
        .join("")}</tr>`,
  );
  return `<table><tr>${head.join("")}</tr>${lines.join("")}</table>`;
}

/** A list as CSV (RFC 4180). What a spreadsheet would take for a formula is led by an apostrophe. */
export function listCsv(rows: readonly Row[]): string {
  const [first] = rows;
  if (!first) return "";
  const cell = (value: string | number): string => {
    const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const lines = [Object.keys(first), ...rows.map((row) => Object.values(row))];
  return lines.map((line) => `${line.map(cell).join(",")}\r\n`).join("");
}
