import { expect } from "chai";
import { escaped } from "../../../core/backtest/chart.ts";
import { htmlReport } from "../../../core/backtest/html.ts";
import { percent, reportLines, reportNotes } from "../../../core/backtest/lines.ts";
import { CSV_HEAD, csvCell, csvLines } from "../../../core/backtest/table.ts";
import { incidents, policyOf, replayed, routing } from "./rig.ts";

const HOSTILE = `<script>alert("1")</script>`;

async function example() {
  const history = incidents();
  const policies = [
    policyOf(history, {}, "now"),
    policyOf(history, { routing: routing(["two", "ticket.priority == 2", "'=Two'"]) }, HOSTILE),
  ];
  const opened = "1/3/2016 08:00";
  const rows = [
    ["a", "New", "2", "7", "70", opened, "1/3/2016 08:10"],
    ["a", "Closed", "2", "7", "2", opened, "1/3/2016 09:10"],
    ["b", HOSTILE, "2", "7", "2", opened, "1/3/2016 09:10"],
  ];
  return { ...(await replayed(history, rows, policies)), policies };
}

describe("the reports of a backtest", () => {
  it("set every figure beside what was", async () => {
    const { report } = await example();
    const lines = reportLines(report);
    expect(lines[0]).to.deep.equal({
      label: "Group decided is the one that resolved",
      before: "0.0 % (0)",
      values: ["0.0 % (0)", "0.0 % (0)"],
    });
    expect(lines[1]?.values).to.deep.equal(["0", "1"]);
    expect(lines.find(({ label }) => label.startsWith("AI calls"))?.values).to.deep.equal([
      "0, AI is off here",
      "0, AI is off here",
    ]);
    const notes = reportNotes(report).join("\n");
    expect(notes).to.include("send 1 tickets to different groups");
    expect(notes).to.include("1 states could not be read and were passed over: status: <script>");
  });

  it("write no share of nothing", () => {
    expect([percent(0, 0), percent(1, 8)]).to.deep.equal(["–", "12.5 %"]);
  });

  it("are one HTML file with drawn charts, where nothing that came from a file is markup", async () => {
    const { report } = await example();
    const html = htmlReport(report, HOSTILE);
    expect(html).to.not.match(/<script|javascript:|https?:\/\/|\bon\w+=/i);
    expect(html).to.include(`default-src 'none'`);
    expect(html.split(escaped(HOSTILE)).length).to.be.above(4);
    expect(html.match(/<svg /g)?.length).to.be.at.least(1);
    expect(html).to.include("under &lt;script&gt;");
  });

  it("write a line for each ticket and policy, with no cell that a spreadsheet would run", async () => {
    const { tickets, policies } = await example();
    const columns = CSV_HEAD.trim().split(",");
    const [ticket] = tickets;
    if (!ticket) throw new Error("one ticket was replayed");
    const [first, second, ...more] = csvLines(ticket, policies).trim().split("\r\n");
    expect(more).to.deep.equal([]);
    expect(first).to.equal(
      "a,2016-03-01T07:00:00.000Z,Group 70,Group 2,now,leave-it,act,Group 70,false,false,false,,,,,",
    );
    expect(second).to.include(`"<script>alert(""1"")</script>",two,act,'=Two,true,false,false`);
    expect(first?.split(",")).to.have.length(columns.length);
    for (const text of ["=1", "+1", "-1", "@a", "\ta"]) expect(csvCell(text)[0]).to.equal("'");
    expect(csvCell('a,"b"')).to.equal('"a,""b"""');
  });
});
