import { expect } from "chai";
import { diskFiles } from "../../../cli/system.ts";
import { historyNames, loadHistory, rowReader } from "../../../core/backtest/history.ts";
import { runMappingTests } from "../../../core/mapping/run-tests.ts";
import { renderProblem } from "../../../core/problem.ts";
import { filesOf, HEADER, incidents, shipped } from "./rig.ts";

describe("a file of history", () => {
  const read = rowReader(incidents(), HEADER);
  const at = (hour: string): string => {
    const reading = read(["a", "New", "1", "c", "?", hour, hour]);
    return "state" in reading ? reading.state.ticket.createdAt : reading.unreadable;
  };

  it("gives codes their word, empties what means nothing, and reads hours on the clock of its zone", () => {
    const reading = read(["a", "Active", "2", "?", "70", "1/7/2016 08:00", "2/7/2016 09:30"]);
    if (!("state" in reading)) throw new Error(reading.unreadable);
    const { id, atMs, ticket } = reading.state;
    expect([id, atMs]).to.deep.equal(["a", Date.parse("2016-07-02T07:30:00Z")]);
    expect(ticket.ref).to.deep.equal({ connection: "history", type: "small", id: "a", key: "a" });
    expect([ticket.status, ticket.priority, ticket.category, ticket.assignmentGroup, ticket.createdAt]).to.deep.equal([
      "in_progress",
      2,
      "",
      "Group 70",
      "2016-07-01T06:00:00.000Z",
    ]);
  });

  it("takes no date for another", () => {
    expect(at("29/2/2016 01:16")).to.equal("2016-02-29T00:16:00.000Z");
    const no = "createdAt: not a date with a known zone, updatedAt: not a date with a known zone";
    for (const hour of ["29/2/2017 01:16", "13/13/2016 01:16", "1/1/2016 25:00", "soon"])
      expect(at(hour), hour).to.equal(no);
  });

  it("refuses a header that lacks a column, and names what it has", () => {
    const without = HEADER.filter((column) => column !== "state");
    expect(() => rowReader(incidents(), without)).to.throw(
      /^the history lacks the columns state that small\.yaml reads; it has number, priority/,
    );
  });

  it("names the other files where one is not there", () => {
    const loaded = loadHistory(filesOf({ "m/history/a.yaml": "", "m/history/a.test.yaml": "" }), "m", "b");
    expect("problems" in loaded && loaded.problems.map(renderProblem)).to.deep.equal([
      "m/history/b.yaml: the file is not there. Create it (docs/backtest.md shows how), or name one of: a.",
    ]);
  });

  it("says what is wrong with its description, with the place", () => {
    const text =
      "csv: { id: number, dates: { columns: [at], order: d/m/y, zone: Berlin } }\nvendor: servicenow\nkind: incident\nfields: {}\n";
    const loaded = loadHistory(filesOf({ "m/history/b.yaml": text }), "m", "b");
    const problems = "problems" in loaded ? loaded.problems.map(renderProblem) : [];
    expect(
      problems.some((line) => /^m\/history\/b\.yaml:1:\d+ csv\.dates\.zone: .*not a time zone/.test(line)),
    ).to.equal(true);
  });
});

describe("the shipped histories", () => {
  it("are the public log's", () => {
    expect(historyNames(diskFiles, "mappings")).to.deep.equal(["uci"]);
  });

  it("map as their tests say", () => {
    const { mapping } = shipped("uci");
    const run = runMappingTests(diskFiles, "mappings/history", new Map([["uci", mapping]]));
    expect(run.problems.map(renderProblem)).to.deep.equal([]);
    expect(run.passed).to.equal(3);
  });

  it("read no column that tells the outcome", () => {
    const { mapping } = shipped("uci");
    for (const column of mapping.reads) expect(column).to.not.match(/^(made_sla|closed_|resolved_)/);
  });
});
