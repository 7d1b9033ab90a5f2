import { expect } from "chai";
import { parse } from "csv-parse/sync";
import { escaped } from "../../../core/backtest/chart.ts";
import { cmdbCsv, cmdbHtml, remedy, summary } from "../../../core/cmdb/pages.ts";
import { QUALITY_REASONS } from "../../../core/cmdb/quality.ts";
import { cmdbReport, type NamedItem, REMEDIES } from "../../../core/cmdb/report.ts";
import { DAY_MS, NOW_MS, WELL_KEPT } from "./conditions.ts";

const HOSTILE = `<script>alert("1")</script>`;
const BASIS = {
  connection: "snow",
  sinceMs: NOW_MS - 90 * DAY_MS,
  nowMs: NOW_MS,
  tickets: 17,
  itemsNamed: 4,
  cut: false,
};

const item = (id: string, tickets: number, patch = {}, services = ["Shop"]): NamedItem => ({
  ...{ id, tickets },
  known: { name: `item ${id}`, className: "cmdb_ci_server", services, condition: { ...WELL_KEPT, ...patch } },
});
const NAMED = [
  item("kept", 8),
  item("loose", 2, { hasRelation: false, hasOwner: false }, ["Shop", "Bank"]),
  item("old", 6, { updatedAtMs: 0 }, []),
  { id: "gone", tickets: 1, known: undefined },
];

describe("the report on a CMDB", () => {
  it("puts those first that most is lost by over all their tickets", () => {
    const { items } = cmdbReport(NAMED, BASIS);
    expect(items.map(({ id, score, tickets }) => [id, score, tickets])).to.deep.equal([
      ["gone", 0, 1],
      ["old", 85, 6],
      ["loose", 70, 2],
      ["kept", 100, 8],
    ]);
  });

  it("weighs means by tickets, the lowest service first, and counts an item in each of its services", () => {
    const { score, services, reasons } = cmdbReport(NAMED, BASIS);
    expect(score).to.equal(Math.round((8 * 100 + 2 * 70 + 6 * 85) / 17));
    expect(services).to.deep.equal([
      { service: "Bank", items: 1, tickets: 2, score: 70 },
      { service: "(no service)", items: 2, tickets: 7, score: 73 },
      { service: "Shop", items: 2, tickets: 10, score: 94 },
    ]);
    expect(reasons).to.deep.equal({ missing: 1, no_owner: 1, stale: 1, no_relation: 1 });
  });

  it("says what was left out", () => {
    const notes = (patch: object) => cmdbReport(NAMED, { ...BASIS, ...patch }).notes.join("\n");
    expect(notes({})).to.not.match(/--limit|too low/);
    expect(notes({ itemsNamed: 9 })).to.include("Of 9 items the 4 that most tickets named are looked at");
    expect(notes({ cut: true })).to.include("too low");
  });

  it("of nothing has no score", () => {
    const report = cmdbReport([], { ...BASIS, tickets: 0, itemsNamed: 0 });
    expect(report.score).to.equal(null);
    expect(summary(report)).to.equal("No ticket named an item.");
    expect(cmdbHtml(report)).to.include("No ticket named an item.");
  });

  it("says of every reason what to do", () => {
    for (const reason of [...QUALITY_REASONS, "missing"] as const) expect(remedy([reason])).to.equal(REMEDIES[reason]);
    expect(remedy([])).to.equal("");
  });

  it("is a CSV file with no cell that a spreadsheet would run", () => {
    const named = { ...item("x", 1, {}, [`@SUM(1),"2"`]) };
    const known = named.known && { ...named.known, name: "=HYPERLINK(1)", className: "-1" };
    const csv = cmdbCsv(cmdbReport([{ ...named, known }], BASIS));
    const rows: string[][] = parse(csv);
    expect(rows).to.deep.equal([
      ["item", "name", "class", "score", "reasons", "tickets", "services", "what_to_do"],
      ["x", "'=HYPERLINK(1)", "'-1", "100", "", "1", `'@SUM(1),"2"`, ""],
    ]);
  });

  it("is an HTML file with drawn charts, where no name is markup", () => {
    const known = item("x", 1, { hasOwner: false }, [HOSTILE]).known;
    const html = cmdbHtml(
      cmdbReport([{ id: "x", tickets: 1, known: known && { ...known, name: HOSTILE } }], {
        ...BASIS,
        connection: HOSTILE,
      }),
    );
    expect(html).to.not.match(/<script|javascript:|https?:\/\/|\bon\w+=/i);
    expect(html).to.include(`default-src 'none'`);
    expect(html.split(escaped(HOSTILE)).length).to.be.above(4);
    expect(html.match(/<svg /g)).to.have.length(2);
    expect(html).to.include("say who owns or manages it");
  });
});
