import type { Report } from "./backtest.ts";
import { type Bar, barChart, escaped } from "./chart.ts";
import type { Figures } from "./figures.ts";
import { percent, reportLines, reportNotes, whole } from "./lines.ts";
import { htmlPage } from "./page.ts";

/** Rules, gates and steps that are shown of each policy; the CSV file has all. */
const SHOWN_MAX = 20;

/**
 * The report as one HTML file: tables and drawn charts, no script, nothing loaded from elsewhere. Everything that comes
 * from a file is escaped.
 */
export function htmlReport(report: Report, title: string): string {
  const body = [
    `<h1>${escaped(title)}</h1>`,
    `<ul>${reportNotes(report)
      .map((note) => `<li>${escaped(note)}</li>`)
      .join("")}</ul>`,
    agreementChart(report),
    comparison(report),
    ...report.policies.map(policySection),
  ];
  return htmlPage(title, body);
}

function agreementChart({ history, policies }: Report): string {
  const bar = (label: string, agree: number, faint: boolean): Bar => ({
    label,
    value: percent(agree, history.known),
    share: history.known === 0 ? 0 : agree / history.known,
    faint,
  });
  return barChart("Tickets whose first group is the one that resolved them", [
    bar("as it was", history.agreeBefore, true),
    ...policies.map(({ name, agree }) => bar(`under ${name}`, agree, false)),
  ]);
}

function comparison(report: Report): string {
  const cell = (text: string): string => `<td>${escaped(text)}</td>`;
  const head = ["", "as it was", ...report.policies.map(({ name, version }) => `${name} (${version})`)];
  const rows = reportLines(report).map(({ label, before, values }) => {
    const sub = label.startsWith(" ") ? ' class="sub"' : "";
    return `<tr><td${sub}>${escaped(label.trim())}</td>${[before, ...values].map(cell).join("")}</tr>`;
  });
  const names = head.map((text) => `<th>${escaped(text)}</th>`).join("");
  return `<h2>Side by side</h2><table><tr>${names}</tr>${rows.join("")}</table>`;
}

function policySection(figures: Figures): string {
  const { name, sla, rules, gates, freezes, escalations } = figures;
  const misses = [
    ["told by 50 %", sla.told50],
    ["told by 75 %", sla.told75],
    ["told by 100 %", sla.told100],
  ] as const;
  const charts = [
    sla.missed === 0
      ? "<p>No SLA clock missed its target.</p>"
      : barChart(
          `${whole(sla.missed)} missed SLA clocks: when people had been told`,
          misses.map(([label, count]) => ({
            label,
            value: `${whole(count)} (${percent(count, sla.missed)})`,
            share: count / sla.missed,
          })),
        ),
    counted("Gates asked, by rule", gates.byRule),
    counted("Freezes hit, by rule", freezes.byRule),
    counted("Escalations, by clock and step", escalations.byStep),
  ];
  const rows = rules.slice(0, SHOWN_MAX).map(({ rule, tickets, known, agree }) => {
    const cells = [rule, whole(tickets), whole(known), percent(agree, known)];
    return `<tr>${cells.map((text) => `<td>${escaped(text)}</td>`).join("")}</tr>`;
  });
  const more =
    rules.length > SHOWN_MAX ? `<p>${whole(rules.length - SHOWN_MAX)} more rules decided fewer tickets.</p>` : "";
  const head =
    "<tr><th>routing rule</th><th>tickets</th><th>resolving group known</th><th>decided group resolved it</th></tr>";
  return `<h2>${escaped(name)}</h2>${charts.join("")}<table>${head}${rows.join("")}</table>${more}`;
}

function counted(title: string, counts: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(counts).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const most = sorted[0]?.[1];
  if (most === undefined) return `<p>${escaped(title)}: none.</p>`;
  const left = sorted.length > SHOWN_MAX ? ` (the first ${SHOWN_MAX} of ${sorted.length})` : "";
  const bars = sorted
    .slice(0, SHOWN_MAX)
    .map(([label, count]) => ({ label, value: whole(count), share: count / most }));
  return barChart(`${title}${left}`, bars);
}
