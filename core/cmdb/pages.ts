import { barChart, escaped } from "../backtest/chart.ts";
import { whole } from "../backtest/lines.ts";
import { htmlPage } from "../backtest/page.ts";
import { csvCell } from "../backtest/table.ts";
import { type CmdbReport, type ItemLine, REMEDIES } from "./report.ts";

/** Bars that are drawn of each chart. */
const SHOWN_MAX = 20;
const HEAD = ["item", "name", "class", "score", "reasons", "tickets", "services", "what_to_do"];

/** A CSV file with a line for each item. Names of items and services, no ticket text. */
export function cmdbCsv({ items }: CmdbReport): string {
  const lines = items.map(({ id, name, className, score, reasons, tickets, services }) =>
    [id, name, className, String(score), reasons.join(" "), String(tickets), services.join("; "), remedy(reasons)]
      .map(csvCell)
      .join(","),
  );
  return [HEAD.join(","), ...lines].map((line) => `${line}\r\n`).join("");
}

/** The report as one HTML file: tables and drawn charts, no script, nothing loaded from elsewhere, everything escaped. */
export function cmdbHtml(report: CmdbReport): string {
  const { connection, since, items, services, reasons } = report;
  const title = `CMDB quality of ${connection} since ${since.slice(0, 10)}`;
  const worst = services.slice(0, SHOWN_MAX);
  const most = Math.max(1, ...Object.values(reasons));
  const wrong = Object.entries(reasons).sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return htmlPage(title, [
    `<h1>${escaped(title)}</h1>`,
    `<ul>${[summary(report), ...report.notes].map((note) => `<li>${escaped(note)}</li>`).join("")}</ul>`,
    barChart(
      `Score by service${services.length > SHOWN_MAX ? ` (the ${SHOWN_MAX} lowest of ${services.length})` : ""}`,
      worst.map(({ service, score }) => ({ label: service, value: String(score), share: score / 100 })),
    ),
    barChart(
      "What is wrong, by items",
      wrong.map(([reason, count]) => ({ label: reason, value: whole(count), share: count / most })),
    ),
    "<h2>Services</h2>",
    table(
      ["service", "items", "tickets", "score"],
      services.map((line) => [line.service, whole(line.items), whole(line.tickets), String(line.score)]),
    ),
    "<h2>Items</h2>",
    table(
      ["item", "score", "tickets", "reasons", "what to do"],
      items.map((item) => [
        nameOf(item),
        String(item.score),
        whole(item.tickets),
        item.reasons.join(", "),
        remedy(item.reasons),
      ]),
    ),
  ]);
}

/** What a report comes to, in a sentence. */
export function summary({ tickets, itemsNamed, items, score }: CmdbReport): string {
  if (score === null) return "No ticket named an item.";
  return `${whole(tickets)} tickets named ${whole(itemsNamed)} items; the ${whole(items.length)} looked at score ${score} of 100.`;
}

/** What an item is called, by its id where it has no name. */
export function nameOf({ name, id }: Pick<ItemLine, "name" | "id">): string {
  return name === "" ? id : name;
}

/** What to do about an item, the weightiest first. */
export function remedy(reasons: ItemLine["reasons"]): string {
  return reasons.map((reason) => REMEDIES[reason]).join("; ");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: string, texts: readonly string[]): string =>
    `<tr>${texts.map((text) => `<${tag}>${escaped(text)}</${tag}>`).join("")}</tr>`;
  return `<table>${cells("th", head)}${rows.map((row) => cells("td", row)).join("")}</table>`;
}
